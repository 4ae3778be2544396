"""Writing photo files, with 8 or 16 bits a channel."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, PngImagePlugin

from tfrelight.errors import InputError
from tfrelight.photos import deep_png, exif, metadata, photoshop, profiles, tiff, xmp

__all__ = [
    "ENDINGS",
    "format_of",
    "image_of",
    "png_with_metadata",
    "turned",
    "write",
]

ENDINGS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
# Most bytes of the content of a JPEG's marker.
_MARKER = 65533
_PHOTOSHOP = b"Photoshop 3.0\0"
_X_RESOLUTION, _Y_RESOLUTION, _UNIT, _INCH = 282, 283, 296, 2
_XMP, _IPTC, _RESOURCES, _PROFILE = 700, 33723, 34377, 34675


def turned(array: np.ndarray, orientation: int, back: bool = False) -> np.ndarray:
    """Turns an array `[H, W, ...]`, stored under an EXIF orientation, upright; or `back`."""
    # EXIF 2.32, tag Orientation: transpose first, then flip rows, then columns.
    transpose = orientation in (5, 6, 7, 8)
    rows = orientation in (3, 4, 7, 8)
    columns = orientation in (2, 3, 6, 7)
    if transpose and not back:
        array = np.swapaxes(array, 0, 1)
    if rows:
        array = array[::-1]
    if columns:
        array = array[:, ::-1]
    return np.swapaxes(array, 0, 1) if transpose and back else array


def format_of(path: Path | str) -> str:
    """The format for a path's ending, a value of `ENDINGS`.

    Raises:
      InputError: another ending.
    """
    kind = ENDINGS.get(Path(path).suffix.lower())
    if kind is None:
        raise InputError(f"Cannot write {path}. Expected a name that ends in {', '.join(ENDINGS)}.")
    return kind


def image_of(array: np.ndarray, cmyk: bool = False) -> Image.Image:
    """A PIL image of an array, 8 bits a channel (16 for grey without alpha)."""
    if cmyk:
        return Image.fromarray(_eight_bits(array), "CMYK")
    if array.dtype == np.uint16 and array.ndim == 2:
        return Image.fromarray(array)
    return Image.fromarray(_eight_bits(array), _mode(array))


def _mode(array):
    return "L" if array.ndim == 2 else {2: "LA", 3: "RGB", 4: "RGBA"}[array.shape[2]]


def _eight_bits(array):
    if array.dtype == np.uint16:
        # 65535 / 255 = 257.
        return np.round(array / np.float32(257.0)).astype(np.uint8)
    if array.dtype == np.float32:
        return np.round(array * 255.0).astype(np.uint8)
    return np.ascontiguousarray(array)


def write(
    file: BinaryIO,
    array: np.ndarray,
    kind: str,
    source: metadata.Origin,
    upright: bool,
    cmyk: bool = False,
    mark: bool = False,
) -> None:
    """Writes a photo with the metadata of its source.

    Args:
      file: open for writing bytes.
      array: `[H, W]` or `[H, W, C]`, uint8, uint16 or float32 in [0, 1].
      kind: the format, a value of `ENDINGS`.
      source: colour profile and metadata.
      upright: whether the array was turned upright, which EXIF must then say.
      cmyk: whether the four channels are CMYK inks.
      mark: whether to say in XMP that a trained model edited the photo (`xmp.EDITED`).

    Raises:
      InputError: the format cannot hold the photo.
    """
    packet = xmp.marked(source.xmp) if mark else source.xmp
    if kind == "TIFF":
        _write_tiff(file, array, source, packet, cmyk)
        return
    options = _options(source, kind, upright)
    if kind == "JPEG":
        if array.ndim == 3 and array.shape[2] in (2, 4) and not cmyk:
            raise InputError("JPEG holds no transparency. Choose a name that ends in .png.")
        _add_jpeg_options(options, source, packet)
    elif kind == "WEBP":
        # Holds RGB only.
        if source.icc_profile and profiles.colour_space(source.icc_profile) != "RGB":
            options.pop("icc_profile", None)
        options["quality"] = 95
        if packet:
            options["xmp"] = packet
    else:
        options["pnginfo"] = _png_info(options.pop("chunks", ()), packet, source.resources)
        if array.dtype == np.uint16:
            file.write(_with_chunks(deep_png.encode(array), options))
            return
    image = image_of(array, cmyk)
    if kind in ("JPEG", "WEBP") and image.mode.startswith("I"):
        image = Image.fromarray(_eight_bits(array))
    try:
        image.save(file, format=kind, **options)
    except ValueError as error:
        raise InputError(f"{kind} cannot hold this photo: {error}.") from error


def _options(source, kind, upright):
    block = exif.upright(source.exif) if source.exif and upright else source.exif
    origin = {"icc_profile": source.icc_profile, "exif": block, "dpi": source.info.get("dpi")}
    options = {name: value for name, value in origin.items() if value}
    if source.format == kind:
        options.update(source.save_options)
    return options


def _add_jpeg_options(options, source, packet):
    if "qtables" not in options:
        options.update(quality=95, subsampling=0)
    if len(options.get("exif", b"")) > _MARKER:
        del options["exif"]
    segments = [(0xE1, segment) for segment in (xmp.jpeg_segments(packet) if packet else ())]
    room = _MARKER - len(_PHOTOSHOP)
    for start in range(0, len(source.resources), room):
        segments.append((0xED, _PHOTOSHOP + source.resources[start : start + room]))
    options["extra"] = options.get("extra", b"") + b"".join(
        metadata.marker(number, content) for number, content in segments
    )


def _png_info(chunks, packet, resources):
    info = PngImagePlugin.PngInfo()
    for name, content in chunks:
        info.add(name, content)
    if packet:
        info.add_itxt("XML:com.adobe.xmp", packet.decode("utf-8", "replace"))
    records = photoshop.iptc(resources)
    if records:
        # Without the other resources, which may be longer than readers of texts admit.
        alone = photoshop.with_iptc(b"", records)
        info.add_text(*metadata.raw_profile(alone), zip=True)
    return info


def _with_chunks(png, options):
    """A PNG file with the chunks that Pillow writes for a one-pixel one under these options."""
    small = io.BytesIO()
    Image.new("RGB", (1, 1)).save(small, format="PNG", **options)
    around = small.getvalue()
    head = len(deep_png.SIGNATURE)
    for name, content in metadata.png_chunks(around):
        if name == b"IDAT":
            break
        # Length and name before the content, and a checksum behind it.
        head += 12 + len(content)
    # Signature and header are 33 bytes in every PNG.
    return png[:33] + around[33:head] + png[33:]


def png_with_metadata(
    png: bytes, source: metadata.Origin, upright: bool = False, mark: bool = False
) -> bytes:
    """A PNG file, RGB, with the metadata of a photo: EXIF, XMP, an RGB profile, resolution.

    Args:
      png: bytes of the file, without metadata of its own.
      source: of the photo.
      upright, mark: see `write`.
    """
    options = _options(source, "PNG", upright)
    if source.icc_profile and profiles.colour_space(source.icc_profile) != "RGB":
        del options["icc_profile"]
    packet = xmp.marked(source.xmp) if mark else source.xmp
    options["pnginfo"] = _png_info(options.pop("chunks", ()), packet, source.resources)
    return _with_chunks(png, options)


def _write_tiff(file, array, source, packet, cmyk):
    tags = exif.directory(source.exif)
    dpi = source.info.get("dpi")
    if dpi and _X_RESOLUTION not in tags:
        tags[_X_RESOLUTION], tags[_Y_RESOLUTION] = (float(number) for number in dpi)
        tags[_UNIT] = _INCH
    undefined, byte = 7, 1
    fields = (
        (_PROFILE, undefined, source.icc_profile),
        (_XMP, byte, packet),
        (_RESOURCES, byte, source.resources),
        (_IPTC, undefined, photoshop.iptc(source.resources)),
    )
    for tag, kind, content in fields:
        if content:
            tags.tagtype[tag] = kind
            tags[tag] = content
    own = source.save_options if source.format == "TIFF" else {}
    tiff.write(
        file,
        array if array.dtype == np.uint16 else _eight_bits(array),
        tags,
        cmyk,
        own.get("premultiplied", False),
        own.get("compressed", True),
    )
