"""What is behind the person: walls, rooms, foliage, text, lamps, haze, or the environment."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from tfrelight import harmonics
from tfrelight.lights import Light, maps
from tfrelight.synthesis import noise
from tfrelight.synthesis.render import Camera

__all__ = ["WALLS", "background", "wall"]

# Shares of the kinds of walls.
WALLS = {"plain": 0.34, "room": 0.2, "foliage": 0.16, "text": 0.1, "pattern": 0.2}


def _color(rng, spread=0.3):
    return rng.uniform(0.02, 0.6) * np.exp(rng.normal(0, spread, 3))


def _fields(rng, x, y, wavelength, count=1):
    """Noise `[count, H, W]` of unit variance over the picture."""
    points = np.stack([x, y, 0 * x], -1).reshape(-1, 3).astype(np.float32)
    seed = int(rng.integers(2**31))
    return np.stack(
        [noise.field(points, wavelength, seed + k).reshape(x.shape) for k in range(count)]
    )


def _plain(rng, x, y):
    slope = rng.normal(0, 0.8, 2)
    image = _color(rng) * np.exp(slope[0] * x + slope[1] * y)[..., None]
    if rng.random() < 0.5:
        # The pattern varies mostly in brightness, as paint and plaster do.
        for depth in ([0.5, 0.5, 0.5], [0.1, 0.0, -0.1]):
            image *= np.exp(_fields(rng, x, y, rng.uniform(0.1, 0.8))[0][..., None] * depth)
    return image


def _boxes(rng, image, x, y, count, low, high, spread):
    """Paints rectangles over a picture: furniture, pictures, windows, leaves of paper."""
    for _ in range(count):
        at, half = rng.uniform(-0.5, 0.5, 2), rng.uniform(low, high, 2)
        inside = (np.abs(x - at[0]) < half[0]) & (np.abs(y - at[1]) < half[1])
        image[inside] = _color(rng, spread)
        frame = inside & (
            np.minimum(half[0] - np.abs(x - at[0]), half[1] - np.abs(y - at[1])) < 0.008
        )
        image[frame] *= rng.uniform(0.2, 1.5)
    return image


def _room(rng, x, y):
    """A corner of walls over a floor, with furniture, shelves or pictures."""
    corner, floor = rng.uniform(-0.6, 0.6), rng.uniform(0.1, 0.6)
    image = np.where((x < corner)[..., None], _color(rng), _color(rng))
    image = np.where((y > floor + 0.2 * np.abs(x - corner))[..., None], _color(rng), image)
    image = _boxes(rng, image, x, y, int(rng.integers(1, 7)), 0.03, 0.3, 0.5)
    if rng.random() < 0.35:  # shelves with books
        row, column = np.floor((y + 0.5) * rng.uniform(3, 7)), np.floor(x * rng.uniform(15, 40))
        key = noise.cell(column, row)
        books = 0.02 + 0.5 * np.stack([key, (key * 7.3) % 1, (key * 3.7) % 1], -1) ** 1.5
        side = x > corner if rng.random() < 0.5 else x < corner
        image = np.where((side & (y < floor))[..., None], books, image)
    return image


def _foliage(rng, x, y):
    """Leaves and branches at several sizes, with gaps of sky."""
    size = rng.uniform(0.02, 0.12)
    first, second, third = (_fields(rng, x, y, scale)[0] for scale in (size, size / 2, 6 * size))
    leaf = np.array([0.04, 0.09, 0.02]) * np.exp(rng.normal(0, 0.4, 3))
    image = leaf * np.exp(0.7 * first + 0.45 * second + 0.4 * third)[..., None]
    sky = (third + 0.5 * first > rng.uniform(0.9, 2.2))[..., None]
    return np.where(sky, rng.uniform(0.4, 0.85) * np.array([0.9, 0.97, 1.0]), image)


def _text(rng, x, y):
    """Posters, screens or signs with lines of letters."""
    image = np.empty((*x.shape, 3))
    image[:] = _color(rng)
    image = _boxes(rng, image, x, y, int(rng.integers(0, 4)), 0.1, 0.4, 0.6)
    for _ in range(int(rng.integers(1, 4))):
        high = rng.uniform(0.02, 0.14)
        at, lines = rng.uniform(-0.5, 0.4, 2), int(rng.integers(1, 8))
        row, inner = np.divmod((y - at[1]) / (1.6 * high), 1)
        letter, across = np.divmod((x - at[0]) / (0.7 * high), 1)
        key = noise.cell(letter, row, at[0])
        stroke = (across < 0.22) | ((across > 0.55) & (across < 0.78) & (key > 0.4))
        stroke |= (np.abs(inner - 0.1 - 0.4 * (key > 0.6)) < 0.07) & (across < 0.78)
        word = (key > 0.12) & (inner < 0.62) & (letter >= 0) & (letter < 3 + 14 * rng.random())
        image[stroke & word & (row >= 0) & (row < lines)] = _color(rng, 0.6)
    return image


def _pattern(rng, x, y):
    """Wallpaper, tiles, bricks, boards or blinds, seen at an angle."""
    angle = rng.normal(0, 0.12)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    pitch = rng.uniform(0.03, 0.25)
    u, v = u / pitch * (1 + rng.normal(0, 0.2) * u), v / pitch
    kind = rng.choice(["stripes", "tiles", "bricks", "dots", "damask"])
    one, two = _color(rng), _color(rng)
    if kind == "stripes":
        share = u % 1 < rng.uniform(0.2, 0.8)
    elif kind == "tiles":
        share = (np.floor(u) + np.floor(v)) % 2 > 0
    elif kind == "bricks":
        shifted = u / 2 + 0.5 * (np.floor(v) % 2)
        joint = (shifted % 1 < 0.05) | (v % 1 < 0.1)
        key = noise.cell(np.floor(shifted), np.floor(v))
        return np.where(joint[..., None], two, one * (0.6 + 0.8 * key)[..., None])
    elif kind == "dots":
        share = np.hypot(u % 1 - 0.5, v % 1 - 0.5) < rng.uniform(0.15, 0.4)
    else:
        share = (
            np.sin(2 * np.pi * u) * np.sin(2 * np.pi * v) + 0.5 * np.sin(4 * np.pi * (u + v)) > 0.1
        )
    return np.where(share[..., None], one, two)


def wall(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draws the linear albedo of what is behind the person, `[size, size, 3]`, often blurred."""
    y, x = np.mgrid[0:size, 0:size] / size - 0.5
    kind = str(rng.choice(list(WALLS), p=list(WALLS.values())))
    paint = {
        "plain": _plain,
        "room": _room,
        "foliage": _foliage,
        "text": _text,
        "pattern": _pattern,
    }[kind]
    image = paint(rng, x, y)
    blur = rng.choice([0.0, rng.uniform(0, 0.01), rng.uniform(0.01, 0.05)], p=[0.35, 0.35, 0.3])
    if kind != "plain" and blur * size > 0.3:
        image = ndimage.gaussian_filter(image, (blur * size, blur * size, 0), mode="nearest")
    return np.clip(image, 0.003, 0.9).astype(np.float32)


