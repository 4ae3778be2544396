"""How photos lie in files: orientation, 16 bits, colour profiles, metadata; for `photos`."""

from __future__ import annotations

import dataclasses
import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image, JpegImagePlugin, PngImagePlugin

from tfrelight.errors import InputError

__all__ = [
    "ENDINGS",
    "Origin",
    "format_of",
    "image_of",
    "origin",
    "sixteen_bits",
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
_ORIENTATION = 0x0112
_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
# What fits into one marker of a JPEG.
_MARKER = 65533
# Ancillary PNG chunks that stay true when the pixels change; profile and EXIF go another way.
_CHUNKS = (b"cHRM", b"gAMA", b"sRGB", b"cICP", b"pHYs", b"tIME", b"tEXt", b"zTXt", b"iTXt")
# TIFF tags of the layout, which a writer sets anew, of the profile and of the orientation.
_LAYOUT = (
    *(254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 317, 320, 322, 323),
    *(324, 325, 338, 339, 347, 529, 530, 531, 532, 34675),
)
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


def origin(image, data=None) -> Origin:
    """What a PIL image came with.

    Args:
      image: of PIL, as it is after its pixels were read.
      data: bytes of the file, if it was one.
    """
    exif = image.getexif()
    # Pillow turns TIFF photos while it loads them, and forgets the orientation.
    orientation = exif.get(_ORIENTATION, 1)
    if image.format == "TIFF":
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
        exif=_patched(stored, thumbnail=False) if stored else None,
        xmp=_bytes(image.info.get("xmp")),
        info=info,
        same=_same(image, kind, data),
    )


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
            "extra": b"".join(_marker(0xED, block) for block in blocks),
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


def _marker(number, content):
    return struct.pack(">BBH", 0xFF, number, len(content) + 2) + content


def _chunks(data):
    """Names and contents of the chunks of a PNG file."""
    position = 8
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        yield data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        position += length + 12


def _patched(exif, thumbnail=True, upright=False):
    """EXIF bytes without the second directory, which holds the thumbnail, or marked upright.

    Patched in place: rewriting would break what cameras store under offsets of their own.
    """
    start = len(_EXIF) if exif.startswith(_EXIF) else 0
    patched = bytearray(exif)
    order = {b"II": "<", b"MM": ">"}.get(exif[start : start + 2])
    try:
        (first,) = struct.unpack_from(f"{order}I", exif, start + 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start + first)
        entries = start + first + 2
        if not thumbnail:
            struct.pack_into(f"{order}I", patched, entries + 12 * count, 0)
        for entry in range(entries, entries + 12 * count, 12):
            if upright and struct.unpack_from(f"{order}H", exif, entry)[0] == _ORIENTATION:
                struct.pack_into(f"{order}H", patched, entry + 8, 1)
    except struct.error:
        # Cut off or no EXIF: no reader will make more of it than we do.
        return exif
    return bytes(patched)


def turned(array, orientation, back=False):
    """An array `[H, W, ...]` upright, or `back` as it was stored under an EXIF orientation."""
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


def sixteen_bits(image, data):
    """Pixels of a file with 16 bits a channel, uint16 as stored; None for any other.

    Args:
      image: of PIL, not loaded: Pillow would shorten colours to 8 bits.
      data: bytes of the file, or None.

    Raises:
      InputError: it takes a package that is not installed, or is broken.
    """
    if data is None:
        return None
    if image.format == "PNG" and data[24] == 16:
        import tensorflow as tf

        try:
            return tf.io.decode_png(data, dtype=tf.uint16).numpy()
        except tf.errors.InvalidArgumentError as error:
            raise InputError("broken or cut off.") from error
    if image.format == "TIFF" and set(image.tag_v2.get(258, ())) == {16}:
        try:
            array = _tifffile().imread(io.BytesIO(data))
        except Exception as error:  # tifffile lets through whatever its decoders raise
            reason = " ".join(str(error).split())[:120]
            raise InputError(f"16 bits a channel, not readable: {reason}.") from error
        return turned(array, image.getexif().get(_ORIENTATION, 1))
    return None


def _tifffile():
    try:
        import tifffile
    except ImportError as error:
        raise InputError(
            'TIFF with 16 bits a channel takes tifffile: pip install "tfrelight[photos]".'
        ) from error
    return tifffile


