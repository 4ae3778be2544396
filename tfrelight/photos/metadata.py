"""Metadata of photos: orientation, colour profile, EXIF, XMP, IPTC.

A photo is read in order to be changed, so what is only true of the pixels in the file is left out
here: thumbnails and other copies of the picture, gain and depth maps, a video behind the photo, and
signatures (C2PA).
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator
from typing import Any

from PIL import Image, JpegImagePlugin

from tfrelight.photos import exif, photoshop, tiff, xmp

__all__ = ["Origin", "marker", "of_image", "of_tiff", "png_chunks", "raw_profile"]

# Ancillary PNG chunks that stay valid when the pixels change; Pillow handles profile and EXIF.
_CHUNKS = (b"cHRM", b"gAMA", b"sRGB", b"cICP", b"pHYs", b"tIME", b"tEXt", b"zTXt", b"iTXt")
_PNG_XMP = b"XML:com.adobe.xmp\0"
# Texts in which ImageMagick and ExifTool keep metadata that PNG once had no chunks for. Resources,
# with IPTC, still have none.
_RAW_PROFILE = "Raw profile type "
_PHOTOSHOP = b"Photoshop 3.0\0"
_LOSSLESS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits")
_X_RESOLUTION, _Y_RESOLUTION, _UNIT = 282, 283, 296
_PROFILE, _XMP, _IPTC, _RESOURCES, _COMPRESSION, _EXTRA = 34675, 700, 33723, 34377, 259, 338
_PREMULTIPLIED = 1
# What `Image.info` holds under these names is in the fields of an `Origin`, or is a copy of the
# picture.
_ELSEWHERE = ("transparency", "exif", "xmp", "photoshop", "mp", "mpoffset", "thumbnails", "aux")


@dataclasses.dataclass(frozen=True)
class Origin:
    """The source of a photo, without its pixels and what is only true of them.

    Attributes:
      format: of the file: "JPEG", "PNG", "WEBP", "TIFF" or another of Pillow's; None for arrays.
      orientation: EXIF orientation of the stored pixels, 1 to 8.
      icc_profile, exif, xmp: bytes or None.
      resources: Photoshop's, with IPTC among them; bytes, which may be empty.
      info: Pillow's `Image.info`.
      save_options: what is valid only for the same format: arguments of Pillow's `save` for JPEG;
        `chunks`, names and contents, for PNG; `compressed` and `premultiplied` for TIFF.
    """

    format: str | None = None
    orientation: int = 1
    icc_profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    resources: bytes = b""
    info: dict[Any, Any] = dataclasses.field(default_factory=dict)
    save_options: dict[str, Any] = dataclasses.field(default_factory=dict)


def of_image(image: Image.Image, data: bytes | None = None) -> Origin:
    """The metadata of a PIL image; `of_tiff` is better for a TIFF file.

    Args:
      image: with its pixels loaded.
      data: bytes of its file, or None.
    """
    tags = image.getexif()
    orientation = tags.get(exif.ORIENTATION, 1)
    if image.format == "TIFF":
        # Pillow turns TIFF photos upright on loading and drops their orientation.
        stored = exif.of_tags(tags, tags.get_ifd)
    else:
        stored = image.info.get("exif") or (tags.tobytes() if len(tags) else None)
    # The first picture of an MPO file is a JPEG.
    kind = "JPEG" if image.format == "MPO" else image.format
    packet, resources = _bytes(image.info.get("xmp")), b""
    if kind == "JPEG":
        segments = _segments(image)
        resources = _resources(
            b"".join(
                content[len(_PHOTOSHOP) :]
                for name, content in segments
                if name == "APP13" and content.startswith(_PHOTOSHOP)
            )
        )
        if packet:
            packet = xmp.with_extension(packet, [text for name, text in segments if name == "APP1"])
    elif kind == "PNG":
        packet = packet or _raw_content(image, "xmp")
        for name in ("iptc", "8bim"):
            resources = resources or _resources(_raw_content(image, name))
    return Origin(
        format=kind,
        orientation=orientation if orientation in range(1, 9) else 1,
        icc_profile=image.info.get("icc_profile"),
        exif=_cleaned_exif(stored),
        xmp=xmp.cleaned(packet) if packet else None,
        resources=resources,
        info={name: value for name, value in image.info.items() if name not in _ELSEWHERE},
        save_options=_save_options(image, kind, data),
    )


def of_tiff(data: bytes, tags: tiff.Tags) -> Origin:
    """The metadata of a TIFF file whose pixels were turned upright.

    Args:
      data: bytes of the file.
      tags: of its first directory.
    """
    # Some programs write IPTC as 32-bit numbers, of which Pillow gives the first alone.
    packet, records = _bytes(tags.get(_XMP)), tiff.raw(tags, _IPTC)
    resources = photoshop.cleaned(_bytes(tags.get(_RESOURCES)) or b"")
    if records:
        resources = photoshop.with_iptc(resources, records)
    info: dict[Any, Any] = {}
    # Pixels an inch or a centimetre; 1 means another unit.
    inches = {2: 1.0, 3: 2.54}.get(tags.get(_UNIT, 2))
    if inches and _X_RESOLUTION in tags and _Y_RESOLUTION in tags:
        info["dpi"] = tuple(float(tags[tag]) * inches for tag in (_X_RESOLUTION, _Y_RESOLUTION))
    extra = tags.get(_EXTRA, ())
    first = extra[0] if isinstance(extra, tuple) and extra else extra
    return Origin(
        format="TIFF",
        icc_profile=_bytes(tags.get(_PROFILE)),
        exif=_cleaned_exif(exif.of_tags(tags, tiff.subdirectories(data, tags))),
        xmp=xmp.cleaned(packet) if packet else None,
        resources=resources,
        info=info,
        save_options={
            "compressed": tags.get(_COMPRESSION, 1) != 1,
            "premultiplied": first == _PREMULTIPLIED,
        },
    )


def _resources(content):
    """Photoshop's resources, in which IPTC alone may stand without any, cleaned."""
    if content.startswith(_PHOTOSHOP):
        content = content[len(_PHOTOSHOP) :]
    iptc_record = b"\x1c"
    if content.startswith(iptc_record):
        return photoshop.with_iptc(b"", content)
    return photoshop.cleaned(content)


