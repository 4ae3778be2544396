"""The photos in folders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tfrelight.errors import InputError
from tfrelight.photos import formats

__all__ = ["ENDINGS", "expanded"]

# By which a folder's photos are told from its other files.
ENDINGS = (
    *formats.ENDINGS,
    *(".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".pgm", ".ppm"),
)


def expanded(names: Iterable[str]) -> list[str]:
    """Replaces each folder by the photos in it, sorted by name; folders in it are left out.

    A photo is a file with one of `ENDINGS`, in capitals or not, whose name begins with no dot.

    Args:
      names: files of any ending, which may be missing, and folders.

    Raises:
      InputError: a folder holds no photo, or cannot be read.
    """
    found: list[str] = []
    for name in names:
        path = Path(name)
        if not path.is_dir():
            found.append(name)
            continue
        try:
            inside = sorted(file for file in path.iterdir() if _is_photo(file))
        except OSError as error:
            raise InputError(f"Cannot read the folder {name}: {error.strerror}.") from error
        if not inside:
            raise InputError(
                f"No photos in the folder {name}. Expected files that end in {', '.join(ENDINGS)}."
            )
        found += map(str, inside)
    return found


def _is_photo(file):
    hidden = file.name.startswith(".")
    return not hidden and file.suffix.lower() in ENDINGS and file.is_file()
