"""From the maps of faces to every pixel of a photo, strip by strip, so that large photos fit.

What a strip holds as floats is a few times `_STRIP` pixels; at full size there are only the photo,
the result and 8 bits of mask.
"""

from __future__ import annotations

import concurrent.futures
import functools
import os

import numpy as np

from tfrelight import color
from tfrelight.faces import guided

__all__ = ["OUTLINE", "alphas", "apply", "decode", "encode", "linear", "outlines", "paste"]

_STRIP = 1 << 18
_THREADS = 4
# Guided filter of the mask: radius as a share of the maps' side, variance of the encoded photo.
_MASK = (0.008, 1e-4)
# The mask's values between which it rises from nobody to somebody.
OUTLINE = _OUTSIDE, _INSIDE = 0.45, 0.95
# How sharply one head ends where another begins.
_SHARPNESS = 8.0


def alphas(pixels, faces) -> list:
    """What of a photo belongs to each face.

    Args:
      pixels: `[H, W, 3]` of a `Photo`.
      faces: list of `FaceMaps`.

    Returns:
      for each face its box (left, top, right, bottom) and `[bottom - top, right - left]` uint8, 0
      to 255. They add up to 255 at most.
    """
    found = []
    for number, face in enumerate(faces):
        maps = outlines(faces, number)
        box = face.window.bounds(face.box)
        alpha = np.empty((box[3] - box[1], box[2] - box[0]), np.uint8)
        work = functools.partial(_alpha, pixels, face.window, maps, box, alpha)
        _each_strip(work, box)
        found.append((box, alpha))
    return found


def outlines(faces, number):
    """Slope and offset of a face's mask over the guide, and its share: `[S, S, 3]`.

    Args:
      faces: list of `FaceMaps`.
      number: of the face among them.
    """
    face = faces[number]
    radius = max(1, round(_MASK[0] * len(face.mask)))
    slope, offset = guided.coefficients(face.guide, face.mask[..., None], radius, _MASK[1])
    return np.dstack([slope, offset, _share(faces, number)])


def _alpha(pixels, window, maps, box, alpha, strip):
    left, top, right, bottom = strip
    slope, offset, share = np.moveaxis(window.uncut(maps, strip), -1, 0)
    mask = slope * _guide(pixels[top:bottom, left:right]) + offset
    ramp = np.clip((mask - _OUTSIDE) / (_INSIDE - _OUTSIDE), 0.0, 1.0)
    ramp = ramp * ramp * (3.0 - 2.0 * ramp) * share
    alpha[top - box[1] : bottom - box[1]] = np.floor(ramp * 255.0 + 0.5)


def apply(pixels, faces, layers, changes, behind=None) -> np.ndarray:
    """A photo's pixels with each face changed.

    Args:
      pixels: `[H, W, 3]`, sRGB-encoded uint8, uint16 or float32.
      faces: list of `FaceMaps`.
      layers: what `alphas` gave.
      changes: a `relighting.Change` for each face.
      behind: `[3]` factor for what is no face; None leaves it alone.

    Returns:
      pixels of the same shape and type.
    """
    result = pixels.copy()
    height, width = pixels.shape[:2]
    box = (0, 0, width, height) if behind is not None else _union([one for one, _ in layers])

    def work(strip):
        left, top, right, bottom = strip
        mixed, total = _mixed(pixels, faces, layers, changes, strip, behind)
        part = result[top:bottom, left:right]
        part[:] = encode(mixed, pixels.dtype)
        if behind is None:
            # Nobody is there: not even a rounding may change it.
            np.copyto(part, pixels[top:bottom, left:right], where=(total == 0)[..., None])

    _each_strip(work, box)
    return result


def linear(pixels, faces, layers, changes) -> np.ndarray:
    """As `apply`, but `[H, W, 3]` linear float32, 0 where no face is."""
    result = np.zeros(pixels.shape, np.float32)
    nothing = np.zeros(3, np.float32)

    def work(strip):
        left, top, right, bottom = strip
        result[top:bottom, left:right] = _mixed(pixels, faces, layers, changes, strip, nothing)[0]

    _each_strip(work, _union([one for one, _ in layers]))
    return result


def paste(size, layers, values) -> np.ndarray:
    """Values of faces at their places, weighted by what belongs to each: `[H, W]` or `[H, W, C]`.

    Args:
      size: H, W.
      layers: what `alphas` gave.
      values: for each face `[h, w, C]` of its box, or a number.
    """
    channels = np.shape(values[0])[2:]
    result = np.zeros((*size, *channels), np.float32)
    for ((left, top, right, bottom), alpha), value in zip(layers, values):
        weight = alpha.astype(np.float32) / 255.0
        result[top:bottom, left:right] += (weight[..., None] if channels else weight) * value
    return result


