"""How much the pixels of a window count: inside an outline, and less towards borders."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from tfrelight.faces import find, framing
from tfrelight.photos import filters
from tfrelight.photos.blending import ramp

__all__ = ["centres", "edge_fade", "face_fade", "feather", "head_fade", "oval"]

# Shares of an inner crop's side: the band over which it fades into the outer crop, and the border
# that is not used, because the network lacks context there.
_FADE, _BORDER = 0.2, 0.05
# Share by which the outline of a face shrinks to its middle: the mesh may reach past the jaw.
_OUTLINE_INSET = 0.08
# Distance from the window's middle at which a head has faded to 0, in units of the window.
_HEAD_RADIUS = 0.48
# Share of a body's window over which it fades at edges that do not coincide with the photo's.
_EDGE = 0.12
# Blur of a face's outline, as a share of the distance of the eyes.
_FACE_BLUR = 0.12


def centres(size: int) -> np.ndarray:
    """`[S, S, 2]`: x and y of the pixels' centres in units of the window."""
    y, x = (np.mgrid[:size, :size].astype(np.float32) + 0.5) / size
    return np.stack([x, y], -1)


def feather(size: int) -> np.ndarray:
    """`[size, size]`, 0 at the border of an inner crop, 1 inside."""
    inward = np.minimum(np.arange(size) + 0.5, size - 0.5 - np.arange(size)) / size
    along = ramp(inward, _BORDER, _BORDER + _FADE)
    return np.outer(along, along).astype(np.float32)


def oval(
    face: find.Face | None, window: framing.Window, size: int, inset: float = _OUTLINE_INSET
) -> np.ndarray:
    """`[S, S]` in [0, 1]: 1 inside the face's outline, or inside an ellipse without a face."""
    picture = Image.new("L", (size, size))
    draw = ImageDraw.Draw(picture)
    if face is None:
        draw.ellipse([0.1 * size, 0.05 * size, 0.9 * size, 0.95 * size], fill=255)
    else:
        outline = face.oval + inset * (face.oval.mean(0) - face.oval)
        draw.polygon([tuple(point) for point in window.place(outline) * size], fill=255)
    return np.asarray(picture, np.float32) / 255.0


def head_fade(places: np.ndarray) -> np.ndarray:
    """1 around the head, fading to 0 before the border of its window.

    Args:
      places: `[..., 2]` in units of the window of the framing `framing.HEAD`.
    """
    # The 4-norm makes it a square with round corners, to suit the square window.
    distance = np.linalg.norm(places - 0.5, ord=4, axis=-1) / _HEAD_RADIUS
    return ramp(distance, 1.0, 0.75)


def face_fade(face: find.Face, window: framing.Window, size: int) -> np.ndarray:
    """`[S, S]` in [0, 1]: 1 inside the face's outline, 0 outside, soft between."""
    blur = _FACE_BLUR * face.interocular_distance / float(window.sides.max()) * size
    return filters.gaussian(oval(face, window, size, inset=0.0), blur)


def edge_fade(window: framing.Window, box: tuple[int, int, int, int], size: int) -> np.ndarray:
    """`[S, S]` in [0, 1]: fades to 0 at the window's edges that lie inside the photo.

    Args:
      window: whose edges are parallel to the photo's.
      box: left, top, right, bottom of the picture in the photo, pixels.
      size: S.
    """
    corners = window.place(np.array([box[:2], box[2:]], np.float32))
    low, high = corners.min(0), corners.max(0)
    along = (np.arange(size) + 0.5) / size
    fades = []
    for axis in (0, 1):
        inward = np.full(size, np.inf)
        # Half a pixel of the maps: edges that coincide differ by rounding.
        if low[axis] < -0.5 / size:
            inward = along
        if high[axis] > 1.0 + 0.5 / size:
            inward = np.minimum(inward, 1.0 - along)
        fades.append(ramp(inward, 0.0, _EDGE))
    return np.outer(fades[1], fades[0]).astype(np.float32)
