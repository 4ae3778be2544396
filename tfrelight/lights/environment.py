"""The surroundings that light a portrait, in the detail of their map."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfrelight import harmonics
from tfrelight.lights import maps

__all__ = ["Environment"]


@dataclasses.dataclass(frozen=True, eq=False)
class Environment:
    """An environment map, turned and tinted without a loss of detail.

    Attributes:
      radiance: `[h, 2 h, 3]` float32 linear RGB of at least 0, read-only, in the frame of
        `lights.maps`.
      projection: `[9, 3]`, its harmonics.
      gain: `[3]` factor of the radiance.
      rotation: `[3, 3]` orthogonal matrix: the map shows d in direction `rotation @ d`.
      relative: whether the colours are relative to the photo's white (`Light`).
    """

    radiance: np.ndarray
    projection: np.ndarray
    gain: np.ndarray
    rotation: np.ndarray
    relative: bool = True

    @classmethod
    def of(cls, radiance: np.ndarray, relative: bool = True) -> Environment:
        """The surroundings that a map `[h, 2 h, 3]` shows."""
        radiance = np.array(radiance, np.float32)
        radiance.flags.writeable = False
        projection = maps.project(radiance).astype(np.float32)
        return cls(radiance, projection, np.ones(3, np.float32), np.eye(3), relative)

    def coefficients(self) -> np.ndarray:
        """Projection `[9, 3]` of the radiance on harmonics."""
        scaled = self.projection * self.gain
        if np.array_equal(self.rotation, np.eye(3)):
            return scaled
        return harmonics.rotate(scaled, self.rotation)

    def cells(self, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The light of `height` x 2 `height` cells of the map.

        Returns:
          unit vectors towards the middle of each cell's light `[K, 3]`, mean radiance `[K, 3]` and
          solid angles `[K]`.
        """
        height = min(height, len(self.radiance))
        vectors, areas = maps.directions(*self.radiance.shape[:2])
        weight = self.radiance.mean(-1, keepdims=True) * areas[..., None]
        # A little light everywhere gives dark cells a middle, too.
        weight = weight + 1e-6 * areas[..., None] * max(float(weight.max()), 1e-9)
        towards = maps.shrunk(vectors * weight, height).reshape(-1, 3)
        towards /= np.linalg.norm(towards, axis=-1, keepdims=True)
        _, areas = maps.directions(height, 2 * height)
        radiance = maps.shrunk(self.radiance, height).reshape(-1, 3) * self.gain
        return towards @ self.rotation.T, radiance, areas.ravel()

    def along(self, directions: np.ndarray) -> np.ndarray:
        """Mean radiance `[K, 3]` around K directions that are spread evenly, `[K, 3]`."""
        towards, radiance, areas = self.cells(min(32, len(self.radiance)))
        nearest = np.argmax(towards @ np.asarray(directions).T, axis=1)
        light = np.zeros((len(directions), 3))
        np.add.at(light, nearest, radiance * areas[:, None])
        return (light * (len(directions) / (4 * np.pi))).astype(np.float32)

    def scaled(self, factor: np.ndarray) -> Environment:
        """The surroundings in another brightness: a number or `[3]` linear RGB."""
        return dataclasses.replace(self, gain=self.gain * np.asarray(factor, np.float32))

    def turned(self, rotation: np.ndarray) -> Environment:
        """The surroundings turned about the person, by an orthogonal matrix `[3, 3]`."""
        return dataclasses.replace(self, rotation=rotation @ self.rotation)

    def key(self) -> tuple[object, ...]:
        """What two equal surroundings have in common."""
        return (
            self.radiance.tobytes(),
            self.gain.tobytes(),
            (self.rotation + 0.0).tobytes(),
            self.relative,
        )
