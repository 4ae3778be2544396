"""Skin atlases: photographed detail in the texture coordinates of the MakeHuman base mesh.

An atlas gives what pigments alone do not: blemishes, veins, the grain of a real skin. Its mean
colour is taken out, so that the colour of the skin stays that of the pigment model.
"""

from __future__ import annotations

import functools
import pathlib

import numpy as np
from PIL import Image
from scipy import ndimage

from tfrelight.errors import InputError

__all__ = ["choose", "detail", "files", "load"]

_SIDE = 1024


def files(folder) -> list:
    """The atlases of a folder (PNG or JPEG), sorted.

    Raises:
      InputError: the folder does not exist or holds none.
    """
    folder = pathlib.Path(folder)
    found = sorted(p for p in folder.glob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
    if not found:
        what = "no .png or .jpg file in it" if folder.is_dir() else "no such folder"
        raise InputError(
            f"Invalid `skin_dir`. Expected a folder of skin atlases. {folder}: {what}."
        )
    return found


@functools.lru_cache(maxsize=8)
def load(path: str) -> np.ndarray:
    """Log detail `[side, side, 3]` float16 around the local mean of an atlas.

    Raises:
      InputError: the file cannot be read.
    """
    try:
        with Image.open(path) as opened:
            image = opened.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"Cannot read the skin atlas {path}: {error}.") from error
    value = np.asarray(image, np.float32) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    log = np.log(np.maximum(linear, 0.01))
    # Ten millimetres or so: what is wider is the sitter's complexion and the photographer's light.
    return (log - ndimage.gaussian_filter(log, (24, 24, 0))).astype(np.float16)


def choose(rng: np.random.Generator, folder: str) -> np.ndarray | None:
    """A random atlas of a folder for three people in four, none for the others."""
    paths = files(folder)
    index = int(rng.integers(len(paths)))
    return load(str(paths[index])) if rng.random() < 0.75 else None


def detail(atlas, coordinates) -> np.ndarray:
    """Factors `[N, 3]` on the albedo at `[N, 2]` texture coordinates."""
    row = np.clip((1 - coordinates[:, 1]) * _SIDE, 0, _SIDE - 1).astype(int)
    column = np.clip(coordinates[:, 0] * _SIDE, 0, _SIDE - 1).astype(int)
    return np.exp(np.clip(atlas[row, column].astype(np.float32), -0.7, 0.4))
