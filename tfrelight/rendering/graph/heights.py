"""The surface of a head in the graph: a height above every pixel; see `rendering.height_field`."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from tfrelight.photos import graph_filters
from tfrelight.rendering import height_field

__all__ = ["LitSurface", "integrated"]


@dataclasses.dataclass(frozen=True)
class LitSurface:
    """A surface seen by a distant camera.

    Attributes:
      normals: `[S, S, 3]` unit vectors, x right, y up, z to the camera.
      mask: `[S, S]` in [0, 1], 1 on the surface.
      head: height of the head, pixels.
      relief: `[S, S]`, heights towards the camera, pixels.
    """

    normals: tf.Tensor
    mask: tf.Tensor
    head: tf.Tensor
    relief: tf.Tensor

    @property
    def inside(self) -> tf.Tensor:
        """`[S, S]` bool: on the surface."""
        return self.mask > 0.5

    @property
    def height(self) -> tf.Tensor:
        """`[S, S]`, towards the camera, pixels; `FAR_BELOW` off the mask."""
        return tf.where(self.inside, self.relief, height_field.FAR_BELOW)

    def reduced(self, longest: int | tf.Tensor) -> tuple[LitSurface, tf.Tensor]:
        """The surface in cells of whole pixels, at most `longest` along a side; and their side."""
        step = -(-tf.shape(self.mask)[0] // longest)
        normals = tf.math.l2_normalize(graph_filters.cells(self.normals, step), -1, 1e-12)
        mask = graph_filters.cells(self.mask[..., None], step)[..., 0]
        relief = graph_filters.cells(self.relief[..., None], step)[..., 0]
        share = 1.0 / tf.cast(step, tf.float32)
        return LitSurface(normals, mask, self.head * share, relief * share), step


def integrated(normals: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Heights whose slopes are those of the normals; see `height_field.integrated`.

    Args:
      normals: `[S, S, 3]` unit vectors.
      mask: `[S, S]` in [0, 1].

    Returns:
      `[S, S]`, pixels, of mean 0.
    """
    steep = tf.maximum(normals[..., 2], height_field.STEEPEST)
    across, down = -normals[..., 0] / steep, normals[..., 1] / steep
    weight = tf.maximum(mask, height_field.OFF)
    slopes = (across[:, 1:] + across[:, :-1]) / 2.0, (down[1:] + down[:-1]) / 2.0
    weights = tf.minimum(weight[:, 1:], weight[:, :-1]), tf.minimum(weight[1:], weight[:-1])
    size = tf.cast(tf.shape(mask)[0], tf.float32)
    index = tf.range(size)
    waves = _cosines(index, size)
    eigenvalues = 2.0 - 2.0 * tf.cos(np.pi * index / size)
    eigenvalues = eigenvalues[:, None] + eigenvalues[None]
    # The mean is free.
    inverse = tf.where(eigenvalues > 0.0, 1.0 / tf.maximum(eigenvalues, 1e-9), 0.0)

    def solved(values):
        spectrum = tf.linalg.matmul(tf.linalg.matmul(waves, values), waves, transpose_b=True)
        return tf.linalg.matmul(waves, tf.linalg.matmul(spectrum * inverse, waves), True)

    def applied(height):
        return _divergence(
            weights[0] * (height[:, 1:] - height[:, :-1]), weights[1] * (height[1:] - height[:-1])
        )

    rest = _divergence(weights[0] * slopes[0], weights[1] * slopes[1])
    height = tf.zeros_like(rest)
    step = solved(rest)
    product = tf.reduce_sum(rest * step)
    for _ in range(height_field.STEPS):
        changed = applied(step)
        length = product / tf.maximum(tf.reduce_sum(step * changed), 1e-12)
        # What is solved to the last bit stays.
        length = tf.where(product > 1e-9, length, 0.0)
        height += length * step
        rest -= length * changed
        ahead = solved(rest)
        following = tf.reduce_sum(rest * ahead)
        step = ahead + following / tf.maximum(product, 1e-12) * step
        product = following
    return height


def _cosines(index, size):
    """The orthonormal cosine transform `[S, S]`."""
    scale = tf.where(index > 0.0, tf.sqrt(2.0 / size), tf.sqrt(1.0 / size))
    return scale[:, None] * tf.cos(np.pi / size * index[:, None] * (index + 0.5))


def _divergence(across, down):
    """The transpose of taking differences."""
    return (
        tf.pad(across, [[0, 0], [1, 0]])
        - tf.pad(across, [[0, 0], [0, 1]])
        + tf.pad(down, [[1, 0], [0, 0]])
        - tf.pad(down, [[0, 1], [0, 0]])
    )
