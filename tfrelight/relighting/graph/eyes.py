"""Eyes in the graph: where they are wet, and the photo's own catchlights; see `relighting.eyes`."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from tfrelight.photos import filters, graph_filters
from tfrelight.photos.graph_filters import luminance, ramp
from tfrelight.relighting import eyes, materials
from tfrelight.relighting.graph.crop_maps import CropMaps
from tfrelight.rendering import catchlights, renderer
from tfrelight.rendering.graph.renderer import WetEyes

__all__ = ["FoundEyes", "find"]

_SPOT, _BESIDE = filters.disc(eyes.SPOT), filters.disc(1.0)


@dataclasses.dataclass(frozen=True)
class FoundEyes:
    """The eyes of a crop.

    Attributes:
      wet: where they are wet.
      old: `[S, S]` in [0, 1], 1 where the photo has a catchlight.
      below: `[S, S, 3]` linear RGB: the eye without it.
    """

    wet: WetEyes
    old: tf.Tensor
    below: tf.Tensor


def find(maps: CropMaps, things: tf.Tensor, metered: tf.Tensor) -> FoundEyes | None:
    """The eyes of a crop; None if the network does not tell parts apart.

    Args:
      maps: of the face.
      things: `[S, S]`, what `lost_light.things` gives.
      metered: brightness of the lit part of the face, linear.
    """
    known = maps.probability("eyes")
    if known is None:
        return None
    size = tf.cast(maps.size, tf.float32)
    millimetre = materials.HEAD_OF_CROP * size / renderer.HEAD
    sure = ramp(known, *eyes.CERTAIN) * maps.mask * (1.0 - things)
    index = tf.range(size)
    columns, rows = tf.meshgrid(index, index)
    left = tf.cast(columns < (size - 1.0) / 2.0, tf.float32)
    away, across, down = tf.fill(tf.shape(sure), np.inf), columns, rows
    for half in (left, 1.0 - left):
        weight = sure * half
        area = tf.reduce_sum(weight)
        mean = tf.reduce_sum(weight * maps.guide) / tf.maximum(area, 1e-9)
        dark = weight * tf.maximum(mean - maps.guide, 0.0)
        dark /= tf.maximum(tf.reduce_sum(dark), 1e-9)
        right_of, below = (at - tf.reduce_sum(dark * at) for at in (columns, rows))
        step = tf.sqrt(tf.square(right_of) + tf.square(below))
        step = tf.where(area < eyes.LEAST_AREA * millimetre * millimetre, np.inf, step)
        closer = step < away
        away = tf.where(closer, step, away)
        across, down = tf.where(closer, right_of, across), tf.where(closer, below, down)
    radius = catchlights.CORNEA * millimetre
    away, x, y = away / radius, across / radius, -down / radius
    wet = sure * ramp(away, *eyes.EDGE)
    z = tf.sqrt(tf.maximum(1.0 - x * x - y * y, 0.0))
    reflected = tf.stack([2.0 * z * x, 2.0 * z * y, 2.0 * z * z - 1.0], -1)
    below = tf.stack(
        [
            graph_filters.dilated(graph_filters.eroded(channel, _SPOT), _SPOT)
            for channel in tf.unstack(maps.photo, axis=-1)
        ],
        -1,
    )
    bright = luminance(maps.photo)
    spots = ramp(bright / tf.maximum(luminance(below), 1e-3), *eyes.BRIGHTER)
    spots *= ramp(bright / tf.maximum(metered, 1e-6), *eyes.BRIGHT)
    spots = graph_filters.dilated(spots, _BESIDE)
    old = spots * sure * ramp(away, *eyes.OLD)
    blur = 2.0 * eyes.SMALLEST / radius
    return FoundEyes(WetEyes(reflected, wet, blur), old, below)
