"""A folder of single photos, searched recursively: each photo is a subject without labels.

A photo should show one face, brows to chin or head to neck; its largest central square is used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from tfrelight import files
from tfrelight.data import images, portrait
from tfrelight.data.datasets.reader import Reader
from tfrelight.errors import InputError
from tfrelight.files import printable

__all__ = ["PhotoFolderReader"]


class PhotoFolderReader(Reader):
    """A folder of single photos; a unit is a file's path within it."""

    name = "photo_folder"
    title = "the folder of photos"
    version = 1
    splits = ("train",)
    multilit = False

    def _folders(self):
        for folder, folders, names in os.walk(self.data_dir):
            folders.sort()
            yield folder, sorted(names)

    def units(self, split: str) -> Iterator[str]:
        """See `Reader`."""
        found = False
        for folder, names in self._folders():
            for name in names:
                if name.lower().endswith(images.SUFFIXES):
                    found = True
                    yield os.path.relpath(os.path.join(folder, name), self.data_dir)
        if not found:
            raise InputError(
                f"No photo in {self.data_dir}. Expected files that end in "
                f"{', '.join(images.SUFFIXES)}."
            )

    def person(self, unit: str) -> str:
        """See `Reader`; every photo counts as a person of its own."""
        return printable(unit)

    def stamp(self) -> Any:
        """See `Reader`."""
        return files.stamp(map(self.data_dir.joinpath, self.units("train")), self.data_dir)

    def read(self, unit: str, problems: list[str]) -> list[dict[str, Any]]:
        """See `Reader`."""
        photo = images.exposed(images.read_linear(self.data_dir / unit)[None])
        square = images.resize(photo[0], self.size, images.central_square(photo[0].shape))
        return [portrait.unlabelled(self.person(unit), images.encode(square)[None])]
