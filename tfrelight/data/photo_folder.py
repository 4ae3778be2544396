"""Any folder of single photos, in folders within it too: each its own subject, without labels.

A photo should show one face, brows to chin or head to neck; its largest central square is used.
"""

from __future__ import annotations

import os

from tfrelight.data import images, portrait
from tfrelight.data.reader import Reader
from tfrelight.errors import InputError
from tfrelight.files import printable

__all__ = ["PhotoFolder"]


class PhotoFolder(Reader):
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

    def units(self, split):
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

    def person(self, unit):
        """See `Reader`; every photo is a person of its own."""
        return printable(unit)

    def stamp(self):
        """See `Reader`."""
        return [
            (printable(os.path.relpath(folder, self.data_dir)), os.stat(folder).st_mtime_ns)
            for folder, _ in self._folders()
        ]

    def read(self, unit, problems):
        """See `Reader`."""
        photo = images.exposed(images.read_linear(self.data_dir / unit)[None])
        square = images.resize(photo[0], self.size, images.central_square(photo[0].shape))
        return [portrait.unlabelled(self.person(unit), images.encode(square)[None])]
