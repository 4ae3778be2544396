"""The losses of training: small pure functions that return a scalar.

Photos and albedo are compared sRGB-encoded, which is close to perceived lightness: an error in dark
skin counts as much as one in light skin. Everything is float32.

Arguments `weight` are pixel weights `[B, H, W, 1]`, at least 0. A mean over weights that are all 0
is 0. A batch of pairs is `[2 B, ...]`: all first photos, then all second ones.
"""

from __future__ import annotations

import tensorflow as tf

from tfrelight import color, harmonics, shading
from tfrelight.data.portrait import BLACK, SATURATED

__all__ = [
    "NAMES",
    "absolute",
    "albedo_consistency",
    "angle",
    "binary_cross_entropy",
    "cross_entropy",
    "cross_relighting",
    "encode",
    "light",
    "normals_consistency",
    "photometric",
    "reconstruction",
    "swap",
    "vote",
]

# The named losses of training. Flags (`--NAME_weight`) and logs use these names.
NAMES = (
    "reconstruction",
    "albedo",
    "normals",
    "light",
    "mask",
    "parts",
    "cross_relighting",
    "albedo_consistency",
    "normals_consistency",
)


def swap(batch: tf.Tensor) -> tf.Tensor:
    """Exchanges the two photos of each pair in a batch of pairs, `[2 B, ...]`."""
    first, second = tf.split(batch, 2)
    return tf.concat([second, first], axis=0)


def vote(image: tf.Tensor) -> tf.Tensor:
    """Weights of the pixels that show albedo x shading: neither saturated nor black.

    Args:
      image: `[B, H, W, 3]` sRGB-encoded, in [0, 1].

    Returns:
      `[B, H, W, 1]` float: 1 where no channel is above 0.98 and not all are below 0.02.
    """
    brightest = tf.reduce_max(image, axis=-1, keepdims=True)
    return tf.cast((brightest <= SATURATED) & (brightest >= BLACK), tf.float32)


def _weighted_mean(values, weight):
    """sum(weight * values) / sum(weight), values `[B, H, W, 1]`; 0 if all weights are 0."""
    total = tf.reduce_sum(weight * tf.ones_like(values))
    return tf.math.divide_no_nan(tf.reduce_sum(weight * values), total)


