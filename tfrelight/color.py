"""sRGB to linear RGB and back (IEC 61966-2-1), in TensorFlow and in numpy.

Images at public boundaries are sRGB-encoded; physics (albedo x shading, averages) is linear.
The `_numpy` functions need no TensorFlow; the others import it when you call them.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf
    from numpy.typing import ArrayLike

__all__ = [
    "LUMINANCE",
    "largest",
    "luminance",
    "luminance_numpy",
    "smallest",
    "to_linear",
    "to_linear_numpy",
    "to_srgb",
    "to_srgb_numpy",
]

# Weights of R, G and B in the luminance of linear RGB (ITU-R BT.709).
LUMINANCE = (0.2126, 0.7152, 0.0722)


def to_linear(image: tf.Tensor | ArrayLike) -> tf.Tensor:
    """Decodes sRGB, with tensorflow-graphics.

    Args:
      image: `[..., 3]` float, sRGB-encoded RGB in [0, 1].

    Returns:
      `[..., 3]` linear RGB in [0, 1].
    """
    from tensorflow_graphics.image.color_space import linear_rgb

    return linear_rgb.from_srgb(image)


def to_srgb(image: tf.Tensor) -> tf.Tensor:
    """Encodes linear RGB as sRGB, with tensorflow-graphics; clips to [0, 1] first, as files do.

    Args:
      image: `[..., 3]` float, linear RGB.

    Returns:
      `[..., 3]` sRGB-encoded RGB in [0, 1]. The gradient is finite everywhere, and zero where the
      value was clipped.
    """
    return _encoder()(image)


@functools.lru_cache(maxsize=1)
def _encoder():
    import tensorflow as tf
    from tensorflow_graphics.image.color_space import srgb

    @tf.custom_gradient
    def encode(image):
        linear = tf.clip_by_value(image, 0.0, 1.0)
        encoded = srgb.from_linear_rgb(linear)

        def gradient(upstream):
            # d/dx (1.055 x^(1/2.4) - 0.055) = (encoded + 0.055) / (2.4 x) needs no second power.
            # Differentiating the library's op instead costs a third of the losses' time.
            curve = (encoded + 0.055) / (2.4 * tf.maximum(linear, 0.0031308))
            slope = tf.where(linear <= 0.0031308, 12.92, curve)
            return tf.where((image >= 0.0) & (image <= 1.0), upstream * slope, 0.0)

        return encoded, gradient

    return encode


def luminance(image: tf.Tensor) -> tf.Tensor:
    """Luminance (BT.709) of linear RGB, `[..., 3]` to `[..., 1]`."""
    import tensorflow as tf

    return tf.reduce_sum(image * tf.constant(LUMINANCE, image.dtype), axis=-1, keepdims=True)


def luminance_numpy(image: np.ndarray) -> np.ndarray:
    """Luminance (BT.709) of linear RGB, `[..., 3]` to `[...]` without the last axis."""
    return image @ np.array(LUMINANCE, np.float32)


def largest(image: np.ndarray) -> np.ndarray:
    """The largest channel of `[..., 3]`, `[...]`; `max` is slow on so short an axis."""
    return np.maximum(np.maximum(image[..., 0], image[..., 1]), image[..., 2])


def middle(image: np.ndarray) -> np.ndarray:
    """The channel of `[..., 3]` between the others, `[...]`; see `largest`."""
    return image[..., 0] + image[..., 1] + image[..., 2] - largest(image) - smallest(image)


def smallest(image: np.ndarray) -> np.ndarray:
    """The smallest channel of `[..., 3]`, `[...]`; see `largest`."""
    return np.minimum(np.minimum(image[..., 0], image[..., 1]), image[..., 2])


def to_linear_numpy(image: ArrayLike) -> np.ndarray:
    """`to_linear` in numpy, for arrays of any shape; float32."""
    image = np.asarray(image, np.float32)
    return np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def to_srgb_numpy(image: ArrayLike) -> np.ndarray:
    """`to_srgb` in numpy, for arrays of any shape; float32."""
    image = np.clip(np.asarray(image, np.float32), 0.0, 1.0)
    return np.where(image <= 0.0031308, image * 12.92, 1.055 * image ** (1.0 / 2.4) - 0.055).astype(
        np.float32
    )
