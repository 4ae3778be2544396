"""From the maps of faces to the pixels of a photo, strip by strip to save memory.

Only the photo, the result and an 8-bit mask have the full size. Floating-point values exist only
for a few strips of about `_STRIP` pixels of each photo that is in work.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfrelight import color, threads
from tfrelight.faces import framing, guided_filter
from tfrelight.photos import srgb
from tfrelight.photos.blending import ramp
from tfrelight.relighting import lost_light, window_weights

if TYPE_CHECKING:
    from tfrelight.faces.find import Face
    from tfrelight.relighting.face_maps import FaceMaps
    from tfrelight.relighting.ratio_image import Change

__all__ = ["OUTLINE", "Layer", "alphas", "apply", "linear", "outlines", "paste"]

# The box of a face in the photo (left, top, right, bottom), and its opacity there, `[bottom - top,
# right - left]` uint8, 0 to 255.
Layer = tuple[tuple[int, int, int, int], np.ndarray]

# Pixels of a strip.
_STRIP = 1 << 18
# Guided filter of the mask: radius as a share of the maps' side, variance of the encoded photo.
EDGE = (0.008, 1e-4)
# Values of the mask between which the opacity rises from 0 to 1.
OUTLINE = _OUTSIDE, _INSIDE = 0.45, 0.95
# Exponent of the distance to a face: how sharply one head ends where another begins.
_SHARPNESS = 8.0


def alphas(
    pixels: np.ndarray, faces: Sequence[FaceMaps], bystanders: Sequence[Face] = ()
) -> list[Layer]:
    """The opacity of each face in a photo.

    Args:
      pixels: `[H, W, 3]` of a `Photo`.
      faces: of the photo, heads and then bodies.
      bystanders: other faces of the photo, whose surroundings belong to nobody of these.

    Returns:
      A `Layer` for each. At no pixel do the opacities add up to more than 255.
    """
    layers: list[Layer] = []
    total = np.zeros(pixels.shape[:2], np.uint8)
    for number, face in enumerate(faces):
        maps = framing.Planes(face.window, outlines(faces, number, bystanders))
        box = face.window.bounds(face.box)
        alpha = np.empty((box[3] - box[1], box[2] - box[0]), np.uint8)
        work = functools.partial(_alpha, pixels, maps, box, alpha)
        _each_strip(work, box)
        before = total[box[1] : box[3], box[0] : box[2]]
        np.minimum(alpha, 255 - before, out=alpha)
        before += alpha
        layers.append((box, alpha))
    return layers


def outlines(faces: Sequence[FaceMaps], number: int, bystanders: Sequence[Face] = ()) -> np.ndarray:
    """Maps that give the opacity of a face at any resolution, `[S, S, 3]`.

    The channels are slope and offset of its mask as a function of the guide, and its share where
    faces overlap.

    Args:
      faces: of the photo.
      number: of the face among them.
      bystanders: see `alphas`.
    """
    face = faces[number]
    radius = max(1, round(EDGE[0] * len(face.mask)))
    slope, offset = guided_filter.coefficients(face.guide, face.mask[..., None], radius, EDGE[1])
    share = _share(faces, number, bystanders)
    if face.head_window is not None or face.body is not None:
        # In the window of the head its maps count, and outside it those of the body.
        points = face.window.corner + window_weights.centres(len(share)) @ face.window.axes.T
        head = window_weights.head_fade((face.head_window or face.window).place(points))
        share = share * (head if face.head_window is None else 1.0 - head)
    return np.dstack([slope, offset, share])


def _alpha(pixels, maps, box, alpha, strip):
    left, top, right, bottom = strip
    slope, offset, share = maps.uncut(strip)
    mask = slope * _guide(pixels[top:bottom, left:right]) + offset
    opacity = ramp(mask, _OUTSIDE, _INSIDE) * share
    alpha[top - box[1] : bottom - box[1]] = np.floor(opacity * 255.0 + 0.5)


def apply(
    pixels: np.ndarray,
    faces: Sequence[FaceMaps],
    layers: Sequence[Layer],
    changes: Sequence[Change],
    behind: np.ndarray | None = None,
) -> np.ndarray:
    """A photo's pixels with each face changed.

    Args:
      pixels: `[H, W, 3]`, sRGB-encoded uint8, uint16 or float32.
      faces: of the photo.
      layers: what `alphas` gave.
      changes: one for each face.
      behind: `[3]` factor of the background in linear RGB; None leaves it exactly as it is.

    Returns:
      Pixels of the same shape and type.
    """
    result, effects = pixels.copy(), list(map(_Effect, faces, changes))
    height, width = pixels.shape[:2]
    box = (0, 0, width, height) if behind is not None else _union([box for box, _ in layers])

    def work(strip):
        left, top, right, bottom = strip
        mixed, total = _mixed(pixels, layers, effects, strip, behind)
        part = result[top:bottom, left:right]
        part[:] = np.moveaxis(srgb.encode(mixed, pixels.dtype), 0, -1)
        if behind is None:
            # The background must not change, not even by rounding.
            np.copyto(part, pixels[top:bottom, left:right], where=(total == 0)[..., None])

    _each_strip(work, box)
    return result


def linear(
    pixels: np.ndarray,
    faces: Sequence[FaceMaps],
    layers: Sequence[Layer],
    changes: Sequence[Change],
) -> np.ndarray:
    """As `apply`, but linear RGB `[H, W, 3]` float32, with a black background."""
    result, effects = np.zeros(pixels.shape, np.float32), list(map(_Effect, faces, changes))
    nothing = np.zeros(3, np.float32)

    def work(strip):
        left, top, right, bottom = strip
        mixed, _ = _mixed(pixels, layers, effects, strip, nothing)
        result[top:bottom, left:right] = np.moveaxis(mixed, 0, -1)

    _each_strip(work, _union([box for box, _ in layers]))
    return result


def paste(
    size: tuple[int, int],
    layers: Sequence[Layer],
    values: Iterable[np.ndarray | float],
    channels: int = 0,
) -> np.ndarray:
    """Sums values of faces at their places, weighted by the opacity of each.

    Args:
      size: H, W of the photo.
      layers: what `alphas` gave.
      values: for each layer `[h, w, C]` of its box, `[h, w]` or a number; one is held at a time.
      channels: C, or 0 without.

    Returns:
      `[H, W, C]` float32, or `[H, W]`.
    """
    result = np.zeros((*size, channels) if channels else size, np.float32)
    for ((left, top, right, bottom), alpha), value in zip(layers, values):
        weight = alpha.astype(np.float32) / 255.0
        result[top:bottom, left:right] += (weight[..., None] if channels else weight) * value
    return result


def _mixed(pixels, layers, effects, strip, behind):
    """Linear pixels `[3, h, w]` of a strip with faces changed, and the opacity of all faces."""
    left, top, right, bottom = strip
    photo = pixels[top:bottom, left:right]
    before, guide = srgb.decode(np.ascontiguousarray(np.moveaxis(photo, -1, 0))), _guide(photo)
    mixed = before.copy() if behind is None else before * behind[:, None, None]
    under = mixed.copy()
    total = np.zeros(photo.shape[:2], np.float32)
    for (box, alpha), effect in zip(layers, effects):
        x0, y0 = max(left, box[0]), max(top, box[1])
        x1, y1 = min(right, box[2]), min(bottom, box[3])
        if x0 >= x1 or y0 >= y1:
            continue
        weight = alpha[y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]]
        rows, columns = np.flatnonzero(weight.any(1)), np.flatnonzero(weight.any(0))
        if not len(rows):
            continue
        x0, x1 = x0 + columns[0], x0 + columns[-1] + 1
        y0, y1 = y0 + rows[0], y0 + rows[-1] + 1
        weight = alpha[y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]]
        weight = weight.astype(np.float32) / 255.0
        part = np.s_[..., y0 - top : y1 - top, x0 - left : x1 - left]
        here = (x0, y0, x1, y1)
        after = effect.on(before[part], guide[part], here)
        mixed[part] += weight * (after - under[part])
        total[part] += weight
    return mixed, total


class _Effect:
    """A change of a face, ready for one part of the photo after the other."""

    def __init__(self, face, change):
        self._window, self._surface_color = face.window, change.surface_color
        self._slope, self._factor, self._lost, self._fill = (
            None if maps is None else framing.Planes(face.window, maps)
            for maps in (change.slope, change.factor, change.lost, change.fill)
        )

    def on(self, before, guide, box):
        """Linear pixels `[3, h, w]` of a box under the change."""
        along = self._slope.uncut(box)
        along *= guide
        after = self._factor.uncut(box)
        after *= np.exp(along, out=along)
        clipped = (before > lost_light.CLIPPED[0]).any(0)
        if self._surface_color is None or not clipped.any():
            after *= before
        else:
            rows, columns = np.nonzero(clipped)
            factor = after[:, rows, columns].T
            after *= before
            centres = np.stack([columns, rows], -1) + np.array(box[:2]) + 0.5
            surface = self._window.sampled(self._surface_color, centres)
            restored = lost_light.darkened(before[:, rows, columns].T, surface, factor)
            after[:, rows, columns] = restored.T
        if self._lost is not None:
            (lost,) = self._lost.uncut(box)
            some, here = _rows(lost > 0, box)
            if here:
                after[:, some] += lost[some] * (self._fill.uncut(here) - after[:, some])
        # Clipping single channels would change the colour.
        after /= np.maximum(after.max(0), 1.0)
        return after


def _rows(found, box):
    """The rows of a box in which there is any; as a slice, and as a box, or None."""
    rows = np.flatnonzero(found.any(1))
    if not len(rows):
        return np.s_[:0], None
    first, last = int(rows[0]), int(rows[-1]) + 1
    return np.s_[first:last], (box[0], box[1] + first, box[2], box[1] + last)


def _share(faces, number, bystanders):
    """`[S, S]`: the share of each pixel that belongs to this face and not to its neighbours."""
    face = faces[number]
    size = len(face.mask)
    heads = [other for other in faces if other.head_window is None]
    if len(heads) == 1 and not bystanders:
        return np.ones((size, size), np.float32)
    points = face.window.corner + window_weights.centres(size) @ face.window.axes.T

    def nearness(one):
        distance = np.linalg.norm(points - one.oval.mean(0), axis=-1) / one.interocular_distance
        return (distance + 1e-3) ** -_SHARPNESS

    mine = _head_of(faces, number)
    own = nearness(face.face)
    # Whoever is nearer counts only where they are: between them is the body of who stands behind.
    others = sum(
        nearness(head.face) * _presence(head, face.window, size)
        for head in heads
        if head is not mine
    )
    # Of those who are not relit only the face is known.
    others = others + sum(nearness(face) for face in bystanders)
    return (own / (own + others)).astype(np.float32)


def _head_of(faces, number):
    """The head of a body, or a head itself; bodies come after the heads, in the same order."""
    if faces[number].head_window is None:
        return faces[number]
    before = sum(face.head_window is not None for face in faces[:number])
    return [face for face in faces if face.body is not None][before]


def _presence(head, window, size):
    """`[S, S]` in [0, 1]: 1 where a person is, on the pixels of a window."""
    if head.body is None:
        return head.window.onto(head.mask, window, size)
    fade = window_weights.head_fade(window_weights.centres(len(head.mask)))
    return np.maximum(
        head.window.onto(head.mask * fade, window, size),
        head.body.window.onto(head.body.mask, window, size),
    )


def _each_strip(work, box):
    """Calls `work` with the strips of a box, in threads."""
    left, top, right, bottom = box
    rows = max(1, _STRIP // max(1, right - left))
    strips = [(left, start, right, min(start + rows, bottom)) for start in range(top, bottom, rows)]
    for _ in threads.each(work, strips):
        pass


def _union(boxes):
    boxes = np.array(boxes)
    return (*boxes[:, :2].min(0), *boxes[:, 2:].max(0))


def _guide(pixels):
    """Luma in [0, 1], as in `FaceMaps.guide`."""
    scale = 1.0 if pixels.dtype == np.float32 else 1.0 / np.iinfo(pixels.dtype).max
    return pixels @ (np.array(color.LUMINANCE, np.float32) * np.float32(scale))