def absolute(prediction: tf.Tensor, target: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """L1: the weighted mean of |prediction - target| over pixels and channels.

    Args:
      prediction: `[B, H, W, C]`.
      target: `[B, H, W, C]`.
      weight: `[B, H, W, 1]`.
    """
    error = tf.reduce_mean(tf.abs(prediction - target), axis=-1, keepdims=True)
    return _weighted_mean(error, weight)


def encode(linear: tf.Tensor) -> tf.Tensor:
    """sRGB-encodes linear RGB `[..., 3]`, at least 0, that may exceed 1.

    Above 1 the encoding continues along its tangent at 1. Clipping would leave no gradient there.
    """
    slope = 1.055 / 2.4
    return color.to_srgb(linear) + slope * tf.nn.relu(linear - 1.0)


def photometric(rendered: tf.Tensor, photo: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """L1 between a rendered photo and a photo, both sRGB-encoded: |encode(rendered) - photo|.

    Args:
      rendered: `[B, H, W, 3]` linear RGB, at least 0.
      photo: `[B, H, W, 3]` sRGB-encoded.
      weight: `[B, H, W, 1]`.
    """
    return absolute(encode(rendered), photo, weight)


def reconstruction(
    albedo: tf.Tensor, normals: tf.Tensor, light: tf.Tensor, photo: tf.Tensor, weight: tf.Tensor
) -> tf.Tensor:
    """Each photo rendered under its own light: |encode(A S(N, L)) - I|.

    Args:
      albedo: A, `[B, H, W, 3]` linear RGB.
      normals: N, `[B, H, W, 3]` unit.
      light: L, `[B, 9, 3]`.
      photo: I, `[B, H, W, 3]` sRGB-encoded.
      weight: `[B, H, W, 1]`.
    """
    return photometric(shading.render(albedo, normals, light), photo, weight)


def cross_relighting(
    albedo: tf.Tensor, normals: tf.Tensor, light: tf.Tensor, photo: tf.Tensor, weight: tf.Tensor
) -> tf.Tensor:
    """Each photo rendered under its partner's light: |encode(A_1 S(N_1, L_2)) - I_2|, and 2 -> 1.

    The two photos of a pair show the same surface, so the albedo and normals of one photo under the
    light of the other must give the other photo (Zehni et al., "Joint Learning of Portrait
    Intrinsic Decomposition and Relighting", 2021, arXiv 2106.15305). It needs no labels.

    Args:
      albedo: A, `[2 B, H, W, 3]` linear RGB; all arguments are batches of pairs.
      normals: N, `[2 B, H, W, 3]` unit.
      light: L, `[2 B, 9, 3]`.
      photo: I, `[2 B, H, W, 3]` sRGB-encoded.
      weight: `[2 B, H, W, 1]`, of the target's pixels: the first B weight the second photos. 0 for
        single photos.
    """
    return photometric(shading.render(albedo, normals, swap(light)), swap(photo), weight)


def albedo_consistency(albedo: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """L1 between the albedos of a pair, sRGB-encoded: |encode(A_1) - encode(A_2)|.

    Args:
      albedo: `[2 B, H, W, 3]` linear RGB, a batch of pairs.
      weight: `[2 B, H, W, 1]`, 0 for single photos.
    """
    encoded = encode(albedo)
    return absolute(encoded, swap(encoded), weight)


def normals_consistency(normals: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Angle between the normals of a pair: 1 - N_1 . N_2.

    Args:
      normals: `[2 B, H, W, 3]` unit, a batch of pairs.
      weight: `[2 B, H, W, 1]`, 0 for single photos.
    """
    return angle(normals, swap(normals), weight)


def angle(prediction: tf.Tensor, target: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Weighted mean over pixels of 1 - cos(angle) between unit vectors.

    Args:
      prediction: `[B, H, W, 3]` unit.
      target: `[B, H, W, 3]` unit.
      weight: `[B, H, W, 1]`.
    """
    cosine = tf.reduce_sum(prediction * target, axis=-1, keepdims=True)
    return _weighted_mean(1.0 - cosine, weight)


def light(prediction: tf.Tensor, target: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Relative squared error of the shading of a white ball, averaged over photos.

    sum_lm (a_l (L_lm - L*_lm))² / sum_lm (a_l L*_lm)² with the true light L*: by Parseval's theorem
    the mean squared error of shading over the sphere, divided by the mean square of the true
    shading. The division makes exposures comparable: a photo of dark skin needs coefficients many
    times as large as an equally bright photo of light skin.

    Args:
      prediction: L, `[B, 9, 3]`.
      target: L*, `[B, 9, 3]`.
      weight: `[B]`, 0 if the true light is unknown.
    """
    attenuation = tf.constant(harmonics.ATTENUATION[:, None], tf.float32)
    error = tf.reduce_sum(tf.square(attenuation * (prediction - target)), axis=[1, 2])
    size = tf.reduce_sum(tf.square(attenuation * target), axis=[1, 2])
    # Unknown lights are all zeros; their ratio must be 0, not infinite.
    relative = tf.math.divide_no_nan(error, size)
    return tf.math.divide_no_nan(tf.reduce_sum(weight * relative), tf.reduce_sum(weight))


def binary_cross_entropy(prediction: tf.Tensor, target: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Weighted mean over pixels of -t log p - (1 - t) log(1 - p).

    Args:
      prediction: `[B, H, W, 1]` in [0, 1].
      target: `[B, H, W, 1]` in [0, 1].
      weight: `[B, H, W, 1]`.
    """
    # 1e-6 keeps the logarithms finite; float32 resolves 1 - 1e-6 well.
    p = tf.clip_by_value(prediction, 1e-6, 1.0 - 1e-6)
    return _weighted_mean(-target * tf.math.log(p) - (1.0 - target) * tf.math.log(1.0 - p), weight)


def cross_entropy(prediction: tf.Tensor, target: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Weighted mean over pixels of -log p_t, with the probability p_t of the true class.

    Args:
      prediction: `[B, H, W, C]` probabilities of C classes, which add up to 1.
      target: `[B, H, W, 1]` the true class, integers below C.
      weight: `[B, H, W, 1]`.
    """
    chosen = tf.one_hot(tf.cast(target[..., 0], tf.int32), prediction.shape[-1])
    # 1e-6: as in `binary_cross_entropy`.
    p = tf.maximum(tf.reduce_sum(chosen * prediction, axis=-1, keepdims=True), 1e-6)
    return _weighted_mean(-tf.math.log(p), weight)
