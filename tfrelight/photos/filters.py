"""The few filters that a photo passes, in numpy: importing scipy's takes longer than relighting.

All treat the border as `numpy.pad` does in the mode that they are given: "symmetric" repeats what
lies inside in reverse, "edge" the last value, "wrap" the other end.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

__all__ = ["REACH", "box", "dilated", "disc", "eroded", "gaussian", "sampled"]

Border = Literal["symmetric", "edge", "wrap"]

# A Gaussian ends at this many standard deviations.
REACH = 4.0
# Longest axis along which it is a product of matrices.
_PRODUCT = 320


def gaussian(
    values: np.ndarray, sigma: float | Sequence[float], mode: Border = "symmetric"
) -> np.ndarray:
    """Averages with the weights of a Gaussian.

    Args:
      values: `[...]` float.
      sigma: standard deviation, in steps of the array: of all axes, or one for each; 0 leaves an
        axis as it is.
      mode: of the border.

    Returns:
      `[...]` of the same type.
    """
    for axis, deviation in enumerate(np.broadcast_to(sigma, values.ndim)):
        length = values.shape[axis]
        if int(REACH * deviation + 0.5) < 1:
            continue
        if length > _PRODUCT:
            values = _weighted(values, axis, float(deviation), mode)
            continue
        matrix = _gaussian_matrix(length, float(deviation), mode, values.dtype)
        values = np.moveaxis(np.tensordot(matrix, values, (1, axis)), 0, axis)
    return values


def _weighted(values, axis, deviation, mode):
    """A Gaussian along one axis, as a sum of shifted copies."""
    reach = int(REACH * deviation + 0.5)
    steps = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (steps / deviation) ** 2)
    weights /= weights.sum()
    padded = _padded(values, axis, (reach, reach), mode)
    total = np.zeros_like(values)
    for step, weight in enumerate(weights.astype(values.dtype)):
        total += weight * _part(padded, axis, step, values.shape[axis])
    return total


@functools.lru_cache(maxsize=32)
def _gaussian_matrix(length, deviation, mode, dtype):
    """The same as a matrix: a product with so small a one takes less time than shifting."""
    return _weighted(np.eye(length), 0, deviation, mode).astype(dtype)


def box(values: np.ndarray, size: int, mode: Border = "symmetric") -> np.ndarray:
    """Averages over squares of the last two axes.

    Args:
      values: `[..., H, W]` float.
      size: side of the square; of an even one the larger half lies before the middle.
      mode: of the border.

    Returns:
      `[..., H, W]` of the same type.
    """
    for axis in (values.ndim - 2, values.ndim - 1):
        padded = _padded(values, axis, (size // 2, (size - 1) // 2), mode)
        values = _sums(padded, axis, size, values.shape[axis])
        values *= values.dtype.type(1.0 / size)
    return values


def _sums(values, axis, size, length):
    """Sums of `size` neighbours along an axis, from those of 1, 2, 4, ... neighbours."""
    total, done, step = None, 0, 1
    while True:
        if size & step:
            part = _part(values, axis, done, length)
            total = part.copy() if total is None else np.add(total, part, out=total)
            done += step
        if done == size:
            return total
        rest = values.shape[axis] - step
        values = _part(values, axis, 0, rest) + _part(values, axis, step, rest)
        step *= 2


def disc(radius: float) -> np.ndarray:
    """`[2 R + 1, 2 R + 1]` bool, R = int(radius): the pixels within a radius of the middle."""
    reach = int(radius)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return y * y + x * x <= radius**2


def dilated(values: np.ndarray, footprint: np.ndarray) -> np.ndarray:
    """The largest value around each pixel.

    Args:
      values: `[H, W]`, repeated at the border.
      footprint: `[2 R + 1, 2 R + 1]` bool: the pixels around, symmetric about the middle.
    """
    return _extreme(np.maximum, values, footprint)


def eroded(values: np.ndarray, footprint: np.ndarray) -> np.ndarray:
    """The smallest value around each pixel; see `dilated`."""
    return _extreme(np.minimum, values, footprint)


def _extreme(choose: Callable, values, footprint):
    reach = len(footprint) // 2
    padded = np.pad(values, reach, mode="edge")
    result = values.copy()
    for row, column in np.argwhere(footprint):
        shifted = _part(_part(padded, 0, row, len(values)), 1, column, values.shape[1])
        choose(result, shifted, out=result)
    return result


def sampled(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Values between pixels, bilinearly; the border is repeated.

    Args:
      values: `[H, W]` or `[H, W, C]` float.
      rows, columns: `[...]`, places; the first pixel's middle is at 0.

    Returns:
      `[...]` or `[..., C]` of the type of `values`.
    """
    rows = np.clip(rows, 0, len(values) - 1)
    columns = np.clip(columns, 0, values.shape[1] - 1)
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    bottom, right = np.minimum(top + 1, len(values) - 1), np.minimum(left + 1, values.shape[1] - 1)
    down, across = (rows - top).astype(values.dtype), (columns - left).astype(values.dtype)
    if values.ndim == 3:
        down, across = down[..., None], across[..., None]
    above = values[top, left] * (1 - across) + values[top, right] * across
    below = values[bottom, left] * (1 - across) + values[bottom, right] * across
    return above * (1 - down) + below * down


def _padded(values, axis, width, mode):
    """`numpy.pad` along one axis, without what it costs to prepare for all."""
    length = values.shape[axis]
    before, after = width
    if mode == "edge":
        first = np.repeat(_part(values, axis, 0, 1), before, axis)
        last = np.repeat(_part(values, axis, length - 1, 1), after, axis)
        return np.concatenate([first, values, last], axis)
    border = [(0, 0)] * values.ndim
    border[axis] = width
    return np.pad(values, border, mode=mode)


def _part(values, axis, start, length):
    return values[(slice(None),) * axis + (slice(start, start + length),)]
