"""Work on a large photo in the graph, a strip of rows at a time.

A photo of 24 megapixels has 290 MB in float32, and relighting makes ten of it at once. In strips it
takes a tenth of that, and stays in the processor's cache.
"""

import tensorflow as tf

from tfrelight.serving import codecs

__all__ = ["enlarged"]

# Pixels of a strip: 16 MB for eight float32 channels.
_PIXELS = 2**19


def enlarged(pixels, small, function, names):
    """Maps at the network's size, enlarged to a photo's and made into images.

    Args:
      pixels: `[H, W, 3]` uint8, the photo.
      small: `[h, w, C]` float; h is known. Enlarged as `tf.image.resize` does.
      function: of a strip of the photo, `[rows, W, 3]`, and the enlarged maps for it,
        `[rows, W, C]`, to a list of images `[rows, W, 3]`: sRGB floats in [0, 1].
      names: of the images.

    Returns:
      dict of name to a scalar, the image `[H, W, 3]` as a PNG's bytes.
    """
    height, width = tf.unstack(tf.shape(pixels)[:2])
    rows = tf.clip_by_value(_PIXELS // width, 1, height)
    count = (height + rows - 1) // rows
    strips = tf.pad(pixels, [[0, count * rows - height], [0, 0], [0, 0]])
    strips = tf.reshape(strips, [count, rows, width, 3])
    # Columns first, which is little work at the maps' height; each strip then mixes two rows.
    wide = tf.image.resize(small, [small.shape[0], width])
    scale = small.shape[0] / tf.cast(height, tf.float32)

    def one(strip_and_number):
        strip, number = strip_and_number
        y = tf.cast(number * rows + tf.range(rows), tf.float32)
        y = tf.clip_by_value((y + 0.5) * scale - 0.5, 0.0, small.shape[0] - 1.0)
        above = tf.floor(y)
        share = (y - above)[:, None, None]
        above = tf.cast(above, tf.int32)
        below = tf.minimum(above + 1, small.shape[0] - 1)
        large = (1.0 - share) * tf.gather(wide, above) + share * tf.gather(wide, below)
        return [codecs.to_bytes(image) for image in function(strip, large)]

    spec = tf.TensorSpec([None, None, 3], tf.uint8)
    images = codecs.each(one, (strips, tf.range(count)), [spec] * len(names))
    return {
        name: codecs.encode(tf.reshape(image, [-1, width, 3])[:height])
        for name, image in zip(names, images)
    }
