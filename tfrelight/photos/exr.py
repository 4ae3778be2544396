"""OpenEXR files: float images, linear by convention."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tfrelight import files

__all__ = ["read", "size", "write"]

_MAGIC = b"\x76\x2f\x31\x01"
# The bit of the version number that marks a file of several parts.
_MULTIPART = 0x1000

# Last words of the layers that renderers write their picture to, beside those for compositing:
# Blender, Arnold and V-Ray, Nuke, and names that people give.
_MAIN_LAYERS = ("combined", "composite", "beauty", "rgba", "rgb", "color", "main")

# A data window of this many times the display window's pixels is not overscan.
_MAX_OVERSCAN = 4


class _Picture(NamedTuple):
    """Where the picture is in a file, from the header alone.

    Attributes:
      part: number of the part.
      channels: names of R, G and B; three times the same for a grey picture.
      display: first and last column and row that are shown, `[[x, y], [x, y]]`.
      data: the same of what is stored.
      lossy: whether its compression is.
    """

    part: int
    channels: tuple[str, str, str]
    display: np.ndarray
    data: np.ndarray
    lossy: bool


def size(path: Path | str) -> tuple[int, int]:
    """Height and width of the display window, from the header alone.

    Raises:
      ValueError: not an EXR file, or one without a picture; the message lists its channels. OpenEXR
        raises other errors for broken ones.
    """
    return _shape(_find(path).display)


def read(path: Path | str) -> tuple[np.ndarray, bool]:
    """The picture in a file: what is in its display window, black where nothing is stored.

    The channels are R, G and B, or Y alone, of the first part that has them: without a layer, or of
    the only layer, or of the one that renderers name `Combined` or `beauty`.

    Args:
      path: of the file.

    Returns:
      `[H, W, 3]` of the file's float type, unchanged; and whether its compression is lossy (DWAA,
      DWAB), which may ring below zero around lamps.

    Raises:
      ValueError: not an EXR file, cut off, or without a picture. OpenEXR raises other errors for
        broken ones, of which it also prints a line.
    """
    import OpenEXR

    found = _find(path)
    parts = OpenEXR.File(str(path), separate_channels=True).parts
    # OpenEXR leaves out parts that it cannot read.
    if found.part >= len(parts) or not set(found.channels) <= set(parts[found.part].channels):
        raise ValueError("its pixels are damaged")
    channels = [parts[found.part].channels[name].pixels for name in found.channels]
    return _shown(np.stack(channels, -1), found), found.lossy


def write(path: Path | str, values: np.ndarray) -> None:
    """Writes `[H, W, 3]` float32 atomically as a file with channels R, G and B."""
    import OpenEXR

    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with files.replacing(path, suffix=".exr") as temporary:
        OpenEXR.File(header, {"RGB": np.ascontiguousarray(values)}).write(str(temporary))


def _shape(window):
    width, height = (window[1] - window[0] + 1).tolist()
    return height, width


def _shown(stored, found):
    """The display window's part of what is stored, black around it."""
    if (found.data == found.display).all():
        return stored
    shown = np.zeros((*_shape(found.display), 3), stored.dtype)
    first = np.maximum(found.data[0], found.display[0])
    last = np.minimum(found.data[1], found.display[1])
    if (first <= last).all():

        def part(window):
            left, top = first - window[0]
            right, bottom = last - window[0] + 1
            return slice(top, bottom), slice(left, right)

        shown[part(found.display)] = stored[part(found.data)]
    return shown


def _find(path):
    import OpenEXR

    with open(path, "rb") as file:
        if file.read(4) != _MAGIC:
            raise ValueError("no EXR header")
    parts = OpenEXR.File(str(path), header_only=True).parts
    _check_whole(path, [part.type() for part in parts])
    number, channels = _picture_channels(parts)
    header = parts[number].header
    found = _Picture(
        number,
        tuple(channel.name for channel in channels),
        np.array(header["displayWindow"], int),
        np.array(header["dataWindow"], int),
        header["compression"]
        in (OpenEXR.Compression.DWAA_COMPRESSION, OpenEXR.Compression.DWAB_COMPRESSION),
    )
    (height, width), (data_height, data_width) = _shape(found.display), _shape(found.data)
    if data_height * data_width > _MAX_OVERSCAN * height * width:
        raise ValueError(
            f"it stores {data_width} x {data_height} pixels for a display window of "
            f"{width} x {height}"
        )
    return found


