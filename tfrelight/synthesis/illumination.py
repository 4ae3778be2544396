"""Lights of the synthetic portraits: what they are, and their exact second-order harmonics.

Conventions of `tfrelight.harmonics`; without TensorFlow, because rendering processes must start in
less than the seconds that importing it takes.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tfrelight import harmonics
from tfrelight.lights import direction_vector, maps
from tfrelight.synthesis.render import sphere_directions

__all__ = ["Lamp", "Light", "sample_light"]


@dataclasses.dataclass
class Lamp:
    """A distant disc of even radiance.

    direction: `[3]` unit vector to its middle. radius: its angular radius, radians. color: `[3]`
    linear RGB shading it gives a surface that faces it (for a small disc: its irradiance over pi).
    """

    direction: np.ndarray
    radius: float
    color: np.ndarray

    def coefficients(self) -> np.ndarray:
        """Projection `[9, 3]` of its radiance."""
        return harmonics.disc(self.direction, self.radius)[:, None] * self.color

    def points(self, count: int) -> np.ndarray:
        """`[count, 3]` directions spread evenly over the disc."""
        index = np.arange(count) + 0.5
        angle = index * np.pi * (3 - np.sqrt(5))
        height = 1 - (1 - np.cos(self.radius)) * index / count
        radius = np.sqrt(np.maximum(1 - height**2, 0))
        z = self.direction
        x = np.cross([0.0, 1.0, 0.0] if abs(z[1]) < 0.9 else [1.0, 0.0, 0.0], z)
        x /= np.linalg.norm(x)
        y = np.cross(z, x)
        points = (
            (radius * np.cos(angle))[:, None] * x
            + (radius * np.sin(angle))[:, None] * y
            + height[:, None] * z
        )
        return points.astype(np.float32)


@dataclasses.dataclass
class Light:
    """Everything that lights one photo: lamps, and an environment or a pure second-order light.

    kind: its name in `Settings.shares`. environment: `[h, w, 3]` radiance, equirectangular, row 0
    up, column 0 at azimuth -180 degrees, the middle column towards the camera, in the camera's
    frame; or None. order2: `[9, 3]` or None: shading is then exactly its formula, without shadows.
    """

    kind: str
    lamps: tuple[Lamp, ...] = ()
    environment: np.ndarray | None = None
    order2: np.ndarray | None = None

    def coefficients(self) -> np.ndarray:
        """Projection `[9, 3]` float32 of the true incoming radiance on second-order harmonics."""
        total = np.zeros((9, 3))
        for lamp in self.lamps:
            total += lamp.coefficients()
        if self.environment is not None:
            total += maps.project(self.environment)
        if self.order2 is not None:
            total += self.order2
        return total.astype(np.float32)

    def cells(self, count: int) -> np.ndarray:
        """Mean radiance `[count, 3]` of the environment at each of `sphere_directions(count)`."""
        shares = _shares(count, *self.environment.shape[:2])
        return shares @ self.environment.reshape(-1, 3).astype(np.float32)


_SHARES = {}


def _shares(count, height, width):
    """`[count, h w]`: how much of each pixel goes to each direction; each pixel is spent once."""
    if (count, height, width) not in _SHARES:
        directions, areas = maps.directions(height, width)
        # Gaussian cells as wide as half the directions' spacing: neither holes nor blur.
        variance = np.pi / count
        shares = np.exp((sphere_directions(count) @ directions.reshape(-1, 3).T - 1) / variance)
        shares *= areas.ravel() * count / (4 * np.pi) / shares.sum(0)
        _SHARES[count, height, width] = shares.astype(np.float32)
    return _SHARES[count, height, width]


def _tint(rng, amount):
    color = np.exp(rng.normal(0, amount) * np.array([1, 0, -1]) + rng.normal(0, amount / 4, 3))
    return color / color.mean()


def _flash(rng):
    """One hard flash in a dark room, out to 90 degrees off axis, as in Extended Yale B."""
    azimuth, elevation = rng.uniform(-90, 90), rng.normal(8, 26)
    if rng.random() < 0.35:
        azimuth, elevation = rng.normal(0, 22), rng.normal(3, 18)
    elevation = np.clip(elevation, -40, 80)
    color = _tint(rng, 0.04) * rng.uniform(0.8, 1.2)
    lamp = Lamp(direction_vector(azimuth, elevation), np.radians(rng.uniform(0.3, 2.5)), color)
    fill = rng.choice([0.0, rng.uniform(0, 0.05), rng.uniform(0.02, 0.2)], p=[0.35, 0.45, 0.2])
    return Light("flash", (lamp,), _even(rng, fill))


def _even(rng, level):
    """A weak, smoothly uneven surrounding, as the light that a room throws back."""
    directions, _ = maps.directions(16, 32)
    slope = rng.normal(size=3)
    slope /= np.linalg.norm(slope)
    weight = 1 + rng.uniform(0, 0.9) * (directions @ slope)
    return (level * weight[..., None] * _tint(rng, 0.08)).astype(np.float32)


def _studio(rng):
    """One to three lamps, hard to large and soft, over a surrounding."""
    lamps = []
    for index in range(rng.choice([1, 2, 3], p=[0.35, 0.4, 0.25])):
        strength = rng.uniform(0.6, 1.1) if index == 0 else rng.uniform(0.1, 0.8)
        radius = np.radians(rng.choice([rng.uniform(0.5, 4), rng.uniform(4, 30)], p=[0.4, 0.6]))
        spread = (45, 22) if index == 0 else (80, 30)
        position = direction_vector(
            np.clip(rng.normal(0, spread[0]), -160, 160),
            np.clip(rng.normal(15, spread[1]), -50, 85),
        )
        lamps.append(Lamp(position, radius, strength * _tint(rng, 0.15)))
    return Light("studio", tuple(lamps), _even(rng, rng.uniform(0.03, 0.4)))


def _harmonics(rng):
    """A pure second-order light: positive radiance where it matters, any balance of its bands."""
    towards = direction_vector(
        np.clip(rng.normal(0, 45), -120, 120), np.clip(rng.normal(15, 30), -70, 85)
    )
    order2 = Lamp(towards, np.radians(rng.uniform(10, 60)), _tint(rng, 0.12) * 0.8).coefficients()
    order2[0] += np.sqrt(4 * np.pi) * rng.uniform(0.15, 0.6) * _tint(rng, 0.08)
    order2[1:] += rng.normal(0, 0.12, (8, 1)) + rng.normal(0, 0.03, (8, 3))
    return Light("harmonics", order2=order2.astype(np.float32))


def sample_light(rng: np.random.Generator, kind: str, radiances=()) -> Light:
    """Draws a light of a kind: "flash", "studio", "environment" or "harmonics".

    Args:
      rng: source of all randomness.
      kind: what to draw.
      radiances: environment maps `[h, w, 3]`; without any, "environment" draws a procedural one.

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
        from tfrelight.synthesis import environments

        return environments.sample(rng, radiances)
    raise ValueError(f"Unknown kind of light: {kind!r}")
