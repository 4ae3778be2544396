"""Windows on a photo: how a face is cut out for a network, and where a cut lies in the photo.

Points are in pixels of the upright photo, x to the right, y down, (0, 0) the corner of the first
pixel.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from PIL import Image

__all__ = ["FACE", "HEAD", "WIDE", "Window", "around", "content", "whole"]

# The share of a window's width that lies between the eyes, and how far from its top they are: of
# three of the framings that networks are trained with (`synthesis.staging.frame`), one from the
# brows to the chin, one of the whole head, one with more around it.
FACE = (0.42, 0.33)
HEAD = (0.21, 0.49)
WIDE = (0.18, 0.48)
# By how much of 255 the pixels of a bar may differ, JPEG leaves no black quite black; and the rows
# after it that are made of both.
_FLAT, _BETWEEN = 12, 2


@dataclasses.dataclass(frozen=True)
class Window:
    """A parallelogram of the photo, cut out as a square.

    Attributes:
      corner: `[2]`, where its top left corner lies in the photo.
      axes: `[2, 2]`, columns are its upper and its left edge as vectors in the photo.
    """

    corner: np.ndarray
    axes: np.ndarray

    @property
    def sides(self):
        """Lengths of the upper and the left edge, pixels."""
        return np.linalg.norm(self.axes, axis=0)

    @property
    def roll(self):
        """Radians by which it is turned in the photo, clockwise."""
        return float(np.arctan2(self.axes[1, 0], self.axes[0, 0]))

    def bounds(self, box):
        """Left, top, right, bottom of the part of a `box` in the photo that it touches."""
        corners = self.corner + np.array([(0, 0), (0, 1), (1, 0), (1, 1)]) @ self.axes.T
        low = np.floor(corners.min(0)).astype(int)
        high = np.ceil(corners.max(0)).astype(int)
        low = np.clip(low, box[:2], np.subtract(box[2:], 1))
        return (*low, *np.clip(high, low + 1, box[2:]))

    def place(self, points):
        """Points `[..., 2]` of the photo in the window: (0, 0) its top left, (1, 1) the end."""
        return (np.asarray(points) - self.corner) @ np.linalg.inv(self.axes).T

    def cut(self, pixels, size, box) -> np.ndarray:
        """The window as a square picture, antialiased.

        Args:
          pixels: `[H, W, 3]` uint8.
          size: height and width of the result.
          box: left, top, right, bottom of what counts in the photo; its border is repeated outside.

        Returns:
          `[size, size, 3]` uint8.
        """
        left, top, right, bottom = self.bounds(box)
        near = Image.fromarray(pixels[top:bottom, left:right])
        # Whole steps by averaging, the rest at twice the size and then averaged.
        factor = max(1, int(self.sides.max() / (2 * size)))
        if factor > 1:
            near = near.reduce(factor)
        margin = 2 + int(np.ceil(self.sides.max() / factor))
        outside = [
            int(np.clip(np.ceil(beyond / factor) + 2, 2, margin)) for beyond in self._beyond(box)
        ]
        near = Image.fromarray(
            np.pad(np.asarray(near), (outside[1::2], outside[::2], (0, 0)), mode="edge")
        )
        matrix = self.axes / (2 * size * factor)
        origin = (self.corner - (left, top)) / factor + (outside[0], outside[1])
        double = near.transform(
            (2 * size, 2 * size),
            Image.Transform.AFFINE,
            (*matrix[0], origin[0], *matrix[1], origin[1]),
            resample=Image.Resampling.BICUBIC,
        )
        return np.asarray(double.reduce(2))

    def _beyond(self, box):
        """How far it reaches over the left, top, right and bottom of a box, pixels."""
        corners = self.corner + np.array([(0, 0), (0, 1), (1, 0), (1, 1)]) @ self.axes.T
        return (*(box[:2] - corners.min(0)), *(corners.max(0) - box[2:]))

    def uncut(self, maps, box):
        """Maps of the window at the photo's resolution.

        Args:
          maps: `[S, S]` or `[S, S, C]` float32.
          box: left, top, right, bottom in the photo.

        Returns:
          `[bottom - top, right - left]` or `[..., C]` float32, bilinear; the maps' border is
          repeated outside.
        """
        left, top, right, bottom = box
        size = maps.shape[0]
        # One repeated pixel around: between the last centre and the border lies half a pixel.
        padded = np.pad(maps, ((1, 1), (1, 1)) + ((0, 0),) * (maps.ndim - 2), mode="edge")
        matrix = np.linalg.inv(self.axes) * size
        origin = matrix @ (np.array([left, top]) - self.corner) + 1.0
        planes = padded[..., None] if maps.ndim == 2 else padded
        result = np.empty((bottom - top, right - left, planes.shape[2]), np.float32)
        for channel in range(planes.shape[2]):
            plane = Image.fromarray(np.ascontiguousarray(planes[..., channel], np.float32))
            result[..., channel] = plane.transform(
                (right - left, bottom - top),
                Image.Transform.AFFINE,
                (*matrix[0], origin[0], *matrix[1], origin[1]),
                resample=Image.Resampling.BILINEAR,
            )
        return result[..., 0] if maps.ndim == 2 else result


def around(face, framing) -> Window:
    """The window around a face (`find.Face`), turned with it.

    Args:
      face: where the eyes are.
      framing: `FACE` or `HEAD`.
    """
    share, row = framing
    side = face.between / share
    cosine, sine = np.cos(face.roll), np.sin(face.roll)
    axes = side * np.array([[cosine, -sine], [sine, cosine]])
    return Window(face.eyes.mean(0) - axes @ (0.5, row), axes)


def content(pixels):
    """What of a photo shows something: without the bars of one colour at its borders.

    Films in a frame of another shape have them (letterbox), and scans.

    Args:
      pixels: `[H, W, 3]` uint8.

    Returns:
      left, top, right, bottom; all of it where all is of one colour.
    """
    height, width = pixels.shape[:2]
    top, bottom = _bar(pixels), height - _bar(pixels[::-1])
    if top < bottom:
        columns = np.swapaxes(pixels[top:bottom], 0, 1)
        left, right = _bar(columns), width - _bar(columns[::-1])
        if left < right:
            return left, top, right, bottom
    return 0, 0, width, height


def _bar(rows):
    """How many of the first rows are a bar, of the colour of the first pixel."""
    low, high = rows[0, 0].astype(int) - _FLAT, rows[0, 0].astype(int) + _FLAT
    for number, row in enumerate(rows):
        if (row.min(0) < low).any() or (row.max(0) > high).any():
            return number + _BETWEEN if number else 0
    return len(rows)


def whole(size) -> Window:
    """All of a photo of `size` (H, W)."""
    return Window(np.zeros(2), np.diag([float(size[1]), float(size[0])]))
