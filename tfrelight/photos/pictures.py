"""Pictures to look at: maps as sRGB, pages with titles, PNG files."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tfrelight import color, files

__all__ = ["encoded", "encoded_normals", "page", "png", "save"]

_TITLE_HEIGHT = 14


def encoded(linear: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """A linear image `[H, W]` or `[H, W, 3]` as sRGB `[H, W, 3]`, float in [0, 1].

    A mask `[H, W]` multiplies it: black outside.
    """
    image = color.to_srgb_numpy(linear)
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=-1)
    return image if mask is None else image * mask[..., None]


def encoded_normals(normals: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Unit normals `[H, W, 3]` as (n + 1) / 2; black outside the mask `[H, W]`."""
    image = (np.asarray(normals, np.float32) + 1.0) / 2.0
    return image if mask is None else image * mask[..., None]


def page(rows: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
    """Joins rows of pictures under one line of titles.

    Args:
      rows: dicts of title to `[H, W, 3]` sRGB, float in [0, 1]; all have the same titles and size.

    Returns:
      `[14 + rows x H, columns x W, 3]` sRGB, float in [0, 1].
    """
    titles = list(rows[0])
    cells = np.stack([np.concatenate([row[title] for title in titles], axis=1) for row in rows])
    _, _, total, _ = cells.shape
    strip = Image.new("RGB", (total, _TITLE_HEIGHT), "white")
    draw = ImageDraw.Draw(strip)
    for number, title in enumerate(titles):
        draw.text((number * total // len(titles) + 3, 1), title, fill="black")
    return np.concatenate([np.asarray(strip, np.float32) / 255.0, cells.reshape(-1, total, 3)])


def save(path: Path | str, image: np.ndarray, icc_profile: bytes | None = None) -> None:
    """Writes an image, float in [0, 1] or uint8, atomically as PNG.

    Args:
      path: of the file.
      image: `[H, W]` or `[H, W, 3]`.
      icc_profile: its colours; None means sRGB.
    """
    with files.replacing(path) as temporary:
        temporary.write_bytes(png(image, icc_profile))


def png(image: np.ndarray, icc_profile: bytes | None = None) -> bytes:
    """An image as the bytes of a PNG file; arguments as in `save`."""
    packed = io.BytesIO()
    Image.fromarray(_pixels(image)).save(packed, format="PNG", icc_profile=icc_profile)
    return packed.getvalue()


def _pixels(image):
    image = np.asarray(image)
    if image.dtype == np.uint8:
        return image
    return np.round(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)
