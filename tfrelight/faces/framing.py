"""Windows on a photo: square crops around faces for a network, and the way back.

Points are in pixels of the upright photo: x to the right, y down, (0, 0) at the corner of the first
pixel.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tfrelight.photos import filters

if TYPE_CHECKING:
    from tfrelight.faces.find import Face

__all__ = ["FACE", "HEAD", "WIDE", "Planes", "Window", "around", "body", "content", "whole"]

# Framings: distance of the eyes and row of the eyes, as shares of the window's side. The network is
# trained with such crops (`synthesis.staging.frame`): from brows to chin, of the whole head, and of
# the head with more around it.
FACE = (0.42, 0.33)
HEAD = (0.21, 0.49)
WIDE = (0.18, 0.48)
# Of the upper body: from the chest to the waist, as much as the photo shows.
_BODY, _BODY_ROW = (0.075, 0.16), 0.28
# Tolerance (of 255) inside a letterbox bar; JPEG makes black uneven.
_BAR_TOLERANCE = 12
# Rows or columns beside a bar in which it blends with the picture, and the share of the next one
# that must have other colours: a plain wall ends at hair, not along a line.
_BAR_EDGE, _BAR_END = 2, 0.5


@dataclasses.dataclass(frozen=True)
class Window:
    """A parallelogram of the photo that is cut out as a square.

    Attributes:
      corner: `[2]`, its top left corner in the photo, pixels.
      axes: `[2, 2]`, whose columns are its upper and its left edge as vectors in the photo, pixels.
    """

    corner: np.ndarray
    axes: np.ndarray

    @property
    def sides(self) -> np.ndarray:
        """`[2]`: lengths of the upper and the left edge, pixels."""
        return np.linalg.norm(self.axes, axis=0)

    @property
    def roll(self) -> float:
        """In-plane rotation, radians, clockwise."""
        return float(np.arctan2(self.axes[1, 0], self.axes[0, 0]))

    @property
    def rotation(self) -> np.ndarray:
        """`[3, 3]`: from its frame to the photo's, of vectors x right, y up, z to the camera."""
        cosine, sine = np.cos(self.roll), np.sin(self.roll)
        return np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]], np.float32)

    def scaled(self, factors: np.ndarray) -> Window:
        """The window on the photo in another size: `factors` `[2]`, of its width and height."""
        return Window(self.corner * factors, self.axes * factors[:, None])

    def bounds(self, box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        """Bounding box of the window within a `box` of the photo: left, top, right, bottom."""
        corners = self.corner + np.array([(0, 0), (0, 1), (1, 0), (1, 1)]) @ self.axes.T
        low = np.floor(corners.min(0)).astype(int)
        high = np.ceil(corners.max(0)).astype(int)
        low = np.clip(low, box[:2], np.subtract(box[2:], 1))
        high = np.clip(high, low + 1, box[2:])
        return low[0], low[1], high[0], high[1]

    def place(self, points: np.ndarray) -> np.ndarray:
        """Window coordinates of points `[..., 2]` of the photo: (0, 0) top left, (1, 1) the end."""
        return (np.asarray(points) - self.corner) @ np.linalg.inv(self.axes).T

    def cut(self, pixels: np.ndarray, size: int, box: tuple[int, int, int, int]) -> np.ndarray:
        """Cuts the window out as a square, antialiased.

        Args:
          pixels: `[H, W, 3]` uint8, of the photo.
          size: height and width of the result, pixels.
          box: left, top, right, bottom of the picture in the photo; its border pixels are repeated
            outside.

        Returns:
          `[size, size, 3]` uint8.
        """
        left, top, right, bottom = self.bounds(box)
        near = Image.fromarray(np.ascontiguousarray(pixels[top:bottom, left:right]))
        # Shrinks by averaging in whole steps, resamples at twice the size, and averages that.
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
        """How far it reaches beyond the left, top, right and bottom of a box, pixels."""
        corners = self.corner + np.array([(0, 0), (0, 1), (1, 0), (1, 1)]) @ self.axes.T
        return (*(box[:2] - corners.min(0)), *(corners.max(0) - box[2:]))

    def uncut(self, maps: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
        """Resamples maps of the window to the photo's pixels, bilinearly.

        Args:
          maps: `[S, S]` or `[S, S, C]` float32.
          box: left, top, right, bottom of the part of the photo to fill.

        Returns:
          `[bottom - top, right - left]` or `[bottom - top, right - left, C]` float32; the border of
          the maps is repeated for a pixel of theirs outside the window, and 0 follows.
        """
        planes = Planes(self, maps).uncut(box)
        return planes[0] if maps.ndim == 2 else np.moveaxis(planes, 0, -1)

    def sampled(self, maps: np.ndarray, points: np.ndarray) -> np.ndarray:
        """The values of maps of the window at points of the photo, bilinearly.

        Args:
          maps: `[S, S, C]` float32.
          points: `[N, 2]`, pixels.

        Returns:
          `[N, C]` float32; the border of the maps is repeated outside the window.
        """
        columns, rows = (self.place(points) * len(maps) - 0.5).T
        return filters.sampled(maps, rows, columns)

    def onto(self, maps: np.ndarray, other: Window, size: int) -> np.ndarray:
        """Resamples maps of the window to the `[size, size]` pixels of another one; see `uncut`."""
        axes = np.linalg.inv(other.axes) @ self.axes * size
        return Window(other.place(self.corner) * size, axes).uncut(maps, (0, 0, size, size))


class Planes:
    """Maps of a window, ready to be resampled to one part of the photo after the other.

    Args:
      window: of the maps.
      maps: `[S, S]` or `[S, S, C]` float32.
    """

    def __init__(self, window: Window, maps: np.ndarray) -> None:
        self._corner, self._size = window.corner, maps.shape[0]
        self._matrix = np.linalg.inv(window.axes) * self._size
        # A pixel of padding, because the border lies half a pixel outside the last centre.
        channels = maps[None] if maps.ndim == 2 else np.moveaxis(maps, -1, 0)
        padded = np.pad(channels.astype(np.float32), ((0, 0), (1, 1), (1, 1)), mode="edge")
        self._images = list(map(Image.fromarray, padded))

    def uncut(self, box: tuple[int, int, int, int]) -> np.ndarray:
        """The maps on a part of the photo, `[C, bottom - top, right - left]`: `Window.uncut`."""
        left, top, right, bottom = box
        matrix = self._matrix
        origin = matrix @ (np.array([left, top]) - self._corner) + 1.0
        shape = right - left, bottom - top
        end = origin + matrix @ shape
        # Of maps that are enlarged upright, as bodies and crops are, `resize` does the same in a
        # fifth of the time.
        enlarged = (
            min(shape) > 0
            and np.abs(matrix[[0, 1], [1, 0]]).max() < 1e-9
            and np.all((0.0 < matrix.diagonal()) & (matrix.diagonal() <= 1.0))
            and np.all((0.0 <= origin) & (end <= self._size + 2.0))
        )
        result = np.empty((len(self._images), *shape[::-1]), np.float32)
        bilinear = Image.Resampling.BILINEAR
        turn = (*matrix[0], origin[0], *matrix[1], origin[1])
        for channel, image in enumerate(self._images):
            if enlarged:
                result[channel] = image.resize(shape, bilinear, (*origin, *end))
            else:
                result[channel] = image.transform(shape, Image.Transform.AFFINE, turn, bilinear)
        return result


def around(face: Face, framing: tuple[float, float]) -> Window:
    """The window around a face, with the face's roll.

    Args:
      face: what `find.find` gives.
      framing: `FACE`, `HEAD` or `WIDE`.
    """
    share, row = framing
    side = face.interocular_distance / share
    cosine, sine = np.cos(face.roll), np.sin(face.roll)
    axes = side * np.array([[cosine, -sine], [sine, cosine]])
    return Window(face.eyes.mean(0) - axes @ (0.5, row), axes)


def body(face: Face, box: tuple[int, int, int, int]) -> Window:
    """The upright window of the upper body of a person, not much larger than the photo.

    Args:
      face: of the person.
      box: left, top, right, bottom of the picture in the photo, pixels.
    """
    eyes = face.eyes.mean(0)
    # A person lies or stands, but rarely leans by more than the head.
    turn = np.round(face.roll / (np.pi / 2.0)) * np.pi / 2.0
    cosine, sine = np.round(np.cos(turn)), np.round(np.sin(turn))
    upright = np.array([[cosine, -sine], [sine, cosine]])
    corners = np.array([(x, y) for x in box[::2] for y in box[1::2]])
    across, down = ((corners - eyes) @ upright).T
    reach = max(2.0 * np.abs(across).max(), down.max() / (1.0 - _BODY_ROW))
    smallest, largest = (face.interocular_distance / share for share in _BODY[::-1])
    side = float(np.clip(reach, smallest, largest))
    return Window(eyes - side * upright @ (0.5, _BODY_ROW), side * upright)


def content(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """The part of a photo inside single-coloured bars, as of letterboxed films and scans.

    Args:
      pixels: `[H, W, 3]` uint8.

    Returns:
      left, top, right, bottom in pixels; the whole photo if it has no bars or is all of one colour.
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
    """Number of first rows that are a bar with the colour of the first pixel."""
    first = rows[0, 0].astype(int)

    def others(row):
        return (np.abs(row - first) > _BAR_TOLERANCE).any(-1)

    number = next((k for k, row in enumerate(rows) if others(row).any()), len(rows))
    if number in (0, len(rows)):
        return number
    shown = rows[number + _BAR_EDGE : number + _BAR_EDGE + 1]
    return number + _BAR_EDGE if len(shown) and others(shown[0]).mean() >= _BAR_END else 0


def whole(size: tuple[int, int]) -> Window:
    """The window that is the whole photo of `size` (H, W)."""
    return Window(np.zeros(2), np.diag([float(size[1]), float(size[0])]))
