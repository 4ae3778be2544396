"""Highlights of skin: two GGX lobes under Schlick's Fresnel reflectance.

Walter et al., "Microfacet Models for Refraction through Rough Surfaces", 2007; B. Karis, "Real
Shading in Unreal Engine 4", SIGGRAPH 2013 course, for the visibility term. The camera is far away,
in direction (0, 0, 1).
"""

from __future__ import annotations

import functools

import numpy as np

from tfrelight.lights import Environment, Lamp
from tfrelight.photos import filters

__all__ = ["of_environment", "of_lamp", "reflected"]

# Reflectance of skin at normal incidence, refractive index 1.4.
F0 = 0.028
# Two lobes, roughness (GGX alpha) and share: the oily film, and the rough skin below it. In the
# range of E. d'Eon and D. Luebke, GPU Gems 3, chapter 14, 2007, for whole faces.
LOBES = ((0.28, 0.45), (0.5, 0.55))
# Rows of the cells of a map, each a lamp for highlights, and normals along each axis for which
# they are added up.
_CELLS, _GRID = 8, 41


def reflected(normals: np.ndarray, direction: np.ndarray, roughness: float) -> np.ndarray:
    """Radiance `[...]` that a lobe sends to the camera, for a shading of 1 of a facing surface.

    Args:
      normals: `[..., 3]` unit vectors.
      direction: `[3]` or `[..., 3]` unit vectors towards the light.
      roughness: alpha of the GGX distribution.
    """
    n_v = np.maximum(normals[..., 2], 0.0)
    n_l = np.maximum((normals * direction).sum(-1), 0.0)
    v_l = direction[..., 2]
    inverse = 1.0 / np.sqrt(np.maximum(2.0 + 2.0 * v_l, 1e-4))
    n_h = np.minimum((n_l + n_v) * inverse, 1.0)
    alpha2 = np.float32(roughness * roughness)
    lobe = alpha2 / np.square(n_h * n_h * (alpha2 - 1.0) + 1.0)
    grazing = np.clip(1.0 - (1.0 + v_l) * inverse, 0.0, 1.0) ** 5
    # Smith's masking, correlated in height, over 4 n.l n.v.
    masked = n_l * np.sqrt(n_v * n_v * (1.0 - alpha2) + alpha2)
    masked = masked + n_v * np.sqrt(n_l * n_l * (1.0 - alpha2) + alpha2)
    return lobe * (F0 + (1.0 - F0) * grazing) * n_l / np.maximum(2.0 * masked, 1e-4)


def of_lamp(normals: np.ndarray, lamp: Lamp) -> np.ndarray:
    """Highlight `[...]` of a lamp in colour 1 on normals `[..., 3]`, without shadows.

    A disc widens the lobes by half its radius (Karis).
    """
    return _lobes(normals, lamp.direction, np.square(np.sin(lamp.radius) / 2.0))


def of_environment(normals: np.ndarray, environment: Environment) -> np.ndarray:
    """Highlights `[..., 3]` of an environment map on normals `[..., 3]`, without shadows."""
    directions, radiance, areas = environment.cells(_CELLS)
    spread = np.square(np.pi / _CELLS / 2.0)
    grid = _grid()
    # The camera is far away, so that a highlight depends on nothing but the normal.
    table = np.zeros(grid.shape, np.float32)
    for direction, color, area in zip(directions, radiance, areas):
        table += _lobes(grid, direction, spread)[..., None] * (color * np.float32(area / np.pi))
    columns, rows = np.moveaxis((normals[..., :2] + 1.0) / 2.0 * (_GRID - 1), -1, 0)
    return filters.sampled(table, rows, columns)


def _lobes(normals, direction, wider):
    """All lobes `[...]`, their squared roughness grown by `wider`, for a shading of 1."""
    total = np.zeros(normals.shape[:-1], np.float32)
    for alpha, share in LOBES:
        roughness = float(min(1.0, np.sqrt(alpha * alpha + wider)))
        total += np.float32(share) * reflected(normals, direction.astype(np.float32), roughness)
    return total


@functools.lru_cache(maxsize=1)
def _grid():
    """Normals `[_GRID, _GRID, 3]` in even steps of y and x; beyond the sphere its outline."""
    steps = np.linspace(-1.0, 1.0, _GRID, dtype=np.float32)
    y, x = np.meshgrid(steps, steps, indexing="ij")
    length = np.maximum(np.hypot(x, y), 1.0)
    x, y = x / length, y / length
    return np.stack([x, y, np.sqrt(np.maximum(1.0 - x * x - y * y, 0.0))], -1)
