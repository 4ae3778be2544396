"""Pictures for people: maps as sRGB, pages of rows under titles, PNG files."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

from tfrelight import color, files

__all__ = ["encoded", "encoded_normals", "page", "png", "save"]

_TITLE_HEIGHT = 14


def encoded(linear, mask=None):
    """A linear image, `[H, W]` or `[H, W, 3]`, as sRGB `[H, W, 3]`; black outside the mask."""
    image = color.to_srgb_numpy(linear)
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=-1)
    return image if mask is None else image * mask[..., None]


def encoded_normals(normals, mask=None):
    """Unit normals as (n + 1) / 2, `[H, W, 3]`; black outside the mask."""
    image = (np.asarray(normals, np.float32) + 1.0) / 2.0
    return image if mask is None else image * mask[..., None]


def page(rows):
    """Joins rows of pictures under their titles.

    Args:
      rows: dicts of title to `[H, W, 3]` sRGB float, all with the same titles and sizes.

    Returns:
      `[14 + rows x H, columns x W, 3]` sRGB float.
    """
    titles = list(rows[0])
    cells = np.stack([np.concatenate([row[title] for title in titles], axis=1) for row in rows])
    _, _, total, _ = cells.shape
    strip = Image.new("RGB", (total, _TITLE_HEIGHT), "white")
    draw = ImageDraw.Draw(strip)
    for number, title in enumerate(titles):
        draw.text((number * total // len(titles) + 3, 1), title, fill="black")
    return np.concatenate([np.asarray(strip, np.float32) / 255.0, cells.reshape(-1, total, 3)])


def save(path, image):
    """Writes an sRGB image, float in [0, 1] or uint8, as PNG, whole or not at all."""
    with files.replacing(path) as aside:
        Image.fromarray(_pixels(image)).save(aside, format="PNG")


def png(image) -> bytes:
    """An sRGB image, float in [0, 1] or uint8, as the bytes of a PNG file."""
    packed = io.BytesIO()
    Image.fromarray(_pixels(image)).save(packed, format="PNG")
    return packed.getvalue()


def _pixels(image):
    image = np.asarray(image)
    if image.dtype == np.uint8:
        return image
    return np.round(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)
