"""The shape of the skull, on which hair lies and hats sit."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from tfrelight.synthesis.body_model import EARS, INSIDE_MOUTH, INTEROCULAR_DISTANCE
from tfrelight.synthesis.hairstyle import SKULL
from tfrelight.synthesis.head import Head

__all__ = ["Skull"]


class Skull:
    """Distance from the centre of the skull to the skin by direction.

    Args:
      head: the head; its neck and ears do not count.

    Attributes:
      middle: `[3]` the centre of the skull.
      scale: size of the head over that of the neutral head.
    """

    def __init__(self, head: Head) -> None:
        mesh = head.mesh
        inner = (
            (mesh.rest[:, 1] > -135)
            & (mesh.regions[:, EARS] < 0.3)
            & (mesh.regions[:, INSIDE_MOUTH] < 0.5)
        )
        points = mesh.vertices[inner].astype(np.float64)
        self.scale = head.interocular_distance / INTEROCULAR_DISTANCE
        self.middle = SKULL * self.scale
        offset = points - self.middle
        radius = np.linalg.norm(offset, axis=-1)
        self._shape = (28, 56)
        row, column = self._cell(offset / radius[:, None])
        table = np.zeros(self._shape)
        np.maximum.at(table, (row.astype(int), column.astype(int)), radius)
        for _ in range(6):  # fills cells without a vertex from their neighbours
            table = np.where(
                table > 0, table, ndimage.maximum_filter(table, 3, mode=("nearest", "wrap"))
            )
        table = ndimage.gaussian_filter(table, 0.7, mode=("nearest", "wrap"))
        # Hats bridge hollows.
        wide = ndimage.maximum_filter(table, 5, mode=("nearest", "wrap"))
        smooth = ndimage.gaussian_filter(wide, 2.0, mode=("nearest", "wrap"))
        self._envelope = np.pad(smooth, ((1, 1), (0, 0)), mode="edge")
        # Above the top row lies the other half of it, not the neck, to which it would wrap around.
        self._table = np.pad(table, ((1, 1), (0, 0)), mode="edge")

    def _cell(self, direction):
        height, width = self._shape
        row = np.arccos(np.clip(direction[:, 1], -1, 1)) / np.pi * (height - 1e-6)
        column = (np.arctan2(direction[:, 0], direction[:, 2]) / (2 * np.pi) + 0.5) * (width - 1e-6)
        return row, column

    def _lookup(self, table, outwards):
        row, column = self._cell(outwards)
        return ndimage.map_coordinates(table, [row + 0.5, column - 0.5], order=1, mode="grid-wrap")

    def envelope(self, outwards: np.ndarray) -> np.ndarray:
        """Distance `[N]` from the centre to a smooth hull, along unit vectors `[N, 3]`."""
        return self._lookup(self._envelope, outwards)

    def push_out(
        self, points: np.ndarray, height: np.ndarray, cling: float = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Moves points `[N, 3]` to at least `height` `[N]` above the skin.

        Points above that height come down by the share `cling` of the difference.

        Returns:
          The points, and their directions from the centre of the skull, `[N, 3]`.
        """
        offset = points - self.middle
        radius = np.maximum(np.linalg.norm(offset, axis=-1), 1e-6)
        outwards = offset / radius[:, None]
        surface = self._lookup(self._table, outwards)
        lowest = surface + height
        radius = np.maximum(lowest, radius - cling * np.maximum(radius - lowest, 0))
        return self.middle + outwards * radius[:, None], outwards
