"""Environment maps: EXR and Radiance HDR files, and their light.

A file shows the world from inside, equirectangular, row 0 up; the person faces its middle, where
the camera is. Inside the package a map is in the camera's frame, where right is positive x, so it
is the mirror image of the file.
"""

from __future__ import annotations

import functools
import pathlib
import re
from typing import TYPE_CHECKING

import numpy as np
from absl import logging

from tfrelight import harmonics
from tfrelight.errors import InputError
from tfrelight.photos import exr

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "DETAIL",
    "SUFFIXES",
    "checked",
    "directions",
    "load",
    "places",
    "project",
    "read",
    "shrunk",
]

SUFFIXES = (".exr", ".hdr")

# Rows of the maps that lights keep, 1.4 degrees each: a sun is a third of one, and its light is
# spread over it.
DETAIL = 128

# The largest common map, 16384 x 8192, takes 1.6 GB as float32.
_MAX_WIDTH = 16384

# The largest half float, which most EXR files hold; what is brighter becomes infinite.
_LARGEST_HALF = 65504.0


def _check_size(height, width, max_width):
    """Refuses a size before it is allocated; raises `ValueError` as for other unreadable files."""
    if width != 2 * height or not 16 <= height <= max_width // 2:
        raise ValueError(
            f"it is {width} x {height}, not an equirectangular map twice as wide as high, "
            f"from 32 x 16 to {max_width} x {max_width // 2}"
        )


def _read_exr(path, max_width):
    """Radiance, and whether it is lossy."""
    _check_size(*exr.size(path), max_width)
    return exr.read(path)


def _read_hdr(path, max_width):
    """A Radiance picture (G. Ward, "Real Pixels", Graphics Gems II, 1991), any coding."""
    data = path.read_bytes()
    if not data.startswith(b"#?"):
        raise ValueError("no Radiance header")
    header, start = _hdr_header(data)
    if any(line.startswith(b"format") and line.endswith(b"xyze") for line in header):
        raise ValueError("its pixels are XYZE; convert it with Radiance's ra_xyze -r")
    end = data.find(b"\n", start)
    signs = re.fullmatch(rb"\s*([+-])([XY])\s+(\d+)\s+([+-])([XY])\s+(\d+)\s*", data[start:end])
    if end < 0 or signs is None or signs[2] == signs[5]:
        raise ValueError("no size, as -Y 512 +X 1024, after its header")
    # Whichever axis comes first, its lines are stored one after another.
    count, length = int(signs[3]), int(signs[6])
    upright = signs[2] == b"Y"
    _check_size(*((count, length) if upright else (length, count)), max_width)
    stream = np.frombuffer(data, np.uint8)[end + 1 :]
    # Two bytes code at most 127 of the four bytes a pixel.
    if 2 * count * length * 4 > 127 * len(stream):
        raise ValueError("the file ends too early")
    pixels, at = np.empty((count, length, 4), np.uint8), 0
    for line in pixels:
        coded = tuple(stream[at : at + 4]) == (2, 2, length >> 8, length & 255)
        at = (_run_length_row if coded else _old_row)(line, stream, at)
    scale = np.ldexp(np.float32(1), pixels[..., 3:].astype(np.int32) - 136)
    radiance = np.where(pixels[..., 3:] > 0, (pixels[..., :3] + np.float32(0.5)) * scale, 0)
    # A line of -Y +X is a row from left to right, and the first one is the top.
    directions = {signs[2]: signs[1], signs[5]: signs[4]}
    radiance = radiance if upright else np.swapaxes(radiance, 0, 1)
    radiance = radiance if directions[b"Y"] == b"-" else radiance[::-1]
    return radiance if directions[b"X"] == b"+" else radiance[:, ::-1], False


def _hdr_header(data):
    """The lines of a header, in lower case without spaces, and where the size begins."""
    lines, start = [], 0
    while True:
        end = data.find(b"\n", start)
        if end < 0:
            raise ValueError("its header has no end")
        line = data[start:end].strip()
        start = end + 1
        if not line:
            return lines, start
        lines.append(line.lower().replace(b" ", b""))


