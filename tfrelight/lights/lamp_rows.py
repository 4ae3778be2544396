"""A light as rows of numbers, for the signature `relight_lamps` of a server."""

from __future__ import annotations

import numpy as np

from tfrelight import harmonics
from tfrelight.lights.light_sum import LightSum

__all__ = ["MOST", "rows"]

# Rows of a light. All have as many, so that a server may join their requests.
MOST = 16


def rows(light: LightSum) -> np.ndarray | None:
    """The lamps and the even light of a light as rows.

    Args:
      light: to describe.

    Returns:
      `[MOST, 8]` float32: direction x, y, z; angular radius, radians, of even light pi; linear RGB
      relative to the photo's white; weight, 1, and 0 of rows that only fill up. None if the light
      holds more: near lamps, environment maps, other harmonics, absolute colours, or more lamps.
    """
    even = light.harmonics[0]
    plain = (
        not light.environments
        and all(np.isinf(lamp.distance) and lamp.relative for lamp in light.lamps)
        and not light.harmonics[1:].any()
        and np.array_equal(light.harmonics, light.relative_harmonics)
        and even.min() >= 0
    )
    if not plain:
        return None
    found = [[*lamp.direction, lamp.radius, *lamp.color, 1.0] for lamp in light.lamps]
    if even.any():
        found.append([0.0, 0.0, 1.0, np.pi, *even * harmonics.CONSTANT, 1.0])
    if len(found) > MOST:
        return None
    result = np.zeros((MOST, 8), np.float32)
    result[: len(found)] = np.reshape(found, (-1, 8))
    return result
