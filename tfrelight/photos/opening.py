"""The one way to open picture files, which may be anybody's.

Pillow alone goes by what a file holds, not by its name: it would hand PostScript named `photo.jpg`
to Ghostscript, which runs it as a program.
"""

from __future__ import annotations

import io
import warnings

from PIL import Image

from tfrelight.errors import InputError

__all__ = ["FORMATS", "check_size", "one_line", "open_image"]

# Pillow's names of the formats that are read. JPEG includes MPO; HEIC is read by pillow-heif.
FORMATS = (
    *("JPEG", "PNG", "TIFF", "WEBP", "AVIF", "GIF", "BMP", "DIB", "JPEG2000", "PPM", "PSD"),
    *("ICO", "PCX", "QOI", "SGI", "TGA"),
)
_EXPECTED = "JPEG, PNG, WebP, TIFF, HEIC, AVIF, GIF, BMP, JPEG 2000, PPM, PSD or TGA"
# Brands of ISO/IEC 23008-12 whose pictures are coded in HEVC.
_HEVC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_AVIF = {b"avif", b"avis"}


def open_image(data: bytes, max_pixels: int | None = None) -> Image.Image:
    """Opens a picture file, without decoding its pixels.

    Args:
      data: bytes of the file.
      max_pixels: largest picture to open; None leaves the limit to Pillow, 179 megapixels.

    Returns:
      Pillow's image; decoding it raises OSError, ValueError, SyntaxError and others if the file is
      broken.

    Raises:
      InputError: no picture in one of `FORMATS`, or too large. The message continues a sentence
        that starts with the name of the file and "is".
    """
    with warnings.catch_warnings():
        # Pillow warns of unusual metadata, and from half the size that it refuses.
        warnings.simplefilter("ignore")
        image = _opened(data)
    try:
        check_size(image.width, image.height, max_pixels)
    except InputError:
        image.close()
        raise
    return image


def check_size(width: int, height: int, max_pixels: int | None = None) -> None:
    """Checks the size that a file declares, before memory for its pixels is allocated.

    Raises:
      InputError: more than `max_pixels`, or by default than twice `PIL.Image.MAX_IMAGE_PIXELS`; the
        message continues a sentence, as that of `open_image` does.
    """
    limit = max_pixels
    if limit is None and Image.MAX_IMAGE_PIXELS is not None:
        limit = 2 * Image.MAX_IMAGE_PIXELS
    if limit is not None and width * height > limit:
        raise InputError(
            f"too large, {width} x {height}. Expected at most {limit / 1e6:.4g} megapixels: make "
            "it smaller."
        )


def one_line(error: BaseException) -> str:
    """The beginning of what a decoder says about a broken file, on one line."""
    return " ".join(str(error).split())[:120] or type(error).__name__


def _opened(data):
    if not data:
        raise InputError("empty. Expected a photo.")
    brands = _brands(data)
    if brands & _HEVC:
        return _open_heic(data)
    Image.init()
    kinds = [kind for kind in FORMATS if kind in Image.OPEN]
    try:
        return Image.open(io.BytesIO(data), formats=kinds)
    except Image.DecompressionBombError as error:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6
        raise InputError(f"too large. Expected at most {limit:.4g} megapixels.") from error
    except Image.UnidentifiedImageError as error:
        if brands & _AVIF and "AVIF" not in kinds:
            raise InputError(
                "an AVIF photo, which needs Pillow 11.3 or later. Convert it to JPEG or PNG."
            ) from error
        raise InputError(f"not a photo. Expected {_EXPECTED}.") from error
    except Exception as error:  # decoders raise whatever they like for broken files
        raise InputError(f"broken or cut off: {one_line(error)}.") from error


def _brands(data):
    """The brands of an ISO base media file (ISO/IEC 14496-12, box `ftyp`); empty for others."""
    if data[4:8] != b"ftyp":
        return set()
    size = min(int.from_bytes(data[:4], "big"), 256)
    # The major brand, the minor version, and the compatible brands.
    return {data[start : start + 4] for start in (8, *range(16, size, 4))}


def _open_heic(data):
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise InputError(
            'a HEIC photo, which needs pillow-heif: pip install "tfrelight[heif]". Or convert it '
            "to JPEG."
        ) from error
    try:
        # Not registered with Pillow, which would change what other code in the process opens.
        return HeifImageFile(io.BytesIO(data))
    except Exception as error:
        raise InputError(f"broken or cut off: {one_line(error)}.") from error
