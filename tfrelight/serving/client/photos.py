"""Photos as a server takes them: JPEG or PNG, upright."""

from __future__ import annotations

import io
from pathlib import Path

from tfrelight.errors import InputError

__all__ = ["find", "read"]

# The EXIF tag, and its value for a photo that is upright as it is stored.
_ORIENTATION, _UPRIGHT = 0x0112, 1

_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


def find(names):
    """The photos that names stand for: files, and all photos in folders.

    Raises:
      InputError: there is no such file or folder, or no photo in it.
    """
    found = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES)
            if not inside:
                raise InputError(f"No photos in {path}. Expected files that end in .jpg or .png.")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise InputError(f"No such photo or folder: {path}.")
    return found


def read(path):
    """The bytes to send for a photo's file.

    A JPEG or PNG that is upright is sent as it is. Another kind of file is made a PNG, and a photo
    that EXIF turns is turned, because the graph knows neither.

    Raises:
      InputError: it is no picture that Pillow reads.
      OSError: it cannot be read.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    data = Path(path).read_bytes()
    try:
        with Image.open(io.BytesIO(data)) as image:
            # Pillow decodes a whole PNG in search of EXIF behind the pixels, where nobody has it.
            may_turn = image.format != "PNG" or "exif" in image.info
            turned = may_turn and image.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT
            if image.format in ("JPEG", "PNG") and not turned:
                return data
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, OSError) as error:
        raise InputError(f"{path} is not a picture that can be read: {error}") from error
    result = io.BytesIO()
    upright.save(result, "PNG", compress_level=1)
    return result.getvalue()
