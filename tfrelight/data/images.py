"""Pictures of data sets as arrays, and their way to the size of the network.

Averages of pixels are taken in linear RGB: decode, resize, encode.
"""

from __future__ import annotations

import collections
import pathlib

import numpy as np
from PIL import Image, ImageOps

from tfrelight import color, exr
from tfrelight.errors import InputError
from tfrelight.files import printable

__all__ = [
    "SUFFIXES",
    "aligned",
    "central_square",
    "encode",
    "exposed",
    "face_square",
    "read",
    "read_linear",
    "resize",
    "resize_surface",
]

# Endings of files that are read as photos.
SUFFIXES = tuple(".bmp .exr .jpeg .jpg .pgm .png .ppm .tif .tiff .webp".split())

# Side of a face's square over the distance from eyes to mouth, and its smallest side, pixels.
_FACE, _SMALLEST = 3.2, 24


def read(path, grey=False):
    """The values of a picture file, upright (EXIF), as they are in the file.

    Args:
      path: of any picture that Pillow reads, 8 or 16 bits a channel.
      grey: one channel (of colour: Rec. 601 luma), else three.

    Returns:
      float32 in [0, 1], `[H, W]` if grey, else `[H, W, 3]`.

    Raises:
      InputError: the file is missing or cannot be read; the message names it.
    """
    path = pathlib.Path(path)
    try:
        with Image.open(path) as image:
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I"):  # 16 bits, grey
                pixels = np.asarray(image, np.float32) / 65535.0
                return pixels if grey else np.repeat(pixels[..., None], 3, axis=-1)
            return np.asarray(image.convert("L" if grey else "RGB"), np.float32) / 255.0
    except FileNotFoundError as error:
        raise InputError(f"{printable(path.name)} is missing") from error
    # Pillow raises SyntaxError for some broken files, and others by what is broken.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path, error):
    name = printable(path.name)
    reason = " ".join(str(error).split()).replace(str(path), name)
    return InputError(f"{name} cannot be read: {reason}")


def _read_exr(path):
    try:
        pixels, _ = exr.read(path)
    # OpenEXR raises RuntimeError, KeyError and others by what is broken in the file.
    except Exception as error:
        raise _unreadable(path, error) from error
    pixels = np.asarray(pixels, np.float32)
    if not np.isfinite(pixels).all():
        raise InputError(f"{printable(path.name)} holds values that are not finite numbers")
    return np.maximum(pixels, 0.0)


def read_linear(path):
    """A picture as linear RGB `[H, W, 3]` float32, at least 0; of an EXR file it can pass 1.

    EXR files are taken to be linear, all others sRGB-encoded.

    Raises:
      InputError: see `read`.
    """
    path = pathlib.Path(path)
    if path.suffix.lower() == ".exr":
        if not path.is_file():
            raise InputError(f"{printable(path.name)} is missing")
        return _read_exr(path)
    return color.to_linear_numpy(read(path))


def aligned(paths, read, problems):
    """Those of a person's photos that can be read and have one size.

    Args:
      paths: of the photos, in order.
      read: function of a path to `[H, W, ...]` that raises InputError.
      problems: lines about photos that are left out are appended to it.

    Returns:
      dict of positions in `paths` to photos, two or more.

    Raises:
      InputError: fewer than two photos are left.
    """
    found = {}
    for place, path in enumerate(paths):
        try:
            found[place] = read(path)
        except InputError as error:
            problems.append(str(error))
    # Of photos of two sizes those of the more frequent one are aligned.
    frequent = collections.Counter(image.shape[:2] for image in found.values()).most_common(1)
    for place, image in list(found.items()):
        (height, width), _ = frequent[0]
        if image.shape[:2] != (height, width):
            problems.append(
                f"{printable(paths[place].name)} is {image.shape[1]}x{image.shape[0]}, the others "
                f"{width}x{height}"
            )
            del found[place]
    if len(found) < 2:
        raise InputError(f"{len(found)} of {len(paths)} photos can be used, expected 2 or more")
    return found


