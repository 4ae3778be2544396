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

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import logging
from PIL import Image, UnidentifiedImageError

from tfrelight import color, lights
from tfrelight.data import photometric_stereo, portrait
from tfrelight.errors import InputError

__all__ = [
    "DEVELOPMENT_TEST",
    "DEVELOPMENT_TRAIN",
    "Photos",
    "folder_of",
    "photos",
    "stereo",
    "subjects",
    "subjects_in",
]

# The development split of this project. People 04, 08, 12, 17, 21, 25, 29, 33, 36 and 39 are kept
# aside for a last, untouched test; the database has no 14.
DEVELOPMENT_TRAIN = (
    *("01", "02", "03", "05", "06", "07", "09", "10", "11", "13", "15"),
    *("16", "18", "19", "20", "22", "23", "24", "26", "27", "28", "30"),
)
DEVELOPMENT_TEST = ("31", "32", "34", "35", "37", "38")

# Raise it whenever the same photos begin to give other subjects: caches are keyed by it.
VERSION = 2

_WIDTH, _HEIGHT = 168, 192
# The central square: columns 0-168, rows 12-180.
_SQUARE = (0, 12, 168, 180)

_FOLDER = re.compile(r"yaleB(\d\d)$")
_PHOTO = re.compile(r"yaleB\d\d_P00A([+-]\d{3})E([+-]\d{2})\.pgm$")

# For training: flashes further aside or above light a sliver of the face; darker photos on average
# (linear) hold little but noise.
_MAX_AZIMUTH = 90.0
_MIN_MEAN = 0.02

# Broken photos that a message names; of the others it gives the number.
_NAMED = 5


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
    kept, broken = [], []
    for path in sorted(folder_of(data_dir, number).iterdir()):
        match = _PHOTO.match(path.name)
        if not match:
            continue
        try:
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("L"), np.float32)
        except (OSError, ValueError, UnidentifiedImageError) as error:
            broken.append(f"{path.name}: {' '.join(str(error).split())}")
            continue
        if pixels.shape != (_HEIGHT, _WIDTH):
            broken.append(f"{path.name}: {pixels.shape[1]}x{pixels.shape[0]} instead of 168x192")
            continue
        square = Image.fromarray(pixels / 255.0, mode="F").crop(_SQUARE)
        if size != square.width:
            # Hamming's filter is antialiased and, unlike Lanczos', does not ring at cast shadows.
            square = square.resize((size, size), Image.Resampling.HAMMING)
        kept.append((np.asarray(square), float(match[1]), float(match[2]), path.name))
    if broken:
        more = f"; and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
        message = (
            f"{len(broken)} broken photo(s) of yaleB{number} in {data_dir}: "
            f"{'; '.join(broken[:_NAMED])}{more}"
        )
        if strict:
            raise InputError(f"{message}. Leave out --strict to skip them.")
        logging.warning("Skipped %s", message)
    if not kept:
        raise InputError(
            f"No photo of yaleB{number} in {data_dir}. Expected 168x192 files such as "
            f"yaleB{number}_P00A+035E+40.pgm."
        )
    images, azimuth, elevation, names = zip(*kept)
    return Photos(
        np.stack(images).astype(np.float32), np.array(azimuth), np.array(elevation), names
    )


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


def subjects(
    data_dir, ids: Sequence[str] | None = None, size=128, labels="none", strict=False
) -> Iterator[dict]:
    """The people as subjects for training (`tfrelight.data.portrait`), grey as equal channels.

    Photos under flashes beyond 90 degrees of azimuth and those with a linear mean below 0.02 are
    left out.

    Args:
      data_dir: the folder CroppedYale.
      ids: numbers of people; None for all.
      size: height and width.
      labels: `none`, or `photometric_stereo`: normals, albedo (0 where the fit does not hold), and
        each flash as a directional light with its estimated intensity.
      strict: see `photos`.

    Raises:
      InputError: see `photos`; unknown `labels`; or a person of whom fewer than two photos are
        left, so that there is no pair.
    """
    if labels not in ("none", "photometric_stereo"):
        raise InputError(f"Invalid `labels`: {labels!r}. Expected none or photometric_stereo.")
    for number in subjects_in(data_dir) if ids is None else ids:
        everything = photos(data_dir, number, size, strict)
        bright = everything.images.mean(axis=(1, 2)) >= _MIN_MEAN
        used = np.flatnonzero((np.abs(everything.azimuth) <= _MAX_AZIMUTH) & bright)
        if len(used) < 2:
            raise InputError(
                f"No pair of photos of yaleB{number} in {data_dir}: {len(used)} of "
                f"{len(everything.names)} can be used. Expected 2 or more."
            )
        chosen = everything.only(used)
        encoded = np.round(color.to_srgb_numpy(chosen.images) * 255).astype(np.uint8)
        subject = portrait.unlabelled(f"yaleB{number}", np.repeat(encoded[..., None], 3, axis=-1))
        if labels == "photometric_stereo":
            surface = stereo(everything)
            flashes = [
                lights.Light.from_direction(*angles, intensity=strength).coefficients
                for *angles, strength in zip(
                    chosen.azimuth, chosen.elevation, surface.intensity[used]
                )
            ]
            subject.update(
                albedo=portrait.encode_albedo(np.repeat(surface.albedo[..., None], 3, axis=-1)),
                normals=portrait.encode_normals(surface.normals),
                light=np.stack(flashes).astype(np.float32),
                has_albedo=1.0,
                has_normals=1.0,
                has_light=1.0,
            )
        yield subject
