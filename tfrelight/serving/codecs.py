"""JPEG and PNG in the graph: what turns the bytes of photos into pixels and pixels into bytes.

Only standard operations of TensorFlow. Photos of one request may differ in size, so each is handled
on its own; the network sees them all at its size, in one batch.
"""

import numpy as np
import tensorflow as tf

from tfrelight import color

__all__ = [
    "MAX_PIXELS",
    "MAX_PIXELS_OF_ALL",
    "checked",
    "decode",
    "each",
    "encode",
    "to_bytes",
    "to_linear",
]

# 25 megapixels: beyond every phone's default. Relighting such a photo takes gigabytes of memory;
# benchmarks/sizing.py measures it.
MAX_PIXELS = 25_000_000

# Photos of a request, or strips of a photo, that are worked on at a time.
_PARALLEL = 4

# As many as are worked on at a time: more take no more memory, but tie up a server for minutes.
MAX_PIXELS_OF_ALL = _PARALLEL * MAX_PIXELS

_JPEG = b"\xff\xd8\xff"
# The signature, and the start of the header, the first chunk of any PNG.
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"

# zlib's level 1 takes a seventh of the default's time for files 9 % larger.
_COMPRESSION = 1

_LINEAR = color.to_linear_numpy(np.arange(256) / 255.0)


def checked(files):
    """`files` as they are, if `decode` may take them; before memory for their pixels is taken.

    A header may promise any size. GIF and BMP are refused, whose headers are others, and so is a
    PNG that does not begin with its header, which no program writes and libpng reads all the same.

    Args:
      files: `[N]` strings.

    Returns:
      `[N]` strings. The op fails with INVALID_ARGUMENT if a photo has more than `MAX_PIXELS`, or
      all together have more than `MAX_PIXELS_OF_ALL`.
    """
    is_jpeg = tf.equal(tf.strings.substr(files, 0, len(_JPEG)), _JPEG)
    is_png = tf.equal(tf.strings.substr(files, 0, len(_PNG)), _PNG)

    def png_pixels(data):
        # Big-endian width and height. Padded: a short file is refused by `decode`, not here.
        header = tf.io.decode_raw(tf.strings.substr(data + b"\0" * 8, len(_PNG), 8), tf.uint8)
        digits = tf.reshape(tf.cast(header, tf.int64), [2, 4])
        size = tf.reduce_sum(digits * np.int64([1 << 24, 1 << 16, 1 << 8, 1]), axis=1)
        # Each has 32 bits, and their product might not have 64.
        return tf.reduce_prod(tf.minimum(size, MAX_PIXELS + 1))

    def jpeg_pixels(data):
        return tf.reduce_prod(tf.image.extract_jpeg_shape(data, output_type=tf.int64)[:2])

    def pixels(file):
        data, jpeg, png = file
        return tf.cond(
            jpeg,
            lambda: jpeg_pixels(data),
            lambda: tf.cond(png, lambda: png_pixels(data), lambda: tf.zeros([], tf.int64)),
        )

    counts = each(pixels, (files, is_jpeg, is_png), tf.TensorSpec([], tf.int64))
    checks = [
        tf.debugging.assert_less_equal(found, np.int64(most), f"{whose} more than {most} pixels.")
        for found, most, whose in (
            (counts, MAX_PIXELS, "A photo has"),
            (tf.reduce_sum(counts), MAX_PIXELS_OF_ALL, "The photos of a request have"),
        )
    ]
    with tf.control_dependencies(checks):
        # Whatever is neither gets DecodeImage's own words for it.
        return tf.where(is_jpeg | is_png, files, "neither")


def decode(data):
    """The pixels of one JPEG or PNG.

    Args:
      data: string scalar, of `checked`. Grey, palette, CMYK, alpha and 16 bits become 8-bit RGB;
        the orientation that EXIF may ask for is not applied.

    Returns:
      `[H, W, 3]` uint8 sRGB. The op fails with INVALID_ARGUMENT if it is no such file.
    """
    pixels = tf.io.decode_image(data, channels=3, expand_animations=False)
    return tf.ensure_shape(pixels, [None, None, 3])


def to_linear(pixels):
    """Linear RGB of uint8 sRGB, float32: a look-up, a quarter of the formula's time."""
    return tf.gather(tf.constant(_LINEAR), tf.cast(pixels, tf.int32))


def to_bytes(image):
    """Floats in [0, 1], or clipped to it, as uint8."""
    return tf.cast(tf.round(tf.clip_by_value(image, 0.0, 1.0) * 255.0), tf.uint8)


def encode(pixels):
    """One image `[H, W, 3]`, uint8, as a PNG."""
    return tf.io.encode_png(pixels, compression=_COMPRESSION)


def each(function, inputs, output):
    """`function` of each slice of `inputs`, a few at a time.

    Args:
      function: of one slice (of a tuple of them, if `inputs` is a tuple).
      inputs: tensor or tuple of tensors `[N, ...]`.
      output: `tf.TensorSpec` of what the function gives, or a list or dict of them.

    Returns:
      `[N, ...]`, or a list or dict of such.
    """
    return tf.map_fn(function, inputs, fn_output_signature=output, parallel_iterations=_PARALLEL)
