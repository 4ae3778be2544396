"""Cast shadows: how much of each lamp a point of a surface sees over the horizon around it.

Seen from a point, the surface rises to a horizon: in each direction of the image the steepest angle
above the image's plane. The part of a lamp above it is seen (Max, "Horizon mapping: shadows for
bump-mapped surfaces", 1988). The part of a lamp below the point's own tangent plane is not in
shadow: the cosine accounts for it.
"""

from __future__ import annotations

import numpy as np

from tfrelight.lights import Lamp
from tfrelight.photos import filters
from tfrelight.rendering.height_field import HeightField
from tfrelight.rendering.horizon import AROUND, horizon

__all__ = ["of_lamp", "of_sky", "sky_directions"]

# Angular radius, radians, up to which a lamp is marched towards, rather than looked up.
NARROW = np.radians(16.0)
# Least angular radius of a penumbra, radians: a pixel at the distance of a nose's shadow.
PENUMBRA = np.radians(1.2)
# Bands of a sky from behind the head to the camera, of equal solid angle.
_BANDS = 8
# Points of a wide lamp.
POINTS = 24


def of_lamp(surface: HeightField, lamp: Lamp) -> np.ndarray:
    """The part of a lamp that each point sees, `[H, W]` in [0, 1].

    Args:
      surface: what is lit and casts the shadows.
      lamp: of a near one, the direction from the middle of the face counts.
    """
    if lamp.radius > NARROW:
        points = lamp.points(POINTS // 2)
        # And their mirror images, so that the lamp's mirror image casts mirrored shadows.
        side = np.cross([0.0, 1.0, 0.0], lamp.direction)
        side /= max(float(np.linalg.norm(side)), 1e-9)
        points = np.concatenate([points, points - 2 * np.outer(points @ side, side)])
        return _looked_up(surface, points, np.ones((len(points), 1)), lamp.radius / 4)[..., 0]
    x, y, z = lamp.direction
    flat = float(np.hypot(x, y))
    if flat < 1e-3:
        return np.ones(surface.mask.shape, np.float32)
    elevation = float(np.arctan2(z, flat))
    radius = max(lamp.radius, PENUMBRA)
    inside = surface.mask > 0.5
    if not inside.any():
        return np.ones(surface.mask.shape, np.float32)
    relief = float(np.ptp(surface.height[inside]))
    lowest = np.tan(max(elevation - radius, np.radians(2.0)))
    farthest = min(relief / lowest, float(max(surface.mask.shape)))
    towards = x / flat, y / flat
    over = np.arctan(horizon(surface.height, towards, farthest))
    return _seen(elevation, over, _tangent(surface.normals, towards), radius)


def of_sky(surface: HeightField, radiance: np.ndarray) -> np.ndarray:
    """The part of the light of a sky that each point sees, `[H, W, C]` in [0, 1].

    Args:
      surface: what is lit and casts the shadows.
      radiance: `[8 x 16, C]` of the directions of `sky_directions`.
    """
    return _looked_up(surface, sky_directions(), radiance, np.radians(11.0))


def sky_directions() -> np.ndarray:
    """Directions around the camera's axis, `[8 x 16, 3]`, each of the same solid angle."""
    z = (np.arange(_BANDS) + 0.5) / _BANDS * 2 - 1
    angle = (np.arange(AROUND) + 0.5) * 2 * np.pi / AROUND
    z, angle = (values.ravel() for values in np.meshgrid(z, angle, indexing="ij"))
    flat = np.sqrt(1 - z * z)
    return np.stack([flat * np.cos(angle), flat * np.sin(angle), z], -1).astype(np.float32)


def _tangent(normals, towards):
    """Angle of the tangent plane above the image's plane, in a direction of the image."""
    rise = -(normals[..., 0] * towards[0] + normals[..., 1] * towards[1])
    return np.arctan2(rise, np.maximum(normals[..., 2], 1e-3))


def _seen(elevation, over, tangent, radius):
    """The part of a disc above the horizon, of that above the tangent plane."""
    whole = _above((elevation - tangent) / radius)
    part = _above((elevation - np.maximum(over, tangent)) / radius)
    # Where the tangent plane hides the lamp, nothing is left to be in shadow.
    share = part / np.maximum(whole, 1e-3)
    return np.where(whole > 1e-3, np.minimum(share, 1.0), 1.0).astype(np.float32)


def _above(height):
    """The part of a disc of radius 1 above a line at `-height` from its centre.

    The polynomial has the values and slopes of 1/2 + (h sqrt(1 - h²) + arcsin h) / pi at 0 and 1,
    and differs by at most 0.013.
    """
    height = np.clip(height, -1.0, 1.0)
    square = height * height
    return 0.5 + height * (0.6366 - square * (0.0232 + 0.1134 * square))


def _looked_up(surface, directions, radiance, radius):
    """The part of the light of K discs that each point sees, `[H, W, C]`."""
    small, horizons = surface.horizons
    lit = np.zeros((*small.mask.shape, radiance.shape[1]), np.float32)
    seen = np.zeros_like(lit)
    turns = np.arctan2(directions[:, 1], directions[:, 0]) / (2 * np.pi) * AROUND
    elevations = np.arctan2(directions[:, 2], np.hypot(directions[:, 0], directions[:, 1]))
    for direction, turn, elevation, color in zip(directions, turns, elevations, radiance):
        cosine = np.maximum(small.normals @ direction.astype(np.float32), 0.0)
        first = int(np.floor(turn))
        share = np.float32(turn - first)
        before, after = horizons[first % AROUND], horizons[(first + 1) % AROUND]
        flat = max(float(np.hypot(direction[0], direction[1])), 1e-6)
        towards = direction[0] / flat, direction[1] / flat
        tangent = _tangent(small.normals, towards)
        part = _seen(elevation, before + share * (after - before), tangent, radius)
        light = cosine[..., None] * color.astype(np.float32)
        lit += light
        seen += part[..., None] * light
    found = np.where(lit > 1e-6, seen / np.maximum(lit, 1e-6), 1.0)
    if small is surface:
        return found
    step = round(surface.head / small.head)
    rows, columns = ((np.arange(side) + 0.5) / step - 0.5 for side in surface.mask.shape)
    return filters.sampled(found, rows[:, None], columns)
