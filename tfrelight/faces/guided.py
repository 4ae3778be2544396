"""The guided filter, and its fast form: coefficients at a small size, edges at any.

He, Sun and Tang, "Guided Image Filtering", 2010; He and Sun, "Fast Guided Filter", 2015. Around
every pixel the filtered map is a linear function of the guide, so its edges are the guide's.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

__all__ = ["coefficients", "filtered"]


def coefficients(guide, maps, radius, epsilon):
    """Slope and offset of each pixel's linear function.

    Args:
      guide: `[H, W]`.
      maps: `[H, W, C]`.
      radius: of the windows, pixels.
      epsilon: variance of the guide below which it counts as flat; a number or `[H, W, 1]`.

    Returns:
      slope and offset, `[H, W, C]`: the filtered maps are slope x guide + offset, for this guide or
      the same one at another resolution.
    """
    guide = guide[..., None]
    mean_guide, mean_maps = _mean(guide, radius), _mean(maps, radius)
    variance = np.maximum(_mean(guide * guide, radius) - mean_guide**2, 0.0)
    slope = (_mean(guide * maps, radius) - mean_guide * mean_maps) / (variance + epsilon)
    return _mean(slope, radius), _mean(mean_maps - slope * mean_guide, radius)


def filtered(guide, maps, radius, epsilon):
    """The maps `[H, W, C]`, smoothed where the guide `[H, W]` is and with its edges."""
    slope, offset = coefficients(guide, maps, radius, epsilon)
    return slope * guide[..., None] + offset


def _mean(maps, radius):
    size = 2 * radius + 1
    return ndimage.uniform_filter(maps, (size, size, 0), mode="nearest")
