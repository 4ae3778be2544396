"""The losses of training, each a small pure function to a scalar.

Photos and albedo are compared sRGB-encoded, which is close to how lightness is perceived: an error
in dark skin counts as much as one in light skin. Everything is float32.

`weight` arguments say which pixels vote, `[B, H, W, 1]`, at least 0. A mean over no pixel is 0.
"""

import tensorflow as tf

from tfrelight import color, harmonics

__all__ = [
    "NAMES",
    "absolute",
    "angle",
    "binary_cross_entropy",
    "encode",
    "light",
    "photometric",
    "vote",
]

# The named losses of training, as flags (`--NAME_weight`) and logs know them.
NAMES = (
    "reconstruction",
    "albedo",
    "normal",
    "light",
    "mask",
    "cross_relighting",
    "albedo_consistency",
    "normal_consistency",
)

# Outside these (sRGB-encoded) a photo does not tell albedo x shading: saturated or without signal.
SATURATED = 0.98
BLACK = 0.02


def vote(image):
    """Which pixels of a photo may vote on albedo x shading.

    Args:
      image: `[B, H, W, 3]` sRGB in [0, 1].

    Returns:
      `[B, H, W, 1]` float: 1 where no channel is above 0.98 and not all are below 0.02.
    """
    brightest = tf.reduce_max(image, axis=-1, keepdims=True)
    return tf.cast((brightest <= SATURATED) & (brightest >= BLACK), tf.float32)


def _weighted_mean(values, weight):
    """sum(weight * values) / sum(weight), values `[B, H, W, 1]`; 0 if nothing votes."""
    total = tf.reduce_sum(weight * tf.ones_like(values))
    return tf.math.divide_no_nan(tf.reduce_sum(weight * values), total)


def absolute(prediction, target, weight):
    """L1: the mean of |prediction - target| over channels and voting pixels.

    Args:
      prediction: `[B, H, W, C]`.
      target: `[B, H, W, C]`.
      weight: `[B, H, W, 1]`.
    """
    error = tf.reduce_mean(tf.abs(prediction - target), axis=-1, keepdims=True)
    return _weighted_mean(error, weight)


def encode(linear):
    """sRGB-encodes linear RGB that may pass 1, `[..., 3]`.

    Above 1, where the encoding would clip and give no gradient, it goes on with the slope that it
    has at 1.
    """
    slope = 1.055 / 2.4
    return color.to_srgb(linear) + slope * tf.nn.relu(linear - 1.0)


def photometric(rendered, photo, weight):
    """L1 between a rendered photo and a photo, both sRGB-encoded: |encode(rendered) - photo|.

    Args:
      rendered: `[B, H, W, 3]` linear RGB, at least 0.
      photo: `[B, H, W, 3]` sRGB-encoded.
      weight: `[B, H, W, 1]`.
    """
    return absolute(encode(rendered), photo, weight)


def angle(prediction, target, weight):
    """Mean of 1 - cos(angle) between unit vectors over voting pixels.

    Args:
      prediction: `[B, H, W, 3]` unit.
      target: `[B, H, W, 3]` unit.
      weight: `[B, H, W, 1]`.
    """
    cosine = tf.reduce_sum(prediction * target, axis=-1, keepdims=True)
    return _weighted_mean(1.0 - cosine, weight)


def light(prediction, target, weight):
    """L2 between lights, as what they do to a white ball, relative to the true light.

    sum_lm (a_l (L_lm - L*_lm))² / sum_lm (a_l L*_lm)², mean over the photos whose light is known.
    By Parseval's theorem this is the mean square difference of shading over the sphere, over the
    mean square of the true shading. It does not change with exposure: the coefficients of a light
    that shows dark skin are many times those of one that shows light skin as bright.

    Args:
      prediction: `[B, 9, 3]`.
      target: `[B, 9, 3]`.
      weight: `[B]`.
    """
    attenuation = tf.constant(harmonics.ATTENUATION[:, None], tf.float32)
    error = tf.reduce_sum(tf.square(attenuation * (prediction - target)), axis=[1, 2])
    size = tf.reduce_sum(tf.square(attenuation * target), axis=[1, 2])
    # Unknown lights are zeros: their ratio is 0, not infinite.
    relative = tf.math.divide_no_nan(error, size)
    return tf.math.divide_no_nan(tf.reduce_sum(weight * relative), tf.reduce_sum(weight))


def binary_cross_entropy(prediction, target, weight):
    """Mean of -t log p - (1 - t) log(1 - p) over voting pixels.

    Args:
      prediction: `[B, H, W, 1]` in [0, 1].
      target: `[B, H, W, 1]` in [0, 1].
      weight: `[B, H, W, 1]`.
    """
    # 1e-6: the smallest step below 1 that float32 resolves well; keeps the logarithm finite.
    p = tf.clip_by_value(prediction, 1e-6, 1.0 - 1e-6)
    return _weighted_mean(-target * tf.math.log(p) - (1.0 - target) * tf.math.log(1.0 - p), weight)
