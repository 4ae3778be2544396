"""Maps of faces without flicker from frame to frame."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from PIL import Image

from tfrelight import color, harmonics
from tfrelight.faces import framing
from tfrelight.relighting.face_maps import FaceMaps

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["smooth", "with_light"]

# Smallest shading in a ratio of two, as a share of the face's brightest: smaller ones are dark, and
# their ratio means nothing.
_DARK = 1e-2

FrameItem = TypeVar("FrameItem")
LightItem = TypeVar("LightItem")


def with_light(maps: FaceMaps, light: ArrayLike) -> FaceMaps:
    """The maps of a face for a light slightly different from the network's estimate.

    Albedo x shading x exp(residual) still gives the photo: the albedo takes on the change in
    brightness and colour, and the residual the rest.

    Args:
      maps: of the face.
      light: `[9, 3]`, in the photo's frame.
    """
    light = np.asarray(light, np.float32)
    inside = maps.region
    if maps.body is not None:
        maps = dataclasses.replace(maps, body=with_light(maps.body, light))
    if not inside.any():
        return maps
    before, after = (
        _floored(harmonics.shade(maps.normals, each), inside) for each in (maps.light, light)
    )
    scale = before[inside].mean(0) / after[inside].mean(0)
    rest = np.log(color.luminance_numpy(before) / color.luminance_numpy(after * scale))
    return dataclasses.replace(
        maps,
        albedo=np.clip(maps.albedo * scale, 0.0, 1.0),
        residual=maps.residual + rest,
        light=light,
    )


def _floored(shading, inside):
    """Shading, at least a small share of its brightest value inside the face."""
    # A light that is black everywhere must not divide by 0.
    return np.maximum(shading, max(_DARK * float(shading[inside].max()), 1e-9))


def smooth(
    frames: Iterable[tuple[FrameItem, Mapping[Hashable, FaceMaps], LightItem]], sigma: float
) -> Iterator[tuple[FrameItem, tuple[FaceMaps, ...], LightItem]]:
    """Replaces the maps of each frame by Gaussian-weighted means over time.

    The window of the maps moves with the face, so a pixel stays at the same point of the face as
    long as the head does not turn.

    Args:
      frames: of each a frame, a dict of track to its maps, and a light.
      sigma: standard deviation in frames.

    Yields:
      The frame, its smoothed maps in the order of the dict, and the light.
    """
    reach = max(1, round(2 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-3)) ** 2)
    window: collections.deque = collections.deque(maxlen=2 * reach + 1)
    for frame, faces, light in frames:
        window.append((frame, faces, light, {k: _smoothed(maps) for k, maps in faces.items()}))
        if len(window) > reach:
            yield _centre(window, len(window) - 1 - reach, reach, weights)
    # The last frames have fewer and fewer frames after them.
    for centre in range(max(0, len(window) - reach), len(window)):
        yield _centre(window, centre, reach, weights)


def _centre(window, centre, reach, weights):
    frame, faces, light, _ = window[centre]
    means = []
    for track, maps in faces.items():
        near = [
            (others[track], planes[track], float(weights[number - centre + reach]))
            for number, (_, others, _, planes) in enumerate(window)
            if abs(number - centre) <= reach and track in others
        ]
        mean = _mean(maps, [(head, weight) for _, (head, _), weight in near])
        if maps.body is not None:
            bodies = [
                (_followed(other.body, body, maps.body), weight)
                for other, (_, body), weight in near
                if other.body is not None
            ]
            mean = dataclasses.replace(mean, body=_mean(maps.body, bodies))
        means.append(mean)
    return frame, tuple(means), light


def _smoothed(maps):
    """What is smoothed of a head and, or None, of its body: normals, residual, mask `[S, S, 5]`."""
    return _stacked(maps), None if maps.body is None else _stacked(maps.body)


def _stacked(maps):
    return np.dstack([maps.normals, maps.residual, maps.mask]).astype(np.float32)


def _followed(body, planes, reference):
    """What is smoothed of a body, on the pixels of a reference, moved and scaled as its face is.

    The windows of bodies depend on the borders of the photo, so they do not follow the face.
    """
    scale = reference.face.interocular_distance / body.face.interocular_distance
    before, after = body.face.eyes.mean(0), reference.face.eyes.mean(0)
    window = framing.Window(after + scale * (body.window.corner - before), scale * body.window.axes)
    size, other = len(reference.mask), reference.window
    # As far from the reference as a hundredth of a pixel it lies on the same pixels.
    apart = np.abs(np.column_stack([window.axes - other.axes, window.corner - other.corner]))
    if len(planes) == size and (apart * size / other.sides.min()).max() < 1e-2:
        return planes
    return window.onto(planes, other, size)


def _mean(maps, near):
    """Maps whose normals, residual and mask are weighted means of those of frames nearby."""
    size = len(maps.mask)
    total = np.zeros((size, size, 5), np.float32)
    for planes, weight in near:
        total += np.float32(weight) * _resized(planes, size)
    total /= np.float32(sum(weight for _, weight in near))
    normals = harmonics.unit(total[..., :3])
    return dataclasses.replace(
        maps, normals=normals, residual=total[..., 3], mask=np.clip(total[..., 4], 0, 1)
    )


def _resized(planes, size):
    """Maps `[S, S, 5]` in another size."""
    if len(planes) == size:
        return planes
    resized = [
        np.asarray(Image.fromarray(plane).resize((size, size), Image.Resampling.BILINEAR))
        for plane in np.ascontiguousarray(np.moveaxis(planes, -1, 0))
    ]
    return np.stack(resized, -1)
