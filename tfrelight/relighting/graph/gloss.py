"""The white part of bright skin, in the graph; see `relighting.gloss`."""

from __future__ import annotations

import tensorflow as tf

from tfrelight.photos import graph_filters
from tfrelight.photos.graph_filters import ramp
from tfrelight.relighting import gloss
from tfrelight.relighting import lost_light as of_lost_light
from tfrelight.relighting.graph import lost_light
from tfrelight.relighting.graph.crop_maps import CropMaps, radius

__all__ = ["separated"]


def separated(maps: CropMaps, shading: tf.Tensor, skin: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The colour of a surface with its white part, and what that part changes of bright skin."""
    surface = lost_light.surface_color(maps, shading)
    white = shading / graph_filters.largest(shading)[..., None]
    own = surface / white
    own /= graph_filters.largest(own)[..., None]
    bright = ramp(graph_filters.largest(maps.photo), *gloss.BRIGHT)
    share = _matte(maps, own, white, skin, bright)
    mixed = white * (1.0 + share[..., None] * (own - 1.0))
    mixed /= graph_filters.largest(mixed)[..., None]
    without, with_white = (
        values / graph_filters.luminance(values)[..., None] for values in (surface, mixed)
    )
    counts = skin[..., None] * _around(bright[..., None], maps.size, gloss.NEAR)
    return mixed, counts * tf.math.log(with_white / without)


def _matte(maps, own, white, skin, bright):
    """The share of a surface's own colour in its light, `[S, S]`."""
    seen = maps.photo / white
    counts = 1.0 - ramp(maps.photo, *of_lost_light.CLIPPED)
    total = tf.maximum(tf.reduce_sum(counts, -1), 1e-6)
    own_mean, seen_mean = (tf.reduce_sum(counts * values, -1) / total for values in (own, seen))
    apart = counts * (own - own_mean[..., None])
    variance = tf.reduce_sum(apart * own, -1) / total
    slope = tf.reduce_sum(apart * seen, -1) / total / tf.maximum(variance, 1e-6)
    both = seen_mean + slope * (1.0 - own_mean)
    share = tf.clip_by_value(slope / tf.maximum(both, 1e-6), 0.0, 1.0)
    middle = tf.reduce_sum(counts, -1) - graph_filters.largest(counts)
    middle -= graph_filters.smallest(counts)
    evidence = bright * ramp(middle, 0.0, 0.1) * variance / (variance + gloss.PALE)
    weighted = tf.stack([share * evidence, evidence], -1)
    near, wide = (_around(weighted, maps.size, reach) for reach in (gloss.NEAR, gloss.WIDE))
    found = near + gloss.FROM_AFAR * wide
    prior = 1.0 if maps.parts is None else skin
    found = (found[..., 0] + gloss.PRIOR * prior) / (found[..., 1] + gloss.PRIOR)
    return tf.maximum(found, gloss.LEAST)


def _around(values, size, reach):
    return graph_filters.box(values, 2 * radius(reach, size) + 1)
