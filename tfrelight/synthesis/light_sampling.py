"""Random lights for synthetic portraits: flashes, studios, environments, harmonics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfrelight.lights import Environment, Lamp, Light, direction_vector, maps
from tfrelight.synthesis import environments

__all__ = ["sample_light"]


# Share of lights in strong colours: stages, neon, sunsets.
_COLOURED = 0.1


def _tint(rng, amount):
    color = np.exp(rng.normal(0, amount) * np.array([1, 0, -1]) + rng.normal(0, amount / 4, 3))
    return color / color.mean()


def _flash(rng):
    """One hard flash in a dark room, up to 90 degrees off axis, as in Extended Yale B."""
    azimuth, elevation = rng.uniform(-90, 90), rng.normal(8, 26)
    if rng.random() < 0.35:
        azimuth, elevation = rng.normal(0, 22), rng.normal(3, 18)
    elevation = np.clip(elevation, -40, 80)
    color = _tint(rng, 0.04) * rng.uniform(0.8, 1.2)
    lamp = Lamp(direction_vector(azimuth, elevation), np.radians(rng.uniform(0.3, 2.5)), color)
    fill = rng.choice([0.0, rng.uniform(0, 0.05), rng.uniform(0.02, 0.2)], p=[0.35, 0.45, 0.2])
    return Light(lamps=[lamp], environments=[_ambient(rng, fill)])


def _ambient(rng, level):
    """Weak ambient light that varies smoothly with direction, like reflections from a room."""
    directions, _ = maps.directions(16, 32)
    slope = rng.normal(size=3)
    slope /= np.linalg.norm(slope)
    weight = 1 + rng.uniform(0, 0.9) * (directions @ slope)
    return Environment.of(level * weight[..., None] * _tint(rng, 0.08))


def _studio(rng):
    """One to three lamps, hard to soft, with ambient light."""
    lamps = []
    coloured = rng.random() < _COLOURED
    for index in range(rng.choice([1, 2, 3], p=[0.35, 0.4, 0.25])):
        strength = rng.uniform(0.6, 1.1) if index == 0 else rng.uniform(0.1, 0.8)
        radius = np.radians(rng.choice([rng.uniform(0.5, 4), rng.uniform(4, 30)], p=[0.4, 0.6]))
        spread = (45, 22) if index == 0 else (80, 30)
        position = direction_vector(
            np.clip(rng.normal(0, spread[0]), -160, 160),
            np.clip(rng.normal(15, spread[1]), -50, 85),
        )
        color = _gel(rng) if coloured else _tint(rng, 0.15)
        lamps.append(Lamp(position, radius, strength * color))
    return Light(lamps=lamps, environments=[_ambient(rng, rng.uniform(0.03, 0.4))])


def _gel(rng):
    """A saturated colour of luminance about 1, as of coloured lamps."""
    color = np.exp(rng.normal(0, 0.9, 3))
    return color / color.mean()


def _harmonics(rng):
    """A pure second-order light: a soft lamp and ambient light, with random higher bands."""
    towards = direction_vector(
        np.clip(rng.normal(0, 45), -120, 120), np.clip(rng.normal(15, 30), -70, 85)
    )
    order2 = Lamp(towards, np.radians(rng.uniform(10, 60)), _tint(rng, 0.12) * 0.8).coefficients()
    order2[0] += np.sqrt(4 * np.pi) * rng.uniform(0.15, 0.6) * _tint(rng, 0.08)
    order2[1:] += rng.normal(0, 0.12, (8, 1)) + rng.normal(0, 0.03, (8, 3))
    return Light(order2)


def sample_light(
    rng: np.random.Generator, kind: str, radiances: Sequence[np.ndarray] = ()
) -> Light:
    """Draws a light.

    Args:
      rng: source of all randomness.
      kind: "flash", "studio", "environment" or "harmonics".
      radiances: environment maps `[h, w, 3]` for "environment", which is procedural without them.

    Raises:
      ValueError: an unknown kind.
    """
    if kind == "flash":
        return _flash(rng)
    if kind == "studio":
        return _studio(rng)
    if kind == "harmonics":
        return _harmonics(rng)
    if kind == "environment":
        light = environments.sample(rng, radiances)
        if rng.random() < 0.5 * _COLOURED:
            light = light * _gel(rng)
        return light
    raise ValueError(f"Unknown kind of light: {kind!r}")
