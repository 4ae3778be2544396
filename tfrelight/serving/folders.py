"""Folders of numbered versions."""

from __future__ import annotations

from pathlib import Path

__all__ = ["versions"]

# TensorFlow Serving's version numbers are int64.
_LARGEST = 2**63 - 1


def versions(folder: Path | str) -> dict[int, Path]:
    """The versions in a folder: number to path.

    Folders with other names, and files, are ignored. A name may have leading zeros, as in
    TensorFlow Serving.

    Raises:
      OSError: the folder cannot be read.
    """
    found = {
        int(path.name): path
        for path in sorted(Path(folder).iterdir())
        if path.name.isascii() and path.name.isdecimal() and path.is_dir()
    }
    return {number: path for number, path in found.items() if number <= _LARGEST}
