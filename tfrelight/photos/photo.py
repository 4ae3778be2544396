"""A photo as upright RGB, and the way back to what it came as."""

from __future__ import annotations

import dataclasses
import io
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from tfrelight import color, files, pictures
from tfrelight.errors import InputError
from tfrelight.photos import formats, metadata

__all__ = ["Photo", "read"]

_GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N")


@dataclasses.dataclass(frozen=True)
class Photo:
    """A photo as upright RGB, and what is needed to give it back as it came.

    Attributes:
      pixels: `[H, W, 3]` uint8, uint16, or float32 in [0, 1]; sRGB-encoded, upright.
      alpha: `[H, W]` of the same type, upright, or None.
      mode: what is stored, "RGB", "L" or "CMYK".
      came_as: "file", "image" (PIL) or "array".
      origin: orientation, colour profile and metadata of the source.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    mode: str = "RGB"
    came_as: str = "file"
    origin: metadata.Origin = dataclasses.field(default_factory=metadata.Origin)
    _cmyk: np.ndarray | None = dataclasses.field(default=None, repr=False)

    @property
    def size(self):
        """Height and width."""
        return self.pixels.shape[:2]

    @property
    def nbytes(self):
        """Bytes that its arrays take in memory."""
        arrays = (self.pixels, self.alpha, self._cmyk)
        return sum(array.nbytes for array in arrays if array is not None)

    def replaced(self, pixels) -> Photo:
        """The same photo with other pixels, of the same shape and type. Equal ones stay exact."""
        if pixels.shape != self.pixels.shape or pixels.dtype != self.pixels.dtype:
            raise InputError(
                f"Expected pixels {self.pixels.shape} {self.pixels.dtype}. "
                f"Received: {pixels.shape} {pixels.dtype}."
            )
        if self.mode == "L":
            # On encoded values: equal channels, as grey light gives them, come out as they are.
            grey = pixels @ np.float32(color.LUMINANCE)
            if pixels.dtype != np.float32:
                grey = np.round(grey)
            pixels = np.repeat(grey.astype(pixels.dtype)[..., None], 3, axis=-1)
        cmyk = self._cmyk
        if cmyk is not None:
            changed = (pixels != self.pixels).any(-1, keepdims=True)
            cmyk = np.where(changed, _to_cmyk(pixels, self.origin.icc_profile), cmyk)
        return dataclasses.replace(self, pixels=pixels, _cmyk=cmyk)

    def as_uint8(self) -> np.ndarray:
        """`[H, W, 3]` uint8, for finders, networks and pictures."""
        if self.pixels.dtype == np.uint16:
            return (self.pixels >> 8).astype(np.uint8)
        if self.pixels.dtype == np.float32:
            return np.uint8(np.round(self.pixels * 255.0))
        return self.pixels

    def image(self) -> Image.Image:
        """A PIL image, 8 bits a channel (16 for grey ones), oriented as the source was stored."""
        stored = self._stored()
        inks = self._cmyk is not None
        image = Image.fromarray(stored, "CMYK") if inks else formats.image_of(stored)
        image.info.update(self.origin.info)
        return image

    def like_input(self):
        """What came in decides: this Photo for a file, a PIL image, or an array."""
        if self.came_as == "file":
            return self
        return self.image() if self.came_as == "image" else self._stored()

    def save(self, path, overwrite=False):
        """Writes a JPEG, PNG, WebP or TIFF file, as the path ends, whole or not at all.

        A JPEG keeps the quantisation of the JPEG it came from. In the format of the source the
        pixels are stored turned as they were; in another they are upright.

        Raises:
          InputError: another ending, a format that cannot hold the photo, the file exists and
            `overwrite` is not set, or it cannot be written.
        """
        path = Path(path)
        kind = formats.format_of(path)
        files.check_new(path, overwrite)
        try:
            with files.replacing(path) as aside, open(aside, "wb") as file:
                self._write(file, kind)
        except OSError as error:
            raise InputError(f"Cannot write {path}: {error.strerror or error}.") from error

    def _write(self, file, kind):
        same, origin = kind == self.origin.format, self.origin
        array = self._stored() if same else self._upright()
        inks = self._cmyk is not None and kind in ("JPEG", "TIFF")
        if self._cmyk is not None and not inks:
            # The other formats hold no inks; `pixels` are sRGB.
            array, origin = self.pixels, dataclasses.replace(origin, icc_profile=None)
        with warnings.catch_warnings():
            # Pillow warns of metadata that was odd before.
            warnings.simplefilter("ignore")
            formats.write(file, array, kind, origin, upright=not same, cmyk=inks)

    def encoded(self):
        """The bytes of a file, and its format, as "JPEG": the source's, or else PNG.

        Raises:
          InputError: the format cannot hold the photo.
        """
        kind = self.origin.format if self.origin.format in formats.ENDINGS.values() else "PNG"
        file = io.BytesIO()
        self._write(file, kind)
        return file.getvalue(), kind

    def _repr_png_(self):
        return pictures.png(self.as_uint8())

    def _upright(self):
        if self._cmyk is not None:
            return self._cmyk
        array = self.pixels if self.mode != "L" else self.pixels[..., 0]
        return array if self.alpha is None else np.dstack([array, self.alpha])

    def _stored(self):
        return formats.turned(self._upright(), self.origin.orientation, back=True)


def read(source, most_pixels=None) -> Photo:
    """Reads a photo.

    Args:
      source: path of a file; bytes of one; PIL image; array `[H, W]`, `[H, W, 3]` or `[H, W, 4]`,
        sRGB-encoded, uint8, uint16 or float in [0, 1]; or a `Photo`, which is returned.
      most_pixels: that a file may say it has, so that it is not decoded; None: as many as Pillow
        allows.

    Raises:
      InputError: no such file, not a photo, broken, an animation, too large to be one, or values
        that are no colours.
    """
    if isinstance(source, Photo):
        return source
    if isinstance(source, np.ndarray):
        return _of_array(source, "array", metadata.Origin())
    if isinstance(source, Image.Image):
        return _of_image(source, None, "image", "the image")
    if isinstance(source, (str, os.PathLike)):
        return _of_file(Path(source), most_pixels)
    if isinstance(source, bytes):
        return _of_data(source, "The file", most_pixels)
    raise InputError(
        "Expected a photo: a path, a PIL image or an array. "
        f"Received: {type(source).__name__} {str(source)[:40]!r}."
    )


def _of_file(path, most_pixels):
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from error
    return _of_data(data, path, most_pixels)


def _of_data(data, name, most_pixels):
    if not data:
        raise InputError(f"{name} is empty. Expected a photo.")
    with warnings.catch_warnings():
        # Pillow warns at half the size that it refuses, and of odd metadata.
        warnings.simplefilter("ignore")
        image = _opened(name, data)
        width, height = image.size
        if most_pixels is not None and width * height > most_pixels:
            raise InputError(
                f"{name} is too large, {width} x {height}. Expected at most "
                f"{most_pixels / 1e6:g} megapixels: make it smaller."
            )
        return _of_image(image, data, "file", name)


def _opened(name, data):
    Image.init()
    # Pillow hands EPS to Ghostscript, which runs what is in it as a program.
    kinds = [kind for kind in Image.ID if kind != "EPS"]
    try:
        return Image.open(io.BytesIO(data), formats=kinds)
    except Image.DecompressionBombError as error:
        limit = 2 * Image.MAX_IMAGE_PIXELS // 10**6
        raise InputError(f"{name} is too large. Expected at most {limit} megapixels.") from error
    except Image.UnidentifiedImageError as error:
        raise InputError(
            f"{name} is not a photo that can be read. Expected JPEG, PNG, WebP, TIFF or another "
            "format of Pillow."
        ) from error
    except Exception as error:
        raise _broken(name, error) from error


def _broken(name, error):
    # Decoders stumble over broken files in their own ways: ValueError, TypeError, SyntaxError ...
    reason = " ".join(str(error).split())[:120]
    return InputError(f"{name} is broken or cut off: {reason or type(error).__name__}.")


def _of_image(image, data, came_as, name):
    try:
        pages = getattr(image, "n_frames", 1)
        deep = formats.sixteen_bits(image, data)
        # Also reads what stands behind the pixels of a PNG.
        image.load()
        origin = metadata.of_image(image, data)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    except Exception as error:
        raise _broken(name, error) from error
    if pages > 1 and image.format != "MPO":
        raise InputError(f"{name} holds {pages} pictures. Expected one photo.")
    try:
        if deep is None and image.mode == "CMYK":
            cmyk = formats.turned(np.asarray(image), origin.orientation)
            rgb = _from_cmyk(cmyk, origin.icc_profile)
            return Photo(rgb, mode="CMYK", came_as=came_as, origin=origin, _cmyk=cmyk)
        return _of_array(_array(image) if deep is None else deep, came_as, origin)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def _array(image):
    transparent = "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBa", "RGBA")
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    if image.mode in _GREY:
        return np.asarray(image.convert("LA" if transparent else "L"))
    if image.mode not in ("P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr", "HSV"):
        raise InputError(
            f"pixels of kind {image.mode}. Expected grey, RGB, CMYK or a palette, 8 or 16 bits a "
            "channel."
        )
    return np.asarray(image.convert("RGBA" if transparent else "RGB"))


def _of_array(array, came_as, origin):
    kinds = (np.uint8, np.uint16)
    if array.dtype not in kinds and np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float32)
        if array.size and not (array.min() >= 0.0 and array.max() <= 1.0):
            raise InputError(
                "Expected floats in [0, 1]. Received: "
                f"{array.min():.3g} to {array.max():.3g}{_nan(array)}."
            )
    elif array.dtype not in kinds:
        raise InputError(f"Expected uint8, uint16 or floats in [0, 1]. Received: {array.dtype}.")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if not (array.ndim == 2 or array.ndim == 3 and array.shape[2] in (2, 3, 4)) or not array.size:
        raise InputError(
            f"Expected an array [H, W], [H, W, 3] or [H, W, 4]. Received: {list(array.shape)}."
        )
    array = formats.turned(array, origin.orientation)
    channels = 1 if array.ndim == 2 else array.shape[2]
    # Copied: a view would keep all channels in memory.
    alpha = np.ascontiguousarray(array[..., -1]) if channels in (2, 4) else None
    if channels > 2:
        return Photo(np.ascontiguousarray(array[..., :3]), alpha, "RGB", came_as, origin)
    grey = array if channels == 1 else array[..., 0]
    return Photo(np.repeat(grey[..., None], 3, axis=-1), alpha, "L", came_as, origin)


def _nan(array):
    return ", some not finite" if not np.all(np.isfinite(array)) else ""


def _profiles(icc_profile):
    try:
        cmyk = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile)) if icc_profile else None
        # A profile of another space than it is embedded for is as good as none.
        if cmyk is None or cmyk.profile.xcolor_space.strip() != "CMYK":
            return None
        return cmyk, ImageCms.createProfile("sRGB")
    except (ImageCms.PyCMSError, OSError):
        return None


def _from_cmyk(cmyk, icc_profile):
    image, profiles = Image.fromarray(cmyk, "CMYK"), _profiles(icc_profile)
    if profiles is None:
        return np.asarray(image.convert("RGB"))
    return np.asarray(ImageCms.profileToProfile(image, *profiles, outputMode="RGB"))


def _to_cmyk(rgb, icc_profile):
    image, profiles = Image.fromarray(rgb), _profiles(icc_profile)
    if profiles is None:
        # Pillow's own conversion has no black ink; ink that is common to all three becomes black.
        inks = np.asarray(ImageOps.invert(image))
        black = inks.min(-1, keepdims=True)
        scale = 255.0 / np.maximum(255 - black.astype(np.float32), 1)
        return np.dstack([np.uint8(np.round((inks - black) * scale)), black])
    return np.asarray(ImageCms.profileToProfile(image, *profiles[::-1], outputMode="CMYK"))
