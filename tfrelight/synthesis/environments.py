"""Environment maps: procedural skies and rooms, and users' own EXR or HDR files.

Maps are `[h, w, 3]` float32 linear radiance, equirectangular, row 0 up (see `illumination.Light`).
"""

from __future__ import annotations

import functools
import pathlib

import numpy as np

from tfrelight.errors import InputError
from tfrelight.synthesis import illumination

__all__ = ["load", "load_folder", "procedural", "sample"]

_SUFFIXES = (".exr", ".hdr")

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
    glow = illumination.direction_vector(rng.uniform(-180, 180), rng.uniform(5, 75))
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
        middle = illumination.direction_vector(azimuth, elevation)
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
    directions, areas = illumination.map_directions(_HEIGHT, _WIDTH)

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


def _read_exr(path):
    """Radiance, and whether the file's compression (DWAA, DWAB) rings below zero around lamps."""
    import OpenEXR

    file = OpenEXR.File(str(path))
    channels = file.channels()
    lossy = file.header()["compression"] in (
        OpenEXR.Compression.DWAA_COMPRESSION,
        OpenEXR.Compression.DWAB_COMPRESSION,
    )
    if "RGB" in channels or "RGBA" in channels:
        return channels["RGB" if "RGB" in channels else "RGBA"].pixels[..., :3], lossy
    return np.stack([channels[name].pixels for name in "RGB"], -1), lossy


def _read_old_row(stream, row):
    """Fills `[width, 4]` from a row that is flat or in the old run-length code; bytes it took."""
    width = len(row)
    flat = stream[: 4 * width].reshape(-1, 4)
    if len(flat) == width and not (flat[:, :3] == 1).all(-1).any():
        row[:] = flat
        return 4 * width
    at = column = shift = 0
    while column < width:
        pixel = stream[at : at + 4]
        at += 4
        if tuple(pixel[:3]) == (1, 1, 1):
            count = int(pixel[3]) << shift
            if not 0 < column <= width - count:
                raise ValueError("a run goes over the end of its row")
            row[column : column + count] = row[column - 1]
            # Runs that follow one another are the digits of one length, low ones first.
            column, shift = column + count, shift + 8
        else:
            row[column] = pixel
            column, shift = column + 1, 0
    return at


def _read_hdr(path):
    """A Radiance RGBE picture (G. Ward, "Real Pixels", Graphics Gems II, 1991).

    Flat, or run-length coded in the old way (a pixel 1, 1, 1, n repeats the one before it) or the
    new (each channel of a row by itself).
    """
    data = path.read_bytes()
    if not data.startswith((b"#?RADIANCE", b"#?RGBE")):
        raise ValueError("no Radiance header")
    if b"\nFORMAT=32-bit_rle_xyze" in data[: data.index(b"\n\n")]:
        raise ValueError("its pixels are XYZE; convert it with Radiance's ra_xyze -r")
    end = data.index(b"\n", data.index(b"\n\n") + 2)
    words = data[data.index(b"\n\n") + 2 : end].split()
    if words[0] != b"-Y" or words[2] != b"+X":
        raise ValueError("an orientation other than -Y +X")
    height, width = int(words[1]), int(words[3])
    stream = np.frombuffer(data, np.uint8)[end + 1 :]
    pixels, at = np.empty((height, width, 4), np.uint8), 0
    for row in pixels:
        if tuple(stream[at : at + 4]) != (2, 2, width >> 8, width & 255):
            at += _read_old_row(stream[at:], row)
            continue
        at += 4
        for channel in range(4):
            column = 0
            while column < width:
                count = int(stream[at])
                if count > 128:
                    count -= 128
                    row[column : column + count, channel] = stream[at + 1]
                    at += 2
                else:
                    row[column : column + count, channel] = stream[at + 1 : at + 1 + count]
                    at += 1 + count
                column += count
    scale = np.ldexp(1.0, pixels[..., 3:].astype(int) - 136)
    return np.where(pixels[..., 3:] > 0, (pixels[..., :3] + 0.5) * scale, 0), False


