"""Pictures of parts: a colour for each of `portrait.PARTS`, and a legend."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from tfrelight.data.portrait import PARTS

__all__ = ["COLOURS", "legend", "picture"]

# sRGB, in the order of `PARTS`. They differ in lightness as well as in hue, so that people who
# confuse red and green tell them apart.
COLOURS = np.array(
    [
        (0, 0, 0),
        (235, 180, 140),
        (120, 70, 30),
        (255, 255, 255),
        (210, 40, 70),
        (50, 110, 200),
        (250, 220, 40),
    ],
    np.uint8,
)
_HEIGHT = 16  # of the legend, pixels


def picture(parts: np.ndarray) -> np.ndarray:
    """Parts in their colours.

    Args:
      parts: `[H, W]` integers, indices into `PARTS`.

    Returns:
      `[H, W, 3]` uint8, sRGB.
    """
    return COLOURS[parts]


def legend(width: int) -> np.ndarray:
    """The colours and names of the parts, side by side; a name that is too long is cut off.

    Args:
      width: of the picture, pixels.

    Returns:
      `[16, width, 3]` uint8, sRGB.
    """
    strip = Image.new("RGB", (width, _HEIGHT), "white")
    edges = np.linspace(0, width, len(PARTS) + 1).astype(int)
    for left, right, name, colour in zip(edges, edges[1:], PARTS, COLOURS):
        entry = Image.new("RGB", (max(1, right - left), _HEIGHT), "white")
        draw = ImageDraw.Draw(entry)
        draw.rectangle([2, 2, 13, 13], fill=tuple(map(int, colour)), outline="black")
        draw.text((17, 2), name, fill="black")
        strip.paste(entry, (left, 0))
    return np.asarray(strip)