def format_of(path) -> str:
    """The format that a path's ending asks for.

    Raises:
      InputError: none that is known.
    """
    kind = ENDINGS.get(Path(path).suffix.lower())
    if kind is None:
        raise InputError(f"Cannot write {path}. Expected a name that ends in {', '.join(ENDINGS)}.")
    return kind


def image_of(array):
    """A PIL image of 8 bits a channel (16 for grey without alpha) from an array."""
    if array.dtype == np.uint16 and array.ndim == 2:
        return Image.fromarray(array)
    return Image.fromarray(_eight_bits(array), _mode(array))


def _mode(array):
    return "L" if array.ndim == 2 else {2: "LA", 3: "RGB", 4: "RGBA"}[array.shape[2]]


def _eight_bits(array):
    if array.dtype == np.uint16:
        # 65535 / 255 = 257.
        return np.uint8(np.round(array / np.float32(257.0)))
    if array.dtype == np.float32:
        return np.uint8(np.round(array * 255.0))
    return np.ascontiguousarray(array)


def write(path, array, kind, source: Origin, upright, cmyk=False):
    """Writes a photo with what its source came with.

    Args:
      path: of the file to be.
      array: `[H, W]` or `[H, W, C]`, uint8, uint16 or float32 in [0, 1].
      kind: a value of `ENDINGS`.
      source: what goes with it.
      upright: whether the array was turned upright, so that EXIF must say so.
      cmyk: whether four channels are inks.

    Raises:
      InputError: the format cannot hold it.
    """
    exif = source.exif and _patched(source.exif, upright=upright)
    options = {"icc_profile": source.icc_profile, "exif": exif, "dpi": source.info.get("dpi")}
    options = {name: value for name, value in options.items() if value}
    if source.format == kind:
        options.update(source.same)
    if kind == "JPEG":
        if array.ndim == 3 and array.shape[2] in (2, 4) and not cmyk:
            raise InputError("JPEG holds no transparency. Choose a name that ends in .png.")
        if "qtables" not in options:
            options.update(quality=95, subsampling=0)
        if source.xmp and len(_XMP + source.xmp) < _MARKER:
            options["extra"] = options.get("extra", b"") + _marker(0xE1, _XMP + source.xmp)
        if exif and len(exif) > _MARKER:
            del options["exif"]
    elif kind == "WEBP":
        options["quality"] = 95
        if source.xmp:
            options["xmp"] = source.xmp
    elif kind == "TIFF":
        if array.dtype == np.uint16 and array.ndim == 3:
            return _write_deep_tiff(path, array, source, exif)
        options.setdefault("compression", "tiff_lzw")
        if exif:
            options["exif"] = Image.Exif()
            options["exif"].load(exif)
    elif "pnginfo" not in options:
        options["pnginfo"] = PngImagePlugin.PngInfo()
        if source.xmp:
            options["pnginfo"].add_itxt("XML:com.adobe.xmp", source.xmp.decode("utf-8", "replace"))
    if kind == "PNG" and array.dtype == np.uint16:
        return _write_deep_png(path, array, options)
    image = Image.fromarray(_eight_bits(array), "CMYK") if cmyk else image_of(array)
    if kind in ("JPEG", "WEBP") and image.mode.startswith("I"):
        image = Image.fromarray(_eight_bits(array))
    try:
        image.save(path, format=kind, **options)
    except ValueError as error:
        raise InputError(f"{kind} cannot hold this photo: {error}.") from error


def _write_deep_png(path, array, options):
    """16 bits from TensorFlow, and around them the chunks that Pillow writes for one pixel."""
    import tensorflow as tf

    deep = tf.io.encode_png(array if array.ndim == 3 else array[..., None]).numpy()
    small = io.BytesIO()
    Image.new("RGB", (1, 1)).save(small, format="PNG", **options)
    around = small.getvalue()
    head = around.index(b"IDAT") - 4
    # Signature and header are 33 bytes in every PNG.
    Path(path).write_bytes(deep[:33] + around[33:head] + deep[33:])


def _write_deep_tiff(path, array, source, exif):
    tags = [] if not source.xmp else [(700, 1, len(source.xmp), source.xmp, True)]
    if exif:
        texts = Image.Exif()
        texts.load(exif)
        tags += [(tag, 2, 0, text, True) for tag, text in texts.items() if isinstance(text, str)]
    channels = array.shape[2]
    _tifffile().imwrite(
        path,
        array,
        photometric="rgb" if channels > 2 else "minisblack",
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        planarconfig="contig",
        iccprofile=source.icc_profile,
        extratags=tags,
        metadata=None,
        compression="zlib",
    )
