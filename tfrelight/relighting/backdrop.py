"""What is behind people, under another light."""

from __future__ import annotations

import numpy as np

from tfrelight import harmonics
from tfrelight.lights import sphere

__all__ = ["BEHIND", "factor"]

# Largest factor by which the brightness of a background may change; the smallest is 1 / BEHIND.
BEHIND = 8.0


def factor(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The factor `[3]` in linear RGB of a background, from two lights `[9, 3]` on the face."""
    before, after = map(_visible_shading, (old, new))
    # A share of the brightest channel, because photos may be dark. Black stays above 0.
    before = np.maximum(before, max(1e-3 * float(before.max()), 1e-9))
    return np.clip(after / before, 1.0 / BEHIND, BEHIND)


def _visible_shading(light):
    """Mean shading `[3]` of the surfaces that the camera sees."""
    normals, _ = sphere.visible_normals(48)
    return np.maximum(harmonics.shade(normals, light), 0.0).mean(0)
