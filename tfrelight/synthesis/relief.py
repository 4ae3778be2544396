"""The fine relief of skin: pores, lumps, the grooves of lips, and the wrinkles of age."""

from __future__ import annotations

import numpy as np

from tfrelight.synthesis import noise
from tfrelight.synthesis.falloff import bump, spot, step
from tfrelight.synthesis.head_model import EYELIDS, LIPS

__all__ = ["ridges", "slope"]


def ridges(rest, wavelength, seed, sharpness):
    """Thin valleys along the zero lines of a noise field: height `[N]` and gradient `[N, 3]`."""
    value, gradient = noise.gradient(rest, wavelength, seed)
    valley = np.exp(-0.5 * (value / sharpness) ** 2)
    return -valley, (valley * value / sharpness**2)[:, None] * gradient


def slope(look, rest, regions):
    """Gradient `[N, 3]` of the skin's height over the smooth head, in its rest frame."""
    seed = look.seed + 100
    x, y = np.abs(rest[:, 0]), rest[:, 1]
    front = (rest[:, 2] > -60).astype(np.float32)
    total = np.zeros_like(rest)

    def add(gradient, weight):
        nonlocal total
        total += gradient * weight[:, None]

    one = np.ones(len(rest), np.float32)
    _, pores = noise.gradient(rest, 1.3, seed)
    add(pores, one * 0.022 * look.pores)
    _, bumps = noise.gradient(rest, 4.0, seed + 1)
    add(bumps, one * (0.025 + 0.03 * look.wrinkles) * look.pores)
    _, lumps = noise.gradient(rest, 15.0, seed + 2)
    add(lumps, one * (0.05 + 0.06 * look.wrinkles))

    lips = regions[:, LIPS]
    _, grooves = noise.gradient(rest, (2.2, 14.0, 14.0), seed + 3)
    add(grooves, 0.06 * lips)
    depth = look.wrinkles
    if depth > 0.08:
        _, lines = ridges(rest, (75.0, 17.0, 60.0), seed + 4, 0.22)
        add(
            lines,
            0.75 * depth * front * step(y, 26, 36) * step(-y, -75, -58) * step(-x, -58, -40),
        )
        _, frown = ridges(rest, (13.0, 40.0, 40.0), seed + 5, 0.25)
        add(frown, 0.5 * depth * front * bump(x, 8) * bump(y - 18, 9))
        # Crow's feet: rays from the outer corner of the eye, in polar coordinates around it.
        away = np.stack([x - 42, y + 1, 0 * x], -1)
        radius = np.sqrt((away**2).sum(-1)) + 1e-3
        angle = np.arctan2(away[:, 1], away[:, 0])
        polar = np.stack([angle * 20, radius, 40 * np.sign(rest[:, 0])], -1).astype(np.float32)
        _, feet = ridges(polar, (9.0, 45.0, 50.0), seed + 6, 0.3)
        turn = np.stack([-away[:, 1], away[:, 0], 0 * x], -1) / radius[:, None]
        ray = away / radius[:, None]
        rays = feet[:, :1] * (20 / radius)[:, None] * turn + feet[:, 1:2] * ray
        rays[:, 0] *= np.sign(rest[:, 0])
        weight = (
            front * step(radius, 5, 10) * step(-radius, -34, -18) * step(np.cos(angle), 0.2, 0.7)
        )
        add(rays, 0.35 * depth * weight)
        _, bags = ridges(rest, (45.0, 8.0, 40.0), seed + 7, 0.3)
        add(bags, 0.22 * depth * front * spot(rest, 29, -20, 13, 7))
        _, creases = ridges(rest, (9.0, 12.0, 14.0), seed + 8, 0.3)
        add(creases, 0.16 * max(depth - 0.3, 0) * front * (1 - lips))
    lids = regions[:, EYELIDS]
    return total * (1 - 0.7 * lids)[:, None]
