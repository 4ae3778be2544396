"""Environment maps: EXR and Radiance HDR files, and the light they give.

A file shows the world as one sees it from inside, equirectangular, row 0 up. Its middle lies in the
direction the person looks in: where the camera is. Inside the package a map is in the frame, which
looks at the person: its right is at positive x, so it is the file's mirror image.
"""

from __future__ import annotations

import functools
import pathlib

import numpy as np

from tfrelight import exr, harmonics
from tfrelight.errors import InputError

__all__ = ["SUFFIXES", "checked", "directions", "load", "project", "read", "shrunk"]

SUFFIXES = (".exr", ".hdr")

# The largest map people use (16384 x 8192) as float32 takes 1.6 GB.
_MAX_WIDTH = 16384


def _check_size(height, width, widest):
    """Before anything of that size is allocated; `ValueError` as for other unreadable files."""
    if width != 2 * height or not 16 <= height <= widest // 2:
        raise ValueError(
            f"it is {width} x {height}, not an equirectangular map twice as wide as high, "
            f"from 32 x 16 to {widest} x {widest // 2}"
        )


def _read_exr(path, widest):
    """Radiance, and whether it is lossy."""
    _check_size(*exr.size(path), widest)
    return exr.read(path)


def _read_hdr(path, widest):
    """A Radiance picture (G. Ward, "Real Pixels", Graphics Gems II, 1991), any coding."""
    data = path.read_bytes()
    if not data.startswith((b"#?RADIANCE", b"#?RGBE")):
        raise ValueError("no Radiance header")
    start = data.index(b"\n\n") + 2
    if b"xyze" in data[:start]:
        raise ValueError("its pixels are XYZE; convert it with Radiance's ra_xyze -r")
    end = data.index(b"\n", start)
    words = data[start:end].split()
    if words[0] != b"-Y" or words[2] != b"+X":
        raise ValueError("an orientation other than -Y +X")
    height, width = int(words[1]), int(words[3])
    _check_size(height, width, widest)
    stream = np.frombuffer(data, np.uint8)[end + 1 :]
    # Two bytes stand for at most 127 of a pixel's four.
    if 2 * height * width * 4 > 127 * len(stream):
        raise ValueError("the file ends too early")
    pixels, at = np.empty((height, width, 4), np.uint8), 0
    for row in pixels:
        coded = tuple(stream[at : at + 4]) == (2, 2, width >> 8, width & 255)
        at = (_run_length_row if coded else _old_row)(row, stream, at)
    scale = np.ldexp(np.float32(1), pixels[..., 3:].astype(np.int32) - 136)
    return np.where(pixels[..., 3:] > 0, (pixels[..., :3] + np.float32(0.5)) * scale, 0), False


def _run_length_row(row, stream, at):
    """One channel after the other, runs and plain bytes; where the next row starts."""
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
    """Pixel after pixel; (1, 1, 1, n) repeats the one before n times, n of several being digits."""
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


def checked(radiance, lossy=False, name="") -> np.ndarray:
    """An environment map as float32, or the reason why it is none.

    Args:
      radiance: `[h, 2 h, 3]` linear RGB.
      lossy: whether values below 0 are the ringing of a compression, and stand for 0.
      name: of the file, for the message.

    Raises:
      InputError: another shape, or values that no light has.
    """
    radiance = np.asarray(radiance)
    if radiance.ndim != 3 or radiance.shape[2] != 3 or radiance.shape[1] != 2 * radiance.shape[0]:
        raise InputError(
            f"Invalid environment map {name}. Expected an equirectangular map [h, 2 h, 3], twice "
            f"as wide as high. Received: shape {list(radiance.shape)}."
        )
    radiance = radiance.astype(np.float32, copy=False)
    bad = ~np.isfinite(radiance)
    if not lossy:
        bad |= radiance < 0
    if bad.any():
        raise InputError(
            f"Invalid environment map {name}. Expected finite radiance of at least 0. Received:"
            f" {int(bad.any(-1).sum())} pixels that are negative or not finite."
        )
    if not radiance.max() > 0:
        raise InputError(f"Invalid environment map {name}. Expected light. Received: all black.")
    return radiance


def read(path, name=None, widest=_MAX_WIDTH):
    """An environment map as the file shows it, `[h, 2 h, 3]` float32, and whether it is lossy.

    Args:
      path: of the file.
      name: what the file is called, whose ending says what it holds; None: as its path.
      widest: pixels of a row, at most.

    Raises:
      InputError: the file holds something else, is not twice as wide as high, or has values that no
        light has (NaN, infinite, or negative other than by the ringing of DWA compression).
      OSError: it cannot be read.
    """
    path = pathlib.Path(path)
    name = str(path if name is None else name)
    try:
        radiance, lossy = (_read_exr if name.lower().endswith(".exr") else _read_hdr)(path, widest)
    except OSError:
        raise
    except Exception as error:
        # OpenEXR raises RuntimeError, KeyError and others by what is broken in the file.
        reason = str(error).replace(str(path), name).rstrip(".")
        raise InputError(
            f"Cannot read the environment map {name}: {reason}. Expected an EXR or Radiance HDR "
            "file with channels R, G and B, or Y."
        ) from error
    return checked(radiance, lossy, name), lossy


def load(path, name=None, widest=_MAX_WIDTH) -> np.ndarray:
    """An environment map in the frame, `[64, 128, 3]`, from an EXR or HDR file.

    Args:
      path, name, widest: see `read`.

    Raises:
      InputError, OSError: see `read`.
    """
    radiance, _ = read(path, name, widest)
    # Lossy compression keeps means: what rings below zero beside a lamp is made up for within the
    # same cell.
    return np.maximum(shrunk(radiance[:, ::-1], 64), 0)


def shrunk(radiance, height) -> np.ndarray:
    """Mean of the pixels of a map in each of `height` x 2 `height` cells."""
    rows = np.linspace(0, len(radiance), height + 1)[:-1].astype(int)
    columns = np.linspace(0, radiance.shape[1], 2 * height + 1)[:-1].astype(int)
    if len(radiance) < height:  # a map smaller than the cells: nearest pixels
        rows = (np.arange(height) * len(radiance)) // height
        columns = (np.arange(2 * height) * radiance.shape[1]) // (2 * height)
        return np.ascontiguousarray(radiance[rows][:, columns])
    total = np.add.reduceat(radiance, rows, 0, dtype=np.float64)
    total = np.add.reduceat(total, columns, 1)
    counts = np.outer(np.diff([*rows, len(radiance)]), np.diff([*columns, radiance.shape[1]]))
    return (total / counts[..., None]).astype(np.float32)


@functools.lru_cache(maxsize=8)
def directions(height: int, width: int):
    """Directions `[h, w, 3]` and solid angles `[h, w]` of the pixels of a map in the frame."""
    edges = np.linspace(np.pi / 2, -np.pi / 2, height + 1)
    elevation = (edges[:-1] + edges[1:]) / 2
    azimuth = ((np.arange(width) + 0.5) / width * 2 - 1) * np.pi
    e, a = np.meshgrid(elevation, azimuth, indexing="ij")
    vectors = np.stack([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)], -1)
    areas = (np.sin(edges[:-1]) - np.sin(edges[1:]))[:, None] * np.full(width, 2 * np.pi / width)
    return vectors, areas


def project(radiance) -> np.ndarray:
    """Second-order harmonics `[9, 3]` of a map in the frame `[h, w, 3]`."""
    vectors, areas = directions(*radiance.shape[:2])
    return np.einsum("hwk,hwc->kc", harmonics.basis(vectors) * areas[..., None], radiance)
