"""Reading the picture files of data sets, and resizing them for the network.

Pixels are averaged in linear RGB: decode, resize, encode.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from tfrelight import color
from tfrelight.errors import InputError
from tfrelight.files import printable
from tfrelight.photos import exr, opening

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

# File name suffixes of photos.
SUFFIXES = tuple(".bmp .exr .jpeg .jpg .pgm .png .ppm .tif .tiff .webp".split())

# Side of a face's square over the distance from eyes to mouth: shows brows to chin.
_SIDE_OVER_EYES_TO_MOUTH = 3.2
# Smallest side of that square, pixels.
_SMALLEST_FACE = 24


def read(path: Path | str, grey: bool = False) -> np.ndarray:
    """Reads the stored values of a picture file, upright (EXIF).

    Args:
      path: a picture in one of `opening.FORMATS`, 8 or 16 bits per channel.
      grey: return one channel (Rec. 601 luma of a colour picture), else three.

    Returns:
      `[H, W]` if grey, else `[H, W, 3]`, float32 in [0, 1], encoded as in the file.

    Raises:
      InputError: the file is missing or cannot be read; the message names it.
    """
    path = Path(path)
    try:
        with opening.open_image(path.read_bytes()) as file:
            image = ImageOps.exif_transpose(file)
            if image.mode.startswith("I"):  # 16 bits, grey
                pixels = np.asarray(image, np.float32) / 65535.0
                return pixels if grey else np.repeat(pixels[..., None], 3, axis=-1)
            return np.asarray(image.convert("L" if grey else "RGB"), np.float32) / 255.0
    except FileNotFoundError as error:
        raise InputError(f"{printable(path.name)} is missing") from error
    # The exception depends on what is broken in the file; Pillow even raises SyntaxError.
    except (OSError, ValueError, SyntaxError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path, error):
    name = printable(path.name)
    reason = " ".join(str(error).split()).replace(str(path), name)
    return InputError(f"{name} cannot be read: {reason}")


def _read_exr(path):
    try:
        pixels, _ = exr.read(path)
    # The exception depends on what is broken in the file: RuntimeError, KeyError and others.
    except Exception as error:
        raise _unreadable(path, error) from error
    pixels = np.asarray(pixels, np.float32)
    if not np.isfinite(pixels).all():
        raise InputError(f"{printable(path.name)} holds values that are not finite")
    return np.maximum(pixels, 0.0)


def read_linear(path: Path | str) -> np.ndarray:
    """Reads a picture as linear RGB. EXR files hold linear values, all others sRGB-encoded ones.

    Returns:
      `[H, W, 3]` float32, at least 0; values of an EXR file may exceed 1.

    Raises:
      InputError: see `read`; or an EXR file holds values that are not finite.
    """
    path = Path(path)
    if path.suffix.lower() == ".exr":
        if not path.is_file():
            raise InputError(f"{printable(path.name)} is missing")
        return _read_exr(path)
    return color.to_linear_numpy(read(path))


def aligned(
    paths: Sequence[Path], read: Callable[[Path], np.ndarray], problems: list[str]
) -> dict[int, np.ndarray]:
    """Reads a person's photos and keeps those that are readable and of the most frequent size.

    Args:
      paths: the photos, in order.
      read: function from a path to `[H, W, ...]` that raises InputError.
      problems: receives a line about each photo that is left out.

    Returns:
      dict from positions in `paths` to photos, two or more.

    Raises:
      InputError: fewer than two photos are left.
    """
    found = {}
    for place, path in enumerate(paths):
        try:
            found[place] = read(path)
        except InputError as error:
            problems.append(str(error))
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


def exposed(images: np.ndarray) -> np.ndarray:
    """Scales photos to [0, 1] if any value exceeds 1, as values of EXR files may.

    All photos are multiplied by the one factor that saturates 1 % of the brightest photo's values.

    Args:
      images: `[K, H, W, 3]` linear RGB, at least 0.

    Returns:
      `[K, H, W, 3]` float32.
    """
    if images.max() > 1:
        brightest = max(np.percentile(image, 99) for image in images)
        images = np.minimum(images / max(brightest, 1e-6), 1)
    return images.astype(np.float32)


def central_square(shape: Sequence[int]) -> tuple[float, float, float, float]:
    """The largest central square of a picture of this shape: (left, top, right, bottom)."""
    height, width = shape[:2]
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def resize(
    image: np.ndarray, size: int, box: tuple[float, float, float, float] | None = None
) -> np.ndarray:
    """Resizes a picture, or a part of it, with antialiasing.

    Args:
      image: `[H, W]` or `[H, W, C]` float32; photos and albedo in linear RGB.
      size: height and width of the result.
      box: the part, (left, top, right, bottom) in pixels, fractions allowed; None for all of it.

    Returns:
      `[size, size]` or `[size, size, C]` float32.
    """
    if image.ndim == 3:
        return np.stack(
            [resize(channel, size, box) for channel in np.moveaxis(image, -1, 0)], axis=-1
        )
    if image.shape == (size, size) and box in (None, (0, 0, size, size)):
        return np.asarray(image, np.float32)
    # The Hamming filter is antialiased and, unlike Lanczos, does not ring at cast shadows.
    picture = Image.fromarray(np.asarray(image, np.float32), mode="F")
    return np.asarray(picture.resize((size, size), Image.Resampling.HAMMING, box), np.float32)


def encode(linear: np.ndarray) -> np.ndarray:
    """Clips linear values to [0, 1] and encodes them as sRGB, uint8."""
    return np.round(color.to_srgb_numpy(linear) * 255.0).astype(np.uint8)


def resize_surface(
    normals: np.ndarray,
    albedo: np.ndarray,
    valid: np.ndarray,
    size: int,
    box: tuple[float, float, float, float] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Resizes the labels of a surface that is known at some pixels only.

    Args:
      normals: `[H, W, 3]` unit vectors.
      albedo: `[H, W]` or `[H, W, 3]` linear.
      valid: `[H, W]` bool, where the surface is known.
      size: height and width of the result.
      box: see `resize`.

    Returns:
      `[size, size, 3]` unit normals, (0, 0, 1) where unknown; `[size, size, 3]` albedo, 0 there.
      A pixel of the result is known if all the pixels that it averages are.
    """
    known = resize(valid.astype(np.float32), size, box) > 0.99
    vectors = resize(normals * valid[..., None], size, box)
    length = np.linalg.norm(vectors, axis=-1)
    known &= length > 1e-3
    resized = np.zeros_like(vectors) + np.array([0, 0, 1], np.float32)
    resized[known] = vectors[known] / length[known, None]
    if albedo.ndim == 2:
        albedo = np.repeat(albedo[..., None], 3, axis=-1)
    return resized, resize(albedo, size, box) * known[..., None]


