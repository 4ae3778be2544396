"""What a face is made of: the relief that casts shadows, and the skin that shines."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tfrelight import color, harmonics, rendering
from tfrelight.photos import filters
from tfrelight.photos.blending import ramp
from tfrelight.relighting.face_maps import FaceMaps

__all__ = ["head_height", "relief", "skin"]

# Height of a head in distances between the eyes: 230 mm over 63 mm, the medians of adults
# (NASA-STD-3000, Man-Systems Integration Standards, volume I, 1995).
_HEAD = 3.65
# Of the side of a crop of a face without a detected one.
HEAD_OF_CROP = 1.0
# The network's normals are means of what a face may be, and its noses and brows too flat. By how
# much slopes, less the mean within a share of the head, are too small for shading, and what rises
# above that mean too low for shadows. Chosen by the errors of training people of Extended Yale B
# under a known lamp (`evaluation.lamp_relighting`), and by eye.
SHARPER, HIGHER, LARGE = 1.2, 2.4, 0.14
# Least side on which heights are integrated in fewer pixels: a half, a third and so on, so that
# this many or more are left.
SIDE = 128
# Percentile of what heights rise above that mean from which on they are noses and brows.
USUAL = 85.0
# z of a normal below which a slope says nothing.
LEAST_Z = 0.12
# Distances of a pixel's colour from that of the face's skin, in the logarithms of its chromaticity
# and of its brightness, between which it stops being skin.
HUE, BRIGHTNESS = (0.12, 0.3), (0.5, 1.1)


def head_height(maps: FaceMaps) -> float:
    """Height of the head, pixels of the maps."""
    size = len(maps.guide)
    if maps.face is None:
        return HEAD_OF_CROP * size
    return _HEAD * maps.face.interocular_distance / float(maps.window.sides.max()) * size


def relief(maps: FaceMaps) -> rendering.HeightField:
    """The surface of the head, in the frame of the face's window."""
    size = len(maps.guide)
    normals = maps.normals @ maps.window.rotation
    head = head_height(maps)
    if maps.face is None:
        middle = np.full(2, (size - 1) / 2)
    else:
        middle = maps.window.place(maps.face.oval.mean(0)) * size - 0.5
    return rendering.HeightField(
        _steeper(normals, SHARPER, LARGE * head),
        maps.mask,
        head,
        (float(middle[0]), float(middle[1])),
        _height(normals, maps.mask, LARGE * head),
    )


def _height(normals, mask, sigma):
    """Heights `[S, S]` above the window. They are smooth: fewer pixels tell them as well."""
    size = len(mask)
    step = max(1, size // SIDE)
    surface = rendering.HeightField(normals, mask, 1.0, (0.0, 0.0))
    small = surface.reduced(-(-size // step))
    height = rendering.integrated(small.normals, small.mask)
    height = step * _raised(height, small.mask, sigma / step)
    side = step * len(height)
    large = Image.fromarray(height).resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(large)[:size, :size]


def _blurred(values, sigma):
    """A wide Gaussian's average of maps `[..., S, S]`: three boxes take less time."""
    # The variance of a box of n pixels is (n² - 1) / 12.
    side = 2 * round((np.sqrt(4.0 * sigma * sigma + 1.0) - 1.0) / 2.0) + 1
    for _ in range(3):
        values = filters.box(values, min(side, values.shape[-1] | 1), "edge")
    return values


def _raised(height, mask, sigma):
    """Heights `[S, S]` whose noses and brows rise by a factor more above the mean around them."""
    weight = np.maximum(mask, 1e-3)
    around = _blurred(height * weight, sigma) / _blurred(weight, sigma)
    above = height - around
    # A ball, too, rises above its surroundings: what counts is what rises most.
    usual = float(np.percentile(above[mask > 0.5], USUAL)) if (mask > 0.5).any() else 0.0
    return height + (HIGHER - 1.0) * np.maximum(above - usual, 0.0)


def _steeper(normals, factor, sigma):
    """Normals `[S, S, 3]` whose slopes differ from the mean around them by a factor more."""
    slopes = normals[..., :2] / np.maximum(normals[..., 2:], LEAST_Z)
    around = np.moveaxis(_blurred(np.moveaxis(slopes, -1, 0), sigma), 0, -1)
    steeper = np.dstack([around + factor * (slopes - around), np.ones(slopes.shape[:2])])
    steeper = harmonics.unit(steeper)
    # Where the surface turns away from the camera, its slope says nothing.
    share = ramp(normals[..., 2:], LEAST_Z, 2.0 * LEAST_Z)
    mixed = normals + share * (steeper - normals)
    return harmonics.unit(mixed).astype(np.float32)


def skin(maps: FaceMaps, things: np.ndarray) -> np.ndarray:
    """`[S, S]` in [0, 1]: 1 on skin, 0 on hair, cloth, eyes, teeth and dark things.

    Where the network does not tell, skin is what has the colour of most of the face.

    Args:
      maps: of the face.
      things: `[S, S]`, what `lost_light.things` gives.
    """
    known = maps.probability("skin")
    if known is not None:
        return known * maps.mask * (1.0 - things)
    albedo = np.maximum(maps.albedo, 1e-3)
    level = np.log(color.luminance_numpy(albedo))
    hue = np.log(albedo[..., [0, 2]] / albedo[..., 1:2])
    inside = maps.region if maps.region.any() else maps.mask > 0.5
    if not inside.any():
        return np.zeros(maps.mask.shape, np.float32)
    apart = np.linalg.norm(hue - np.median(hue[inside], 0), axis=-1)
    darker = np.abs(level - np.median(level[inside]))
    like = (1.0 - ramp(apart, *HUE)) * (1.0 - ramp(darker, *BRIGHTNESS))
    found = like * maps.mask * (1.0 - things)
    return filters.gaussian(found.astype(np.float32), 0.004 * len(found))
