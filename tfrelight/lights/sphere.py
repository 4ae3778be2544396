"""Pictures of lights: a matte sphere under each."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from tfrelight import color, harmonics

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["ALBEDO", "draw", "sheet", "terminal", "visible_normals"]

# Bright skin: a light that burns out here burns out on a face.
ALBEDO = 0.5
_BACKGROUND = 0.22  # sRGB
_TITLE_HEIGHT = 18
# Samples a pixel along each axis, for an antialiased edge.
_SAMPLES = 3


@functools.lru_cache(maxsize=4)
def visible_normals(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Normals of the sphere that fills a square of `size` pixels, in orthographic projection.

    Returns:
      `[P, 3]` float32 unit vectors of the pixels on the sphere, and `[size, size]` bool: which
      these are.
    """
    steps = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(steps, -steps)
    square = x * x + y * y
    inside = square < 1
    x, y, square = x[inside], y[inside], square[inside]
    return np.stack([x, y, np.sqrt(1 - square)], -1).astype(np.float32), inside


def draw(light: ArrayLike, size: int = 128) -> np.ndarray:
    """A sphere of albedo 0.5 under a light `[9, 3]`: `[size, size, 3]` sRGB, float in [0, 1]."""
    normals, inside = visible_normals(size * _SAMPLES)
    picture = np.full((*inside.shape, 3), color.to_linear_numpy(_BACKGROUND), np.float32)
    picture[inside] = np.clip(ALBEDO * harmonics.shade(normals, light), 0, 1)
    cells = picture.reshape(size, _SAMPLES, size, _SAMPLES, 3).mean((1, 3))
    return color.to_srgb_numpy(cells)


def sheet(lights: Mapping[str, ArrayLike], size: int = 128, columns: int = 6) -> np.ndarray:
    """A contact sheet: spheres above their names.

    Args:
      lights: name to light `[9, 3]`.
      size: of a sphere, pixels.
      columns: spheres in a row.

    Returns:
      `[rows x (size + 18), columns x size, 3]` sRGB, float in [0, 1].
    """
    rows = -(-len(lights) // columns)
    page = Image.new("RGB", (columns * size, rows * (size + _TITLE_HEIGHT)), "white")
    draw_on = ImageDraw.Draw(page)
    for number, (name, light) in enumerate(lights.items()):
        left, top = number % columns * size, number // columns * (size + _TITLE_HEIGHT)
        pixels = np.round(draw(light, size) * 255).astype(np.uint8)
        page.paste(Image.fromarray(pixels), (left, top))
        draw_on.text((left + size // 2, top + size + 2), name, fill="black", anchor="ma")
    return np.asarray(page, np.float32) / 255


def terminal(light: ArrayLike, rows: int = 8) -> list[str]:
    """The sphere as `rows` lines of coloured half blocks, for a terminal with 24-bit colour."""
    pixels = np.round(draw(light, 2 * rows) * 255).astype(np.uint8)
    return [
        "".join(
            "\x1b[38;2;{};{};{};48;2;{};{};{}m▀".format(*top, *bottom)
            for top, bottom in zip(upper, lower)
        )
        + "\x1b[0m"
        for upper, lower in zip(pixels[::2], pixels[1::2])
    ]
