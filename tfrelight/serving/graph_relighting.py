"""Relights photos in the graph: one gain and one offset per pixel and channel, in linear RGB.

The photo is I = A S + noise, with S its shading, and the network's albedo is A + error. The most
likely albedo is then

    A' = (I S + e² A) / (S² + e²),   e = (noise of I) / (error of A):

photo over shading where there is light, the network's albedo in the dark. Under a new shading S'
the photo becomes A' S' = gain I + offset, with gain = S' S / (S² + e²) and
offset = e² A S' / (S² + e²). Both are smooth, so they are computed at the network's size and
enlarged; the detail is the photo's. The mask m keeps the background, with 1 + m (gain - 1) and
m offset. It has edges, so it is enlarged along the photo's (He and Sun, "Fast Guided Filter",
2015).
"""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from tfrelight import color, shading

__all__ = ["apply", "coefficients"]

# The noise of an 8-bit photo and of effects that shading leaves out, about 0.02, over the albedo's
# error, about 0.2.
_E = 0.1

# The guided filter's window extends 1/32 of the photo each way, a tenth of a head. Luminance that
# varies by less than 0.03 inside it (0.03² = 0.001) is not an edge.
_REACH = 32
_FLAT = 1e-3


def _along_edges(mask, photos):
    """Slope and intercept of the mask as a linear function of luminance, each `[N, h, w, 1]`."""
    guide = color.luminance(photos)
    reach = photos.shape[1] // _REACH

    def mean(image):
        return tf.nn.avg_pool2d(image, 2 * reach + 1, 1, "SAME")

    mean_guide, mean_mask = mean(guide), mean(mask)
    covariance = mean(guide * mask) - mean_guide * mean_mask
    slope = covariance / (mean(guide * guide) - mean_guide * mean_guide + _FLAT)
    return mean(slope), mean(mean_mask - slope * mean_guide)


def coefficients(maps: Mapping[str, tf.Tensor], photos: tf.Tensor, light: tf.Tensor) -> tf.Tensor:
    """Computes what takes photos from their own light to a new one.

    Args:
      maps: the network's outputs for the photos: `albedo`, `normals`, `light`, `mask`.
      photos: `[N, h, w, 3]` sRGB-encoded in [0, 1], of the maps' size; h and w are static.
      light: `[N, 9, 3]`, the new light, linear RGB.

    Returns:
      `[N, h, w, 8]` for `apply`: gain and offset in linear RGB, slope and intercept of the mask.
    """
    # A second-order light can ring below zero.
    old = tf.maximum(shading.shade(maps["normals"], maps["light"]), 0.0)
    new = tf.maximum(shading.shade(maps["normals"], light), 0.0)
    share = new / (tf.square(old) + _E**2)
    gain, offset = share * old, share * _E**2 * maps["albedo"]
    return tf.concat([gain, offset, *_along_edges(maps["mask"], photos)], axis=-1)


def apply(photos: tf.Tensor, linear: tf.Tensor, large: tf.Tensor) -> tf.Tensor:
    """Relights photos.

    Args:
      photos: `[..., 3]` sRGB-encoded in [0, 1].
      linear: `[..., 3]`, the same in linear RGB.
      large: `[..., 8]`, their `coefficients`, enlarged to their size.

    Returns:
      `[..., 3]` sRGB-encoded in [0, 1].
    """
    gain, offset, slope, intercept = tf.split(large, [3, 3, 1, 1], axis=-1)
    mask = tf.clip_by_value(slope * color.luminance(photos) + intercept, 0.0, 1.0)
    return color.to_srgb(linear * (1.0 + mask * (gain - 1.0)) + mask * offset)
