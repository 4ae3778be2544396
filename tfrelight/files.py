"""Files that are there whole or not at all."""

import contextlib
import json
import os
import uuid
from pathlib import Path

from tfrelight.errors import InputError

__all__ = ["check_new", "printable", "replacing", "write_json", "write_text"]


def printable(name):
    """A file's name as valid Unicode: bytes in it that are no UTF-8 become U+FFFD."""
    return os.fsencode(name).decode("utf-8", "replace")


@contextlib.contextmanager
def replacing(path, suffix=".part"):
    """A path beside `path` to write to; it takes `path`'s place at the end, or is removed.

    Args:
      path: of the file to be.
      suffix: of the name to write to, for writers that insist on one.
    """
    path = Path(path)
    # A name of its own: whoever else writes the same file does not write into this one.
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}{suffix}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def check_new(path, overwrite=False):
    """Checks that a file can be written, before the work that gives its contents.

    Raises:
      InputError: its folder is not there or closed, or the file is there and `overwrite` is not
        set.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"Cannot write {path}: there is no folder {path.parent}.")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"Cannot write {path}: the folder {path.parent} may not be written to.")
    if path.is_dir():
        raise InputError(f"Cannot write {path}: it is a folder.")
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists. Choose another name, or say overwrite.")


def write_text(path, text):
    """Writes a text file whole or not at all."""
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path, value, **kwargs):
    """Writes JSON (`json.dumps`) with a newline at its end, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, **kwargs) + "\n")