def _mixed(pixels, faces, layers, changes, strip, behind):
    """Linear pixels of a strip with faces changed, and how much of each pixel is faces."""
    left, top, right, bottom = strip
    photo = pixels[top:bottom, left:right]
    before, guide = decode(photo), _guide(photo)
    mixed = before.copy() if behind is None else before * behind
    under = mixed.copy()
    total = np.zeros(photo.shape[:2], np.float32)
    for face, (box, alpha), change in zip(faces, layers, changes):
        x0, y0 = max(left, box[0]), max(top, box[1])
        x1, y1 = min(right, box[2]), min(bottom, box[3])
        if x0 >= x1 or y0 >= y1:
            continue
        weight = alpha[y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]]
        if not weight.any():
            continue
        weight = weight.astype(np.float32) / 255.0
        part = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
        here = (x0, y0, x1, y1)
        after = _changed(before[part], guide[part], face.window, change, here)
        mixed[part] += weight[..., None] * (after - under[part])
        total[part] += weight
    return mixed, total


def _changed(before, guide, window, change, box):
    """Linear pixels `[h, w, 3]` of a box under a change."""
    along = window.uncut(change.slope, box)
    along *= guide
    after = window.uncut(change.factor, box)
    after *= np.exp(along, out=along)[..., None]
    after *= before
    if change.lost is None:
        return after
    lost = window.uncut(change.lost, box)
    rows = np.flatnonzero(lost.any(1))
    if len(rows):
        some = np.s_[rows[0] : rows[-1] + 1]
        here = (box[0], box[1] + rows[0], box[2], box[1] + rows[-1] + 1)
        filling = window.uncut(change.fill, here)
        after[some] += lost[some][..., None] * (filling - after[some])
    return after


def _share(faces, number):
    """`[S, S]`: how much of what lies around a face is its own, and not a neighbour's."""
    face = faces[number]
    size = len(face.mask)
    if len(faces) == 1:
        return np.ones((size, size), np.float32)
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    points = face.window.corner + np.stack([x, y], -1) @ face.window.axes.T
    near = [
        (np.linalg.norm(points - other.face.oval.mean(0), axis=-1) / other.face.between + 1e-3)
        ** -_SHARPNESS
        for other in faces
    ]
    return (near[number] / sum(near)).astype(np.float32)


def _each_strip(work, box):
    """Calls `work` with the strips of a box, in threads: numpy and Pillow let go of Python."""
    left, top, right, bottom = box
    rows = max(1, _STRIP // max(1, right - left))
    strips = [(left, start, right, min(start + rows, bottom)) for start in range(top, bottom, rows)]
    with concurrent.futures.ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
        for _ in pool.map(work, strips):
            pass


def _union(boxes):
    boxes = np.array(boxes)
    return (*boxes[:, :2].min(0), *boxes[:, 2:].max(0))


def _guide(pixels):
    """Luma in [0, 1], as the maps' guide has it."""
    scale = 1.0 if pixels.dtype == np.float32 else 1.0 / np.iinfo(pixels.dtype).max
    return pixels @ (np.float32(color.LUMINANCE) * np.float32(scale))


@functools.cache
def _decoding(dtype):
    most = np.iinfo(dtype).max
    return color.to_linear_numpy(np.arange(most + 1) / most)


@functools.lru_cache(maxsize=1)
def _encoding():
    # 65536 linear steps: 8 bits change by 0.05 from one to the next at most.
    return np.uint8(np.round(color.to_srgb_numpy(np.arange(65536) / 65535.0) * 255.0))


def decode(pixels):
    """Pixels of a `Photo` in linear RGB, float32."""
    if pixels.dtype == np.float32:
        return color.to_linear_numpy(pixels)
    return _decoding(pixels.dtype)[pixels]


def encode(linear, dtype):
    """Linear RGB as pixels of a `Photo` of a type, sRGB-encoded; clipped to [0, 1]."""
    if dtype == np.uint8:
        return _encoding()[np.uint16(np.clip(linear, 0.0, 1.0) * 65535.0 + 0.5)]
    encoded = color.to_srgb_numpy(linear)
    return encoded if dtype == np.float32 else np.uint16(np.round(encoded * 65535.0))
