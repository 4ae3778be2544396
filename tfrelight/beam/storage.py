"""A job's files, local or in a bucket, through Apache Beam's file systems.

Paths are what Beam's file systems accept: local ones, gs://bucket/..., s3://bucket/...
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tfrelight import files
from tfrelight.errors import InputError

if TYPE_CHECKING:
    from apache_beam.io.filesystem import FileMetadata

__all__ = [
    "exists",
    "input_errors",
    "is_below",
    "is_full",
    "is_local",
    "join",
    "last_updated",
    "matches",
    "normalized",
    "read",
    "remove_partial_files",
    "write",
]


def is_local(path: str) -> bool:
    """Whether a path is on this machine, not gs://... or s3://..."""
    return "://" not in path


def normalized(path: str) -> str:
    """A path or pattern as Beam returns it: without `./` and the like, as far as Beam allows.

    Beam lists the folder that a pattern begins with. For `*.jpg` that would be the folder "", which
    does not exist, so it becomes `./*.jpg`.
    """
    if not is_local(path):
        return path
    path = os.path.normpath(path)
    fixed = re.split(r"[*?\[]", path)[0]
    return f"./{path}" if fixed != path and "/" not in fixed else path


def is_below(path: str, folder: str) -> bool:
    """Whether a file is in a folder or below it."""
    if is_local(path) != is_local(folder):
        return False
    if is_local(path):
        path, folder = os.path.abspath(path), os.path.abspath(folder)
    return path.startswith(join(folder, ""))


def _systems():
    from apache_beam.io.filesystems import FileSystems

    return FileSystems


def join(folder: str, *names: str) -> str:
    """The path of a file below a folder."""
    return _systems().join(folder, *names)


def exists(path: str) -> bool:
    """Whether a file exists."""
    return _systems().exists(path)


def last_updated(path: str) -> float:
    """When a file was written, in seconds since the epoch."""
    return _systems().last_updated(path)


def matches(pattern: str) -> list[FileMetadata]:
    """The files that match a pattern: `path`, `last_updated_in_seconds`."""
    (match,) = _systems().match([pattern])
    return match.metadata_list


def read(path: str) -> bytes:
    """The contents of a file, as stored."""
    from apache_beam.io.filesystem import CompressionTypes

    with _systems().open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return file.read()


def write(path: str, data: bytes) -> None:
    """Writes a file completely or not at all. Creates the folders above it."""
    from apache_beam.io.filesystem import CompressionTypes

    if is_local(path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(path) as aside:
            aside.write_bytes(data)
        return
    # An object in a bucket appears when it is closed.
    with _systems().create(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        file.write(data)


def remove_partial_files(folder: str) -> None:
    """Removes the files left below a folder by processes that were killed in `write`."""
    if is_local(folder):
        for part in Path(folder).rglob(".*.part"):
            part.unlink()


@contextlib.contextmanager
def input_errors(path: str) -> Iterator[None]:
    """Reports a file system's errors inside the block as one line about a path.

    Raises:
      InputError: in place of an OSError or an error of Beam's.
    """
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError) as error:
        # Beam raises OSErrors without a number, and ValueErrors for unknown schemes.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        advice = " Make room, and repeat the command; finished work is kept."
        raise InputError(
            f"Cannot use {path}: {reason}.{advice if is_full(error) else ''}"
        ) from error


def is_full(error: Exception) -> bool:
    """Whether an error says that a disk, or the user's share of one, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