def _lamps(rng, image, level):
    """Adds chandeliers, bulbs or lights of a city, out of focus, behind the person."""
    size = len(image)
    y, x = np.mgrid[0:size, 0:size] / size - 0.5
    middle, spread = rng.uniform([-0.4, -0.5], [0.4, 0.1]), rng.uniform(0.05, 0.4)
    radius = rng.uniform(0.008, 0.05)
    color = np.array([1.1, 1.0, 0.75]) * np.exp(rng.normal(0, 0.15, 3))
    glow = np.zeros((size, size))
    for _ in range(int(rng.integers(3, 30))):
        at = middle + rng.normal(0, spread, 2) * [1.0, 0.4]
        away = np.hypot(x - at[0], y - at[1]) / radius
        glow += np.clip(1.5 - away, 0, 1) * rng.uniform(0.3, 1) + 0.15 * np.exp(-away / 2.5)
    return image + (level * rng.uniform(2, 12) * glow[..., None] * color).astype(np.float32)


def _environment(rng, environment, size):
    """The environment as a photo shows it, `[size, size, 3]`."""
    # A phone's field of view for every crop. The few degrees behind a face seen from afar would
    # have a single colour.
    view = np.radians(rng.uniform(50, 70))
    _, directions = Camera(1.0, float(np.tan(view / 2)), (0.0, 0.0)).rays(size)
    height, width = environment.radiance.shape[:2]
    row, column = maps.places(directions @ environment.rotation, height, width)
    return np.stack(
        [
            ndimage.map_coordinates(
                environment.radiance[..., k] * environment.gain[k],
                [row - 0.5, np.mod(column - 0.5, width)],
                order=1,
                mode="grid-wrap",
            )
            for k in range(3)
        ],
        -1,
    )


def background(rng: np.random.Generator, light: Light, kind: str, behind: np.ndarray) -> np.ndarray:
    """Linear radiance behind the person under a light, `[H, W, 3]`.

    Args:
      rng: source of all randomness.
      light: the light.
      kind: of light (`light_sampling.sample_light`). An environment is the background itself four
        times in five.
      behind: from `wall`; lit by the same light, brighter towards it.
    """
    size = len(behind)
    coefficients = light.coefficients
    level = np.maximum(harmonics.shade(np.array([0, 0, 1], np.float32), coefficients), 0)
    level = level.astype(np.float32)
    if kind == "environment" and rng.random() < 0.8:
        image = _environment(rng, light.environments[0], size)
    else:
        # A wall further back receives less light from a flash than from a room.
        falloff = rng.uniform(0, 0.25) if kind == "flash" else rng.uniform(0.2, 1.2)
        y, x = np.mgrid[0:size, 0:size] / size - 0.5
        towards = coefficients[[3, 1]].mean(-1)
        towards = towards / max(np.linalg.norm(coefficients[1:4].mean(-1)), 1e-6)
        slope = rng.uniform(0, 1.6) * (towards[0] * x - towards[1] * y)
        image = behind * level * np.float32(falloff) * np.exp(slope)[..., None].astype(np.float32)
    if rng.random() < 0.09:
        image = _lamps(rng, image, level + 0.05)
    if rng.random() < 0.07:  # haze, smoke or mist between the person and what is behind
        clear = rng.uniform(0.1, 0.7)
        image = image * clear + (1 - clear) * level * rng.uniform(0.3, 1.0)
    return image.astype(np.float32)