def _cleaned_exif(stored):
    if not stored:
        return None
    stored = exif.prefixed(stored)
    return exif.without_copies(stored) if exif.readable(stored) else None


def _bytes(value):
    if isinstance(value, tuple) and value and all(isinstance(part, bytes) for part in value):
        return b"".join(value)
    return value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else None


def _segments(image):
    """Names and contents of a JPEG's application markers."""
    return getattr(image, "applist", [])


def _save_options(image, kind, data):
    if kind == "JPEG" and getattr(image, "quantization", None):
        others = [
            content
            for name, content in _segments(image)
            if name == "APP13" and not content.startswith(_PHOTOSHOP)
        ]
        return {
            "qtables": image.quantization,
            "subsampling": JpegImagePlugin.get_sampling(image),
            "progressive": bool(image.info.get("progressive")),
            "comment": image.info.get("comment", b""),
            "extra": b"".join(marker(0xED, content) for content in others),
        }
    if kind == "PNG" and data:
        return {"chunks": [chunk for chunk in png_chunks(data) if _stays(*chunk)]}
    return {}


def _stays(name: bytes, content: bytes) -> bool:
    """Whether a chunk of a PNG file is written again as it is."""
    elsewhere = (_RAW_PROFILE.encode(), _PNG_XMP)
    return name in _CHUNKS and not content.startswith(elsewhere)


def raw_profile(content: bytes) -> tuple[str, str]:
    """Keyword and text with which PNG files hold Photoshop's resources."""
    return f"{_RAW_PROFILE}iptc", f"\niptc\n{len(content):8}\n{content.hex()}\n"


def _raw_content(image, kind):
    """The bytes that `raw_profile` made a text of; empty without it, or if it is broken."""
    lines = str(image.info.get(f"{_RAW_PROFILE}{kind}", "")).split("\n")
    try:
        return bytes.fromhex("".join(lines[3:]))
    except ValueError:
        return b""


def marker(number: int, content: bytes) -> bytes:
    """A JPEG marker with its content; APP1 is number 0xE1."""
    return struct.pack(">BBH", 0xFF, number, len(content) + 2) + content


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields names and contents of the chunks of a PNG file."""
    position = 8
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        yield data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        position += length + 12
