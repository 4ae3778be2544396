"""The guided filter, whose coefficients from a small guide also apply to a large one.

He, Sun and Tang, "Guided Image Filtering", 2010; He and Sun, "Fast Guided Filter", 2015. Around
every pixel the filtered map is a linear function of the guide, so it has the guide's edges.
"""

from __future__ import annotations

import numpy as np

from tfrelight.photos import filters

__all__ = ["GuidedFilter", "coefficients", "filtered"]


class GuidedFilter:
    """The filter of one guide, for any number of maps.

    Args:
      guide: `[H, W]`.
      radius: of the windows, pixels.
      epsilon: variance of the guide below which it counts as flat; a number or `[H, W, 1]`.
    """

    def __init__(self, guide: np.ndarray, radius: int, epsilon: float | np.ndarray) -> None:
        self._guide, self._side = guide, 2 * radius + 1
        self._mean_guide, mean_square = self._mean(np.stack([guide, guide * guide]))
        variance = np.maximum(mean_square - self._mean_guide**2, 0.0)
        epsilon = epsilon[..., 0] if isinstance(epsilon, np.ndarray) else epsilon
        self._scale = 1.0 / (variance + epsilon)

    def coefficients(self, planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slope and offset, both `[C, H, W]`, for maps `[C, H, W]`; see `coefficients`.

        Channel by channel: numpy is slow along an axis as short as that of the channels.
        """
        means, products = self._mean(np.stack([planes, self._guide * planes]))
        slope = (products - self._mean_guide * means) * self._scale
        slope, offset = self._mean(np.stack([slope, means - slope * self._mean_guide]))
        return slope, offset

    def filtered(self, planes: np.ndarray) -> np.ndarray:
        """The maps `[C, H, W]` filtered; see `filtered`."""
        slope, offset = self.coefficients(planes)
        return slope * self._guide + offset

    def _mean(self, planes):
        return filters.box(planes, self._side, mode="edge")


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
    guided = GuidedFilter(guide, radius, epsilon)
    slope, offset = guided.coefficients(np.moveaxis(maps, -1, 0))
    return np.moveaxis(slope, 0, -1), np.moveaxis(offset, 0, -1)


def filtered(
    guide: np.ndarray, maps: np.ndarray, radius: int, epsilon: float | np.ndarray
) -> np.ndarray:
    """The maps `[H, W, C]`, smoothed where the guide `[H, W]` is flat, with the guide's edges.

    Arguments as in `coefficients`.
    """
    planes = GuidedFilter(guide, radius, epsilon).filtered(np.moveaxis(maps, -1, 0))
    return np.moveaxis(planes, 0, -1)
