"""A photo under another light, in the graph: a gain and an offset for each of its pixels.

The network's maps are small and smooth, the photo is large and has the detail. So the detail is
taken from the photo and the light from the maps. Where the photo I is A S + noise (S the shading
under its own light) and the network's albedo is A plus an error, the most likely albedo is

    A' = (I S + e² A) / (S² + e²),   e = (noise of I) / (error of A),

the photo over its shading in the light and the network's albedo in the dark, where a quotient knows
nothing. Under the new shading S' the photo is A' S' = gain I + offset, with gain = S' S / (S² + e²)
and offset = e² A S' / (S² + e²). Both are smooth: they are computed at the network's size, and only
they are enlarged. The mask m keeps the background: gain m + 1 - m, offset m.
"""

import tensorflow as tf

from tfrelight import color, shading

__all__ = ["apply", "gain_and_offset"]

# Noise of an 8-bit photo and of what shading leaves out, about 0.02, over the albedo's error, 0.2.
_E = 0.1


def gain_and_offset(maps, light):
    """What takes photos from their own light to another.

    Args:
      maps: the network's dict for `[N]` photos, at any size: `albedo`, `normals`, `light`, `mask`.
      light: `[N, 9, 3]`, the new one.

    Returns:
      `[N, h, w, 6]`: the gain in linear RGB (at least 0), then the offset; of the maps' size.
    """
    # A second-order light can ring below zero.
    old = tf.maximum(shading.shade(maps["normals"], maps["light"]), 0.0)
    new = tf.maximum(shading.shade(maps["normals"], light), 0.0)
    share = maps["mask"] * new / (tf.square(old) + _E**2)
    return tf.concat([share * old + 1.0 - maps["mask"], share * _E**2 * maps["albedo"]], axis=-1)


def apply(linear, gain_offset):
    """The photos under the new light.

    Args:
      linear: `[N, H, W, 3]` linear RGB, or one photo `[H, W, 3]`.
      gain_offset: of `gain_and_offset` for them; enlarged to H and W.

    Returns:
      sRGB in [0, 1], of the shape of `linear`.
    """
    size = tf.shape(linear)[-3:-1]
    # Not antialiased, which is five times slower and changes nothing where a map grows.
    gain, offset = tf.split(tf.image.resize(gain_offset, size), 2, axis=-1)
    return color.to_srgb(linear * gain + offset)