def _run_length_row(row, stream, at):
    """Decodes a row, channel by channel, into `row`; returns where the next row starts."""
    at += 4
    for channel in range(4):
        column = 0
        while column < len(row):
            count = int(stream[at])
            if count > 128:
                count -= 128
                row[column : column + count, channel] = stream[at + 1]
                at += 2
            else:
                row[column : column + count, channel] = stream[at + 1 : at + 1 + count]
                at += 1 + count
            column += count
    return at


def _old_row(row, stream, at):
    """As `_run_length_row`, pixel by pixel: (1, 1, 1, n) repeats the last pixel n times.

    Successive n are the digits of one number in base 256, the lowest first.
    """
    plain = stream[at : at + 4 * len(row)]
    if len(plain) == 4 * len(row) and not (plain.reshape(-1, 4)[:, :3] == 1).all(-1).any():
        row[:] = plain.reshape(-1, 4)
        return at + 4 * len(row)
    column, shift = 0, 0
    while column < len(row):
        pixel = stream[at : at + 4]
        at += 4
        if tuple(pixel[:3]) == (1, 1, 1):
            count = int(pixel[3]) << shift
            if not 0 < column <= len(row) - count:
                raise ValueError("a run goes over the end of its row")
            row[column : column + count] = row[column - 1]
            shift += 8
        else:
            row[column], count, shift = pixel, 1, 0
        column += count
    return at


def checked(radiance: ArrayLike, lossy: bool = False, name: str = "") -> np.ndarray:
    """An environment map as float32, after a check of its shape and values.

    Values that no light has are replaced, and a line on the log says how many: negative ones, such
    as of filters that overshoot and of colours outside RGB, and NaN by 0; infinite ones by 65504 or
    the map's largest finite value, whichever is more. Infinite is what was too bright for a half
    float, most often the sun, and 65504 is the largest half.

    Args:
      radiance: `[h, 2 h, 3]` linear RGB.
      lossy: whether to leave values below 0, such as ringing from lossy compression, which cancels
        in the mean over a few pixels.
      name: of the file, for the message.

    Raises:
      InputError: another shape, or all black.
    """
    array = np.asarray(radiance)
    if array.ndim != 3 or array.shape[2] != 3 or array.shape[1] != 2 * array.shape[0]:
        raise InputError(
            f"Invalid environment map{name and f' {name}'}. Expected an equirectangular map "
            f"[h, 2 h, 3], twice as wide as high. Received: shape {list(array.shape)}."
        )
    values: np.ndarray = array.astype(np.float32, copy=False)
    bad = ~np.isfinite(values)
    if not lossy:
        bad |= values < 0
    if bad.any():
        values = _clamped(values, bad, name)
    if not values.max() > 0:
        raise InputError(
            f"Invalid environment map{name and f' {name}'}. Expected light. Received: all black."
        )
    return values


def _clamped(radiance, bad, name):
    infinite = radiance == np.inf
    largest = max(_LARGEST_HALF, radiance[~bad].max(initial=0))
    said = [f"{count} infinite to {largest:g}" for count in [_pixels(infinite)] if count]
    said += [f"{count} negative or NaN to 0" for count in [_pixels(bad & ~infinite)] if count]
    logging.warning(
        "Clamped pixels of the environment map%s: %s.", name and f" {name}", ", ".join(said)
    )
    return np.where(bad, np.where(infinite, np.float32(largest), np.float32(0)), radiance)


def _pixels(where):
    return int(where.any(-1).sum())


