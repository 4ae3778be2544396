"""A surface under a light: diffuse shading with cast shadows, and highlights."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfrelight import harmonics
from tfrelight.lights import Light
from tfrelight.photos import filters
from tfrelight.rendering import (
    catchlights,
    diffuse,
    height_field,
    highlights,
    horizon,
    shadows,
)
from tfrelight.rendering.catchlights import Eyes
from tfrelight.rendering.height_field import HeightField

__all__ = ["SETTINGS", "Rendering", "render"]

# Height of a head, millimetres: the median of adults (NASA-STD-3000, Man-Systems Integration
# Standards, volume I, 1995: 22 to 24 cm from chin to crown).
HEAD = 230.0
# Standard deviation of the distance that light travels in skin, millimetres (red, green, blue): one
# lobe in place of the six of d'Eon and Luebke, GPU Gems 3, chapter 14, 2007.
SPREAD = (1.3, 0.6, 0.4)
# Constants shared with the JavaScript port.
SETTINGS = {
    "narrow": shadows.NARROW,
    "penumbra": shadows.PENUMBRA,
    "points": shadows.POINTS,
    "around": horizon.AROUND,
    "coarse": height_field.COARSE,
    "f0": highlights.F0,
    "lobes": highlights.LOBES,
    "tears": catchlights.F0,
    "head": HEAD,
    "spread": SPREAD,
}


@dataclasses.dataclass(frozen=True)
class Rendering:
    """What a light does to a surface; renderings add up as their lights do.

    Attributes:
      diffuse: `[H, W, 3]` linear RGB, irradiance over pi with cast shadows. The part of harmonics
        may be below 0.
      highlights: `[H, W, 3]` linear RGB, radiance of the highlights of skin, at least 0.
      catchlights: `[N, 3]` likewise, of the pixels of eyes; None: 0.
    """

    diffuse: np.ndarray
    highlights: np.ndarray
    catchlights: np.ndarray | None = None

    def __add__(self, other: Rendering) -> Rendering:
        both = [one.catchlights for one in (self, other) if one.catchlights is not None]
        return Rendering(
            self.diffuse + other.diffuse,
            self.highlights + other.highlights,
            sum(both[1:], both[0]) if both else None,
        )

    def __mul__(self, factor: float) -> Rendering:
        number, found = np.float32(factor), self.catchlights
        return Rendering(
            self.diffuse * number,
            self.highlights * number,
            None if found is None else found * number,
        )


def render(
    surface: HeightField,
    light: Light,
    shadowed: float = 1.0,
    shiny: bool = True,
    eyes: Eyes | None = None,
) -> Rendering:
    """Renders a surface under a light.

    Args:
      surface: of the head.
      light: its colours are taken as they are.
      shadowed: share of the cast shadows, 0 to 1.
      shiny: whether to render highlights; otherwise they are 0.
      eyes: of the head, which make a catchlight of each lamp.
    """
    normals = surface.normals.astype(np.float32)
    total = np.zeros(normals.shape, np.float32)
    shine = np.zeros(normals.shape, np.float32)
    glints = None if eyes is None or not shiny else np.zeros((len(eyes.wet), 3), np.float32)
    if light.harmonics.any():
        total += harmonics.shade(normals, light.harmonics)
    for lamp in light.lamps:
        level = diffuse.of_lamp(surface, lamp)
        seen = np.ones((*level.shape, 1), np.float32)
        if shadowed:
            seen = _scattered(surface, shadows.of_lamp(surface, lamp)[..., None], shadowed)
        total += level[..., None] * seen * lamp.color
        if shiny:
            lobes = highlights.of_lamp(normals, lamp)
            shine += (lobes[..., None] * seen[..., -1:]) * lamp.color
        if eyes is not None and glints is not None:
            rows, columns = eyes.places
            there = catchlights.of_lamp(eyes, lamp) * seen[rows, columns, -1]
            glints += there[:, None] * lamp.color
    for environment in light.environments:
        level = diffuse.of_environment(normals, environment)
        seen = np.ones_like(level)
        if shadowed:
            sky = environment.along(shadows.sky_directions())
            seen = _scattered(surface, shadows.of_sky(surface, sky), shadowed)
        total += level * seen
        if shiny:
            shine += highlights.of_environment(normals, environment) * seen
    return Rendering(total, shine, glints)


def _scattered(surface, seen, shadowed):
    """Visibility `[H, W, 3]` of which a share casts shadows, whose edges bleed red in skin."""
    seen = 1.0 - np.float32(shadowed) * (1.0 - seen)
    millimetre = surface.head / HEAD
    blurred = [
        filters.gaussian(seen[..., k % seen.shape[-1]], spread * millimetre)
        for k, spread in enumerate(SPREAD)
    ]
    return np.stack(blurred, -1)
