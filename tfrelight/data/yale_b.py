"""Extended Yale Face Database B, cropped: up to 64 pixel-aligned flash photos of each of 38 people.

Reads the original folder layout, `yaleB01/yaleB01_P00A+035E+40.pgm`: 8-bit grey, 168x192, the
flash's azimuth (A, positive: from the left of the image) and elevation (E) in degrees in the name.
The values are close to linear, so they are encoded to sRGB once, here. The flashes' intensities are
not calibrated.

Georghiades, Belhumeur, Kriegman, "From Few to Many", 2001; cropped by Lee, Ho, Kriegman, "Acquiring
Linear Subspaces for Face Recognition under Variable Lighting", 2005. For research, not to be
redistributed; so neither are weights trained on it, unless they say so.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfrelight import lights
from tfrelight.data import images, photometric_stereo, portrait
from tfrelight.data.reader import Problems, Reader
from tfrelight.errors import InputError

__all__ = [
    "DEVELOPMENT_TEST",
    "DEVELOPMENT_TRAIN",
    "KEPT_ASIDE",
    "SPLITS",
    "ExtendedYaleB",
    "Photos",
    "folder_of",
    "photos",
    "stereo",
    "subjects_in",
    "usable",
]

# The development split of this project. The last ten people are kept aside for a last, untouched
# test; the database has no 14.
DEVELOPMENT_TRAIN = (
    *("01", "02", "03", "05", "06", "07", "09", "10", "11", "13", "15"),
    *("16", "18", "19", "20", "22", "23", "24", "26", "27", "28", "30"),
)
DEVELOPMENT_TEST = ("31", "32", "34", "35", "37", "38")
KEPT_ASIDE = ("04", "08", "12", "17", "21", "25", "29", "33", "36", "39")
SPLITS = {"train": DEVELOPMENT_TRAIN, "test": DEVELOPMENT_TEST, "kept_aside": KEPT_ASIDE}

_WIDTH, _HEIGHT = 168, 192
# The central square: columns 0-168, rows 12-180.
_SQUARE = (0, 12, 168, 180)

_FOLDER = re.compile(r"yaleB(\d\d)$")
_PHOTO = re.compile(r"yaleB\d\d_P00A([+-]\d{3})E([+-]\d{2})\.pgm$")

# For training: flashes further aside or above light a sliver of the face; darker photos on average
# (linear) hold little but noise.
_MAX_AZIMUTH = 90.0
_MIN_MEAN = 0.02


class Photos(NamedTuple):
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
    names: tuple

    def only(self, chosen):
        """The photos at a boolean or integer index."""
        names = tuple(np.array(self.names)[chosen])
        return Photos(self.images[chosen], self.azimuth[chosen], self.elevation[chosen], names)


def subjects_in(data_dir) -> list:
    """Numbers of the people in a folder, as text ("01"), in order.

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


def folder_of(data_dir, number) -> Path:
    """The folder of a person.

    Raises:
      InputError: there is none.
    """
    folder = Path(data_dir) / f"yaleB{number}"
    if number not in subjects_in(data_dir):
        raise InputError(f"No subject {number!r} in {data_dir}. Expected a folder {folder.name}.")
    return folder


