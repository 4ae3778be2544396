"""From the maps of a crop to its photo's pixels, in the graph; see `relighting.compositing`."""

from __future__ import annotations

import tensorflow as tf

from tfrelight import color
from tfrelight.photos import graph_filters
from tfrelight.photos.graph_filters import ramp
from tfrelight.relighting import compositing
from tfrelight.relighting.graph import lost_light, ratio_image
from tfrelight.relighting.graph.crop_maps import CropMaps, radius

__all__ = ["CHANNELS", "apply", "coefficients", "is_grey"]

# Of what `coefficients` gives: the change, and slope and intercept of the mask.
CHANNELS = sum(ratio_image.CHANNELS) + 2


def coefficients(maps: CropMaps, lamps: tf.Tensor) -> tf.Tensor:
    """What puts a photo under lamps, at the size of its maps.

    Args:
      maps: of its face.
      lamps: `[K, 8]` (`rendering.graph.renderer`), in colours relative to the photo's white.

    Returns:
      `[S, S, CHANNELS]` for `apply`.
    """
    share, epsilon = compositing.EDGE
    reach = radius(share, maps.size)
    outline = graph_filters.guided(maps.guide, maps.mask[..., None], reach, epsilon)
    return tf.concat([ratio_image.change(maps, lamps), *outline], -1)


def is_grey(photos: tf.Tensor, lamps: tf.Tensor) -> tf.Tensor:
    """`[N, 1, 1, 1]` bool: whether neither a photo nor its lamps have any colour.

    Args:
      photos: `[N, H, W, 3]`.
      lamps: `[N, K, 8]`.
    """
    apart = tf.reduce_any(photos != photos[..., :1], [1, 2, 3], keepdims=True)
    colors = lamps[..., 4:7] * lamps[..., 7:]
    difference = graph_filters.largest(colors) - graph_filters.smallest(colors)
    most = 1e-4 * tf.reduce_max(colors, [1, 2])
    coloured = tf.reduce_any(difference > most[:, None], 1)
    return ~(apart | coloured[:, None, None, None])


def apply(photos: tf.Tensor, linear: tf.Tensor, large: tf.Tensor, grey: tf.Tensor) -> tf.Tensor:
    """Relights photos.

    Args:
      photos: `[..., 3]` sRGB-encoded in [0, 1].
      linear: `[..., 3]`, the same in linear RGB.
      large: `[..., CHANNELS]`, their `coefficients`, enlarged to their size.
      grey: what `is_grey` gives; such photos stay without colour.

    Returns:
      `[..., 3]` sRGB-encoded in [0, 1]; the background as it is.
    """
    along, factor, lost, fill, surface, slope, offset = tf.split(
        large, [*ratio_image.CHANNELS, 1, 1], -1
    )
    guide = graph_filters.luminance(photos)[..., None]
    opacity = ramp(slope * guide + offset, *compositing.OUTLINE)
    # In 255 steps, as the opacities of many faces are kept.
    opacity = tf.floor(opacity * 255.0 + 0.5) / 255.0
    after = lost_light.darkened(linear, surface, factor * tf.exp(along * guide))
    after += lost * (fill - after)
    after /= tf.maximum(graph_filters.largest(after)[..., None], 1.0)
    relit = color.to_srgb(linear + opacity * (after - linear))
    relit = tf.where(grey, color.luminance(relit), relit)
    # Numbers that are not finite count as a face, so that they show.
    return tf.where(opacity <= 0.0, photos, relit)
