"""Folders of numbered versions."""

from pathlib import Path

__all__ = ["versions"]

# TensorFlow Serving's versions are int64.
_LARGEST = 2**63 - 1


def versions(folder):
    """The versions in a folder: dict of number to path; nothing else in it counts.

    A name may have leading zeros, as in TensorFlow Serving.
    """
    found = {
        int(path.name): path
        for path in sorted(Path(folder).iterdir())
        if path.name.isascii() and path.name.isdecimal() and path.is_dir()
    }
    return {number: path for number, path in found.items() if number <= _LARGEST}
