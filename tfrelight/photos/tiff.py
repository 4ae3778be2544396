"""TIFF files that Pillow cannot read whole, 16 bits a channel and premultiplied alpha, and writing.

`tiff_pixels` unpacks the strips or tiles; numpy interprets them as the tags say (TIFF 6.0).
"""

from __future__ import annotations

import io
import warnings
import zlib
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from PIL import TiffImagePlugin

from tfrelight import threads
from tfrelight.errors import InputError
from tfrelight.photos import tiff_pixels

__all__ = [
    "Tags",
    "decode",
    "first_directory",
    "needs_decode",
    "pictures",
    "raw",
    "subdirectories",
    "write",
]

Tags = TiffImagePlugin.ImageFileDirectory_v2

# Pillow reads BigTIFF in little-endian order only.
_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0")
_BIG = b"II+\0"
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_SAMPLES, _ROWS, _PLANAR, _PREDICTOR = 277, 278, 284, 317
_EXTRA, _SAMPLE_FORMAT, _DNG = 338, 339, 50706
# None, LZW, Deflate (Adobe's number and the older one), PackBits, LZMA and Zstandard.
_LOSSLESS = (1, 5, 8, 32946, 32773, 34925, 50000)
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK = 0, 1, 2, 5
_COLOURS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _CMYK: 4}
_OTHER_COLOURS = {
    **{3: "a palette", 4: "a mask", 6: "YCbCr", 8: "CIE L*a*b*", 9: "ICC L*a*b*", 10: "ITU L*a*b*"},
    **{32803: "raw sensor values", 34892: "raw sensor values", 32844: "LogL", 32845: "LogLuv"},
}
_PREMULTIPLIED, _STRAIGHT = 1, 2
# Directories to look at: a chain in a broken file may have no end.
_MOST_DIRECTORIES = 1000
_STRIP = 1 << 20
# Of zlib: half the time of its default for a noisy photo of 24 megapixels, and 1 % more bytes.
_LEVEL = 1


def first_directory(data: bytes) -> Tags | None:
    """The tags of a TIFF file's first directory; None for other and broken files."""
    if data[:4] not in _SIGNATURES:
        return None
    try:
        return _directory(data, None, None)
    except Exception:  # whatever Pillow's parser meets; it meets it again when it opens the file
        return None


def _directory(data, offset, group):
    tags = Tags(data[: 16 if data[:4] == _BIG else 8], group=group)
    file = io.BytesIO(data)
    file.seek(tags.next if offset is None else offset)
    with warnings.catch_warnings():
        # Pillow warns of unusual tags.
        warnings.simplefilter("ignore")
        tags.load(file)
        # Parses the values, which are otherwise parsed, and warned of, later.
        dict(tags)
    return tags


def raw(tags: Tags, tag: int) -> bytes | None:
    """The bytes of a tag's value as they are in the file; None without it."""
    # As Pillow itself does for IPTC.
    return tags._tagdata.get(tag)


def subdirectories(data: bytes, tags: Tags) -> Callable[[int], dict]:
    """A function that reads the EXIF or GPS directory of a file for its tag; empty if broken."""

    def read(tag):
        try:
            return dict(_directory(data, tags[tag], tag))
        except Exception:  # whatever Pillow's parser meets in broken bytes
            return {}

    return read


def pictures(data: bytes, tags: Tags) -> int:
    """The number of pictures in a file; masks and smaller copies of a picture are none.

    Raises:
      InputError: the first is a smaller copy, as in cameras' raw files.
    """
    reduced, mask = 1, 4
    if tags.get(_SUBFILE, 0) & reduced or _DNG in tags:
        raise InputError(
            "begins with a preview, as cameras' raw files do. Develop it to TIFF or JPEG first."
        )
    count = 1
    seen: set[int] = set()
    while tags.next and tags.next not in seen and len(seen) < _MOST_DIRECTORIES:
        seen.add(tags.next)
        try:
            tags = _directory(data, tags.next, None)
        except Exception:  # whatever Pillow's parser meets in broken bytes
            break
        count += not tags.get(_SUBFILE, 0) & (reduced | mask)
    return count


def needs_decode(tags: Tags) -> bool:
    """Whether `decode` must read a file, because Pillow would lose bits or exact values."""
    if max(tiff_pixels.values(tags, _BITS, 1)) > 8:
        return True
    lossless = tags.get(_COMPRESSION, 1) in _LOSSLESS
    return lossless and tiff_pixels.values(tags, _EXTRA, 0)[0] == _PREMULTIPLIED


