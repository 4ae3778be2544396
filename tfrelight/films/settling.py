"""Maps of faces that do not flicker from frame to frame."""

from __future__ import annotations

import collections
import dataclasses

import numpy as np
from PIL import Image

from tfrelight import harmonics
from tfrelight.faces.maps import FaceMaps, luminance

__all__ = ["settled", "under"]

# Shading below this is darkness: its logarithm means nothing.
_DARK = 1e-2


def under(maps: FaceMaps, light) -> FaceMaps:
    """The maps of a face under a light that is a little off the one the network saw.

    Albedo x shading x exp(residual) stays the photo: the albedo takes on the change of brightness
    and colour, the residual the rest.
    """
    light = np.float32(light)
    before, after = (
        np.maximum(harmonics.shade(maps.normals, one), _DARK) for one in (maps.light, light)
    )
    inside = maps.region
    if not inside.any():
        return maps
    scale = before[inside].mean(0) / after[inside].mean(0)
    rest = np.log(luminance(before) / luminance(after * scale))
    return dataclasses.replace(
        maps,
        albedo=np.clip(maps.albedo * scale, 0.0, 1.0),
        residual=maps.residual + rest,
        light=light,
    )


def settled(frames, over):
    """Means of maps over time, frame by frame.

    A window moves with its face, so that the same place of the maps is the same place of the face;
    only turning heads change it, slowly.

    Args:
      frames: iterable of (anything, dict of a track's key to its `FaceMaps`, anything).
      over: standard deviation in frames.

    Yields:
      the same with a tuple of maps in the order of the dict.
    """
    reach = max(1, round(2 * over))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(over, 1e-3)) ** 2)
    window = collections.deque(maxlen=2 * reach + 1)
    for one in frames:
        window.append(one)
        if len(window) > reach:
            yield _centre(window, len(window) - 1 - reach, reach, weights)
    # What is left has fewer and fewer frames after it.
    for centre in range(max(0, len(window) - reach), len(window)):
        yield _centre(window, centre, reach, weights)


def _centre(window, centre, reach, weights):
    frame, faces, light = window[centre]
    means = []
    for track, maps in faces.items():
        size = len(maps.mask)
        total, sum_of_weights = 0.0, 0.0
        for number, (_, others, _) in enumerate(window):
            weight = weights[number - centre + reach] if abs(number - centre) <= reach else 0.0
            if track in others and weight > 0:
                total = total + np.float32(weight) * _stacked(others[track], size)
                sum_of_weights += weight
        total /= np.float32(sum_of_weights)
        normals = total[..., :3]
        normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)
        means.append(
            dataclasses.replace(
                maps, normals=normals, residual=total[..., 3], mask=np.clip(total[..., 4], 0, 1)
            )
        )
    return frame, tuple(means), light


def _stacked(maps, size):
    """Normals, residual and mask at a size, `[size, size, 5]`."""
    stacked = np.dstack([maps.normals, maps.residual, maps.mask]).astype(np.float32)
    if len(stacked) == size:
        return stacked
    planes = [
        np.asarray(Image.fromarray(plane).resize((size, size), Image.Resampling.BILINEAR))
        for plane in np.ascontiguousarray(np.moveaxis(stacked, -1, 0))
    ]
    return np.stack(planes, -1)
