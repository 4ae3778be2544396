"""Decodes and encodes JPEG and PNG files in the graph, with standard operations only.

Photos of one request may differ in size, so each is decoded on its own. The network sees all of
them in one batch, at its own size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
    "encode_jpeg",
    "to_bytes",
    "to_linear",
]

# 25 megapixels: more than any phone takes by default. Relighting a photo of that size needs
# gigabytes of memory; benchmarks/sizing.py measures it.
MAX_PIXELS = 25_000_000

# Photos of a request, or strips of a photo, processed at a time.
_PARALLEL = 4

# As many photos as are processed at a time. More would not need more memory, but would occupy a
# server for minutes.
MAX_PIXELS_OF_ALL = _PARALLEL * MAX_PIXELS

_JPEG = b"\xff\xd8\xff"
# The signature, and the length and type of the header, the first chunk of any PNG.
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"

# zlib's level 1 takes a seventh of the default's time; files are 9 % larger.
_COMPRESSION = 1

# Of JPEG files: a fifth of the time of a PNG, and at most a few levels off.
_QUALITY = 95

_LINEAR = color.to_linear_numpy(np.arange(256) / 255.0)


def checked(files: tf.Tensor) -> tf.Tensor:
    """Checks the sizes of photos before memory for their pixels is allocated.

    A header may declare any size. Only JPEG and PNG headers are read, so GIF and BMP files are
    refused. A PNG that does not begin with its header is refused as well: libpng reads it, but no
    program writes it.

    Args:
      files: `[N]` strings.

    Returns:
      `[N]` strings: the files, with those to refuse replaced by bytes that `decode` refuses. The op
      fails with INVALID_ARGUMENT if a photo has more than `MAX_PIXELS` pixels, or all together have
      more than `MAX_PIXELS_OF_ALL`.
    """
    is_jpeg = tf.equal(tf.strings.substr(files, 0, len(_JPEG)), _JPEG)
    is_png = tf.equal(tf.strings.substr(files, 0, len(_PNG)), _PNG)

    def png_pixels(data):
        # Big-endian width and height. Padded, so that short files are left to `decode` to refuse.
        header = tf.io.decode_raw(tf.strings.substr(data + b"\0" * 8, len(_PNG), 8), tf.uint8)
        digits = tf.reshape(tf.cast(header, tf.int64), [2, 4])
        size = tf.reduce_sum(digits * np.int64([1 << 24, 1 << 16, 1 << 8, 1]), axis=1)
        # Clipped, because the product of two 32-bit numbers overflows a signed 64-bit one.
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
        tf.debugging.assert_less_equal(found, np.int64(most), f"{subject} more than {most} pixels.")
        for found, most, subject in (
            (counts, MAX_PIXELS, "A photo has"),
            (tf.reduce_sum(counts), MAX_PIXELS_OF_ALL, "The photos of a request have"),
        )
    ]
    with tf.control_dependencies(checks):
        # For other files, so that DecodeImage fails with its own message.
        return tf.where(is_jpeg | is_png, files, "neither")


def decode(data: tf.Tensor) -> tf.Tensor:
    """Decodes one JPEG or PNG file.

    Grey, palette, CMYK, alpha and 16-bit pixels become 8-bit RGB. EXIF orientation is not applied.

    Args:
      data: string scalar from `checked`.

    Returns:
      `[H, W, 3]` uint8, sRGB-encoded. The op fails with INVALID_ARGUMENT for any other file.
    """
    pixels = tf.io.decode_image(data, channels=3, expand_animations=False)
    return tf.ensure_shape(pixels, [None, None, 3])


def to_linear(pixels: tf.Tensor) -> tf.Tensor:
    """Decodes sRGB by a look-up table, in a quarter of the formula's time.

    Args:
      pixels: `[..., 3]` uint8, sRGB-encoded.

    Returns:
      `[..., 3]` float32 linear RGB in [0, 1].
    """
    return tf.gather(tf.constant(_LINEAR), tf.cast(pixels, tf.int32))


def to_bytes(image: tf.Tensor) -> tf.Tensor:
    """Rounds floats, clipped to [0, 1], to uint8."""
    return tf.cast(tf.round(tf.clip_by_value(image, 0.0, 1.0) * 255.0), tf.uint8)


def encode(pixels: tf.Tensor) -> tf.Tensor:
    """Encodes one image, `[H, W, 3]` uint8, as a PNG file, a string scalar."""
    return tf.io.encode_png(pixels, compression=_COMPRESSION)


def encode_jpeg(pixels: tf.Tensor) -> tf.Tensor:
    """Encodes one image, `[H, W, 3]` uint8, as a JPEG file, a string scalar."""
    return tf.io.encode_jpeg(pixels, quality=_QUALITY, chroma_downsampling=False)


def each(
    function: Callable[[Any], Any], inputs: tf.Tensor | tuple[tf.Tensor, ...], output: Any
) -> Any:
    """Applies a function to each slice of tensors, a few at a time.

    Args:
      function: takes one slice, or a tuple of slices if `inputs` is a tuple.
      inputs: tensor or tuple of tensors `[N, ...]`.
      output: `tf.TensorSpec` of the function's result, or a list or dict of them.

    Returns:
      the results, stacked to `[N, ...]`, in the structure of `output`.
    """
    return tf.map_fn(function, inputs, fn_output_signature=output, parallel_iterations=_PARALLEL)