def exposed(images):
    """Photos in [0, 1]. Where some go beyond (EXR), all are multiplied by one factor.

    With it one value in a hundred of the brightest photo saturates.

    Args:
      images: `[K, H, W, 3]` linear RGB, at least 0.

    Returns:
      `[K, H, W, 3]` float32.
    """
    if images.max() > 1:
        brightest = max(np.percentile(image, 99) for image in images)
        images = np.minimum(images / max(brightest, 1e-6), 1)
    return images.astype(np.float32)


def central_square(shape):
    """The largest central square of a picture of this shape: (left, top, right, bottom)."""
    height, width = shape[:2]
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def resize(image, size, box=None):
    """A part of a picture at another size, antialiased.

    Args:
      image: `[H, W]` or `[H, W, C]` float32, linear if it is light.
      size: height and width of the result.
      box: (left, top, right, bottom) in pixels, need not be whole; None for all of it.

    Returns:
      `[size, size]` or `[size, size, C]` float32.
    """
    if image.ndim == 3:
        return np.stack(
            [resize(channel, size, box) for channel in np.moveaxis(image, -1, 0)], axis=-1
        )
    if image.shape == (size, size) and box in (None, (0, 0, size, size)):
        return np.asarray(image, np.float32)
    # Hamming's filter is antialiased and, unlike Lanczos', does not ring at cast shadows.
    picture = Image.fromarray(np.asarray(image, np.float32), mode="F")
    return np.asarray(picture.resize((size, size), Image.Resampling.HAMMING, box), np.float32)


def encode(linear):
    """Linear values in [0, 1], clipped to it, as sRGB uint8."""
    return np.round(color.to_srgb_numpy(linear) * 255.0).astype(np.uint8)


def resize_surface(normals, albedo, valid, size, box=None):
    """`resize` for the labels of a surface that is not known everywhere.

    Args:
      normals: `[H, W, 3]` unit vectors.
      albedo: `[H, W]` or `[H, W, 3]` linear.
      valid: `[H, W]` bool.
      size: height and width of the result.
      box: see `resize`.

    Returns:
      `[size, size, 3]` unit normals, (0, 0, 1) where not known; `[size, size, 3]` albedo, 0 there.
      Known is a pixel that is made of known ones only.
    """
    known = resize(valid.astype(np.float32), size, box) > 0.99
    vectors = resize(normals * valid[..., None], size, box)
    length = np.linalg.norm(vectors, axis=-1)
    known &= length > 1e-3
    resized = np.zeros_like(vectors) + np.float32([0, 0, 1])
    resized[known] = vectors[known] / length[known, None]
    if albedo.ndim == 2:
        albedo = np.repeat(albedo[..., None], 3, axis=-1)
    return resized, resize(albedo, size, box) * known[..., None]


def face_square(eyes, mouth, shape):
    """The square around a face, from above the brows to the chin: (left, top, right, bottom).

    Its middle is that of eyes and mouth, its side 3.2 times their distance, or less where the
    picture ends.

    Args:
      eyes: (x, y) of the middle between the eyes, pixels.
      mouth: (x, y) of the middle of the mouth.
      shape: of the picture.

    Raises:
      InputError: the points are not those of an upright face in the picture.
    """
    eyes, mouth = np.asarray(eyes, np.float64), np.asarray(mouth, np.float64)
    height, width = shape[:2]
    x, y = (eyes + mouth) / 2
    side = min(_FACE * (mouth[1] - eyes[1]), 2 * min(x, width - x, y, height - y))
    # Lying faces, points outside, points of another picture.
    if not side >= _SMALLEST or abs(mouth[0] - eyes[0]) > mouth[1] - eyes[1]:
        raise InputError(
            f"no upright face at the landmarks: eyes ({eyes[0]:g}, {eyes[1]:g}), mouth "
            f"({mouth[0]:g}, {mouth[1]:g}) in {width}x{height}"
        )
    return x - side / 2, y - side / 2, x + side / 2, y + side / 2
