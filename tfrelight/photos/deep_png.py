"""PNG files with 16 bits a channel, of which Pillow reads and writes only 8 (except grey)."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from tfrelight.errors import InputError
from tfrelight.photos import opening

__all__ = ["SIGNATURE", "decode", "encode"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The header chunk's content lies behind the signature, its length and its name.
_HEADER = len(SIGNATURE) + 8
_DEPTH, _COLOUR = _HEADER + 8, _HEADER + 9
# Colour types (PNG, third edition, table 9).
_GREY, _RGB, _GREY_ALPHA, _RGBA = 0, 2, 4, 6
_COLOURS = {1: _GREY, 2: _GREY_ALPHA, 3: _RGB, 4: _RGBA}
# Every row is stored as its difference from the row above.
_UP = 2


def decode(data: bytes) -> np.ndarray | None:
    """The pixels of a PNG file with 16 bits a channel.

    Args:
      data: the file.

    Returns:
      `[H, W]` or `[H, W, C]` uint16 as stored, C from 2 to 4, with an alpha channel where the file
      names a transparent colour; None for a file with fewer bits.

    Raises:
      InputError: the file is broken.
    """
    if data[_DEPTH] != 16:
        return None
    try:
        return _decode(data)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError("broken or cut off.") from error


def _decode(data):
    colour = data[_COLOUR]
    if colour == _GREY_ALPHA:
        # Rows of two channels with two bytes are those of four channels with one.
        bytes_ = _pixels(_with_header(data, depth=8, colour=_RGBA))
        return _joined(bytes_[..., ::2], bytes_[..., 1::2])
    if colour == _GREY:
        array = _pixels(data).astype(np.uint16)
    else:
        # Pillow keeps one byte of two: the first, or the second as if the order were the other one.
        mode = "RGBA" if colour == _RGBA else "RGB"
        array = _joined(_pixels(data, f"{mode};16B"), _pixels(data, f"{mode};16L"))
    with opening.open_image(data) as image:
        key = image.info.get("transparency")
    if key is None or colour == _RGBA:
        return array
    channels = array.reshape(*array.shape[:2], -1)
    opaque = (channels != np.reshape(key, -1)).any(-1, keepdims=True)
    return np.concatenate([channels, opaque * np.uint16(65535)], -1)


def _pixels(data, raw_mode=None):
    with opening.open_image(data) as image:
        if raw_mode is not None:
            image.tile = [tile._replace(args=_arguments(tile, raw_mode)) for tile in image.tile]
        return np.asarray(image)


def _arguments(tile, raw_mode):
    """The decoder's arguments: the mode alone, or the mode and whether the rows are interlaced."""
    return raw_mode if isinstance(tile.args, str) else (raw_mode, *tile.args[1:])


def _joined(high, low):
    return high.astype(np.uint16) << 8 | low


def _with_header(data, depth, colour):
    content = data[_HEADER : _HEADER + 8] + bytes([depth, colour]) + data[_HEADER + 10 : 29]
    return data[: len(SIGNATURE)] + _chunk(b"IHDR", content) + data[33:]


def _chunk(name, content):
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def encode(array: np.ndarray) -> bytes:
    """A PNG file of pixels `[H, W]` or `[H, W, C]` uint16, C from 1 to 4."""
    height, width = array.shape[:2]
    channels = array.reshape(height, width, -1)
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOURS[channels.shape[2]], 0, 0, 0)
    rows = np.ascontiguousarray(channels, ">u2").reshape(height, -1).view(np.uint8)
    filtered = np.full((height, 1 + rows.shape[1]), _UP, np.uint8)
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    return (
        SIGNATURE
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(filtered.tobytes()))
        + _chunk(b"IEND", b"")
    )
