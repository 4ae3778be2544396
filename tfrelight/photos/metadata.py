"""What photos come with beside their pixels: orientation, colour profile, EXIF, XMP, IPTC."""

from __future__ import annotations

import dataclasses
import struct

from PIL import ExifTags, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

__all__ = ["ORIENTATION", "Origin", "marker", "of_image", "tiff_directory", "upright"]

ORIENTATION = 0x0112
_EXIF = b"Exif\0\0"
# Ancillary PNG chunks that stay true when the pixels change; profile and EXIF go another way.
_CHUNKS = (b"cHRM", b"gAMA", b"sRGB", b"cICP", b"pHYs", b"tIME", b"tEXt", b"zTXt", b"iTXt")
# TIFF tags of the layout, which a writer sets anew, of the profile and of the orientation.
_LAYOUT = (
    *(254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 317, 320, 322, 323),
    *(324, 325, 338, 339, 347, 529, 530, 531, 532, 34675),
)
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_LOSSLESS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits")


@dataclasses.dataclass(frozen=True)
class Origin:
    """What a photo came with beside its pixels.

    Attributes:
      format: of the file, "JPEG", "PNG", "WEBP", "TIFF" or another of Pillow's; None for arrays.
      orientation: of EXIF, 1 to 8: how the pixels were stored.
      icc_profile, exif, xmp: bytes or None. EXIF is without thumbnail, which shows the old light.
      info: what Pillow said of it.
      same: arguments of Pillow's `save` for the same format only.
    """

    format: str | None = None
    orientation: int = 1
    icc_profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    info: dict = dataclasses.field(default_factory=dict)
    same: dict = dataclasses.field(default_factory=dict)


def of_image(image, data=None) -> Origin:
    """What a PIL image came with.

    Args:
      image: of PIL, as it is after its pixels were read.
      data: bytes of the file, if it was one.
    """
    exif = image.getexif()
    # Pillow turns TIFF photos while it loads them, and forgets the orientation.
    orientation = exif.get(ORIENTATION, 1)
    if image.format == "TIFF":
        for directory in _DIRECTORIES:
            exif.get_ifd(directory)
        for tag in _LAYOUT:
            exif.pop(tag, None)
    stored = image.info.get("exif") or (exif.tobytes() if len(exif) else None)
    info = {name: value for name, value in image.info.items() if name != "transparency"}
    # Files of several pictures (MPO) are written as the JPEG that their first one is.
    kind = "JPEG" if image.format == "MPO" else image.format
    return Origin(
        format=kind,
        orientation=orientation if orientation in range(1, 9) else 1,
        icc_profile=image.info.get("icc_profile"),
        exif=_without_thumbnail(_prefixed(stored)) if stored and _readable(stored) else None,
        xmp=_bytes(image.info.get("xmp")),
        info=info,
        same=_same(image, kind, data),
    )


def _readable(exif):
    try:
        tags = Image.Exif()
        tags.load(exif)
        return bool(tags) and all(tags.get_ifd(directory) is not None for directory in _DIRECTORIES)
    except Exception:  # whatever Pillow stumbles over, it would stumble over again in writing
        return False


def _prefixed(exif):
    """EXIF as JPEG has it; WebP has it without the prefix."""
    return exif if exif.startswith(_EXIF) else _EXIF + exif


def _bytes(text):
    return text.encode() if isinstance(text, str) else text


def _same(image, kind, data):
    if kind == "JPEG" and getattr(image, "quantization", None):
        # IPTC lies in these, which Pillow writes for nobody.
        blocks = [block for name, block in image.applist if name == "APP13"]
        return {
            "qtables": image.quantization,
            "subsampling": JpegImagePlugin.get_sampling(image),
            "progressive": bool(image.info.get("progressive")),
            "comment": image.info.get("comment", b""),
            "extra": b"".join(marker(0xED, block) for block in blocks),
        }
    if kind == "PNG" and data:
        chunks = PngImagePlugin.PngInfo()
        for name, content in _chunks(data):
            if name in _CHUNKS:
                chunks.add(name, content)
        return {"pnginfo": chunks}
    if kind == "TIFF" and image.info.get("compression") in _LOSSLESS:
        return {"compression": image.info["compression"]}
    return {}


def marker(number, content) -> bytes:
    """A marker of a JPEG file, as 0xE1, with its content."""
    return struct.pack(">BBH", 0xFF, number, len(content) + 2) + content


def _chunks(data):
    """Names and contents of the chunks of a PNG file."""
    position = 8
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        yield data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        position += length + 12


def _without_thumbnail(exif):
    """EXIF bytes without the second directory."""

    def patch(patched, order, entries, count):
        struct.pack_into(f"{order}I", patched, entries + 12 * count, 0)

    return _patched(exif, patch)


def upright(exif) -> bytes:
    """EXIF bytes that say that the pixels are upright."""

    def patch(patched, order, entries, count):
        for entry in range(entries, entries + 12 * count, 12):
            if struct.unpack_from(f"{order}H", patched, entry)[0] == ORIENTATION:
                struct.pack_into(f"{order}H", patched, entry + 8, 1)

    return _patched(exif, patch)


def _patched(exif, patch):
    """In place: rewriting would break what cameras store under offsets of their own."""
    start = len(_EXIF)
    patched = bytearray(exif)
    order = {b"II": "<", b"MM": ">"}.get(exif[start : start + 2])
    try:
        (first,) = struct.unpack_from(f"{order}I", exif, start + 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start + first)
        patch(patched, order, start + first + 2, count)
    except struct.error:
        # Cut off or no EXIF: no reader will make more of it than we do.
        return exif
    return bytes(patched)


def tiff_directory(exif):
    """EXIF bytes as what Pillow writes into TIFF files."""
    tags, result = Image.Exif(), TiffImagePlugin.ImageFileDirectory_v2()
    tags.load(exif)
    for tag, value in tags.items():
        # Of directories it holds only where they were.
        if tag not in _DIRECTORIES:
            result[tag] = value
    for directory in _DIRECTORIES:
        if tags.get_ifd(directory):
            result[directory] = dict(tags.get_ifd(directory))
    return result
