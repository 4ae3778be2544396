"""Smooth transitions between parts of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["ramp", "smoothstep"]


def smoothstep(share: ArrayLike) -> np.ndarray:
    """3 t² - 2 t³ of t = `share` clipped to [0, 1], which has no slope at 0 and 1."""
    t = np.clip(share, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def ramp(values: ArrayLike, start: float, end: float) -> np.ndarray:
    """0 up to `start` and 1 from `end` on, `smoothstep` between; `end` may be the smaller."""
    return smoothstep((np.asarray(values) - start) / (end - start))
