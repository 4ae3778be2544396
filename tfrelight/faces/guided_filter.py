"""The guided filter, whose coefficients from a small guide also apply to a large one.

He, Sun and Tang, "Guided Image Filtering", 2010; He and Sun, "Fast Guided Filter", 2015. Around
every pixel the filtered map is a linear function of the guide, so it has the guide's edges.
"""

from __future__ import annotations

import numpy as np

from tfrelight.photos import filters

__all__ = ["coefficients", "filtered"]


def coefficients(
    guide: np.ndarray, maps: np.ndarray, radius: int, epsilon: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Slope and offset of each pixel's linear function of the guide.

    Args:
      guide: `[H, W]`.
      maps: `[H, W, C]`.
      radius: of the windows, pixels.
      epsilon: variance of the guide below which it counts as flat; a number or `[H, W, 1]`.

    Returns:
      slope and offset, both `[H, W, C]`. The filtered maps are slope x guide + offset, for this
      guide or the same one at another resolution.
    """
    slope, offset = _coefficients(guide, maps, radius, epsilon)
    return np.moveaxis(slope, 0, -1), np.moveaxis(offset, 0, -1)


def _coefficients(guide, maps, radius, epsilon):
    """The same as `[C, H, W]`: numpy is slow along an axis as short as that of the channels."""
    maps = np.ascontiguousarray(np.moveaxis(maps, -1, 0))
    epsilon = epsilon[..., 0] if isinstance(epsilon, np.ndarray) else epsilon
    mean_guide, mean_maps = _mean(guide, radius), _mean(maps, radius)
    variance = np.maximum(_mean(guide * guide, radius) - mean_guide**2, 0.0)
    slope = (_mean(guide * maps, radius) - mean_guide * mean_maps) / (variance + epsilon)
    return _mean(slope, radius), _mean(mean_maps - slope * mean_guide, radius)


def filtered(
    guide: np.ndarray, maps: np.ndarray, radius: int, epsilon: float | np.ndarray
) -> np.ndarray:
    """The maps `[H, W, C]`, smoothed where the guide `[H, W]` is flat, with the guide's edges.

    Arguments as in `coefficients`.
    """
    slope, offset = _coefficients(guide, maps, radius, epsilon)
    return np.moveaxis(slope * guide + offset, 0, -1)


def _mean(maps, radius):
    size = 2 * radius + 1
    return filters.box(maps, size, mode="edge")
