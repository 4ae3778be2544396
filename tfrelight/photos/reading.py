"""Reading photos: files, PIL images and arrays."""

from __future__ import annotations

import contextlib
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from tfrelight.errors import InputError
from tfrelight.photos import cmyk, deep_png, exif, formats, metadata, opening, tiff
from tfrelight.photos.photo import Photo, PhotoLike

__all__ = ["origin_of", "read"]

_GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N")


def read(source: PhotoLike, max_pixels: int | None = None) -> Photo:
    """Reads a photo.

    Args:
      source: path or bytes of a file; PIL image; array `[H, W]`, `[H, W, 3]` or `[H, W, 4]`,
        sRGB-encoded, uint8, uint16 or float in [0, 1]; or a `Photo`, which is returned unchanged.
      max_pixels: largest photo to decode, pixels; None leaves the limit to Pillow.

    Raises:
      InputError: the file is missing, broken, too large, an animation or not a photo, or the array
        has another shape, type or range.
    """
    if isinstance(source, Photo):
        return source
    if isinstance(source, np.ndarray):
        return _of_array(source, "array", metadata.Origin())
    if isinstance(source, Image.Image):
        with _input_errors("the image"):
            return _of_image(source, None, "image", "the image")
    if isinstance(source, (str, os.PathLike)):
        return _of_file(Path(source), max_pixels)
    if isinstance(source, bytes):
        return _of_data(source, "The file", max_pixels)
    raise InputError(
        "Expected a photo: a path, a PIL image or an array. "
        f"Received: {type(source).__name__} {str(source)[:40]!r}."
    )


def origin_of(data: bytes) -> metadata.Origin:
    """The metadata of a photo's file; the pixels of a JPEG are not decoded for it.

    Raises:
      InputError: not a photo.
    """
    with _input_errors("The file"), opening.open_image(data) as image:
        return metadata.of_image(image, data)


def _of_file(path, max_pixels):
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from error
    return _of_data(data, path, max_pixels)


def _of_data(data, name, max_pixels):
    with _input_errors(name):
        tags = tiff.first_directory(data)
        if tags is not None and tiff.needs_decode(tags):
            return _of_tiff(data, tags, name, max_pixels)
        try:
            image = opening.open_image(data, max_pixels)
        except InputError as error:
            raise InputError(f"{name} is {error}") from error
        with image:
            return _of_image(image, data, "file", name)


@contextlib.contextmanager
def _input_errors(name):
    """Turns what decoders raise for a broken file into an `InputError`."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of unusual metadata.
            warnings.simplefilter("ignore")
            yield
    except InputError:
        raise
    except Exception as error:  # ValueError, TypeError, SyntaxError and others
        reason = opening.one_line(error)
        raise InputError(f"{name} is broken or cut off: {reason}.") from error


def _of_tiff(data, tags, name, max_pixels):
    """A TIFF file that Pillow cannot read whole."""
    width, height = tags[256], tags[257]
    try:
        opening.check_size(width, height, max_pixels)
    except InputError as error:
        raise InputError(f"{name} is {error}") from error
    try:
        count = tiff.pictures(data, tags)
        _check_single(count)
        array, is_cmyk = tiff.decode(data, tags)
    except InputError as error:
        raise InputError(f"{name} {error}") from error
    array = np.ascontiguousarray(formats.turned(array, tags.get(exif.ORIENTATION, 1)))
    origin = metadata.of_tiff(data, tags)
    if is_cmyk:
        return _of_inks(array, "file", origin)
    return _of_array(array, "file", origin)


def _check_single(count):
    if count > 1:
        raise InputError(f"holds {count} pictures. Expected one photo.")


def _of_image(image, data, input_type, name):
    tags = tiff.first_directory(data) if data is not None and image.format == "TIFF" else None
    try:
        if tags is not None:
            _check_single(tiff.pictures(data, tags))
        elif image.format not in ("MPO", "HEIF"):
            # MPO and HEIC files name the picture to show, which Pillow opens.
            _check_single(getattr(image, "n_frames", 1))
    except InputError as error:
        raise InputError(f"{name} {error}") from error
    try:
        is_png = data is not None and image.format == "PNG"
        deep = deep_png.decode(data) if is_png else None
        # Also reads the PNG chunks behind the pixels.
        image.load()
        origin = metadata.of_tiff(data, tags) if tags else metadata.of_image(image, data)
        if deep is None and image.mode == "CMYK":
            inks = formats.turned(np.asarray(image), origin.orientation)
            return _of_inks(inks, input_type, origin)
        return _of_array(_array(image) if deep is None else deep, input_type, origin)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def _of_inks(inks, input_type, origin):
    rgb = cmyk.to_rgb(inks, origin.icc_profile)
    return Photo(rgb, mode="CMYK", input_type=input_type, origin=origin, _cmyk=inks)


def _array(image):
    transparent = "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBa", "RGBA")
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    if image.mode in _GREY:
        return np.asarray(image.convert("LA" if transparent else "L"))
    if image.mode not in ("P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr", "HSV"):
        raise InputError(
            f"pixels of mode {image.mode}. Expected grey, RGB, CMYK or a palette, 8 or 16 bits a "
            "channel."
        )
    return np.asarray(image.convert("RGBA" if transparent else "RGB"))


def _of_array(array, input_type, origin):
    integers = (np.uint8, np.uint16)
    if array.dtype not in integers and np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float32)
        if array.size and not (array.min() >= 0.0 and array.max() <= 1.0):
            raise InputError(
                "Expected floats in [0, 1]. Received: "
                f"{array.min():.3g} to {array.max():.3g}{_nan(array)}."
            )
    elif array.dtype not in integers:
        raise InputError(f"Expected uint8, uint16 or floats in [0, 1]. Received: {array.dtype}.")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if not (array.ndim == 2 or array.ndim == 3 and array.shape[2] in (2, 3, 4)) or not array.size:
        raise InputError(
            f"Expected an array [H, W], [H, W, 3] or [H, W, 4]. Received: {list(array.shape)}."
        )
    array = formats.turned(array, origin.orientation)
    channels = 1 if array.ndim == 2 else array.shape[2]
    # A copy, because a view would keep all channels in memory.
    alpha = np.ascontiguousarray(array[..., -1]) if channels in (2, 4) else None
    if channels > 2:
        return Photo(np.ascontiguousarray(array[..., :3]), alpha, "RGB", input_type, origin)
    grey = array if channels == 1 else array[..., 0]
    return Photo(np.repeat(grey[..., None], 3, axis=-1), alpha, "L", input_type, origin)


def _nan(array):
    return ", some not finite" if not np.all(np.isfinite(array)) else ""
