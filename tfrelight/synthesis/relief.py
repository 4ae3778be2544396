"""The fine relief of skin: pores, bumps, grooves of the lips, and wrinkles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfrelight.synthesis import noise
from tfrelight.synthesis.appearance import Appearance
from tfrelight.synthesis.body_model import EYELIDS, LIPS
from tfrelight.synthesis.falloff import bump, spot, step

__all__ = ["ridges", "slope"]


def ridges(
    rest: np.ndarray, wavelength: float | Sequence[float], seed: int, sharpness: float
) -> tuple[np.ndarray, np.ndarray]:
    """Thin valleys along the zero lines of a noise field.

    Args:
      rest: points of the neutral head, `[N, 3]` float32.
      wavelength, seed: see `noise.field`.
      sharpness: width of the valleys, in standard deviations of the noise.

    Returns:
      Height `[N]` from -1 to 0, and its gradient `[N, 3]`.
    """
    value, gradient = noise.gradient(rest, wavelength, seed)
    valley = np.exp(-0.5 * (value / sharpness) ** 2)
    return -valley, (valley * value / sharpness**2)[:, None] * gradient


def slope(look: Appearance, rest: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Gradient `[N, 3]` of the skin's height over the smooth head, in the neutral head's frame.

    Args:
      look: pores and wrinkles.
      rest: points of the neutral head, `[N, 3]` float32 millimetres.
      regions: `[N, R]` (`Mesh.regions`).
    """
    seed = look.seed + 100
    x, y = np.abs(rest[:, 0]), rest[:, 1]
    lips, lids = regions[:, LIPS], regions[:, EYELIDS]
    total = np.zeros_like(rest)

    def add(gradient, weight):
        """Adds `gradient(points)` only where its weight counts, because fields are slow."""
        where = np.flatnonzero(weight > 1e-3)
        if len(where):
            total[where] += gradient(rest[where]) * weight[where, None]

    def field(wavelength, offset):
        return lambda points: noise.gradient(points, wavelength, seed + offset)[1]

    def lines(wavelength, offset, sharpness):
        return lambda points: ridges(points, wavelength, seed + offset, sharpness)[1]

    depth, even = look.wrinkles, np.ones(len(rest), np.float32)
    add(field(1.3, 0), even * 0.022 * look.pores)
    add(field(4.0, 1), even * (0.025 + 0.03 * depth) * look.pores)
    add(field(15.0, 2), even * (0.05 + 0.06 * depth))
    add(field((2.2, 14.0, 14.0), 3), 0.06 * lips)
    if depth > 0.08:
        front = depth * (rest[:, 2] > -60)
        forehead = step(y, 26, 36) * step(-y, -75, -58) * step(-x, -58, -40)
        add(lines((75.0, 17.0, 60.0), 4, 0.22), 0.75 * front * forehead)
        add(lines((13.0, 40.0, 40.0), 5, 0.25), 0.5 * front * bump(x, 8) * bump(y - 18, 9))
        add(lambda points: _crows_feet(points, seed + 6), 0.35 * front * _corner(rest))
        add(lines((45.0, 8.0, 40.0), 7, 0.3), 0.22 * front * spot(rest, 29, -20, 13, 7))
        creased = 0.16 * max(depth - 0.3, 0) * (rest[:, 2] > -60) * (1 - lips)
        add(lines((9.0, 12.0, 14.0), 8, 0.3), creased)
    return total * (1 - 0.7 * lids)[:, None]


def _around(rest):
    """Offset `[N, 2]` from the outer corner of the nearer eye, and its length and angle."""
    away = np.stack([np.abs(rest[:, 0]) - 42, rest[:, 1] + 1], -1)
    return away, np.sqrt((away**2).sum(-1)) + 1e-3, np.arctan2(away[:, 1], away[:, 0])


def _corner(rest):
    _, radius, angle = _around(rest)
    return step(radius, 5, 10) * step(-radius, -34, -18) * step(np.cos(angle), 0.2, 0.7)


def _crows_feet(rest, seed):
    """Gradient `[N, 3]` of wrinkles that radiate from the outer corners of the eyes."""
    away, radius, angle = _around(rest)
    side = np.sign(rest[:, 0])
    polar = np.stack([angle * 20, radius, 40 * side], -1).astype(np.float32)
    _, gradient = ridges(polar, (9.0, 45.0, 50.0), seed, 0.3)
    across = (gradient[:, 0] * 20 / radius**2)[:, None] * np.stack([-away[:, 1], away[:, 0]], -1)
    along = (gradient[:, 1] / radius)[:, None] * away
    flat = across + along
    return np.stack([flat[:, 0] * side, flat[:, 1], 0 * side], -1)
