"""The pixels of TIFF files, packed in strips or tiles (TIFF 6.0).

libtiff, which is part of Pillow, unpacks them as bytes.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin

from tfrelight.errors import InputError

__all__ = ["append", "check_size", "plane", "values"]

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIP_OFFSETS, _SAMPLES, _ROWS, _STRIP_LENGTHS, _PREDICTOR = 273, 277, 278, 279, 317
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_LENGTHS, _EXTRA = 322, 323, 324, 325, 338
_UNCOMPRESSED, _STRAIGHT = 1, 2
# Photometric interpretations of a picture with 1 to 4 bytes a pixel: grey and RGB.
_PHOTOMETRICS = (1, 1, 2, 2)
# Ink, and alpha.
_MOST_CHANNELS = 5
# Bytes to unpack at once, if a strip or a row of tiles does not hold more.
_GROUP = 1 << 24


def check_size(tags: TiffImagePlugin.ImageFileDirectory_v2, samples: int) -> None:
    """Checks how much the strips or tiles of a file unpack to, before memory is allocated.

    Args:
      tags: of the file's first directory.
      samples: numbers a pixel.

    Raises:
      InputError: more than `Photo`s of the largest size that Pillow admits take.
    """
    limit = _limit()
    width, height = tags[_WIDTH], tags[_HEIGHT]
    if _TILE_OFFSETS in tags:
        # Tiles reach over the edges.
        width = -(-width // tags[_TILE_WIDTH]) * tags[_TILE_WIDTH]
        height = -(-height // tags[_TILE_HEIGHT]) * tags[_TILE_HEIGHT]
    if limit is not None and width * height * samples > _MOST_CHANNELS * limit:
        raise InputError(
            f"unpacks to {width} x {height} pixels with {samples} channels. Expected at most "
            f"{_MOST_CHANNELS * limit / 1e6:.4g} million numbers: make it smaller."
        )


def _limit():
    """Pixels that Pillow decodes at most, or None."""
    return None if Image.MAX_IMAGE_PIXELS is None else 2 * Image.MAX_IMAGE_PIXELS


def plane(
    data: bytes,
    tags: TiffImagePlugin.ImageFileDirectory_v2,
    number: int,
    planes: int,
    samples: int,
    dtype: np.dtype,
) -> np.ndarray:
    """Unpacks one plane of a file.

    Args:
      data: bytes of the file; `check_size` has passed.
      tags: of its first directory.
      number: of the plane, below `planes`.
      planes: number of planes; 1 if the samples of a pixel lie together.
      samples: numbers a pixel in each plane.
      dtype: uint8 or uint16 in the file's byte order.

    Returns:
      `[H, W, samples]`, native byte order.

    Raises:
      InputError: a strip or a row of tiles is too large.
      OSError, ValueError: the file is broken.
    """
    height, width = tags[_HEIGHT], tags[_WIDTH]
    tiled = _TILE_OFFSETS in tags
    offsets = values(tags, _TILE_OFFSETS if tiled else _STRIP_OFFSETS, None)
    lengths = values(tags, _TILE_LENGTHS if tiled else _STRIP_LENGTHS, None)
    rows = min(tags.get(_ROWS, height), height)
    across, down = (tags[_TILE_WIDTH], tags[_TILE_HEIGHT]) if tiled else (width, rows)
    columns = -(-width // across)
    each = columns * -(-height // down)
    if len(offsets) != each * planes or len(lengths) != each * planes:
        raise ValueError(f"{len(offsets)} strips or tiles, expected {each * planes}")
    mine = list(zip(offsets, lengths))[number * each : (number + 1) * each]
    result = np.empty((height, width, samples), dtype.newbyteorder("="))
    compression, fill_order = tags.get(_COMPRESSION, 1), tags.get(_FILL_ORDER, 1)
    if compression == _UNCOMPRESSED and fill_order == 1 and not tiled:
        for top, (offset, _) in zip(range(0, height, rows), mine):
            strip = result[top : top + rows]
            strip[:] = np.frombuffer(data, dtype, strip.size, offset).reshape(strip.shape)
    else:
        row_bytes = width * samples * dtype.itemsize
        step = max(1, min(_GROUP, _limit() or _GROUP) // (row_bytes * down))
        for top in range(0, height, step * down):
            first = top // down * columns
            chunks = [data[o : o + n] for o, n in mine[first : first + step * columns]]
            part = result[top : top + step * down]
            unpacked = _unpacked(
                chunks, part, (across if tiled else None, down), compression, fill_order
            )
            part[:] = unpacked.view(dtype).reshape(part.shape)
    if tags.get(_PREDICTOR, 1) == 2:
        for left in range(0, width, across):
            block = result[:, left : left + across]
            np.cumsum(block, axis=1, dtype=block.dtype, out=block)
    return result


def _unpacked(chunks, like, tile, compression, fill_order):
    """The bytes, one-dimensional, of strips or rows of tiles.

    Args:
      chunks: the strips or tiles, packed.
      like: `[H, W, samples]`, an array of the shape and type that they hold.
      tile: pixels across and down; None and down for strips.
      compression, fill_order: values of these tags.
    """
    height, width, samples = like.shape
    pixel = samples * like.itemsize
    # libtiff unpacks the same strips as a picture with 8 bits a channel. Pillow limits its pixels,
    # so each takes as many bytes as it may. It mirrors bits in grey ones only.
    channels = next(n for n in (4, 3, 2, 1) if pixel % n == 0 and (n == 1 or fill_order == 1))
    scale = pixel // channels
    limit = _limit()
    if limit is not None and height * width * scale > limit:
        raise InputError(
            "is packed in too large a strip or tile. Save it uncompressed, or in smaller strips."
        )
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[_WIDTH], tags[_HEIGHT] = width * scale, height
    tags[_BITS], tags[_SAMPLES] = (8,) * channels, channels
    tags[_PHOTOMETRIC] = _PHOTOMETRICS[channels - 1]
    tags[_COMPRESSION], tags[_FILL_ORDER] = compression, fill_order
    if channels in (2, 4):
        tags[_EXTRA] = _STRAIGHT
    across, down = tile
    if across is None:
        tags[_ROWS] = down
    else:
        tags[_TILE_WIDTH], tags[_TILE_HEIGHT] = across * scale, down
    file = io.BytesIO()
    append(file, tags, chunks, across is not None)
    with TiffImagePlugin.TiffImageFile(file) as image:
        return np.asarray(image).reshape(-1)


def append(
    file: BinaryIO,
    tags: TiffImagePlugin.ImageFileDirectory_v2,
    chunks: Sequence[bytes],
    tiled: bool = False,
) -> None:
    """Writes a TIFF file of strips or tiles that are already packed.

    Args:
      file: open for writing bytes, and empty.
      tags: of its directory, to which places and lengths of the chunks are added.
      chunks: the strips or tiles.
      tiled: whether they are tiles.
    """
    sizes = np.array([len(chunk) for chunk in chunks], np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes + sizes % 2)[:-1]])
    long, header = 4, 8
    tags.tagtype[_TILE_OFFSETS] = tags.tagtype[_TILE_LENGTHS] = long
    tags[_TILE_LENGTHS] = tuple(sizes.tolist())
    tags[_TILE_OFFSETS] = tuple(starts.tolist())
    starts += header + len(tags.tobytes(header))
    tags[_TILE_OFFSETS] = tuple(starts.tolist())
    packed = tags.tobytes(header)
    file.write(struct.pack("<2sHI", b"II", 42, header))
    file.write(packed if tiled else _as_strips(packed))
    for chunk in chunks:
        file.write(chunk)
        file.write(b"\0" * (len(chunk) % 2))
    file.seek(0)


def _as_strips(packed):
    """A packed directory of tiles as one of strips: older Pillows write no more than one strip."""
    (count,) = struct.unpack_from("<H", packed)
    entries = [packed[start : start + 12] for start in range(2, 2 + 12 * count, 12)]
    names = {_TILE_OFFSETS: _STRIP_OFFSETS, _TILE_LENGTHS: _STRIP_LENGTHS}
    named = []
    for entry in entries:
        (tag,) = struct.unpack_from("<H", entry)
        named.append((names.get(tag, tag), entry[2:]))
    table = b"".join(struct.pack("<H", tag) + rest for tag, rest in sorted(named))
    return packed[:2] + table + packed[2 + 12 * count :]


def values(tags: TiffImagePlugin.ImageFileDirectory_v2, tag: int, default: Any) -> list[Any]:
    """The values of a tag as a list, or the default as one.

    Raises:
      ValueError: neither.
    """
    value = tags.get(tag, default)
    if value is None:
        raise ValueError(f"no tag {tag}")
    return list(value) if isinstance(value, (tuple, list)) else [value]
