"""Pixels that are not square, as in DV, HDV and television.

Faces are found, and light falls, on square pixels. What changed there goes back to the stored ones,
which otherwise stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from tfrelight.video.reading import Frame

__all__ = ["square", "stored"]

# Wider or narrower pixels exist in no standard. Such a number is a mistake, and following it would
# make frames that fill the memory.
_WIDEST = 4


def square(frame: Frame) -> np.ndarray:
    """A frame as it is shown: enlarged on one side, so that its pixels become square.

    Args:
      frame: of any aspect. If one side of its pixels is over 4 times the other, they stay.

    Returns:
      `[H, W, 3]` uint8 sRGB.
    """
    height, width = frame.pixels.shape[:2]
    aspect = float(frame.aspect)
    if aspect == 1 or not 1 / _WIDEST <= aspect <= _WIDEST:
        return frame.pixels
    size = round(width * max(aspect, 1.0)), round(height / min(aspect, 1.0))
    return np.asarray(Image.fromarray(frame.pixels).resize(size, Image.Resampling.BICUBIC))


def stored(frame: Frame, before: np.ndarray, after: np.ndarray) -> Frame:
    """The frame with what changed on square pixels.

    Args:
      frame: as it was.
      before: `square(frame)`.
      after: the same, changed.

    Returns:
      A frame of the same size, time and aspect. A pixel whose neighbourhood did not change keeps
      its value.
    """
    if before is frame.pixels:
        return frame._replace(pixels=after)
    height, width = frame.pixels.shape[:2]
    change = after.astype(np.float32) - before
    planes = [
        np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BOX))
        for plane in np.ascontiguousarray(np.moveaxis(change, -1, 0))
    ]
    pixels = np.clip(np.round(frame.pixels + np.stack(planes, -1)), 0, 255)
    return frame._replace(pixels=pixels.astype(np.uint8))