def _read(data_dir, number, size, problems) -> Photos:
    """Every photo of a person that can be read; lines about others are appended to `problems`.

    Their central square is resized to `size`; with None they stay whole, `[192, 168]`.
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
    return Photos(np.stack(pixels), np.array(azimuth), np.array(elevation), names)


def photos(data_dir, number, size=128, strict=False) -> Photos:
    """Every photo of a person that can be read, by name.

    Args:
      data_dir: the folder CroppedYale.
      number: of the person, "01" to "39".
      size: the central 168x168 square is resized to it, antialiased.
      strict: refuse broken photos (unreadable, or not 168x192); else a warning counts and names
        them and they are left out. `_Ambient` frames, `.bad` files and whatever else is not named
        like a photo are no photos, broken or not.

    Raises:
      InputError: no such person, no photo at all, or a broken one if `strict`.
    """
    broken = []
    found = _read(data_dir, number, size, broken)
    if strict and broken:
        raise InputError(f"yaleB{number}: {broken[0]}. Leave out --strict to skip it.")
    problems = Problems()
    problems.add(broken)
    problems.warn(f"yaleB{number} of {data_dir}")
    return found


def usable(portraits: Photos) -> np.ndarray:
    """Indices of the photos that training uses.

    Flashes beyond 90 degrees of azimuth and photos with a linear mean below 0.02 are left out.
    """
    bright = portraits.images.mean(axis=(1, 2)) >= _MIN_MEAN
    return np.flatnonzero((np.abs(portraits.azimuth) <= _MAX_AZIMUTH) & bright)


def stereo(portraits: Photos) -> photometric_stereo.PhotometricStereo:
    """Normals and albedo from all photos of a person (`photometric_stereo.solve`).

    The flashes' intensities are estimated. With every person of the development test the same two
    flashes come out at about 0.75 of the others; with the estimates the photos are explained a
    quarter closer, and normals from one half of the flashes agree better with those from the other.

    Raises:
      InputError: fewer than 3 photos.
    """
    directions = lights.direction_vector(portraits.azimuth, portraits.elevation)
    return photometric_stereo.solve(portraits.images, directions, estimate_intensity=True)


class ExtendedYaleB(Reader):
    """The people as subjects for training, grey as equal channels; a unit is a number ("01").

    Of their photos those that are `usable`.

    Args:
      data_dir: the folder CroppedYale.
      size: height and width.
      labelled: with normals, albedo (0 where the fit does not hold), and each flash as a
        directional light with its estimated intensity, all from photometric stereo.
      people: numbers of the people of the split `train`; None for `DEVELOPMENT_TRAIN`.
    """

    name = "extended_yale_b"
    title = "Extended Yale B"
    version = 3
    splits = tuple(SPLITS)

    def __init__(self, data_dir, size=128, labelled=False, people=None):
        super().__init__(data_dir, size, labelled)
        for number in people or ():
            folder_of(data_dir, number)
        self._chosen = people

    def units(self, split):
        """See `Reader`; the people of the split who are there.

        Raises:
          InputError: the folder is not the database's, or none of them is.
        """
        present = subjects_in(self.data_dir)
        units = [number for number in SPLITS[split] if number in present]
        if split == "train" and self._chosen:
            units = self._chosen
        elif split == "train" and not units:
            raise InputError(
                f"None of the training subjects {', '.join(DEVELOPMENT_TRAIN)} is in "
                f"{self.data_dir}. Name those to train on with --yale_b_subjects."
            )
        yield from units

    def person(self, unit):
        """See `Reader`."""
        return f"yaleB{unit}"

    def every_unit(self):
        """See `Reader`."""
        yield from subjects_in(self.data_dir)

    def folder(self, unit):
        """Where a unit's files are."""
        return folder_of(self.data_dir, unit)

    def stereo(self, unit, problems):
        """Photometric stereo of a unit at its photos' size, and one of them, `[H, W]` linear."""
        everything = _read(self.data_dir, unit, None, problems)
        frontal = np.argmin(everything.azimuth**2 + everything.elevation**2)
        return stereo(everything), everything.images[frontal]

    def place(self, unit):
        """See `Reader`."""
        return f"yaleB{unit}"

    def stamp(self):
        """See `Reader`; notices files that were changed as well."""
        files = [
            (entry.name, entry.stat().st_size, entry.stat().st_mtime_ns)
            for number in subjects_in(self.data_dir)
            for entry in os.scandir(folder_of(self.data_dir, number))
        ]
        return [self._chosen, sorted(files)]

    def read(self, unit, problems):
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
                lights.Light.from_direction(*angles, intensity=strength).coefficients
                for *angles, strength in zip(
                    chosen.azimuth, chosen.elevation, surface.intensity[used]
                )
            ]
            albedo = np.repeat(surface.albedo[..., None], 3, axis=-1)
            subject.update(portrait.labels(surface.normals, albedo, flashes))
        return [subject]
