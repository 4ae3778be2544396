"""`Photo`: upright RGB, and everything needed to write it back in its original form."""

from __future__ import annotations

import dataclasses
import io
import threading
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from tfrelight import color, files
from tfrelight.errors import InputError
from tfrelight.photos import cmyk, formats, metadata, pictures, profiles, xmp

__all__ = ["Photo", "PhotoLike", "grey"]

_SILENCE = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Photo:
    """A photo as upright RGB, and everything needed to write it back in its original form.

    `photos.read` makes one. Notebooks show it.

    Attributes:
      pixels: `[H, W, 3]` uint8, uint16, or float32 in [0, 1]; sRGB-encoded, upright.
      alpha: `[H, W]` of the same type, upright, or None.
      mode: of the stored pixels: "RGB", "L" or "CMYK".
      input_type: "file", "image" (PIL) or "array".
      origin: orientation, colour profile and metadata of the source.
      edited: whether a trained model made the pixels; the files then say so in their XMP
        (`xmp.EDITED`), unless they are saved with `mark=False`.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    mode: str = "RGB"
    input_type: str = "file"
    origin: metadata.Origin = dataclasses.field(default_factory=metadata.Origin)
    edited: bool = False
    _cmyk: np.ndarray | None = dataclasses.field(default=None, repr=False)

    def __repr__(self) -> str:
        height, width = self.size
        bits = 8 * self.pixels.itemsize
        extra = "" if self.alpha is None else ", with transparency"
        return f"<Photo: {width}x{height} pixels, {self.mode}, {bits} bits a channel{extra}>"

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, pixels."""
        height, width = self.pixels.shape[:2]
        return height, width

    @property
    def rgb_profile(self) -> bytes | None:
        """The ICC profile of `pixels`; None means sRGB."""
        profile = self.origin.icc_profile
        is_rgb = profile is not None and profiles.colour_space(profile) == "RGB"
        return profile if is_rgb else None

    @property
    def nbytes(self) -> int:
        """Size of its arrays in memory, bytes."""
        arrays = (self.pixels, self.alpha, self._cmyk)
        return sum(array.nbytes for array in arrays if array is not None)

    def replaced(self, pixels: np.ndarray) -> Photo:
        """The same photo with other pixels; unchanged CMYK pixels keep their exact inks.

        Args:
          pixels: `[H, W, 3]`, sRGB-encoded, of the same shape and type as before. A grey photo
            gets their luminance.

        Raises:
          InputError: another shape or type.
        """
        if pixels.shape != self.pixels.shape or pixels.dtype != self.pixels.dtype:
            raise InputError(
                f"Expected pixels {self.pixels.shape} {self.pixels.dtype}. "
                f"Received: {pixels.shape} {pixels.dtype}."
            )
        if self.mode == "L":
            pixels = grey(pixels)
        inks = self._cmyk
        if inks is not None:
            changed = (pixels != self.pixels).any(-1, keepdims=True)
            inks = np.where(changed, cmyk.from_rgb(pixels, self.origin.icc_profile), inks)
        return dataclasses.replace(self, pixels=pixels, _cmyk=inks)

    def as_uint8(self) -> np.ndarray:
        """The pixels as `[H, W, 3]` uint8, sRGB-encoded."""
        if self.pixels.dtype == np.uint16:
            return (self.pixels >> 8).astype(np.uint8)
        if self.pixels.dtype == np.float32:
            return np.round(self.pixels * 255.0).astype(np.uint8)
        return self.pixels

    def image(self) -> Image.Image:
        """A PIL image in the stored orientation, 8 bits a channel (16 for grey without alpha)."""
        stored = self._stored()
        inks = self._cmyk is not None
        image = formats.image_of(stored, inks)
        image.info.update(self.origin.info)
        packet = xmp.marked(self.origin.xmp) if self.edited else self.origin.xmp
        for name, value in (("exif", self.origin.exif), ("xmp", packet)):
            if value:
                image.info[name] = value
        return image

    def like_input(self) -> Photo | Image.Image | np.ndarray:
        """The photo in the type of the input: this `Photo` for a file, a PIL image, or an array."""
        if self.input_type == "file":
            return self
        return self.image() if self.input_type == "image" else self._stored()

    def save(self, path: Path | str, overwrite: bool = False, mark: bool = True) -> None:
        """Writes a JPEG, PNG, WebP or TIFF file atomically; the ending chooses the format.

        The format of the source keeps its orientation and, for JPEG, its quantisation; other
        formats store the pixels upright.

        Args:
          path: of the file.
          overwrite: whether to replace an existing file.
          mark: whether an edited photo says in its metadata that a trained model edited it.

        Raises:
          InputError: another ending, a format that cannot hold the photo, an existing file without
            `overwrite`, or a file that cannot be written.
        """
        path = Path(path)
        kind = formats.format_of(path)
        files.check_new(path, overwrite)
        try:
            with files.replacing(path) as temporary, open(temporary, "wb") as file:
                self._write(file, kind, mark)
        except OSError as error:
            raise InputError(f"Cannot write {path}: {error.strerror or error}.") from error

    def _write(self, file: BinaryIO, kind: str, mark: bool) -> None:
        same, origin = kind == self.origin.format, self.origin
        array = self._stored() if same else self._upright()
        inks = self._cmyk is not None and kind in ("JPEG", "TIFF")
        if self._cmyk is not None and not inks:
            # The other formats hold no inks, so the sRGB pixels are written.
            array, origin = self.pixels, dataclasses.replace(origin, icc_profile=None)
        # Which warnings are shown is said for the whole process, so that threads take turns.
        with _SILENCE, warnings.catch_warnings():
            # Pillow warns of unusual metadata, which is that of the source.
            warnings.simplefilter("ignore")
            formats.write(file, array, kind, origin, not same, inks, mark and self.edited)

    def encoded(self, mark: bool = True) -> tuple[bytes, str]:
        """The bytes of a file and its format, such as "JPEG": that of the source, or else PNG.

        Args:
          mark: see `save`.

        Raises:
          InputError: the format cannot hold the photo.
        """
        kind = self.origin.format
        if kind is None or kind not in formats.ENDINGS.values():
            kind = "PNG"
        file = io.BytesIO()
        self._write(file, kind, mark)
        return file.getvalue(), kind

    def _repr_png_(self):
        return pictures.png(self.as_uint8(), self.rgb_profile)

    def _upright(self):
        if self._cmyk is not None:
            return self._cmyk
        array = self.pixels if self.mode != "L" else self.pixels[..., 0]
        return array if self.alpha is None else np.dstack([array, self.alpha])

    def _stored(self):
        return formats.turned(self._upright(), self.origin.orientation, back=True)


def grey(pixels: np.ndarray) -> np.ndarray:
    """Pixels of a `Photo` with their luminance, that of encoded values, in all three channels.

    Pixels whose channels are equal keep their value exactly.

    Args:
      pixels: `[H, W, 3]` uint8, uint16, or float32 in [0, 1]; sRGB-encoded.

    Returns:
      An array of the same shape and type.
    """
    result = pixels.copy()
    # By rows, because whole photos in floats take four times their memory.
    for row in result:
        coloured = (row != row[:, :1]).any(-1)
        luminance = color.luminance_numpy(row[coloured])
        if row.dtype != np.float32:
            luminance = np.round(luminance)
        row[coloured] = luminance.astype(row.dtype)[:, None]
    return result


# What `photos.read` takes.
PhotoLike = Photo | Image.Image | np.ndarray | bytes | str | Path