def read(
    path: pathlib.Path | str, name: str | None = None, max_width: int = _MAX_WIDTH
) -> tuple[np.ndarray, bool]:
    """An environment map in the orientation of its file, and whether its compression is lossy.

    Args:
      path: of the file.
      name: its name for people, whose ending gives the format; None: the path.
      max_width: widest map to read, pixels.

    Returns:
      `[h, 2 h, 3]` float32 linear RGB, and a bool.

    Raises:
      InputError: the file holds something else, is not twice as wide as high, or all black. An EXR
        file's display window is what counts (`exr.read`).
      OSError: the file cannot be read.
    """
    path = pathlib.Path(path)
    name = str(path if name is None else name)
    read_file = _read_exr if name.lower().endswith(".exr") else _read_hdr
    try:
        radiance, lossy = read_file(path, max_width)
    except OSError:
        raise
    except Exception as error:
        # OpenEXR raises RuntimeError, KeyError and others, depending on where the file is broken.
        reason = str(error).replace(str(path), name).rstrip(".")
        raise InputError(
            f"Cannot read the environment map {name}: {reason}. Expected an EXR or Radiance HDR "
            "file with channels R, G and B, or Y, twice as wide as high."
        ) from error
    return checked(radiance, lossy, name), lossy


def load(
    path: pathlib.Path | str,
    name: str | None = None,
    max_width: int = _MAX_WIDTH,
    height: int = 64,
) -> np.ndarray:
    """An environment map in the camera's frame, `[height, 2 height, 3]` linear RGB, from a file.

    Args:
      path, name, max_width: see `read`.
      height: of the result.

    Raises:
      InputError, OSError: see `read`.
    """
    radiance, _ = read(path, name, max_width)
    # Lossy compression keeps means: ringing below zero beside a lamp cancels within its cell.
    return np.maximum(shrunk(radiance[:, ::-1], height), 0)


def shrunk(radiance: np.ndarray, height: int) -> np.ndarray:
    """A map `[h, w, 3]` as the means of its pixels in `height` x 2 `height` cells."""
    rows = np.linspace(0, len(radiance), height + 1)[:-1].astype(int)
    columns = np.linspace(0, radiance.shape[1], 2 * height + 1)[:-1].astype(int)
    if len(radiance) < height:  # fewer pixels than cells: the nearest pixels
        rows = (np.arange(height) * len(radiance)) // height
        columns = (np.arange(2 * height) * radiance.shape[1]) // (2 * height)
        return np.ascontiguousarray(radiance[rows][:, columns])
    total = np.add.reduceat(radiance, rows, 0, dtype=np.float64)
    total = np.add.reduceat(total, columns, 1)
    counts = np.outer(np.diff([*rows, len(radiance)]), np.diff([*columns, radiance.shape[1]]))
    return (total / counts[..., None]).astype(np.float32)


@functools.lru_cache(maxsize=8)
def directions(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions `[h, w, 3]` and solid angles `[h, w]` of a map's pixels, in the camera's frame."""
    edges = np.linspace(np.pi / 2, -np.pi / 2, height + 1)
    elevation = (edges[:-1] + edges[1:]) / 2
    azimuth = ((np.arange(width) + 0.5) / width * 2 - 1) * np.pi
    e, a = np.meshgrid(elevation, azimuth, indexing="ij")
    vectors = np.stack([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)], -1)
    areas = (np.sin(edges[:-1]) - np.sin(edges[1:]))[:, None] * np.full(width, 2 * np.pi / width)
    return vectors, areas


def places(directions: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns `[...]` at which a map in the camera's frame shows directions.

    They are counted in pixels from the top and the left edge: the middle of the first pixel is at
    (0.5, 0.5).

    Args:
      directions: `[..., 3]` unit vectors.
      height, width: of the map, pixels.
    """
    row = (0.5 - np.arcsin(np.clip(directions[..., 1], -1, 1)) / np.pi) * height
    column = (np.arctan2(directions[..., 0], directions[..., 2]) / np.pi + 1) / 2 * width
    return row, column


def project(radiance: np.ndarray) -> np.ndarray:
    """Second-order harmonics `[9, 3]` of a map `[h, w, 3]` in the camera's frame."""
    vectors, areas = directions(*radiance.shape[:2])
    return np.einsum("hwk,hwc->kc", harmonics.basis(vectors) * areas[..., None], radiance)
