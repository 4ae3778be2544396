"""Photo files as a server expects them: JPEG or PNG, stored upright."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from tfrelight.errors import InputError
from tfrelight.photos import listing

__all__ = ["find", "read", "with_metadata"]

# EXIF's tag, and its value for a photo that is stored upright.
_ORIENTATION, _UPRIGHT = 0x0112, 1


def find(names: Iterable[str]) -> list[Path]:
    """Lists photo files.

    Args:
      names: files of any ending, and folders (`photos.listing.expanded`).

    Raises:
      InputError: a file or folder does not exist, or a folder holds no photo.
    """
    found = []
    for path in map(Path, listing.expanded(names)):
        if not path.is_file():
            raise InputError(f"No such photo or folder: {path}.")
        found.append(path)
    return found


def read(path: Path | str) -> bytes:
    """Reads a photo as the bytes to send.

    An upright JPEG or PNG stays as it is. Other formats, CMYK, and photos with an EXIF orientation
    become an upright PNG with the same metadata, because the graph handles none of them.

    Raises:
      InputError: not a photo.
      OSError: the file cannot be opened.
    """
    from PIL import Image

    from tfrelight import photos
    from tfrelight.photos import formats, opening

    data = Path(path).read_bytes()
    try:
        with opening.open_image(data) as image:
            # `getexif` decodes a whole PNG to look for EXIF behind the pixels, where no program
            # puts it.
            may_turn = image.format != "PNG" or "exif" in image.info
            turned = may_turn and image.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT
            if image.format in ("JPEG", "PNG") and image.mode != "CMYK" and not turned:
                return data
        photo = photos.read(data)
    except (InputError, SyntaxError, OSError) as error:
        reason = opening.one_line(error).rstrip(".")
        raise InputError(f"Cannot read {path} as a photo: {reason}.") from error
    result = io.BytesIO()
    Image.fromarray(photo.as_uint8()).save(result, "PNG", compress_level=1)
    return formats.png_with_metadata(result.getvalue(), photo.origin, upright=True)


def with_metadata(pngs: Sequence[bytes], sent: Sequence[bytes], mark: bool = True) -> list[bytes]:
    """The pictures of a server with the colour profiles and metadata of the photos sent to it.

    Args:
      pngs: PNG files, of which the server writes the pixels alone.
      sent: the photo of each.
      mark: whether they say that a trained model edited them (`photos.xmp.EDITED`).
    """
    from tfrelight.photos import formats, metadata, reading

    def origin(data):
        try:
            return reading.origin_of(data)
        except InputError:
            # TensorFlow decodes some files that Pillow refuses.
            return metadata.Origin()

    return [
        formats.png_with_metadata(png, origin(data), mark=mark) for png, data in zip(pngs, sent)
    ]
