"""sRGB to linear RGB and back, from tensorflow-graphics.

Images at public boundaries are sRGB-encoded; physics (albedo x shading, averages) is linear.
The numpy functions do without TensorFlow, which the others import when they are called.
"""

import functools

import numpy as np

__all__ = ["LUMINANCE", "luminance", "to_linear", "to_linear_numpy", "to_srgb", "to_srgb_numpy"]

# Rec. 709 luminance of linear RGB.
LUMINANCE = (0.2126, 0.7152, 0.0722)


def to_linear(image):
    """Decodes sRGB.

    Args:
      image: `[..., 3]` float, sRGB-encoded RGB in [0, 1].

    Returns:
      `[..., 3]` linear RGB in [0, 1].
    """
    from tensorflow_graphics.image.color_space import linear_rgb

    return linear_rgb.from_srgb(image)


def to_srgb(image):
    """Encodes linear RGB as sRGB; values are clipped to [0, 1] first, as a file would.

    Args:
      image: `[..., 3]` float, linear RGB.

    Returns:
      `[..., 3]` sRGB-encoded RGB in [0, 1]. The gradient is finite everywhere; it is zero where
      the value was clipped.
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
            # d/dx (1.055 x^(1/2.4) - 0.055) = (encoded + 0.055) / (2.4 x): no second power, which
            # is what makes this a third of the losses' time less than differentiating the
            # library's op.
            curve = (encoded + 0.055) / (2.4 * tf.maximum(linear, 0.0031308))
            slope = tf.where(linear <= 0.0031308, 12.92, curve)
            return tf.where((image >= 0.0) & (image <= 1.0), upstream * slope, 0.0)

        return encoded, gradient

    return encode


def luminance(image):
    """Luminance (Rec. 709) of linear RGB, `[..., 3]` to `[..., 1]`."""
    import tensorflow as tf

    return tf.reduce_sum(image * tf.constant(LUMINANCE, image.dtype), axis=-1, keepdims=True)


def to_linear_numpy(image):
    """`to_linear` for numpy arrays of any shape (the same formula, IEC 61966-2-1)."""
    image = np.asarray(image, np.float32)
    return np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def to_srgb_numpy(image):
    """`to_srgb` for numpy arrays of any shape; clips to [0, 1]."""
    image = np.clip(np.asarray(image, np.float32), 0.0, 1.0)
    return np.where(image <= 0.0031308, image * 12.92, 1.055 * image ** (1.0 / 2.4) - 0.055).astype(
        np.float32
    )