def load(path) -> np.ndarray:
    """An environment map for `illumination.Light`, `[64, 128, 3]`, from an EXR or HDR file.

    Raises:
      InputError: the file cannot be read, is not twice as wide as high, or holds values that no
        light has (NaN, infinite, or negative other than by the ringing of DWA compression).
    """
    path = pathlib.Path(path)
    try:
        read = _read_exr if path.suffix.lower() == ".exr" else _read_hdr
        radiance, lossy = read(path)
        radiance = np.asarray(radiance, np.float32)
    except Exception as error:
        # OpenEXR raises RuntimeError, KeyError and others by what is broken in the file.
        raise InputError(
            f"Cannot read the environment map {path}: {error}. Expected an EXR or Radiance HDR"
            " file with channels R, G and B."
        ) from error
    height, width = radiance.shape[:2]
    if width != 2 * height or height < 16:
        raise InputError(
            f"Invalid environment map {path}. Expected an equirectangular map twice as wide as"
            f" high, at least 32 x 16. Received: {width} x {height}."
        )
    bad = ~np.isfinite(radiance)
    if not lossy:
        bad |= radiance < 0
    if bad.any():
        raise InputError(
            f"Invalid environment map {path}. Expected finite radiance of at least 0. Received:"
            f" {int(bad.any(-1).sum())} pixels that are negative or not finite."
        )
    if not radiance.max() > 0:
        raise InputError(f"Invalid environment map {path}. Expected light. Received: all black.")
    # Files show the world from inside; in our frame their right is at negative x. Lossy compression
    # keeps means: what rings below zero beside a lamp is made up for within the same cell.
    return np.maximum(_shrink(radiance[:, ::-1], 64), 0)


def _shrink(radiance, height):
    """Mean of the pixels of a map in each of `height` x 2 `height` cells."""
    rows = np.linspace(0, len(radiance), height + 1)[:-1].astype(int)
    columns = np.linspace(0, radiance.shape[1], 2 * height + 1)[:-1].astype(int)
    if len(radiance) < height:  # a map smaller than the cells: nearest pixels
        rows = (np.arange(height) * len(radiance)) // height
        columns = (np.arange(2 * height) * radiance.shape[1]) // (2 * height)
        return np.ascontiguousarray(radiance[rows][:, columns])
    total = np.add.reduceat(np.add.reduceat(radiance.astype(np.float64), rows, 0), columns, 1)
    counts = np.outer(np.diff([*rows, len(radiance)]), np.diff([*columns, radiance.shape[1]]))
    return (total / counts[..., None]).astype(np.float32)


def files(folder) -> list:
    """The environment maps of a folder, sorted.

    Raises:
      InputError: the folder does not exist or holds none.
    """
    folder = pathlib.Path(folder)
    found = sorted(p for p in folder.glob("*") if p.suffix.lower() in _SUFFIXES)
    if not found:
        what = "no .exr or .hdr file in it" if folder.is_dir() else "no such folder"
        raise InputError(
            f"Invalid `environment_dir`. Expected a folder of environment maps. {folder}: {what}."
        )
    return found


@functools.lru_cache(maxsize=2)
def load_folder(folder: str) -> tuple:
    """All environment maps of a folder; one that cannot be used is an error, not skipped."""
    return tuple(load(path) for path in files(folder))


def sample(rng: np.random.Generator, maps=()) -> illumination.Light:
    """A light from a procedural environment, or from one of `maps` turned about the vertical.

    What is far brighter than the rest (a sun, a bare bulb) becomes a lamp of its own, so that its
    shadow is sharp and exactly placed.
    """
    if len(maps):
        radiance = maps[rng.integers(len(maps))]
        radiance = np.roll(radiance, rng.integers(radiance.shape[1]), axis=1)
        _, areas = illumination.map_directions(*radiance.shape[:2])
        mean = (radiance * areas[..., None]).sum() / (3 * areas.sum())
        radiance = radiance * np.float32(0.6 / max(mean, 1e-6))
    else:
        radiance = procedural(rng)
        if rng.random() < 0.2:  # a sun of its own
            sun = illumination.Lamp(
                illumination.direction_vector(rng.uniform(-110, 110), rng.uniform(10, 70)),
                np.radians(rng.uniform(0.3, 1.5)),
                rng.uniform(0.5, 3) * np.array([1.05, 1.0, 0.9]),
            )
            return illumination.Light("environment", (sun,), radiance)
    lamps, rest = _split(radiance)
    return illumination.Light("environment", lamps, rest)


def _split(radiance, ratio=40.0, degrees=10.0):
    """The brightest spot of a map as a lamp, if `ratio` times the mean, and the map without it."""
    directions, areas = illumination.map_directions(*radiance.shape[:2])
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
