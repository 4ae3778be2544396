"""A lamp: a disc of uniform radiance, far away or near the head."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfrelight import harmonics
from tfrelight.errors import InputError

__all__ = ["Lamp"]

# Smallest angular radius, radians, by which the irradiance is computed: below it the lamp is a
# point to within rounding.
POINT = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class Lamp:
    """A disc of uniform radiance.

    Attributes:
      direction: `[3]` unit vector from the middle of the face to its centre.
      radius: angular radius seen from there, radians, 0 (a point) to pi / 2 (half the sphere).
      color: `[3]` linear RGB, the shading (irradiance over pi) of a surface there that faces it.
      distance: from there, in heights of the head (about 23 cm). A near lamp lights what is close
        to it more, by the inverse square. Infinite: it lights all parts of the face alike.
      relative: whether the colour is relative to the photo's white (`Light`).

    Raises:
      InputError: a number is not finite, or out of its range.
    """

    direction: np.ndarray
    radius: float
    color: np.ndarray
    distance: float = np.inf
    relative: bool = True

    def __post_init__(self) -> None:
        direction = np.array(self.direction, np.float64)
        color = np.array(np.broadcast_to(np.asarray(self.color, np.float32), 3))
        length = float(np.linalg.norm(direction)) if direction.shape == (3,) else np.nan
        if not (
            length > 0
            and np.isfinite(length)
            and 0 <= self.radius <= np.pi / 2
            and np.isfinite(color).all()
            and color.min() >= 0
            and self.distance > 0.5
        ):
            raise InputError(
                "Invalid lamp. Expected a direction [3], a radius of 0 to pi / 2, a color [3] of "
                "at least 0 and a distance above 0.5, outside the head. Received: "
                f"{direction.tolist()}, {self.radius}, {color.tolist()}, {self.distance}."
            )
        # A unit vector stays as it is, so that files give back the same lamp.
        if abs(length - 1.0) > 1e-12:
            direction /= length
        for values in (direction, color):
            values.flags.writeable = False
        object.__setattr__(self, "direction", direction)
        object.__setattr__(self, "color", color)

    def coefficients(self) -> np.ndarray:
        """Projection `[9, 3]` of its radiance, seen from the middle of the face, on harmonics."""
        return harmonics.spherical_cap(self.direction, self.radius)[:, None] * self.color

    def shade(self, normals: np.ndarray) -> np.ndarray:
        """Exact shading `[...]` of unit normals `[..., 3]` by this lamp, far away, in colour 1."""
        return self.irradiance(np.asarray(normals, np.float64) @ self.direction)

    def irradiance(self, cosine: np.ndarray) -> np.ndarray:
        """Exact shading of surfaces, in colour 1, without the part of the disc below the horizon.

        Source: the irradiance of a tilted patch from a sphere, over its largest value, in
        S. Lagarde and C. de Rousiers, "Moving Frostbite to physically based rendering", SIGGRAPH
        2014 course, listing 7.

        Args:
          cosine: `[...]`, of the angles between the normals and the direction.
        """
        radius = max(self.radius, POINT)
        cosine = np.clip(cosine, -1, 1)
        sine = np.maximum(np.sqrt(1 - cosine**2), 1e-9)
        far = 1 / np.tan(radius)
        y = np.clip(-far * cosine / sine, -1, 1)
        root = sine * np.sqrt(1 - y**2)
        cut = cosine * np.arccos(y) - far * root
        cut = (cut + np.arctan2(root, far) / np.sin(radius) ** 2) / np.pi
        return np.where(cosine > np.sin(radius), cosine, np.maximum(cut, 0))

    def points(self, count: int) -> np.ndarray:
        """Directions spread evenly over the disc, `[count, 3]` float32 unit vectors."""
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

    def scaled(self, factor: np.ndarray) -> Lamp:
        """The lamp in another brightness: a number or `[3]` linear RGB."""
        return dataclasses.replace(self, color=self.color * np.asarray(factor, np.float32))

    def turned(self, rotation: np.ndarray) -> Lamp:
        """The lamp in another direction, by an orthogonal matrix `[3, 3]`."""
        return dataclasses.replace(self, direction=rotation @ self.direction)

    def key(self) -> tuple[object, ...]:
        """What two equal lamps have in common."""
        # Adding 0 makes -0 equal to 0.
        return (
            (self.direction + 0.0).tobytes(),
            float(self.radius),
            (self.color + 0.0).tobytes(),
            float(self.distance),
            self.relative,
        )
