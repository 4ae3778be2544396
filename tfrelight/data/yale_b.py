"""The Extended Yale Face Database B, cropped: up to 64 pixel-aligned flash photos of each of 38 people.

Reads the original folder layout, `yaleB01/yaleB01_P00A+035E+40.pgm`: 8-bit grey, 168x192, the flash's azimuth (A,
positive: from the left of the image) and elevation (E) in degrees in the name. The values are close to linear, so
they are encoded to sRGB once, here. The flashes' intensities are not calibrated.

Georghiades, Belhumeur, Kriegman 2001, "From Few to Many"; cropped by Lee, Ho, Kriegman 2005, "Acquiring Linear
Subspaces for Face Recognition under Variable Lighting". For research use, not to be redistributed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from absl import logging
from PIL import Image

from tfrelight import color, lights
from tfrelight.data import photometric_stereo
from tfrelight.errors import InputError

__all__ = [
    "DEVELOPMENT_TRAIN",
    "DEVELOPMENT_TEST",
    "Photos",
    "Stereo",
    "photos",
    "stereo",
    "subjects",
    "subjects_in",
    "to_square",
]

# This project's development split: people 01 to 30 train (14 does not exist in the database) and six people test.
DEVELOPMENT_TRAIN = tuple(f"{i:02d}" for i in range(1, 31) if i != 14)
DEVELOPMENT_TEST = ("31", "32", "34", "35", "37", "38")

WIDTH, HEIGHT = 168, 192
CROP_TOP = 12  # rows 12-180: the central square

_FOLDER = re.compile(r"yaleB(\d\d)$")
_PHOTO = re.compile(r"yaleB\d\d_P00A([+-]\d{3})E([+-]\d{2})\.pgm$")