def face_square(
    eyes: Sequence[float] | np.ndarray, mouth: Sequence[float] | np.ndarray, shape: Sequence[int]
) -> tuple[float, float, float, float]:
    """The square around a face, from above the brows to the chin: (left, top, right, bottom).

    Its centre lies midway between eyes and mouth. Its side is 3.2 times their distance, or less
    near the picture's edge.

    Args:
      eyes: (x, y) of the point between the eyes, pixels.
      mouth: (x, y) of the centre of the mouth, pixels.
      shape: the picture's shape, height first.

    Raises:
      InputError: the points do not belong to an upright face in the picture.
    """
    eyes, mouth = np.asarray(eyes, np.float64), np.asarray(mouth, np.float64)
    height, width = shape[:2]
    x, y = (eyes + mouth) / 2
    to_edge = min(x, width - x, y, height - y)
    side = min(_SIDE_OVER_EYES_TO_MOUTH * (mouth[1] - eyes[1]), 2 * to_edge)
    # A face on its side, points outside the picture, or points of another picture.
    if not side >= _SMALLEST_FACE or abs(mouth[0] - eyes[0]) > mouth[1] - eyes[1]:
        raise InputError(
            f"no upright face at the landmarks: eyes ({eyes[0]:g}, {eyes[1]:g}), mouth "
            f"({mouth[0]:g}, {mouth[1]:g}) in {width}x{height}"
        )
    return x - side / 2, y - side / 2, x + side / 2, y + side / 2
