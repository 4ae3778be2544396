"""The horizon over a surface: the steepest angle at which it rises, in a direction of the image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

__all__ = ["AROUND", "FAR_BELOW", "all_around", "distances", "horizon"]

# Height of what is behind the head, pixels: no ray reaches it.
FAR_BELOW = -1e4
# Directions of the image in which the horizon is known for wide lamps and skies.
AROUND = 16


def horizon(height: np.ndarray, direction: tuple[float, float], farthest: float) -> np.ndarray:
    """Tangent of the steepest angle above the image's plane, in a direction of the image.

    Args:
      height: `[H, W]` pixels.
      direction: (right, up) unit vector in the image.
      farthest: distance up to which to look, pixels.

    Returns:
      `[H, W]` float32; at least -1e4.
    """
    across, down = direction[0], -direction[1]
    if abs(down) > abs(across):
        return horizon(height.T, (down, -across), farthest).T
    if across < 0:
        return horizon(height[:, ::-1], (-across, -down), farthest)[:, ::-1]
    rows, columns = height.shape
    slope = down / across
    # Along the longer axis each step is a pixel, so that only rows need to be interpolated.
    stride = float(np.hypot(1.0, slope))
    count = min(columns - 1, int(farthest / stride) + 1)
    reach = int(abs(slope) * count) + 2
    padded = np.full((rows + 2 * reach, columns), FAR_BELOW, np.float32)
    padded[reach : reach + rows] = height
    found = np.full((rows, columns), -1e4, np.float32)
    for number in distances(count):
        moved = slope * number
        whole = int(np.floor(moved))
        share = np.float32(moved - whole)
        upper = padded[reach + whole : reach + whole + rows, number:]
        lower = padded[reach + whole + 1 : reach + whole + 1 + rows, number:]
        seen = upper + share * (lower - upper)
        seen -= height[:, : columns - number]
        seen *= np.float32(1.0 / (number * stride))
        np.maximum(found[:, : columns - number], seen, out=found[:, : columns - number])
    return found


def distances(count: int) -> Iterator[int]:
    """The distances, 1 to `count` pixels, at which a horizon is looked for."""
    number = 1
    while number <= count:
        yield number
        # Far steps may be longer: the horizon moves by an angle.
        number += max(1, number // 24)


def all_around(height: np.ndarray) -> np.ndarray:
    """Angles of the horizon in `AROUND` directions of the image, counterclockwise from the right.

    Args:
      height: `[H, W]` pixels.

    Returns:
      `[AROUND, H, W]` radians above the image's plane.
    """
    farthest = float(max(height.shape))
    angles = np.arange(AROUND) * 2 * np.pi / AROUND
    found = [horizon(height, (float(np.cos(a)), float(np.sin(a))), farthest) for a in angles]
    return np.arctan(np.stack(found))
