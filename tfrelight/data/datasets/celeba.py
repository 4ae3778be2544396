"""CelebA: 202,599 single photos of celebrities, aligned and cropped.

Reads the original layout: the folder `img_align_celeba` (178x218 JPEG), `list_eval_partition.txt`
(the split), `list_landmarks_align_celeba.txt` (for cropping the face) and optionally
`identity_CelebA.txt`, all in one folder, or in `Img`, `Eval` and `Anno` as in the download. The
lists may end in `.csv` and the photos lie in `img_align_celeba/img_align_celeba`, as on Kaggle.
Each subject has one photo and no labels. It trains the reconstruction loss, or also the label
losses once a network has given it labels (`python -m tfrelight.pseudo_label`).

Liu, Luo, Wang, Tang, "Deep Learning Face Attributes in the Wild", ICCV 2015. For non-commercial
research, from its authors.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tfrelight import color, files
from tfrelight.data import images, portrait
from tfrelight.data.datasets.reader import Reader
from tfrelight.errors import InputError

__all__ = ["CelebAReader", "CelebAPhoto", "is_celeba"]

# Without their endings; the first folder is that of the download.
_PARTITION, _LANDMARKS = "list_eval_partition", "list_landmarks_align_celeba"
_IDENTITY, _PHOTOS = "identity_CelebA", "img_align_celeba"
_ENDINGS = (".txt", ".csv")
_SEPARATOR = re.compile(r"[\s,;]+")
_WIDTH, _HEIGHT = 178, 218
_SPLITS = {"0": "train", "1": "validation", "2": "test"}


class CelebAPhoto(NamedTuple):
    """One photo's entries in the lists.

    Attributes:
      file: the photo's file name.
      landmarks: x and y of left eye, right eye, nose, left and right corner of the mouth, as text,
        or None.
      identity: number of the person as text, or None.
    """

    file: str
    landmarks: tuple[str, ...] | None
    identity: str | None


class CelebAReader(Reader):
    """Reads CelebA; a unit is a `CelebAPhoto`."""

    name = "celeba"
    title = "CelebA"
    version = 1
    multilit = False

    def _list(self, name, folder, optional=False):
        paths = [self.data_dir / at / (name + end) for at in ("", folder) for end in _ENDINGS]
        found = next((path for path in paths if path.is_file()), None)
        if found or optional:
            return found
        raise InputError(
            f"No {name}.txt or .csv in {self.data_dir}. Expected it in that folder or in {folder}."
        )

    def _photos(self):
        for folder in ("", "Img"):
            for nested in ("", _PHOTOS):
                path = self.data_dir / folder / _PHOTOS / nested
                if path.is_dir() and not (path / _PHOTOS).is_dir():
                    return path
        raise InputError(f"No {_PHOTOS} in {self.data_dir}. Expected it in that folder or in Img.")

    def _lists(self):
        lists = {
            "partition": self._list(_PARTITION, "Eval"),
            "landmarks": self._list(_LANDMARKS, "Anno"),
            "identity": self._list(_IDENTITY, "Anno", optional=True),
        }
        self._photos()
        return lists

    def units(self, split: str) -> Iterator[CelebAPhoto]:
        """See `Reader`; the splits are CelebA's own.

        Raises:
          InputError: a list or the photos are missing, or the list of splits names none.
        """
        lists = self._lists()
        landmarks = dict(_lines(lists["landmarks"]))
        identities = dict(_lines(lists["identity"])) if lists["identity"] else {}
        found = False
        for file, text in _lines(lists["partition"]):
            number = "".join(_words(text)[:1])
            found = found or number in _SPLITS
            if _SPLITS.get(number) == split:
                points = landmarks.get(file)
                identity = _words(identities.get(file, ""))[:1]
                yield CelebAPhoto(
                    file,
                    None if points is None else tuple(_words(points)),
                    identity[0] if identity else None,
                )
        if not found:
            raise InputError(
                f"No photo in {lists['partition']}. Expected lines such as 000001.jpg 0."
            )

    def person(self, unit: CelebAPhoto) -> str:
        """See `Reader`; a photo without an identity counts as a person of its own."""
        return f"celeba-{unit.identity or unit.file.partition('.')[0]}"

    def place(self, unit: CelebAPhoto) -> str:
        """See `Reader`."""
        return unit.file

    def stamp(self) -> Any:
        """See `Reader`."""
        lists = [path for path in self._lists().values() if path]
        photos = (entry.path for entry in os.scandir(self._photos()))
        return files.stamp([*lists, *photos], self.data_dir)

    def read(self, unit: CelebAPhoto, problems: list[str]) -> list[dict[str, Any]]:
        """See `Reader`."""
        if unit.landmarks is None:
            raise InputError("no landmarks in the list")
        image = images.read(self._photos() / unit.file)
        height, width = image.shape[:2]
        if (width, height) != (_WIDTH, _HEIGHT):
            raise InputError(f"{width}x{height} instead of {_WIDTH}x{_HEIGHT}")
        try:
            points = np.array(unit.landmarks, np.float64).reshape(5, 2)
        except ValueError as error:
            raise InputError(
                f"expected ten landmark numbers, received {' '.join(unit.landmarks)}"
            ) from error
        box = images.face_square(points[:2].mean(axis=0), points[3:].mean(axis=0), image.shape)
        square = images.resize(color.to_linear_numpy(image), self.size, box)
        return [portrait.unlabelled(self.person(unit), images.encode(square)[None])]


def is_celeba(folder: Path | str) -> bool:
    """Whether a folder holds CelebA's list of splits."""
    return any(
        (Path(folder) / at / (_PARTITION + end)).is_file()
        for at in ("", "Eval")
        for end in _ENDINGS
    )


def _lines(path):
    """File name and the rest of each line of a list, without its header (a count, column names)."""
    for line in files.read_text(path).split("\n"):
        # Only the name is split off: the words of all photos would take 100 MB.
        name, *rest = _SEPARATOR.split(line.strip(), maxsplit=1)
        if "." in name:
            yield name.strip('"'), "".join(rest)


def _words(text):
    return [word.strip('"') for word in _SEPARATOR.split(text) if word]
