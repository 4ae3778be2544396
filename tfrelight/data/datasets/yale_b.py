"""Extended Yale Face Database B, cropped: up to 64 pixel-aligned flash photos of each of 38 people.

Reads the original folder layout, `yaleB01/yaleB01_P00A+035E+40.pgm`: 8-bit grey, 168x192. The file
name holds the flash's azimuth (A, positive: from the left of the image) and elevation (E) in
degrees. Pixel values are close to linear, so this reader encodes the photos to sRGB. The flashes'
intensities are not calibrated.

Georghiades, Belhumeur, Kriegman, "From Few to Many", 2001; cropped by Lee, Ho, Kriegman, "Acquiring
Linear Subspaces for Face Recognition under Variable Lighting", 2005. For research; the photos must
not be redistributed, so neither must weights trained on them, unless the weights say so.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tfrelight import lights
from tfrelight.data import images, portrait
from tfrelight.data.datasets.reader import Problems, Reader
from tfrelight.errors import InputError
from tfrelight.stereo import calibrated

__all__ = [
    "DEVELOPMENT_TEST",
    "DEVELOPMENT_TRAIN",
    "HOLDOUT",
    "SPLITS",
    "YaleBReader",
    "YaleBPhotos",
    "folder_of",
    "photos",
    "stereo",
    "subjects_in",
    "usable",
]

# This project's split. `HOLDOUT` is reserved for one final test. The database has no 14.
DEVELOPMENT_TRAIN = (
    *("01", "02", "03", "05", "06", "07", "09", "10", "11", "13", "15"),
    *("16", "18", "19", "20", "22", "23", "24", "26", "27", "28", "30"),
)
DEVELOPMENT_TEST = ("31", "32", "34", "35", "37", "38")
HOLDOUT = ("04", "08", "12", "17", "21", "25", "29", "33", "36", "39")
SPLITS = {"train": DEVELOPMENT_TRAIN, "test": DEVELOPMENT_TEST, "holdout": HOLDOUT}

_WIDTH, _HEIGHT = 168, 192
# The central square: columns 0-168, rows 12-180.
_SQUARE = (0, 12, 168, 180)

_FOLDER = re.compile(r"yaleB(\d\d)$")
_PHOTO = re.compile(r"yaleB\d\d_P00A([+-]\d{3})E([+-]\d{2})\.pgm$")

# Limits for training. A flash beyond 90 degrees lights only a sliver of the face; a photo with a
# linear mean below 0.02 (5 of 255) is mostly noise.
_MAX_AZIMUTH = 90.0
_MIN_MEAN = 0.02


class YaleBPhotos(NamedTuple):
    """The photos of one person.

    Attributes:
      images: `[K, size, size]` float32 linear grey in [0, 1].
      azimuth: `[K]` degrees, positive: from the left of the image.
      elevation: `[K]` degrees, positive: from above.
      names: `[K]` file names.
    """

    images: np.ndarray
    azimuth: np.ndarray
    elevation: np.ndarray
    names: tuple[str, ...]

    def only(self, chosen: np.ndarray | Sequence[int]) -> YaleBPhotos:
        """Selects photos by a boolean or integer index."""
        names = tuple(np.array(self.names)[chosen])
        return YaleBPhotos(self.images[chosen], self.azimuth[chosen], self.elevation[chosen], names)


def subjects_in(data_dir: Path | str) -> list[str]:
    """Numbers of the people in a folder, as text ("01"), sorted.

    Raises:
      InputError: no such folder, or none of its folders is named yaleB01, yaleB02, ...
    """
    if not Path(data_dir).is_dir():
        raise InputError(
            f"No such folder: {data_dir}. Expected Extended Yale B's folder CroppedYale."
        )
    found = [_FOLDER.match(path.name) for path in Path(data_dir).iterdir() if path.is_dir()]
    numbers = sorted(match[1] for match in found if match)
    if not numbers:
        raise InputError(f"No subjects in {data_dir}. Expected folders yaleB01, yaleB02, ...")
    return numbers


def folder_of(data_dir: Path | str, number: str) -> Path:
    """The folder of a person.

    Raises:
      InputError: there is no such person, or see `subjects_in`.
    """
    folder = Path(data_dir) / f"yaleB{number}"
    if number not in subjects_in(data_dir):
        raise InputError(f"No subject {number!r} in {data_dir}. Expected a folder {folder.name}.")
    return folder


def _read(data_dir, number, size, problems) -> YaleBPhotos:
    """Reads every photo of a person; `problems` receives a line about each unreadable one.

    The central square is resized to `size`. If `size` is None the photos stay whole, `[192, 168]`.
    """
    kept = []
    for path in sorted(folder_of(data_dir, number).iterdir()):
        match = _PHOTO.match(path.name)
        if not match:
            continue
        try:
            pixels = images.read(path, grey=True)
        except InputError as error:
            problems.append(str(error))
            continue
        if pixels.shape != (_HEIGHT, _WIDTH):
            problems.append(
                f"{path.name} is {pixels.shape[1]}x{pixels.shape[0]} instead of 168x192"
            )
            continue
        if size is not None:
            pixels = images.resize(pixels, size, _SQUARE)
        kept.append((pixels, float(match[1]), float(match[2]), path.name))
    if not kept:
        raise InputError(
            f"No photo of yaleB{number} in {data_dir}. Expected 168x192 files such as "
            f"yaleB{number}_P00A+035E+40.pgm."
        )
    pixels, azimuth, elevation, names = zip(*kept)
    return YaleBPhotos(np.stack(pixels), np.array(azimuth), np.array(elevation), names)


def photos(data_dir: Path | str, number: str, size: int = 128, strict: bool = False) -> YaleBPhotos:
    """Reads every photo of a person, sorted by name.

    Files without a photo's name, such as `_Ambient` frames and `.bad` files, are ignored.

    Args:
      data_dir: the folder CroppedYale.
      number: the person's number, "01" to "39".
      size: height and width of the result; the central 168x168 square is resized to it.
      strict: raise on broken photos (unreadable, or not 168x192). Otherwise they are skipped, and
        one warning counts and names them.

    Raises:
      InputError: no such person, no photo at all, or a photo is broken and `strict` is set.
    """
    broken: list[str] = []
    found = _read(data_dir, number, size, broken)
    if strict and broken:
        raise InputError(f"yaleB{number}: {broken[0]}. Leave out `strict` to skip it.")
    problems = Problems()
    problems.add(broken)
    problems.warn(f"yaleB{number} of {data_dir}")
    return found


def usable(portraits: YaleBPhotos) -> np.ndarray:
    """Indices of the photos that training uses.

    It drops flashes beyond 90 degrees of azimuth and photos with a linear mean below 0.02.
    """
    bright = portraits.images.mean(axis=(1, 2)) >= _MIN_MEAN
    return np.flatnonzero((np.abs(portraits.azimuth) <= _MAX_AZIMUTH) & bright)


def stereo(portraits: YaleBPhotos) -> calibrated.PhotometricStereo:
    """Normals and albedo from all photos of a person (`calibrated.solve`).

    The flashes' intensities are estimated too. For every person of the development test the same
    two flashes come out at about 0.75 of the others. The estimates reduce the error of the fit by a
    quarter, and normals from one half of the flashes agree better with those from the other half.

    Raises:
      InputError: fewer than 3 photos.
    """
    directions = lights.direction_vector(portraits.azimuth, portraits.elevation)
    return calibrated.solve(portraits.images, directions, estimate_intensity=True)


class YaleBReader(Reader):
    """Reads the `usable` photos of people as three equal channels; a unit is a number ("01").

    Args:
      data_dir: the folder CroppedYale.
      size: height and width of the photos.
      labelled: include normals, albedo (0 where the fit is not valid), and each flash as a
        directional light with its estimated intensity, all from photometric stereo.
      people: numbers of the people in `train`; None for `DEVELOPMENT_TRAIN`.
    """

    name = "extended_yale_b"
    title = "Extended Yale B"
    version = 3
    splits = tuple(SPLITS)

    def __init__(
        self,
        data_dir: Path | str,
        size: int = 128,
        labelled: bool = False,
        people: Sequence[str] | None = None,
    ) -> None:
        super().__init__(data_dir, size, labelled)
        for number in people or ():
            folder_of(data_dir, number)
        self._chosen = people

    def units(self, split: str) -> Iterator[str]:
        """See `Reader`; only people whose folders are present.

        Raises:
          InputError: the folder does not hold the database, or none of the people of `train`.
        """
        present = subjects_in(self.data_dir)
        units: Sequence[str] = [number for number in SPLITS[split] if number in present]
        if split == "train" and self._chosen:
            units = self._chosen
        elif split == "train" and not units:
            raise InputError(
                f"None of the training subjects {', '.join(DEVELOPMENT_TRAIN)} is in "
                f"{self.data_dir}. Name the subjects to train on with `yale_b_subjects`."
            )
        yield from units

    def person(self, unit: str) -> str:
        """See `Reader`."""
        return f"yaleB{unit}"

    def every_unit(self) -> Iterator[str]:
        """See `Reader`."""
        yield from subjects_in(self.data_dir)

    def folder(self, unit: str) -> Path:
        """The folder with a unit's files."""
        return folder_of(self.data_dir, unit)

    def sources(self, unit: str) -> list[Path]:
        """The files from which `stereo` computes the surface."""
        return sorted(self.folder(unit).glob("*.pgm"))

    def stereo(
        self, unit: str, problems: list[str]
    ) -> tuple[calibrated.PhotometricStereo, np.ndarray]:
        """Photometric stereo of a person at the photos' own size.

        Args:
          unit: the person's number.
          problems: receives a line about each photo that is left out.

        Returns:
          The surface, and the photo with the most frontal flash, `[H, W]` linear grey.

        Raises:
          InputError: no such person, or fewer than 3 photos.
        """
        everything = _read(self.data_dir, unit, None, problems)
        frontal = np.argmin(everything.azimuth**2 + everything.elevation**2)
        return stereo(everything), everything.images[frontal]

    def place(self, unit: str) -> str:
        """See `Reader`."""
        return f"yaleB{unit}"

    def stamp(self) -> Any:
        """See `Reader`; changes with the size and time of every file as well."""
        files = [
            (entry.name, entry.stat().st_size, entry.stat().st_mtime_ns)
            for number in subjects_in(self.data_dir)
            for entry in os.scandir(folder_of(self.data_dir, number))
        ]
        return [self._chosen, sorted(files)]

    def read(self, unit: str, problems: list[str]) -> list[dict[str, Any]]:
        """See `Reader`."""
        everything = _read(self.data_dir, unit, self.size, problems)
        used = usable(everything)
        if len(used) < 2:
            raise InputError(
                f"{len(used)} of {len(everything.names)} photos can be used, expected 2 or more"
            )
        chosen = everything.only(used)
        grey = np.repeat(images.encode(chosen.images)[..., None], 3, axis=-1)
        subject = portrait.unlabelled(self.person(unit), grey)
        if self.labelled:
            surface = stereo(everything)
            flashes = [
                lights.Light.from_direction(azimuth, elevation, intensity).coefficients
                for azimuth, elevation, intensity in zip(
                    chosen.azimuth, chosen.elevation, surface.intensity[used]
                )
            ]
            albedo = np.repeat(surface.albedo[..., None], 3, axis=-1)
            subject.update(portrait.labels(surface.normals, albedo, flashes))
        return [subject]
