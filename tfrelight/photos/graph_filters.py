"""The filters of `photos.filters` in TensorFlow, for the graphs that are served.

A photo's maps have any side S, which the graph does not know beforehand. Filters along an axis are
therefore products with `[S, S]` matrices, which take the border into account.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfrelight.photos import filters

__all__ = [
    "box",
    "cells",
    "cut",
    "dilated",
    "eroded",
    "gaussian",
    "largest",
    "luminance",
    "percentile",
    "ramp",
    "repeated",
    "smallest",
]

from tfrelight import color


def luminance(image: tf.Tensor) -> tf.Tensor:
    """Luminance (BT.709) of linear RGB, `[..., 3]` to `[...]`."""
    return color.luminance(image)[..., 0]


def largest(image: tf.Tensor) -> tf.Tensor:
    """The largest channel of `[..., C]`, `[...]`."""
    return tf.reduce_max(image, -1)


def smallest(image: tf.Tensor) -> tf.Tensor:
    """The smallest channel of `[..., C]`, `[...]`."""
    return tf.reduce_min(image, -1)


def ramp(values: tf.Tensor, start: float | tf.Tensor, end: float | tf.Tensor) -> tf.Tensor:
    """0 up to `start` and 1 from `end` on, 3 t² - 2 t³ between; see `photos.blending.ramp`."""
    t = tf.clip_by_value((values - start) / (end - start), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def percentile(values: tf.Tensor, where: tf.Tensor, share: float) -> tf.Tensor:
    """The percentile of the values of some pixels, as numpy interpolates it.

    Args:
      values: `[...]` float32.
      where: `[...]` bool.
      share: of the values, percent.

    Returns:
      A number; 0 if there is no such pixel.
    """
    ordered = tf.sort(tf.boolean_mask(values, where))
    count = tf.size(ordered)
    ordered = tf.concat([ordered, [0.0]], 0)
    place = tf.cast(tf.maximum(count - 1, 0), tf.float32) * (share / 100.0)
    low = tf.cast(place, tf.int32)
    high = tf.minimum(low + 1, tf.maximum(count - 1, 0))
    before, after = tf.gather(ordered, low), tf.gather(ordered, high)
    return before + (after - before) * (place - tf.cast(low, tf.float32))


def gaussian(values: tf.Tensor, sigma: float | tf.Tensor) -> tf.Tensor:
    """Averages with the weights of a Gaussian; the border is "symmetric".

    Args:
      values: `[S, S]` or `[S, S, C]` float32.
      sigma: standard deviation, pixels, below S / 4.
    """
    size = tf.shape(values)[0]
    reach = tf.floor(filters.REACH * sigma + 0.5)
    steps = tf.cast(tf.range(-size, size + 1), tf.float32)
    index = tf.range(size)
    row, column = index[:, None], index[None]

    def weights(distance):
        distance = tf.cast(distance, tf.float32)
        found = tf.exp(-0.5 * tf.square(distance / tf.maximum(sigma, 1e-6)))
        return tf.where(tf.abs(distance) <= reach, found, 0.0)

    total = tf.reduce_sum(weights(steps))
    matrix = weights(row - column) + weights(row + column + 1)
    matrix += weights(2 * size - 1 - row - column)
    return _product(values, matrix / total)


def box(
    values: tf.Tensor, side: int | tf.Tensor, mode: filters.Border = "symmetric", times: int = 1
) -> tf.Tensor:
    """Averages over squares.

    Args:
      values: `[S, S]` or `[S, S, C]` float32.
      side: of the square, at most S; of an even one the larger half lies before the middle.
      mode: of the border, "symmetric" or "edge".
      times: how often.
    """
    size = tf.shape(values)[0]
    before, after = side // 2, (side - 1) // 2
    index = tf.range(size)
    row, column = index[:, None], index[None]

    def inside(place):
        return tf.cast((place >= row - before) & (place <= row + after), tf.float32)

    matrix = inside(column)
    if mode == "edge":
        low = tf.cast(tf.maximum(before - index, 0), tf.float32)
        high = tf.cast(tf.maximum(index + after - size + 1, 0), tf.float32)
        matrix += low[:, None] * tf.cast(column == 0, tf.float32)
        matrix += high[:, None] * tf.cast(column == size - 1, tf.float32)
    else:
        matrix += inside(-1 - column) + inside(2 * size - 1 - column)
    matrix /= tf.cast(side, tf.float32)
    power = matrix
    for _ in range(times - 1):
        power = tf.linalg.matmul(power, matrix)
    return _product(values, power)


def _product(values, matrix):
    """A filter, a matrix `[S, S]`, along rows and columns."""
    if values.shape.rank == 2:
        product = tf.linalg.matmul(matrix, values)
        return tf.linalg.matmul(product, matrix, transpose_b=True)
    planes = tf.linalg.matmul(matrix, tf.transpose(values, [2, 0, 1]))
    return tf.transpose(tf.linalg.matmul(planes, matrix, transpose_b=True), [1, 2, 0])


def repeated(values: tf.Tensor, before: int, after: int | tf.Tensor) -> tf.Tensor:
    """Repeats the border of `[S, S, ...]`, some pixels before and after both axes."""
    size = tf.shape(values)[0]
    index = tf.clip_by_value(tf.range(-before, size + after), 0, size - 1)
    return tf.gather(tf.gather(values, index, axis=0), index, axis=1)


def cells(values: tf.Tensor, step: int | tf.Tensor) -> tf.Tensor:
    """Means `[n, n, C]` of cells of `step` x `step` pixels of `[S, S, C]`, n = S / step, upwards.

    The border is repeated.
    """
    size = tf.shape(values)[0]
    count = -(-size // step)
    values = repeated(values, 0, count * step - size)
    values = tf.reshape(values, [count, step, count, step, values.shape[-1]])
    return tf.reduce_mean(values, [1, 3])


def cut(photos: tf.Tensor, size: int | tf.Tensor) -> tf.Tensor:
    """Whole photos as squares, antialiased, as `faces.framing.Window.cut` does.

    Args:
      photos: `[N, H, W, 3]`, floats in [0, 1] or uint8.
      size: height and width of the result.

    Returns:
      `[N, size, size, 3]` float32 in [0, 1].
    """
    # Twice the size, averaged.
    height, width = tf.unstack(tf.shape(photos)[1:3])
    double = [2 * size, 2 * size]
    twice = tf.cond(
        tf.maximum(height, width) > 2 * size,
        lambda: tf.image.resize(photos, double, "area"),
        lambda: tf.image.resize(photos, double, "bicubic"),
    )
    mean = tf.nn.avg_pool2d(tf.ensure_shape(twice, [None, None, None, 3]), 2, 2, "VALID")
    scale = 1.0 if photos.dtype.is_floating else 1.0 / 255.0
    return tf.clip_by_value(mean * scale, 0.0, 1.0)


def dilated(values: tf.Tensor, footprint: np.ndarray) -> tf.Tensor:
    """The largest value around each pixel.

    Args:
      values: `[S, S]`, repeated at the border.
      footprint: `[2 R + 1, 2 R + 1]` bool: the pixels around, symmetric about the middle.
    """
    reach = len(footprint) // 2
    # Added to what is outside the footprint.
    lowered = np.where(footprint, 0.0, -1e9).astype(np.float32)[..., None]
    padded = repeated(values, reach, reach)[None, ..., None]
    found = tf.nn.dilation2d(padded, lowered, [1] * 4, "VALID", "NHWC", [1] * 4)
    return found[0, ..., 0]


def eroded(values: tf.Tensor, footprint: np.ndarray) -> tf.Tensor:
    """The smallest value around each pixel; see `dilated`."""
    return -dilated(-values, footprint)


def guided(
    guide: tf.Tensor, maps: tf.Tensor, radius: tf.Tensor, epsilon: float | tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Slope and offset of maps as linear functions of a guide; see `faces.guided_filter`.

    Args:
      guide: `[S, S]`.
      maps: `[S, S, C]`.
      radius: of the windows, pixels.
      epsilon: variance of the guide below which it counts as flat; a number or `[S, S, 1]`.

    Returns:
      slope and offset, both `[S, S, C]`.
    """
    guide = guide[..., None]
    side, channels = 2 * radius + 1, maps.shape[-1]
    together = tf.concat([guide, guide * guide, maps, guide * maps], -1)
    mean, square, mean_maps, products = tf.split(
        box(together, side, "edge"), [1, 1, channels, channels], -1
    )
    slope = (products - mean * mean_maps) / (tf.maximum(square - mean * mean, 0.0) + epsilon)
    both = box(tf.concat([slope, mean_maps - slope * mean], -1), side, "edge")
    return both[..., :channels], both[..., channels:]
