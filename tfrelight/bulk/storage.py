"""Files of a job, local or in a bucket, through Apache Beam's file systems."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tfrelight import files
from tfrelight.errors import InputError

__all__ = [
    "exists",
    "is_local",
    "join",
    "last_updated",
    "matching",
    "normal",
    "read",
    "refused",
    "sweep",
    "write",
]


def is_local(path: str) -> bool:
    """Whether a path is one of this machine's, not gs://... or s3://..."""
    return "://" not in path


def normal(path: str) -> str:
    """A path as Beam gives it back: without `./` and the like."""
    return os.path.normpath(path) if is_local(path) else path


def _systems():
    from apache_beam.io.filesystems import FileSystems

    return FileSystems


def join(folder: str, *names: str) -> str:
    """The path of a file below a folder."""
    return _systems().join(folder, *names)


def exists(path: str) -> bool:
    """Whether there is such a file."""
    return _systems().exists(path)


def last_updated(path: str) -> float:
    """When a file was written, in seconds."""
    return _systems().last_updated(path)


def matching(pattern: str) -> list[str]:
    """The files of a pattern."""
    (found,) = _systems().match([pattern])
    return [one.path for one in found.metadata_list]


def read(path: str) -> bytes:
    """The content of a file, as it is stored."""
    from apache_beam.io.filesystem import CompressionTypes

    with _systems().open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return file.read()


def write(path: str, data: bytes):
    """Writes a file whole or not at all, and the folders above it."""
    from apache_beam.io.filesystem import CompressionTypes

    if is_local(path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(path) as aside:
            aside.write_bytes(data)
        return
    # An object of a bucket is there once it is closed.
    with _systems().create(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        file.write(data)


def sweep(folder: str):
    """Removes what processes left in a folder that were killed in `write`."""
    if is_local(folder):
        for part in Path(folder).rglob(".*.part"):
            part.unlink()


@contextlib.contextmanager
def refused(path: str):
    """Turns what a file system refuses inside the block into one line for people.

    Raises:
      InputError: in place of an OSError or of what Beam raises.
    """
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError) as error:
        # Beam's own is an OSError without a number; a scheme that it does not know is a ValueError.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"Cannot use {path}: {reason}.") from error
