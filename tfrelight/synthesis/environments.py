"""Environment lights: procedural skies and rooms, and users' own EXR or HDR files.

Maps are `[h, w, 3]` float32 linear radiance in this package's frame (`tfrelight.lights.maps`).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfrelight.errors import InputError
from tfrelight.files import stamp
from tfrelight.lights import Environment, Lamp, Light, direction_vector, maps
from tfrelight.synthesis.render import sphere_directions

__all__ = ["cells", "files", "load_folder", "procedural", "sample"]

_HEIGHT, _WIDTH = 32, 64


def _sky(rng, directions, tint):
    """A sky that brightens to the horizon over sunlit or shaded ground, with a hazy sun."""
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
    """Walls, floor and ceiling in different colours, with windows or soft boxes."""
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
    """Draws a sky or room with coloured reflections, `[32, 64, 3]`, of mean radiance 0.6."""
    directions, areas = maps.directions(_HEIGHT, _WIDTH)

    def tint(amount):
        color = np.exp(rng.normal(0, amount, 3))
        return color / color.mean()

    radiance = (_sky if rng.random() < 0.45 else _room)(rng, directions, tint)
    for _ in range(rng.integers(0, 3)):  # light that walls, foliage and clothes reflect
        middle = rng.normal(size=3)
        middle /= np.linalg.norm(middle)
        radiance = radiance + tint(0.35) * rng.uniform(0, 0.4) * np.exp(
            (directions @ middle - 1)[..., None] / rng.uniform(0.05, 0.5)
        )
    mean = (radiance * areas[..., None]).sum() / (3 * areas.sum())
    return (radiance * (0.6 / mean)).astype(np.float32)


def files(folder: Path | str) -> list[Path]:
    """The environment maps in a folder, sorted.

    Raises:
      InputError: the folder does not exist or holds none.
    """
    folder = Path(folder)
    found = sorted(p for p in folder.glob("*") if p.suffix.lower() in maps.SUFFIXES)
    if not found:
        what = "no .exr or .hdr file in it" if folder.is_dir() else "no such folder"
        raise InputError(
            f"Invalid `environment_dir`. Expected a folder of environment maps. {folder}: {what}."
        )
    return found


def load_folder(folder: str) -> tuple[np.ndarray, ...]:
    """Loads all environment maps in a folder; from memory while no file changes.

    Raises:
      InputError: see `files`; or a map cannot be read.
    """
    return _loaded(folder, stamp(files(folder), folder))


@functools.lru_cache(maxsize=2)
def _loaded(folder, _):
    return tuple(maps.load(path) for path in files(folder))


def sample(rng: np.random.Generator, radiances: Sequence[np.ndarray] = ()) -> Light:
    """Draws a light from a procedural environment, or from one of `radiances`.

    Given maps are turned about the vertical by a random angle. A spot far brighter than the rest (a
    sun, a bare bulb) becomes a separate lamp, so that its shadow is sharp and exactly placed.
    """
    if len(radiances):
        radiance = radiances[rng.integers(len(radiances))]
        radiance = np.roll(radiance, rng.integers(radiance.shape[1]), axis=1)
        _, areas = maps.directions(*radiance.shape[:2])
        mean = (radiance * areas[..., None]).sum() / (3 * areas.sum())
        radiance = radiance * np.float32(0.6 / max(mean, 1e-6))
    else:
        radiance = procedural(rng)
        if rng.random() < 0.2:  # with a separate sun
            sun = Lamp(
                direction_vector(rng.uniform(-110, 110), rng.uniform(10, 70)),
                np.radians(rng.uniform(0.3, 1.5)),
                rng.uniform(0.5, 3) * np.array([1.05, 1.0, 0.9]),
            )
            return Light(lamps=[sun], environments=[Environment.of(radiance)])
    lamps, rest = _split(radiance)
    return Light(lamps=lamps, environments=[Environment.of(rest)])


def _split(radiance, ratio=40.0, degrees=10.0):
    """Splits off the brightest spot of a map as a lamp, if it exceeds `ratio` times the mean."""
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
    # A disc of radiance L and angular radius r has flux 2 pi L (1 - cos r) and colour L sin² r.
    lamp = Lamp(middle, spread, flux * (1 + np.cos(spread)) / (2 * np.pi))
    return (lamp,), (radiance - excess).astype(np.float32)


def cells(environment: Environment, count: int) -> np.ndarray:
    """Mean radiance `[count, 3]` of surroundings around `render.sphere_directions(count)`."""
    height, width = environment.radiance.shape[:2]
    turned = tuple(map(tuple, environment.rotation.tolist()))
    radiance = environment.radiance.reshape(-1, 3) * environment.gain
    return _shares(count, height, width, turned) @ radiance


@functools.lru_cache(maxsize=4)
def _shares(count, height, width, rotation):
    """Shares `[count, h w]` of each pixel in each direction's mean; a pixel's shares sum to one."""
    directions, areas = maps.directions(height, width)
    directions = directions.reshape(-1, 3) @ np.array(rotation).T
    # Gaussian cells, half the directions' spacing wide, leave no holes and hardly blur.
    variance = np.pi / count
    shares = np.exp((sphere_directions(count) @ directions.T - 1) / variance)
    shares *= areas.ravel() * count / (4 * np.pi) / shares.sum(0)
    return shares.astype(np.float32)
