"""Compares the parts that a network sees with masks of faces.

    python tools/measure_face_masks.py --folder=portraits --model=runs/mine

The folder holds photos of one face each, `NAME.png` or `NAME.jpg`, and for some of them
`NAME_skin.png`: white on the face without ears and neck, with brows, eyes, mouth and glasses. Two
shares are printed for each photo and over all of them together:

- *face*: of the mask's pixels, those called skin, hair, eyes, mouth or things; best 100 %.
- *beyond*: of the pixels 4 to 20 pixels outside the mask, in a photo of 256x256, and in the upper
  30 % of its height, those called skin; best near 0 %. They lie on the forehead's edge, on hair and
  behind it. Ears and neck, which are skin, lie lower.
"""

from __future__ import annotations

import pathlib

import numpy as np
from absl import flags
from PIL import Image
from scipy import ndimage

import tfrelight
from tfrelight.commands import app
from tfrelight.data.portrait import PARTS
from tfrelight.errors import InputError

_FOLDER = flags.DEFINE_string("folder", None, "Folder of photos and masks.", required=True)
_MODEL = flags.DEFINE_string("model", None, "Run folder or .tflite file.", required=True)

_FACE = [PARTS.index(name) for name in ("skin", "hair", "eyes", "mouth", "things")]
_SKIN = PARTS.index("skin")
# Pixels of a photo of this side, and the share of the mask's height, from its top.
_SIDE, _BAND, _UPPER = 256, (4.0, 20.0), 0.3


def counts(parts, mask):
    """Pixels of a face and how many of them are called so, and likewise of the band beyond it.

    Args:
      parts: `[H, W]`, indices into `PARTS`.
      mask: `[H, W]` bool, not empty.

    Returns:
      `[2, 2]`: for face and band the pixels that count, and all.
    """
    distance = ndimage.distance_transform_edt(~mask) * _SIDE / max(mask.shape)
    rows = np.flatnonzero(mask.any(1))
    above = np.arange(len(mask))[:, None] < rows[0] + _UPPER * (rows[-1] + 1 - rows[0])
    band = (distance >= _BAND[0]) & (distance <= _BAND[1]) & above
    return np.array(
        [
            [np.isin(parts[mask], _FACE).sum(), mask.sum()],
            [(parts[band] == _SKIN).sum(), band.sum()],
        ]
    )


def _photo_of(path):
    """The photo beside a mask."""
    stem = path.name.removesuffix("_skin.png")
    found = [path.with_name(stem + ending) for ending in (".png", ".jpg")]
    for photo in found:
        if photo.is_file():
            return photo
    raise InputError(f"No photo beside {path}. Expected {' or '.join(map(str, found))}.")


def _line(name, found):
    face, beyond = (100.0 * number / max(1, of_all) for number, of_all in found)
    print(f"{name:20} face {face:5.1f} %  beyond {beyond:5.1f} %", flush=True)


def main():
    """Measures the photos of the folder that have a mask."""
    masks = sorted(pathlib.Path(_FOLDER.value).glob("*_skin.png"))
    if not masks:
        raise InputError(f"No masks in {_FOLDER.value}. Expected files NAME_skin.png.")
    total = np.zeros((2, 2), int)
    for path in masks:
        photo = _photo_of(path)
        parts = tfrelight.decompose(photo, model=_MODEL.value, faces="largest").parts()
        with Image.open(path) as opened:
            size = parts.shape[1::-1]
            mask = np.asarray(opened.convert("L").resize(size, Image.Resampling.NEAREST)) >= 128
        if not mask.any():
            raise InputError(f"{path} is empty. Expected white on the face.")
        found = counts(parts, mask)
        _line(photo.name, found)
        total += found
    _line("together", total)


if __name__ == "__main__":
    app.run(main)
