"""JPEG and PNG in the graph: what turns the bytes of photos into pixels and pixels into bytes.

Only standard operations of TensorFlow. Photos of one request may differ in size, so each is handled
on its own; the network sees them all at its size, in one batch.
"""

import numpy as np
import tensorflow as tf

from tfrelight import color

__all__ = ["MAX_PIXELS", "decode", "each", "encode", "to_linear"]

# 25 megapixels: beyond every phone's default, and about 1.2 GB while such a photo is relit.
MAX_PIXELS = 25_000_000

# Photos of a request that are decoded or encoded at a time.
_PARALLEL = 4

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"

# zlib's level 1 takes a seventh of the default's time for files 9 % larger.
_COMPRESSION = 1

_LINEAR = color.to_linear_numpy(np.arange(256) / 255.0)


def decode(data):
    """The pixels of one JPEG or PNG.

    A header may promise any size; it is read before memory for the photo is taken. GIF and BMP are
    refused: their headers are others.

    Args:
      data: string scalar. Grey, palette, CMYK, alpha and 16 bits become 8-bit RGB; the orientation
        that EXIF may ask for is not applied.

    Returns:
      `[H, W, 3]` uint8 sRGB. The op fails with INVALID_ARGUMENT if it is no such file, or one of
      more than `MAX_PIXELS`.
    """
    is_jpeg = tf.equal(tf.strings.substr(data, 0, len(_JPEG)), _JPEG)
    is_png = tf.equal(tf.strings.substr(data, 0, len(_PNG)), _PNG)

    def png_size():
        # Width and height are the first fields of the first chunk, big-endian. Padded: a short
        # file is refused below, not here.
        header = tf.io.decode_raw(tf.strings.substr(data + b"\0" * 24, 16, 8), tf.uint8)
        digits = tf.reshape(tf.cast(header, tf.int64), [2, 4])
        return tf.reduce_sum(digits * np.int64([1 << 24, 1 << 16, 1 << 8, 1]), axis=1)

    def jpeg_size():
        return tf.image.extract_jpeg_shape(data, output_type=tf.int64)[:2]

    def no_size():
        return tf.zeros([2], tf.int64)

    size = tf.cond(is_jpeg, jpeg_size, lambda: tf.cond(is_png, png_size, no_size))
    check = tf.debugging.assert_less_equal(
        tf.reduce_prod(size),
        np.int64(MAX_PIXELS),
        message=f"A photo has more than {MAX_PIXELS} pixels.",
    )
    with tf.control_dependencies([check]):
        # Whatever is neither gets DecodeImage's own words for it.
        known = tf.where(is_jpeg | is_png, data, "neither")
    pixels = tf.io.decode_image(known, channels=3, expand_animations=False)
    return tf.ensure_shape(pixels, [None, None, 3])


def to_linear(pixels):
    """Linear RGB of uint8 sRGB, float32: a look-up, a quarter of the formula's time."""
    return tf.gather(tf.constant(_LINEAR), tf.cast(pixels, tf.int32))


def encode(image):
    """One sRGB image `[H, W, 3]`, float in [0, 1] or clipped to it, as an 8-bit PNG."""
    pixels = tf.cast(tf.round(tf.clip_by_value(image, 0.0, 1.0) * 255.0), tf.uint8)
    return tf.io.encode_png(pixels, compression=_COMPRESSION)


def each(function, inputs, output):
    """`function` of each photo's slice of `inputs`, a few photos at a time.

    Args:
      function: of one slice (of a tuple of them, if `inputs` is a tuple).
      inputs: tensor or tuple of tensors `[N, ...]`.
      output: `tf.TensorSpec` of what the function gives, or a dict of them.

    Returns:
      `[N, ...]`, or a dict of such.
    """
    return tf.map_fn(function, inputs, fn_output_signature=output, parallel_iterations=_PARALLEL)
