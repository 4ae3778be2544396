"""EXIF blocks of photos: their orientation, and what becomes false when the pixels change."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from PIL import ExifTags, Image, TiffImagePlugin, TiffTags

__all__ = [
    "ORIENTATION",
    "directory",
    "of_tags",
    "prefixed",
    "readable",
    "upright",
    "without_copies",
]

ORIENTATION = 0x0112
_PREFIX = b"Exif\0\0"
# TIFF tags of the layout, which a writer sets itself; of the profile, XMP, IPTC and Photoshop's
# resources, which are kept elsewhere; and statistics of the old pixels.
_LAYOUT = (
    *(
        254,
        255,
        256,
        257,
        258,
        259,
        262,
        263,
        264,
        265,
        266,
        273,
        274,
        277,
        278,
        279,
        280,
        281,
        284,
    ),
    *(
        288,
        289,
        290,
        291,
        292,
        293,
        317,
        320,
        322,
        323,
        324,
        325,
        332,
        333,
        334,
        336,
        338,
        339,
        340,
    ),
    *(341, 347, 529, 530, 531, 532, 700, 33723, 34377, 34675),
)
# Other copies of the picture, and signatures of the old one: directories of previews, old JPEG
# streams and their tables, Photoshop's layers, and a C2PA manifest.
_COPIES = (330, *range(512, 522), 37724, 52545)
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
# Start of image and the first byte of the marker behind it; end of image.
_JPEG_START, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
_JPEG_OFFSET, _JPEG_LENGTH, _STRIP_OFFSETS, _STRIP_LENGTHS = 513, 514, 273, 279


def prefixed(exif: bytes) -> bytes:
    """EXIF with the prefix of JPEG; WebP and PNG have none."""
    return exif if exif.startswith(_PREFIX) else _PREFIX + exif


def readable(exif: bytes) -> bool:
    """Whether Pillow can read EXIF bytes, which it otherwise could not write either."""
    try:
        tags = Image.Exif()
        tags.load(exif)
        return bool(tags) and all(tags.get_ifd(name) is not None for name in _DIRECTORIES)
    except Exception:  # whatever Pillow's parser meets in broken bytes
        return False


def of_tags(tags: Mapping[int, Any], get_directory: Callable[[int], Mapping]) -> bytes | None:
    """The tags of a TIFF file as EXIF bytes, without those that are only true of the old file.

    Args:
      tags: of the file's first directory.
      get_directory: gives the EXIF or GPS directory for its tag; empty without one.

    Returns:
      None if no tag is left.
    """
    result = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        if tag not in (*_LAYOUT, *_COPIES, *_DIRECTORIES):
            _set(result, tag, value)
    for name in _DIRECTORIES:
        inner = dict(get_directory(name)) if name in tags else {}
        # An offset, which no longer points anywhere.
        inner.pop(ExifTags.IFD.Interop, None)
        if inner:
            result[name] = inner
    if not len(result):
        return None
    file = io.BytesIO()
    result.save(file)
    return _PREFIX + file.getvalue()


def directory(exif: bytes | None) -> TiffImagePlugin.ImageFileDirectory_v2:
    """EXIF bytes as the directory to write into a TIFF file."""
    tags, result = Image.Exif(), TiffImagePlugin.ImageFileDirectory_v2()
    if exif is None:
        return result
    tags.load(exif)
    for tag, value in tags.items():
        # The value of a directory's tag is only its old offset.
        if tag not in (*_LAYOUT, *_COPIES, *_DIRECTORIES):
            _set(result, tag, value)
    for name in _DIRECTORIES:
        inner = dict(tags.get_ifd(name))
        inner.pop(ExifTags.IFD.Interop, None)
        if inner:
            result[name] = inner
    return result


def _set(result, tag, value):
    if isinstance(value, str):
        # Pillow reads text as Latin-1 and writes ASCII only; these are the bytes of the file.
        result.tagtype[tag] = TiffTags.ASCII
        value = value.encode("latin-1", "replace")
    result[tag] = value


def without_copies(exif: bytes) -> bytes:
    """EXIF bytes without the thumbnail and other pictures inside, which show the old light.

    The thumbnail's directory is cut off and its pixels become zeros, as do JPEG streams in makers'
    private data. All other bytes stay where they are.
    """
    blank = bytearray(exif)
    for first, last in _thumbnail(exif):
        blank[first:last] = bytes(last - first)
        if last == len(blank):
            del blank[first:]
    for first, last in _jpeg_streams(blank):
        blank[first:last] = bytes(last - first)

    def cut(patched, order, entries, count):
        struct.pack_into(f"{order}I", patched, entries + 12 * count, 0)

    return _patched(bytes(blank), cut)


def _jpeg_streams(data: bytes | bytearray) -> Iterator[tuple[int, int]]:
    """Yields where JPEG streams start and end, in time linear in the bytes."""
    start = data.find(_JPEG_START)
    while start >= 0:
        # The second byte of the marker.
        if data[start + 3 : start + 4] < b"\xc0" or data[start + 3] == 0xFF:
            start = data.find(_JPEG_START, start + 1)
            continue
        end = data.find(_JPEG_END, start + 4)
        if end < 0:
            # No later start has an end either.
            return
        yield start, end + len(_JPEG_END)
        start = data.find(_JPEG_START, end + len(_JPEG_END))


def _thumbnail(exif: bytes) -> list[tuple[int, int]]:
    """Starts and ends of the thumbnail's pixels; apart from each other, the last first."""
    tags = Image.Exif()
    try:
        tags.load(exif)
        found = tags.get_ifd(ExifTags.IFD.IFD1)
        pieces: list[tuple[int, int]] = []
        for offsets, lengths in ((_JPEG_OFFSET, _JPEG_LENGTH), (_STRIP_OFFSETS, _STRIP_LENGTHS)):
            pieces += zip(_numbers(found.get(offsets)), _numbers(found.get(lengths)))
        pieces = sorted((o, n) for o, n in pieces if 8 <= o and n > 0)
    except Exception:  # whatever Pillow's parser meets in broken bytes
        return []
    joined: list[tuple[int, int]] = []
    for offset, length in pieces:
        first = len(_PREFIX) + offset
        last = min(first + length, len(exif))
        if joined and first <= joined[-1][1]:
            # Strips may overlap a thousand times: each byte is blanked once.
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        elif first < last:
            joined.append((first, last))
    return joined[::-1]


def _numbers(value):
    return [] if value is None else [value] if isinstance(value, int) else list(value)


def upright(exif: bytes) -> bytes:
    """EXIF bytes with the orientation set to upright, 1."""

    def patch(patched, order, entries, count):
        for entry in range(entries, entries + 12 * count, 12):
            if struct.unpack_from(f"{order}H", patched, entry)[0] == ORIENTATION:
                struct.pack_into(f"{order}H", patched, entry + 8, 1)

    return _patched(exif, patch)


def _patched(exif, patch):
    """EXIF bytes patched in place: a rewrite would break offsets inside makers' private data."""
    start = len(_PREFIX)
    patched = bytearray(exif)
    order = {b"II": "<", b"MM": ">"}.get(exif[start : start + 2])
    try:
        (first,) = struct.unpack_from(f"{order}I", exif, start + 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start + first)
        patch(patched, order, start + first + 2, count)
    except struct.error:
        # Truncated, or no EXIF: other readers cannot parse it either.
        return exif
    return bytes(patched)