def _picture_channels(parts: list[Any]) -> tuple[int, list[Any]]:
    """Number of the part that holds the picture, and its three channels."""
    layers: dict[tuple[int, str], dict[str, Any]] = {}
    for number, part in enumerate(parts):
        if "deep" in str(part.type()):
            continue
        for channel in part.header["channels"]:
            layer, _, name = channel.name.rpartition(".")
            layers.setdefault((number, layer), {})[name.upper()] = channel
    pictures = {
        key: channels for key, channels in layers.items() if {"R", "G", "B"} <= set(channels)
    }
    if not pictures:
        # X, Y and Z are a vector; Y with RY and BY is colour that is stored as its difference.
        pictures = {key: one for key, one in layers.items() if "Y" in one and "X" not in one}
        for channels in pictures.values():
            if "RY" in channels or "BY" in channels:
                raise ValueError(
                    "its colours are luminance and chroma, Y, RY and BY; save it with R, G and B"
                )
    if not pictures:
        names = [channel.name for part in parts for channel in part.header["channels"]]
        listed = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if names[12:] else "")
        raise ValueError(f"it has no channels R, G and B, but {listed}")
    number, layer = _main(parts, list(pictures))
    channels = pictures[number, layer]
    three = [channels[name] for name in ("RGB" if "R" in channels else "YYY")]
    if any(channel.xSampling != 1 or channel.ySampling != 1 for channel in three):
        raise ValueError("its channels are subsampled; save it with R, G and B of full size")
    return number, three


def _main(parts, keys):
    """The key that is the picture, of the part numbers and layers that have colours."""
    plain = [key for key in keys if not key[1]]
    if plain or len(keys) == 1:
        return _best(parts, plain or keys)
    named = [key for key in keys if key[1].rpartition(".")[2].lower() in _MAIN_LAYERS]
    if not named:
        layers = ", ".join(layer for _, layer in keys[:12])
        raise ValueError(f"which of its layers is the picture? {layers}; save it alone")
    return named[0]


def _best(parts, keys):
    """The first key whose part has a main layer's name, or else the first."""
    named = [key for key in keys if parts[key[0]].name().rpartition(".")[2].lower() in _MAIN_LAYERS]
    return (named or keys)[0]


def _check_whole(path, types):
    """Refuses a file that was cut off. OpenEXR would print that, and silently give nothing.

    The headers (OpenEXR has read them before) are followed by a table of the chunks' offsets, which
    ends where the first chunk begins. See "OpenEXR File Layout".
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            several = bool(struct.unpack_from("<I", data, 4)[0] & _MULTIPART)
            at = _after_headers(data, several)
            offsets, end = [], len(data)
            while at < end:
                offsets += struct.unpack_from("<Q", data, at)
                at, end = at + 8, min(end, offsets[-1])
            last = max(offsets)
            number = struct.unpack_from("<i", data, last)[0] if several else 0
            if "deep" in str(types[number]):
                return
            # The place of a tile, or of rows, and the size of the packed pixels after it.
            leader = 4 * several + (20 if "tiled" in str(types[number]) else 8)
            (packed,) = struct.unpack_from("<i", data, last + leader - 4)
            whole = min(offsets) >= at and last + leader + packed <= len(data)
        except (struct.error, IndexError, ValueError):
            whole = False
    if not whole:
        raise ValueError("the file ends too early")


def _after_headers(data, several):
    at = 8
    while True:
        while data[at]:
            # An attribute: its name, its type, the size of its value, its value.
            for _ in range(2):
                at = data.find(b"\0", at) + 1 or len(data)
            at += 4 + struct.unpack_from("<I", data, at)[0]
        at += 1
        if not several:
            return at
        if not data[at]:
            return at + 1
