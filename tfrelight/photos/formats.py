"""The formats that photos are read from and written to, 16 bits a channel included."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from tfrelight.errors import InputError
from tfrelight.photos import metadata

__all__ = [
    "ENDINGS",
    "format_of",
    "image_of",
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
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
# What fits into one marker of a JPEG.
_MARKER = 65533


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
            with _tifffile().TiffFile(io.BytesIO(data)) as file:
                page = file.pages[0]
                # Pages or layers behind it may be a thousand times what the limit was asked of.
                if page.size > 4 * image.width * image.height:
                    raise ValueError("more values than its size has room for")
                array = page.asarray()
        except Exception as error:  # tifffile lets through whatever its decoders raise
            reason = " ".join(str(error).split())[:120]
            raise InputError(f"16 bits a channel, not readable: {reason}.") from error
        return turned(array, image.getexif().get(metadata.ORIENTATION, 1))
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


def write(file, array, kind, source: metadata.Origin, upright, cmyk=False):
    """Writes a photo with what its source came with.

    Args:
      file: open for writing bytes.
      array: `[H, W]` or `[H, W, C]`, uint8, uint16 or float32 in [0, 1].
      kind: a value of `ENDINGS`.
      source: what goes with it.
      upright: whether the array was turned upright, so that EXIF must say so.
      cmyk: whether four channels are inks.

    Raises:
      InputError: the format cannot hold it.
    """
    exif = metadata.upright(source.exif) if source.exif and upright else source.exif
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
            options["extra"] = options.get("extra", b"") + metadata.marker(0xE1, _XMP + source.xmp)
        if exif and len(exif) > _MARKER:
            del options["exif"]
    elif kind == "WEBP":
        options["quality"] = 95
        if source.xmp:
            options["xmp"] = source.xmp
    elif kind == "TIFF":
        if array.dtype == np.uint16 and array.ndim == 3:
            return _write_deep_tiff(file, array, source, exif)
        options.setdefault("compression", "tiff_lzw")
        if exif:
            # Pillow writes EXIF's directories into uncompressed files only.
            del options["exif"]
            options.update(tiffinfo=metadata.tiff_directory(exif), compression=None)
    elif "pnginfo" not in options:
        options["pnginfo"] = PngImagePlugin.PngInfo()
        if source.xmp:
            options["pnginfo"].add_itxt("XML:com.adobe.xmp", source.xmp.decode("utf-8", "replace"))
    if kind == "PNG" and array.dtype == np.uint16:
        return _write_deep_png(file, array, options)
    image = Image.fromarray(_eight_bits(array), "CMYK") if cmyk else image_of(array)
    if kind in ("JPEG", "WEBP") and image.mode.startswith("I"):
        image = Image.fromarray(_eight_bits(array))
    try:
        image.save(file, format=kind, **options)
    except ValueError as error:
        raise InputError(f"{kind} cannot hold this photo: {error}.") from error


def _write_deep_png(file, array, options):
    """16 bits from TensorFlow, and around them the chunks that Pillow writes for one pixel."""
    import tensorflow as tf

    deep = tf.io.encode_png(array if array.ndim == 3 else array[..., None]).numpy()
    small = io.BytesIO()
    Image.new("RGB", (1, 1)).save(small, format="PNG", **options)
    around = small.getvalue()
    head = around.index(b"IDAT") - 4
    # Signature and header are 33 bytes in every PNG.
    file.write(deep[:33] + around[33:head] + deep[33:])


def _write_deep_tiff(file, array, source, exif):
    tags = [] if not source.xmp else [(700, 1, len(source.xmp), source.xmp, True)]
    if exif:
        texts = Image.Exif()
        texts.load(exif)
        tags += [(tag, 2, 0, text, True) for tag, text in texts.items() if isinstance(text, str)]
    channels = array.shape[2]
    _tifffile().imwrite(
        file,
        array,
        photometric="rgb" if channels > 2 else "minisblack",
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        planarconfig="contig",
        iccprofile=source.icc_profile,
        extratags=tags,
        metadata=None,
        compression="zlib",
    )
