"""A photo under another light, in the graph: a gain and an offset for each of its pixels.

The network's maps are small and smooth, the photo is large and has the detail. So the detail is
taken from the photo and the light from the maps. Where the photo I is A S + noise (S the shading
under its own light) and the network's albedo is A plus an error, the most likely albedo is

    A' = (I S + e² A) / (S² + e²),   e = (noise of I) / (error of A),

the photo over its shading in the light and the network's albedo in the dark, where a quotient knows
nothing. Under the new shading S' the photo is A' S' = gain I + offset, with gain = S' S / (S² + e²)
and offset = e² A S' / (S² + e²). Both are smooth: they are computed at the network's size and
enlarged. The mask m, which is not smooth, keeps the background: 1 + m (gain - 1) and m offset. It
is enlarged along the photo's own edges (He and Sun, "Fast Guided Filter", 2015).
"""

import tensorflow as tf

from tfrelight import color, shading

__all__ = ["apply", "coefficients"]

# Noise of an 8-bit photo and of what shading leaves out, about 0.02, over the albedo's error, 0.2.
_E = 0.1

# The guided filter's window reaches a 32nd of the photo each way, a tenth of a head; luminance that
# varies by less than 0.03 (its square is 0.001) in it is no edge.
_REACH = 32
_FLAT = 1e-3


def _along_edges(mask, photos):
    """The mask as a linear function of luminance, a for the slope and b for the rest."""
    guide = color.luminance(photos)
    reach = photos.shape[1] // _REACH

    def mean(image):
        return tf.nn.avg_pool2d(image, 2 * reach + 1, 1, "SAME")

    mean_guide, mean_mask = mean(guide), mean(mask)
    covariance = mean(guide * mask) - mean_guide * mean_mask
    slope = covariance / (mean(guide * guide) - mean_guide * mean_guide + _FLAT)
    return mean(slope), mean(mean_mask - slope * mean_guide)


def coefficients(maps, photos, light):
    """What takes photos from their own light to another.

    Args:
      maps: the network's dict for the photos: `albedo`, `normals`, `light`, `mask`.
      photos: `[N, h, w, 3]` sRGB in [0, 1], of the maps' size, which is known.
      light: `[N, 9, 3]`, the new one.

    Returns:
      `[N, h, w, 8]`, for `apply`.
    """
    # A second-order light can ring below zero.
    old = tf.maximum(shading.shade(maps["normals"], maps["light"]), 0.0)
    new = tf.maximum(shading.shade(maps["normals"], light), 0.0)
    share = new / (tf.square(old) + _E**2)
    gain, offset = share * old, share * _E**2 * maps["albedo"]
    return tf.concat([gain, offset, *_along_edges(maps["mask"], photos)], axis=-1)


def apply(photos, linear, small):
    """The photos under the new light.

    Args:
      photos: `[N, H, W, 3]` sRGB in [0, 1], or one photo `[H, W, 3]`.
      linear: the same in linear RGB.
      small: of `coefficients` for them.

    Returns:
      sRGB in [0, 1], of the shape of `photos`.
    """
    # Not antialiased, which is five times slower and changes nothing where a map grows.
    large = tf.image.resize(small, tf.shape(photos)[-3:-1])
    gain, offset, slope, rest = tf.split(large, [3, 3, 1, 1], axis=-1)
    mask = tf.clip_by_value(slope * color.luminance(photos) + rest, 0.0, 1.0)
    return color.to_srgb(linear * (1.0 + mask * (gain - 1.0)) + mask * offset)
