"""The surface of a head as its normals give it: a height above every pixel."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from tfrelight import harmonics
from tfrelight.rendering.horizon import FAR_BELOW, all_around

__all__ = ["HeightField", "integrated"]

# Least z of a normal: a surface that the camera sees at a smaller angle is steeper than a pixel can
# tell.
STEEPEST = 0.12
# Weight of the pixels off the mask: enough for a solution, too little to pull.
OFF = 1e-3
# Steps of the conjugate gradients. On heads of the renderer eight leave the heights within a pixel
# of those that 100 give.
STEPS = 12
# Longest side of the surface on which the horizon is known all around, pixels.
COARSE = 96


@dataclasses.dataclass(frozen=True)
class HeightField:
    """A surface seen by a distant camera.

    Attributes:
      normals: `[H, W, 3]` unit vectors, x right, y up, z to the camera.
      mask: `[H, W]` in [0, 1], 1 on the surface.
      head: height of the head, pixels.
      middle: (column, row) of the middle of the face, pixels.
      relief: `[H, W]`, heights towards the camera, pixels; None: those of the normals.
    """

    normals: np.ndarray
    mask: np.ndarray
    head: float
    middle: tuple[float, float]
    relief: np.ndarray | None = None

    @functools.cached_property
    def height(self) -> np.ndarray:
        """`[H, W]` float32, towards the camera, pixels; `FAR_BELOW` off the mask."""
        height = integrated(self.normals, self.mask) if self.relief is None else self.relief
        return np.where(self.mask > 0.5, height, np.float32(FAR_BELOW)).astype(np.float32)

    @functools.cached_property
    def horizons(self) -> tuple[HeightField, np.ndarray]:
        """The surface in fewer pixels, and the horizon all around each (`all_around`)."""
        small = self.reduced(COARSE)
        return small, all_around(small.height)

    def reduced(self, longest: int) -> HeightField:
        """The surface in cells of whole pixels, of which no side has more than `longest`."""
        step = -(-max(self.mask.shape) // longest)
        if step == 1:
            return self
        rows, columns = (-(-side // step) for side in self.mask.shape)
        pad = [(0, rows * step - self.mask.shape[0]), (0, columns * step - self.mask.shape[1])]

        def cells(values):
            padded = np.pad(values, pad + [(0, 0)] * (values.ndim - 2), "edge")
            return padded.reshape(rows, step, columns, step, *values.shape[2:]).mean((1, 3))

        normals = harmonics.unit(cells(self.normals))
        column, row = ((place + 0.5) / step - 0.5 for place in self.middle)
        relief = None if self.relief is None else cells(self.relief) / step
        return HeightField(normals, cells(self.mask), self.head / step, (column, row), relief)

    def places(self) -> np.ndarray:
        """`[H, W, 3]`: points of the surface from the middle of the face, pixels, y up."""
        rows, columns = np.mgrid[: self.mask.shape[0], : self.mask.shape[1]].astype(np.float32)
        column, row = self.middle
        inside = self.mask > 0.5
        level = np.median(self.height[inside]) if inside.any() else 0.0
        depth = np.where(inside, self.height - level, 0.0)
        return np.stack([columns - column, row - rows, depth], -1)


def integrated(normals: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Heights whose slopes are, by least squares, those of the normals on the mask.

    Minimises sum w |dz - slope|² over pairs of neighbours, where w is 1 on the mask and nearly 0
    beside it, so that what is behind a head does not pull on it. Conjugate gradients do it; their
    preconditioner is the Poisson equation with Neumann borders, by cosine transforms (Simchony,
    Chellappa and Shao, "Direct Analytical Methods for Solving Poisson Equations", 1990).

    Args:
      normals: `[H, W, 3]` unit vectors.
      mask: `[H, W]` in [0, 1].

    Returns:
      `[H, W]` float32, pixels, of mean 0.
    """
    steep = np.maximum(normals[..., 2], STEEPEST).astype(np.float32)
    across, down = -normals[..., 0] / steep, normals[..., 1] / steep
    weight = np.maximum(mask, OFF).astype(np.float32)
    slopes = (across[:, 1:] + across[:, :-1]) / 2, (down[1:] + down[:-1]) / 2
    weights = np.minimum(weight[:, 1:], weight[:, :-1]), np.minimum(weight[1:], weight[:-1])
    rows, columns = mask.shape
    eigenvalues = (
        4.0
        - 2.0 * np.cos(np.pi * np.arange(rows) / rows)[:, None]
        - 2.0 * np.cos(np.pi * np.arange(columns) / columns)
    ).astype(np.float32)
    eigenvalues[0, 0] = 1.0

    down_waves, across_waves = _cosines(rows), _cosines(columns)

    def solved(values):
        spectrum = down_waves @ values @ across_waves.T / eigenvalues
        spectrum[0, 0] = 0.0
        return down_waves.T @ spectrum @ across_waves

    def applied(height):
        return _divergence(
            weights[0] * np.diff(height, axis=1), weights[1] * np.diff(height, axis=0)
        )

    right = _divergence(weights[0] * slopes[0], weights[1] * slopes[1])
    height = np.zeros((rows, columns), np.float32)
    rest = right
    step = solved(rest)
    product = float(np.vdot(rest, step))
    for _ in range(STEPS):
        if not product > 1e-9:
            break
        changed = applied(step)
        length = product / max(float(np.vdot(step, changed)), 1e-12)
        height += np.float32(length) * step
        rest = rest - np.float32(length) * changed
        ahead = solved(rest)
        following = float(np.vdot(rest, ahead))
        step = ahead + np.float32(following / product) * step
        product = following
    return height


@functools.lru_cache(maxsize=8)
def _cosines(count):
    """The orthonormal cosine transform of `count` values, `[count, count]` float32.

    A product of matrices of a few hundred rows takes no longer than a fast transform.
    """
    waves = np.cos(np.pi / count * np.outer(np.arange(count), np.arange(count) + 0.5))
    waves *= np.sqrt(2.0 / count)
    waves[0] /= np.sqrt(2.0)
    return waves.astype(np.float32)


def _divergence(across, down):
    """The transpose of taking differences."""
    result = np.zeros((across.shape[0], down.shape[1]), np.float32)
    result[:, 1:] += across
    result[:, :-1] -= across
    result[1:] += down
    result[:-1] -= down
    return result
