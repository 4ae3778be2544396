"""Diffuse shading: irradiance over pi, exact for lamps and maps, which no harmonics ring under."""

from __future__ import annotations

import functools

import numpy as np

from tfrelight.lights import Environment, Lamp
from tfrelight.photos import filters
from tfrelight.rendering.height_field import HeightField

__all__ = ["of_environment", "of_lamp"]

# Rows of the cells into which the light of a map is gathered, and of the normals for which it is
# added up; between them it is interpolated. The error is below 1/255 of the brightest shading.
_CELLS, _NORMALS = 32, 32


def of_lamp(surface: HeightField, lamp: Lamp) -> np.ndarray:
    """Shading `[H, W]` by a lamp in colour 1, without cast shadows; its colour is yet to come.

    A near lamp is brighter where the surface is closer to it, by the inverse square.
    """
    if np.isinf(lamp.distance):
        cosine = surface.normals @ lamp.direction.astype(np.float32)
        return lamp.irradiance(cosine).astype(np.float32)
    away = lamp.direction * lamp.distance * surface.head - surface.places()
    distance = np.maximum(np.linalg.norm(away, axis=-1), 0.1 * surface.head)
    cosine = (surface.normals * away).sum(-1) / distance
    falloff = np.square(lamp.distance * surface.head / distance)
    return (lamp.irradiance(cosine) * falloff).astype(np.float32)


def of_environment(normals: np.ndarray, environment: Environment) -> np.ndarray:
    """Shading `[..., 3]` of normals `[..., 3]` by an environment map, without cast shadows."""
    directions, radiance, areas = environment.cells(_CELLS)
    grid = _grid(_NORMALS)
    cosine = np.maximum(grid @ directions.T.astype(np.float32), 0.0)
    # Cells are small, not points: their cosines are those of small discs.
    table = cosine @ (radiance * (areas / np.pi)[:, None].astype(np.float32))
    table = table.reshape(_NORMALS + 1, 2 * _NORMALS + 1, 3)
    rows = (0.5 - np.arcsin(np.clip(normals[..., 1], -1, 1)) / np.pi) * _NORMALS
    columns = (np.arctan2(normals[..., 0], normals[..., 2]) / np.pi + 1) * _NORMALS
    return filters.sampled(table, rows, columns)


@functools.lru_cache(maxsize=1)
def _grid(rows):
    """Unit vectors on a grid of elevations and azimuths, both ends included: `[N, 3]` float32."""
    elevation = np.linspace(np.pi / 2, -np.pi / 2, rows + 1)
    azimuth = np.linspace(-np.pi, np.pi, 2 * rows + 1)
    e, a = np.meshgrid(elevation, azimuth, indexing="ij")
    vectors = np.stack([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)], -1)
    return vectors.reshape(-1, 3).astype(np.float32)
