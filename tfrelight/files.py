"""Atomic writing: a file is complete or absent. Text of any program, and stamps of files."""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tfrelight.errors import InputError

__all__ = [
    "check_folder",
    "check_new",
    "printable",
    "read_text",
    "replacing",
    "stamp",
    "write_json",
    "write_text",
]


def printable(name: Path | str | bytes) -> str:
    """A file's name as valid Unicode: bytes that are not UTF-8 become U+FFFD."""
    return os.fsencode(name).decode("utf-8", "replace")


@contextlib.contextmanager
def replacing(path: Path | str, suffix: str = ".part") -> Iterator[Path]:
    """Yields a temporary path to write to, which replaces `path` at the end.

    If the block raises, the temporary file is removed and `path` stays as it was.

    Args:
      path: of the file to write.
      suffix: of the temporary file's name, for writers that insist on one.
    """
    path = Path(path)
    # A unique name: two processes that write the same file do not share a temporary one.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}{suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_new(path: Path | str, overwrite: bool = False) -> None:
    """Checks that a file can be written, before the work that makes its contents.

    Raises:
      InputError: the folder does not exist or is not writable, `path` is a folder, or the file
        exists and `overwrite` is False.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"Cannot write {path}: there is no folder {path.parent}.")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"Cannot write {path}: the folder {path.parent} is not writable.")
    if path.is_dir():
        raise InputError(f"Cannot write {path}: it is a folder.")
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists. Choose another name, or pass `overwrite=True`.")


def check_folder(path: Path | str) -> None:
    """Checks that files can be written to a folder, which need not exist yet.

    Raises:
      InputError: it or the folder in which it would be made is a file or not writable.
    """
    path = Path(path)
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not there.is_dir():
        raise InputError(f"Cannot write to {path}: {there} is not a folder.")
    if not os.access(there, os.W_OK):
        raise InputError(f"Cannot write to {path}: the folder {there} is not writable.")


def read_text(path: Path | str) -> str:
    """The text of a file in UTF-8 or, with a byte order mark, as Windows writes it, UTF-16.

    The mark is left out, line ends become `\\n`, and bytes that are no text become U+FFFD.
    """
    data = Path(path).read_bytes()
    utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = data.decode("utf-16" if utf_16 else "utf-8-sig", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def stamp(paths: Iterable[Path | str], folder: Path | str) -> str:
    """A digest of files' names, sizes and times of change, which is another after any edit.

    Args:
      paths: of the files, in any order.
      folder: to which the names are relative, so that it can be moved.
    """
    lines = []
    for path in paths:
        status = os.stat(path)
        name = os.fsencode(os.path.relpath(path, folder))
        lines.append(b"%d %d %s" % (status.st_size, status.st_mtime_ns, name))
    return hashlib.sha256(b"\0".join(sorted(lines))).hexdigest()[:16]


def write_text(path: Path | str, text: str) -> None:
    """Writes a UTF-8 text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path | str, value: Any, **kwargs: Any) -> None:
    """Writes JSON (`json.dumps` with `kwargs`) and a final newline atomically."""
    write_text(path, json.dumps(value, indent=2, **kwargs) + "\n")
