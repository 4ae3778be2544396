"""Processes a large photo in the graph in strips of rows.

In float32 a photo of 24 megapixels takes 290 MB, and relighting needs ten arrays of that size at
once. Strips take a tenth of that, and fit the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from tfrelight.serving import codecs

__all__ = ["enlarged"]

# Pixels per strip: 16 MB for eight float32 channels.
_PIXELS = 2**19


def enlarged(
    pixels: tf.Tensor,
    small: tf.Tensor,
    function: Callable[[tf.Tensor, tf.Tensor], list[tf.Tensor]],
    names: Sequence[str],
    encode: Callable[[tf.Tensor], tf.Tensor] = codecs.encode,
) -> dict[str, tf.Tensor]:
    """Enlarges maps to the size of a photo, strip by strip, and encodes images made from both.

    Args:
      pixels: `[H, W, 3]` uint8, the photo.
      small: `[h, w, C]` float maps. Enlarged like `tf.image.resize`, bilinearly.
      function: takes a strip of the photo, `[rows, W, 3]` uint8, and its enlarged maps,
        `[rows, W, C]`; returns images `[rows, W, 3]`, sRGB-encoded floats in [0, 1].
      names: of the images.
      encode: makes a file, a string scalar, of `[H, W, 3]` uint8.

    Returns:
      files of `[H, W, 3]`, string scalars, by name.
    """
    height, width = tf.unstack(tf.shape(pixels)[:2])
    rows = tf.clip_by_value(_PIXELS // width, 1, height)
    count = (height + rows - 1) // rows
    strips = tf.pad(pixels, [[0, count * rows - height], [0, 0], [0, 0]])
    strips = tf.reshape(strips, [count, rows, width, 3])
    low = tf.shape(small)[0]
    # Columns first, while the maps are low; each strip then interpolates between rows.
    wide = tf.image.resize(small, [low, width])
    scale = tf.cast(low, tf.float32) / tf.cast(height, tf.float32)

    def process(strip_and_number):
        strip, number = strip_and_number
        y = tf.cast(number * rows + tf.range(rows), tf.float32)
        y = tf.clip_by_value((y + 0.5) * scale - 0.5, 0.0, tf.cast(low - 1, tf.float32))
        above = tf.floor(y)
        share = (y - above)[:, None, None]
        above = tf.cast(above, tf.int32)
        below = tf.minimum(above + 1, low - 1)
        large = (1.0 - share) * tf.gather(wide, above) + share * tf.gather(wide, below)
        return [codecs.to_bytes(image) for image in function(strip, large)]

    spec = tf.TensorSpec([None, None, 3], tf.uint8)
    images = codecs.each(process, (strips, tf.range(count)), [spec] * len(names))
    return {
        name: encode(tf.reshape(image, [-1, width, 3])[:height])
        for name, image in zip(names, images)
    }
