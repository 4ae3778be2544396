"""What a face is made of, in the graph; see `relighting.materials`."""

from __future__ import annotations

import tensorflow as tf

from tfrelight.photos import graph_filters
from tfrelight.photos.graph_filters import ramp
from tfrelight.relighting import materials
from tfrelight.relighting.graph.crop_maps import CropMaps
from tfrelight.rendering.graph import heights

__all__ = ["relief", "skin"]


def relief(maps: CropMaps) -> heights.LitSurface:
    """The surface of the head."""
    head = materials.HEAD_OF_CROP * tf.cast(maps.size, tf.float32)
    sigma = materials.LARGE * head
    return heights.LitSurface(_steeper(maps.normals, sigma), maps.mask, head, _height(maps, sigma))


def _height(maps, sigma):
    """Heights `[S, S]`, integrated on at most `materials.SIDE` pixels."""
    size = maps.size
    flat = heights.LitSurface(maps.normals, maps.mask, 1.0, tf.zeros_like(maps.mask))
    small, step = flat.reduced(-(-size // tf.maximum(1, size // materials.SIDE)))
    share = tf.cast(step, tf.float32)
    height = heights.integrated(small.normals, small.mask)
    height = share * _raised(height, small.mask, sigma / share)
    side = step * tf.shape(height)[0]
    return tf.image.resize(height[..., None], [side, side])[:size, :size, 0]


def _blurred(values, sigma):
    """A wide Gaussian's average of maps `[S, S, C]`, by three boxes."""
    side = tf.cast(tf.round((tf.sqrt(4.0 * sigma * sigma + 1.0) - 1.0) / 2.0), tf.int32)
    return graph_filters.box(values, 2 * side + 1, "edge", times=3)


def _raised(height, mask, sigma):
    """Heights `[S, S]` whose noses and brows rise by a factor more above the mean around them."""
    weight = tf.maximum(mask, 1e-3)
    both = _blurred(tf.stack([height * weight, weight], -1), sigma)
    above = height - both[..., 0] / both[..., 1]
    usual = graph_filters.percentile(above, mask > 0.5, materials.USUAL)
    return height + (materials.HIGHER - 1.0) * tf.maximum(above - usual, 0.0)


def _steeper(normals, sigma):
    """Normals `[S, S, 3]` whose slopes differ from the mean around them by a factor more."""
    z = normals[..., 2:]
    slopes = normals[..., :2] / tf.maximum(z, materials.LEAST_Z)
    around = _blurred(slopes, sigma)
    steeper = around + materials.SHARPER * (slopes - around)
    steeper = tf.math.l2_normalize(tf.concat([steeper, tf.ones_like(z)], -1), -1)
    share = ramp(z, materials.LEAST_Z, 2.0 * materials.LEAST_Z)
    return tf.math.l2_normalize(normals + share * (steeper - normals), -1)


def skin(maps: CropMaps, things: tf.Tensor) -> tf.Tensor:
    """`[S, S]` in [0, 1]: 1 on skin, 0 on hair, cloth, eyes, teeth and dark things."""
    known = maps.probability("skin")
    if known is not None:
        return known * maps.mask * (1.0 - things)
    albedo = tf.maximum(maps.albedo, 1e-3)
    level = tf.math.log(graph_filters.luminance(albedo))
    red, green, blue = tf.unstack(albedo, axis=-1)

    def apart(values):
        return values - graph_filters.percentile(values, maps.region, 50.0)

    hue = tf.sqrt(sum(tf.square(apart(tf.math.log(one / green))) for one in (red, blue)))
    like = 1.0 - ramp(hue, *materials.HUE)
    like *= 1.0 - ramp(tf.abs(apart(level)), *materials.BRIGHTNESS)
    found = like * maps.mask * (1.0 - things)
    return graph_filters.gaussian(found, 0.004 * tf.cast(maps.size, tf.float32))