def decode(data: bytes, tags: Tags) -> tuple[np.ndarray, bool]:
    """The pixels of a TIFF file with 8 or 16 bits a channel.

    Args:
      data: bytes of the file; its declared size has been checked.
      tags: of its first directory.

    Returns:
      `[H, W, C]` uint8 or uint16, as stored in the file's orientation: grey (0 is black), grey and
      alpha, RGB, RGBA, alpha not premultiplied; and whether it is CMYK instead. Channels that are
      neither colour nor alpha, such as masks, are left out.

    Raises:
      InputError: something in it is not supported.
      OSError, ValueError: the file is broken.
    """
    bits, photometric, samples = _checked(tags)
    planes = samples if tags.get(_PLANAR, 1) == 2 and samples > 1 else 1
    order = "<" if data[:1] == b"I" else ">"
    dtype = np.dtype(f"{order}u{bits // 8}")
    parts = [
        tiff_pixels.plane(data, tags, number, planes, samples // planes, dtype)
        for number in range(planes)
    ]
    array = np.concatenate(parts, axis=-1) if planes > 1 else parts[0]
    most = np.iinfo(array.dtype).max
    count = _COLOURS[photometric]
    colours = array[..., :count]
    if photometric == _WHITE_IS_ZERO:
        colours = most - colours
    extra = tiff_pixels.values(tags, _EXTRA, _STRAIGHT)[: samples - count]
    kinds = [kind for kind in extra if kind in (_PREMULTIPLIED, _STRAIGHT)]
    if photometric == _CMYK or not kinds:
        return np.ascontiguousarray(colours), photometric == _CMYK
    alpha = array[..., count + extra.index(kinds[0])]
    if kinds[0] == _PREMULTIPLIED:
        scale = most / np.maximum(alpha, 1).astype(np.float64)
        colours = np.round(np.minimum(colours * scale[..., None], most)).astype(array.dtype)
    return np.dstack([colours, alpha]), False


def _checked(tags):
    """Bits a sample, photometric interpretation and samples a pixel."""
    bits = set(tiff_pixels.values(tags, _BITS, 1))
    kinds = set(tiff_pixels.values(tags, _SAMPLE_FORMAT, 1))
    if kinds != {1}:
        raise InputError(
            "holds signed or floating-point numbers, whose white is not known. Save it with 8 or "
            "16 bits a channel."
        )
    if len(bits) > 1 or not bits <= {8, 16}:
        found = ", ".join(map(str, sorted(bits)))
        raise InputError(f"has {found} bits a channel. Expected 8 or 16: convert it.")
    photometric = tags.get(_PHOTOMETRIC)
    if photometric not in _COLOURS:
        name = _OTHER_COLOURS.get(photometric, f"colours of an unknown kind, {photometric}")
        raise InputError(
            f"holds {name} with {max(bits)} bits a channel. Expected grey, RGB or CMYK: convert it "
            "to RGB."
        )
    if tags.get(_COMPRESSION, 1) not in _LOSSLESS:
        raise InputError(
            f"is compressed in a way that is not supported with {max(bits)} bits a channel "
            f"(compression {tags[_COMPRESSION]}). Save it uncompressed, with LZW or with ZIP."
        )
    samples = tags.get(_SAMPLES, 1)
    if samples < _COLOURS[photometric]:
        raise ValueError(f"{samples} channels, fewer than its colours")
    tiff_pixels.check_size(tags, samples)
    return max(bits), photometric, samples


def write(
    file: BinaryIO,
    array: np.ndarray,
    tags: Tags,
    cmyk: bool = False,
    premultiplied: bool = False,
    compressed: bool = True,
) -> None:
    """Writes a TIFF file.

    Args:
      file: open for writing bytes, and empty.
      array: `[H, W]` or `[H, W, C]`, uint8 or uint16: grey, grey and alpha, RGB, RGBA or CMYK.
      tags: metadata; tags of the layout are added.
      cmyk: whether four channels are inks.
      premultiplied: whether to store the colours multiplied by alpha.
      compressed: with Deflate, which loses nothing.
    """
    array = array[..., None] if array.ndim == 2 else array
    height, width, channels = array.shape
    has_alpha = channels in (2, 4) and not cmyk
    if has_alpha and premultiplied:
        most = np.iinfo(array.dtype).max
        alpha = array[..., -1:]
        scaled = np.round(array[..., :-1] * (alpha / np.float64(most)))
        array = np.concatenate([scaled.astype(array.dtype), alpha], axis=-1)
    if has_alpha:
        tags[_EXTRA] = _PREMULTIPLIED if premultiplied else _STRAIGHT
    rows = max(1, _STRIP // (width * channels * array.itemsize))
    tags[_WIDTH], tags[_HEIGHT], tags[_SAMPLES] = width, height, channels
    tags[_BITS] = (8 * array.itemsize,) * channels
    tags[_PHOTOMETRIC] = _CMYK if cmyk else _RGB if channels > 2 else _BLACK_IS_ZERO
    tags[_COMPRESSION], tags[_PLANAR], tags[_ROWS] = 8 if compressed else 1, 1, rows
    if compressed:
        tags[_PREDICTOR] = 2
    little = array.dtype.newbyteorder("<")

    def packed(start):
        strip = array[start : start + rows]
        if compressed:
            strip = np.concatenate([strip[:, :1], np.diff(strip, axis=1)], axis=1)
        plain = strip.astype(little).tobytes()
        return zlib.compress(plain, _LEVEL) if compressed else plain

    chunks = list(threads.each(packed, range(0, height, rows)))
    tiff_pixels.append(file, tags, chunks)
