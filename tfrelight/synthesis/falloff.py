"""Soft edges and spots for painting skin, hair and relief."""

from __future__ import annotations

import numpy as np

from tfrelight.photos.blending import smoothstep

__all__ = ["bump", "spot", "step"]


def bump(distance: np.ndarray, width: float) -> np.ndarray:
    """Gaussian of a distance with standard deviation `width`; 1 at distance 0."""
    return np.exp(-0.5 * (distance / width) ** 2)


def spot(rest: np.ndarray, x: float, y: float, width: float, height: float) -> np.ndarray:
    """Soft spots `[N]` in [0, 1] at (x, y) and (-x, y) of the neutral head.

    Args:
      rest: points of the neutral head, `[N, 3]` millimetres.
      x, y: centre, millimetres.
      width, height: standard deviations, millimetres.
    """
    return bump(np.abs(rest[:, 0]) - x, width) * bump(rest[:, 1] - y, height) * (rest[:, 2] > -40)


def step(value: np.ndarray | float, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth in between (`smoothstep`)."""
    return smoothstep((value - low) / (high - low))
