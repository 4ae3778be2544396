"""CelebA: 202,599 single photos of celebrities, aligned and cropped.

Reads the original layout: the folder `img_align_celeba` (178x218 JPEG), `list_eval_partition.txt`
(the split), `list_landmarks_align_celeba.txt` (by which the face is cropped), and, where it is
there, `identity_CelebA.txt`; all in one folder, or in `Img`, `Eval` and `Anno` as in the download.
There are no labels, and one photo each: only reconstruction can learn from them, or labels that a
network gives them (`python -m tfrelight.pseudo_label`).

Liu, Luo, Wang, Tang, "Deep Learning Face Attributes in the Wild", ICCV 2015. For non-commercial
research, from its authors.
"""

from __future__ import annotations

import pathlib
from typing import NamedTuple

import numpy as np

from tfrelight import color
from tfrelight.data import images, portrait
from tfrelight.data.reader import Reader
from tfrelight.errors import InputError

__all__ = ["CelebA", "Photo", "is_celeba"]

_PARTITION = "list_eval_partition.txt"
_WIDTH, _HEIGHT = 178, 218
_SPLITS = {"0": "train", "1": "validation", "2": "test"}


class Photo(NamedTuple):
    """A line of the lists.

    Attributes:
      file: name of the photo.
      landmarks: x and y of left eye, right eye, nose, left and right corner of the mouth, as text,
        or None.
      identity: number of the person as text, or None.
    """

    file: str
    landmarks: tuple | None
    identity: str | None


class CelebA(Reader):
    """CelebA; a unit is a `Photo`."""

    name = "celeba"
    title = "CelebA"
    version = 1
    multilit = False

    def _find(self, name, *folders, optional=False):
        for folder in ("", *folders):
            path = self.data_dir / folder / name
            if path.exists():
                return path
        if optional:
            return None
        raise InputError(
            f"No {name} in {self.data_dir}. Expected it there"
            f"{''.join(f' or in {folder}' for folder in folders)}."
        )

    def _lists(self):
        return {
            "partition": self._find(_PARTITION, "Eval"),
            "landmarks": self._find("list_landmarks_align_celeba.txt", "Anno"),
            "identity": self._find("identity_CelebA.txt", "Anno", optional=True),
            "photos": self._find("img_align_celeba", "Img"),
        }

    def units(self, split):
        """See `Reader`; the split is CelebA's own."""
        lists = self._lists()
        landmarks, identities = _Lookup(lists["landmarks"]), _Lookup(lists["identity"])
        found = False
        for file, words in _lines(lists["partition"]):
            found = True
            if words and _SPLITS.get(words[0]) == split:
                identity = identities.find(file)
                yield Photo(file, landmarks.find(file), identity[0] if identity else None)
        if not found:
            raise InputError(f"No photo in {lists['partition']}. Expected lines as 000001.jpg 0.")

    def person(self, unit):
        """See `Reader`; a photo of nobody known is a person of its own."""
        return f"celeba-{unit.identity or unit.file.partition('.')[0]}"

    def place(self, unit):
        """See `Reader`."""
        return unit.file

    def stamp(self):
        """See `Reader`."""
        return [(path.name, path.stat().st_mtime_ns) for path in self._lists().values() if path]

    def read(self, unit, problems):
        """See `Reader`."""
        if unit.landmarks is None:
            raise InputError("no landmarks in the list")
        image = images.read(self._find("img_align_celeba", "Img") / unit.file)
        height, width = image.shape[:2]
        if (width, height) != (_WIDTH, _HEIGHT):
            raise InputError(f"{width}x{height} instead of {_WIDTH}x{_HEIGHT}")
        try:
            points = np.array(unit.landmarks, np.float64).reshape(5, 2)
        except ValueError as error:
            raise InputError(
                f"landmarks that are not ten numbers: {' '.join(unit.landmarks)}"
            ) from error
        box = images.face_square(points[:2].mean(axis=0), points[3:].mean(axis=0), image.shape)
        square = images.resize(color.to_linear_numpy(image), self.size, box)
        return [portrait.unlabelled(self.person(unit), images.encode(square)[None])]


def is_celeba(folder) -> bool:
    """Whether a folder holds CelebA's list of splits."""
    return any(
        (pathlib.Path(folder) / name).is_file() for name in (_PARTITION, f"Eval/{_PARTITION}")
    )


def _lines(path):
    """File and words of each line of a list, without its head (a count, the names of columns)."""
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            words = line.split()
            if words and "." in words[0]:
                yield words[0], tuple(words[1:])


class _Lookup:
    """Words by file, from a list in the same order as the questions: it is read once, as a stream.

    Args:
      path: of the list; None for an empty one.
    """

    def __init__(self, path):
        self._lines = iter(_lines(path)) if path else iter(())
        self._next = next(self._lines, None)

    def find(self, file):
        while self._next and self._next[0] < file:
            self._next = next(self._lines, None)
        return self._next[1] if self._next and self._next[0] == file else None
