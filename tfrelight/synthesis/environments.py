"""Lights from environments: procedural skies and rooms, and users' own EXR or HDR files.

Maps are `[h, w, 3]` float32 linear radiance in the frame (see `tfrelight.lights.maps`).
"""

from __future__ import annotations

import functools
import pathlib

import numpy as np

from tfrelight.errors import InputError
from tfrelight.lights import direction_vector, maps
from tfrelight.synthesis import illumination

__all__ = ["files", "load_folder", "procedural", "sample"]

_HEIGHT, _WIDTH = 32, 64


def _sky(rng, directions, tint):
    """Sky brightening to the horizon over a sunlit or shaded ground, some with a veiled sun."""
    up = directions[..., 1]
    zenith = np.array([0.35, 0.55, 1.0]) if rng.random() < 0.6 else np.array([0.8, 0.85, 0.95])
    horizon = np.array([0.9, 0.95, 1.05]) * tint(0.1)
    blend = np.clip(up, 0, 1)[..., None] ** rng.uniform(0.3, 0.8)
    sky = horizon * (1 - blend) + zenith * blend
    ground = tint(0.2) * rng.uniform(0.08, 0.5)
    edge = 1 / (1 + np.exp(-(up - rng.uniform(-0.15, 0.15)) / 0.05))
    radiance = ground * (1 - edge[..., None]) + sky * edge[..., None] * rng.uniform(0.5, 1.2)
    glow = direction_vector(rng.uniform(-180, 180), rng.uniform(5, 75))
    return radiance + tint(0.15) * rng.uniform(0, 3) * np.exp(
        (directions @ glow - 1)[..., None] / rng.uniform(0.02, 0.3)
    )


def _room(rng, directions, tint):
    """Walls, floor and ceiling of their own colours, with windows or soft boxes on them."""
    x, y, z = np.moveaxis(directions, -1, 0)
    radiance = np.full(directions.shape, 0.15) * tint(0.2)
    for axis, value in ((0, x), (1, y), (2, z)):
        for sign in (-1, 1):
            largest = (np.abs(directions).argmax(-1) == axis) & (np.sign(value) == sign)
            radiance[largest] = tint(0.25) * rng.uniform(0.03, 0.35)
    for _ in range(rng.integers(1, 5)):
        azimuth = rng.uniform(-150, 150)
        elevation = np.clip(rng.normal(20, 30), -40, 85)
        middle = direction_vector(azimuth, elevation)
        side = np.cross([0, 1, 0], middle)
        side /= np.linalg.norm(side)
        lift = np.cross(middle, side)
        depth = directions @ middle
        safe = np.where(depth > 0.05, depth, 1.0)
        across, along = directions @ side / safe, directions @ lift / safe
        width, height = np.tan(np.radians(rng.uniform(4, 32, 2)))
        inside = (depth > 0.05) & (np.abs(across) < width) & (np.abs(along) < height)
        radiance[inside] += tint(0.15) * rng.uniform(2, 14)
    return radiance


def procedural(rng: np.random.Generator) -> np.ndarray:
    """A random sky or room with coloured bounces, `[32, 64, 3]`; mean luminance about 0.6."""
    directions, areas = maps.directions(_HEIGHT, _WIDTH)

    def tint(amount):
        color = np.exp(rng.normal(0, amount, 3))
        return color / color.mean()

    radiance = (_sky if rng.random() < 0.45 else _room)(rng, directions, tint)
    for _ in range(rng.integers(0, 3)):  # coloured bounces: walls, foliage, clothes
        middle = rng.normal(size=3)
        middle /= np.linalg.norm(middle)
        radiance = radiance + tint(0.35) * rng.uniform(0, 0.4) * np.exp(
            (directions @ middle - 1)[..., None] / rng.uniform(0.05, 0.5)
        )
    mean = (radiance * areas[..., None]).sum() / (3 * areas.sum())
    return (radiance * (0.6 / mean)).astype(np.float32)


def files(folder) -> list:
    """The environment maps of a folder, sorted.

    Raises:
      InputError: the folder does not exist or holds none.
    """
    folder = pathlib.Path(folder)
    found = sorted(p for p in folder.glob("*") if p.suffix.lower() in maps.SUFFIXES)
    if not found:
        what = "no .exr or .hdr file in it" if folder.is_dir() else "no such folder"
        raise InputError(
            f"Invalid `environment_dir`. Expected a folder of environment maps. {folder}: {what}."
        )
    return found


@functools.lru_cache(maxsize=2)
def load_folder(folder: str) -> tuple:
    """All environment maps of a folder; one that cannot be used is an error, not skipped."""
    return tuple(maps.load(path) for path in files(folder))


def sample(rng: np.random.Generator, radiances=()) -> illumination.Light:
    """A light from a procedural environment, or from one of `radiances` turned about the vertical.

    What is far brighter than the rest (a sun, a bare bulb) becomes a lamp of its own, so that its
    shadow is sharp and exactly placed.
    """
    if len(radiances):
        radiance = radiances[rng.integers(len(radiances))]
        radiance = np.roll(radiance, rng.integers(radiance.shape[1]), axis=1)
        _, areas = maps.directions(*radiance.shape[:2])
        mean = (radiance * areas[..., None]).sum() / (3 * areas.sum())
        radiance = radiance * np.float32(0.6 / max(mean, 1e-6))
    else:
        radiance = procedural(rng)
        if rng.random() < 0.2:  # a sun of its own
            sun = illumination.Lamp(
                direction_vector(rng.uniform(-110, 110), rng.uniform(10, 70)),
                np.radians(rng.uniform(0.3, 1.5)),
                rng.uniform(0.5, 3) * np.array([1.05, 1.0, 0.9]),
            )
            return illumination.Light("environment", (sun,), radiance)
    lamps, rest = _split(radiance)
    return illumination.Light("environment", lamps, rest)


def _split(radiance, ratio=40.0, degrees=10.0):
    """The brightest spot of a map as a lamp, if `ratio` times the mean, and the map without it."""
    directions, areas = maps.directions(*radiance.shape[:2])
    brightness = radiance.mean(-1)
    mean = (brightness * areas).sum() / areas.sum()
    peak = np.unravel_index(brightness.argmax(), brightness.shape)
    if brightness[peak] < ratio * mean:
        return (), radiance
    near = directions @ directions[peak] > np.cos(np.radians(degrees))
    bright = near & (brightness > 0.25 * brightness[peak])
    level = np.median(radiance[near & ~bright], axis=0) if (near & ~bright).any() else mean
    excess = np.where(bright[..., None], np.maximum(radiance - level, 0), 0)
    flux = (excess * areas[..., None]).sum((0, 1))
    middle = np.einsum("hwc,hw->c", directions, excess.mean(-1) * areas)
    middle /= np.linalg.norm(middle)
    spread = np.sqrt(areas[bright].sum() / np.pi)
    # Flux = total radiance; see `Lamp.coefficients` for its relation to the lamp's colour.
    lamp = illumination.Lamp(middle, spread, flux * (1 + np.cos(spread)) / (2 * np.pi))
    return (lamp,), (radiance - excess).astype(np.float32)
