"""Folders of numbered versions."""

from pathlib import Path

__all__ = ["numbers"]


def numbers(folder):
    """The numbers of the versions in a folder, ascending; nothing else in it counts."""
    return sorted(
        int(path.name)
        for path in Path(folder).iterdir()
        if path.name.isascii() and path.name.isdecimal() and path.is_dir()
    )
