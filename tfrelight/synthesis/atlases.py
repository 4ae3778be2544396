"""Skin atlases: photographed detail in the texture coordinates of the MakeHuman base mesh.

An atlas adds detail that the pigment model lacks: blemishes, veins and the grain of real skin. Its
local mean colour is removed, so that the colour of the skin comes from the pigment model alone.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from tfrelight import color
from tfrelight.errors import InputError
from tfrelight.files import stamp
from tfrelight.photos import opening

__all__ = ["choose", "detail", "files", "load"]

# Atlases are reduced to this size, pixels.
_SIDE = 1024


def files(folder: Path | str) -> list[Path]:
    """The atlases in a folder (PNG or JPEG), sorted.

    Raises:
      InputError: the folder does not exist or holds none.
    """
    folder = Path(folder)
    found = sorted(p for p in folder.glob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
    if not found:
        what = "no .png or .jpg file in it" if folder.is_dir() else "no such folder"
        raise InputError(
            f"Invalid `skin_dir`. Expected a folder of skin atlases. {folder}: {what}."
        )
    return found


def load(path: str) -> np.ndarray:
    """Loads the detail of an atlas: log linear RGB minus its local mean, `[1024, 1024, 3]` float16.

    From memory while the file does not change.

    Raises:
      InputError: the file cannot be read.
    """
    return _loaded(path, stamp([path], Path(path).parent))


@functools.lru_cache(maxsize=8)
def _loaded(path, _):
    try:
        with opening.open_image(Path(path).read_bytes()) as opened:
            image = opened.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    except (OSError, SyntaxError, ValueError) as error:
        reason = opening.one_line(error).rstrip(".")
        raise InputError(f"Cannot read the skin atlas {path}: {reason}.") from error
    value = np.asarray(image, np.float32) / 255
    log = np.log(np.maximum(color.to_linear_numpy(value), 0.01))
    # What has the colour of the corner is not painted: atlases of the head alone leave most empty.
    painted = (np.abs(value - value[0, 0]).max(-1, keepdims=True) > 0.01).astype(np.float32)
    painted = ndimage.minimum_filter(painted, (5, 5, 1))
    # The blur is about ten millimetres wide. Broader variation is complexion and uneven lighting.
    share = ndimage.gaussian_filter(painted, (24, 24, 0))
    mean = ndimage.gaussian_filter(log * painted, (24, 24, 0)) / np.maximum(share, 1e-3)
    return ((log - mean) * painted).astype(np.float16)


def choose(rng: np.random.Generator, folder: str) -> str | None:
    """Chooses the path of an atlas in a folder for three people in four; None for the fourth."""
    paths = files(folder)
    index = int(rng.integers(len(paths)))
    return str(paths[index]) if rng.random() < 0.75 else None


def detail(atlas: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
    """Factors `[N, 3]` on the linear albedo at texture coordinates `[N, 2]`.

    Args:
      atlas: from `load`.
      coordinates: in [0, 1], origin at the lower left.
    """
    row = np.clip((1 - coordinates[:, 1]) * _SIDE, 0, _SIDE - 1).astype(int)
    column = np.clip(coordinates[:, 0] * _SIDE, 0, _SIDE - 1).astype(int)
    return np.exp(np.clip(atlas[row, column].astype(np.float32), -0.7, 0.4))
