"""Turned squares around faces, for the networks that place points in them."""

from __future__ import annotations

import numpy as np
from PIL import Image

__all__ = ["OUTLINE", "Placed", "axes", "cut"]

# Points of a face's outline.
OUTLINE = 36

# What a network says of a face: a score; centres of the eyes `[2, 2]` and outline `[36, 2]`,
# clockwise from the forehead, in the photo's pixels; distance of the eyes in space, pixels.
Placed = tuple[float, np.ndarray, np.ndarray, float]


def axes(roll: float, side: float, size: int) -> np.ndarray:
    """`[2, 2]`, whose columns are a crop's axes, in pixels of the photo for each of the crop.

    Args:
      roll: of the face in the photo, radians, clockwise.
      side: of the crop in the photo, pixels.
      size: of the crop, pixels.
    """
    cosine, sine = np.cos(roll), np.sin(roll)
    return np.array([[cosine, -sine], [sine, cosine]]) * side / size


def cut(
    photo: Image.Image, middle: np.ndarray, side: float, roll: float, size: int
) -> tuple[Image.Image, np.ndarray, np.ndarray]:
    """A turned square of a photo, averaged where it is shrunk, black beyond the photo.

    Args:
      photo: the photo.
      middle: `[2]`, of the square in the photo, pixels.
      side, roll, size: see `axes`.

    Returns:
      The crop, its `axes`, and its upper left corner `[2]` in the photo, pixels.
    """
    turn = axes(roll, side, size)
    corner = middle - turn @ np.full(2, size / 2)
    factor = max(1, int(side / size))
    # A square of twice the side holds the crop at any roll.
    left, top = np.floor(np.maximum(middle - side, 0)).astype(int)
    right, bottom = np.ceil(np.minimum(middle + side, photo.size)).astype(int)
    near = photo.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    if factor > 1:
        near = near.reduce(factor)
    matrix, origin = turn / factor, (corner - (left, top)) / factor
    crop = near.transform(
        (size, size),
        Image.Transform.AFFINE,
        (*matrix[0], origin[0], *matrix[1], origin[1]),
        resample=Image.Resampling.BILINEAR,
    )
    return crop, turn, corner
