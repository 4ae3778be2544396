"""The white part of bright skin: highlights, and what a camera's curve takes from bright colours.

Skin reflects its own colour, and at its surface that of the light, a white part (Shafer, "Using
Color to Separate Reflection Components", 1985). In another light highlights lie elsewhere: where
they were, skin that only got darker would be grey. And a clipped channel of a highlight lies less
far above the others than the colour of the skin says.
"""

from __future__ import annotations

import numpy as np

from tfrelight import color
from tfrelight.photos import filters
from tfrelight.photos.blending import ramp
from tfrelight.relighting import lost_light
from tfrelight.relighting.face_maps import FaceMaps

__all__ = ["separated"]

# Linear values of the largest channel between which a pixel starts to count as bright. These and
# the following: by eye, on the astronaut and six portraits under left, right and rim.
BRIGHT = (0.5, lost_light.CLIPPED[0])
# Variance of a surface's channels below which its colour hardly differs from white.
PALE = 1e-3
# Radii of the surroundings over which shares are averaged, as shares of the maps' side, and how
# much the wider ones count: hardly, where anything near tells.
NEAR, WIDE, FROM_AFAR = 0.01, 0.04, 0.01
# How much what a surface is counts without any evidence.
PRIOR = 1e-4
# Least share of the surface's own colour.
LEAST = 0.2


def separated(
    maps: FaceMaps, shading: np.ndarray, skin: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The colour of a surface with its white part, and what that part changes of bright skin.

    Args:
      maps: of the face.
      shading: `[S, S, 3]` under its own light, above 0.
      skin: `[S, S]` in [0, 1], what `materials.skin` gives.

    Returns:
      `[S, S, 3]`, the colour by which clipped channels are restored (`lost_light.restored`), the
      largest channel is 1; and `[S, S, 3]`, the logarithm of the factor by which the white part
      changes the colour of bright skin, both at luminance 1.
    """
    surface = lost_light.surface_color(maps, shading)
    white = shading / color.largest(shading)[..., None]
    own = surface / white
    own = own / color.largest(own)[..., None]
    bright = ramp(color.largest(maps.photo), *BRIGHT)
    share = _matte(maps, own, white, skin, bright)
    mixed = white * (1.0 + share[..., None] * (own - 1.0))
    mixed = (mixed / color.largest(mixed)[..., None]).astype(np.float32)
    counts = skin * _around(bright[None], NEAR)[0]
    without, with_white = (
        values / color.luminance_numpy(values)[..., None] for values in (surface, mixed)
    )
    return mixed, (counts[..., None] * np.log(with_white / without)).astype(np.float32)


def _matte(maps, own, white, skin, bright):
    """The share of a surface's own colour in its light, `[S, S]`, `LEAST` to 1.

    In the light's white a photo's channels are a straight line over those of the surface, which
    crosses the axis at the white part. Clipped channels do not count. Where nothing that is bright
    tells, skin has its own colour, and everything else is white.
    """
    seen = maps.photo / white
    counts = 1.0 - ramp(maps.photo, *lost_light.CLIPPED)
    total = np.maximum(_sum(counts), 1e-6)
    own_mean, seen_mean = (_sum(counts * values) / total for values in (own, seen))
    apart = counts * (own - own_mean[..., None])
    variance = _sum(apart * own) / total
    slope = _sum(apart * seen) / total / np.maximum(variance, 1e-6)
    # Where the surface is 1 the line is at the sum of both parts.
    both = seen_mean + slope * (1.0 - own_mean)
    share = np.clip(slope / np.maximum(both, 1e-6), 0.0, 1.0)
    # One channel alone says nothing; rounding would.
    evidence = bright * ramp(color.middle(counts), 0.0, 0.1) * variance / (variance + PALE)
    (near, near_weight), (wide, wide_weight) = (
        _around(np.stack([share * evidence, evidence]), reach) for reach in (NEAR, WIDE)
    )
    found = near + FROM_AFAR * wide + PRIOR * (1.0 if maps.parts is None else skin)
    found /= near_weight + FROM_AFAR * wide_weight + PRIOR
    return np.maximum(found, LEAST)


def _around(values, reach):
    """Averages of maps `[C, S, S]` over the surroundings."""
    return filters.box(values, 2 * max(1, round(reach * values.shape[-1])) + 1)


def _sum(values):
    """The sum of channels; `sum` is slow on so short an axis."""
    return values[..., 0] + values[..., 1] + values[..., 2]
