"""Soft edges and spots that skin, hair and relief are painted with."""

from __future__ import annotations

import numpy as np

__all__ = ["bump", "spot", "step"]


def bump(distance, width):
    """Gaussian of a distance: 1 at 0."""
    return np.exp(-0.5 * (distance / width) ** 2)


def spot(rest, x, y, width, height):
    """Soft spot on both halves of the face, `[N]` 0..1."""
    return bump(np.abs(rest[:, 0]) - x, width) * bump(rest[:, 1] - y, height) * (rest[:, 2] > -40)


def step(value, low, high):
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
