"""Layers that the networks share. They run on Keras 2.15 and on Keras 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

__all__ = [
    "DepthToSpace",
    "Foreground",
    "Gain",
    "Resize",
    "Smooth",
    "SpaceToDepth",
    "UnitNormals",
    "heads",
]


@keras.saving.register_keras_serializable("tfrelight")
class Gain(keras.layers.Layer):
    """Multiplies its input by one learnt scalar, which starts at 0.

    At the end of a residual branch it makes the block start as the identity, so that a network
    without normalisation trains (SkipInit: De and Smith, "Batch Normalization Biases Residual
    Blocks Towards the Identity Function in Deep Networks", 2020).
    """

    def build(self, input_shape: Any) -> None:
        """See `keras.layers.Layer`."""
        self.gain = self.add_weight(name="gain", shape=(), initializer="zeros", trainable=True)
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Multiplies `inputs`, of any shape, by the gain."""
        return inputs * tf.cast(self.gain, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """See `keras.layers.Layer`."""
        return input_shape


@keras.saving.register_keras_serializable("tfrelight")
class SpaceToDepth(keras.layers.Layer):
    """Turns each block of 2x2 pixels into one pixel with four times the channels."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """`[B, 2H, 2W, C]` to `[B, H, W, 4C]`."""
        return tf.nn.space_to_depth(inputs, 2)


@keras.saving.register_keras_serializable("tfrelight")
class DepthToSpace(keras.layers.Layer):
    """The inverse of `SpaceToDepth`: twice the height and width, a quarter of the channels."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """`[B, H, W, 4C]` to `[B, 2H, 2W, C]`."""
        return tf.nn.depth_to_space(inputs, 2)


@keras.saving.register_keras_serializable("tfrelight")
class Smooth(keras.layers.Layer):
    """Filters maps along rows and columns with (1, 2, 1) / 4, which removes every 2-pixel pattern.

    Each pixel of a block from `DepthToSpace` comes from filters of its own, which disagree on faces
    unlike those of training: stripes and a weave two pixels wide. A fixed filter that is zero at
    that frequency is the remedy of Sugawara, Shiota and Kiya, "Super-Resolution Using Convolutional
    Neural Networks Without Any Checkerboard Artifacts", 2018. Border pixels are repeated.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """`[B, H, W, C]` of any float type, to the same."""
        return _symmetric(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """See `keras.layers.Layer`."""
        return input_shape


@tf.custom_gradient
def _symmetric(maps):
    # The matrix of the filter is symmetric, border included, so that the gradient is filtered as
    # the maps are. The gradients of slices would be many times as many operations.
    return _filtered(maps), _filtered


def _filtered(x):
    padded = tf.concat([x[:, :1], x, x[:, -1:]], axis=1)
    x = 0.25 * (padded[:, :-2] + padded[:, 2:]) + 0.5 * x
    padded = tf.concat([x[:, :, :1], x, x[:, :, -1:]], axis=2)
    return 0.25 * (padded[:, :, :-2] + padded[:, :, 2:]) + 0.5 * x


@keras.saving.register_keras_serializable("tfrelight")
class UnitNormals(keras.layers.Layer):
    """Computes unit vectors from three channels, in float32: `normalize(scale * x + offset)`.

    Args:
      scale: factor of the input.
      offset: three numbers to add.
    """

    def __init__(
        self, scale: float = 1.0, offset: Sequence[float] = (0.0, 0.0, 0.0), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = tuple(offset)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """`[..., 3]` of any float type to unit vectors `[..., 3]` float32."""
        vector = self.scale * tf.cast(inputs, tf.float32) + tf.constant(self.offset, tf.float32)
        # 1e-6: lengths are about 1; keeps the gradient finite at length 0.
        return tf.math.l2_normalize(vector, axis=-1, epsilon=1e-6)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """See `keras.layers.Layer`."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """See `keras.layers.Layer`."""
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}


@keras.saving.register_keras_serializable("tfrelight")
class Foreground(keras.layers.Layer):
    """The mask that parts imply: one minus the share of the background, their first channel."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Shares `[..., C]` that add up to 1, to `[..., 1]` in [0, 1]."""
        return 1.0 - inputs[..., :1]


@keras.saving.register_keras_serializable("tfrelight")
class Resize(keras.layers.Layer):
    """Resizes photos to a fixed size, or maps to the size of photos.

    `Resize(size)(photos)` gives `[B, size, size, C]`; `Resize()([maps, photos])` gives maps of the
    photos' height and width. Interpolation is bilinear, and antialiased when it shrinks. Inputs of
    the right size pass unchanged.

    Args:
      size: height and width, or None for the size of the second input.
      unit: normalize the result, because interpolation shortens unit vectors.
    """

    def __init__(self, size: int | None = None, unit: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.unit = unit

    def call(self, inputs: tf.Tensor | Sequence[tf.Tensor]) -> tf.Tensor:
        """Resizes `[B, H, W, C]`, or the first of two such inputs."""
        if self.size is None:
            maps, photos = inputs
            shape = tf.shape(photos)[1:3]
        else:
            maps, shape = inputs, (self.size, self.size)
        maps = tf.image.resize(maps, shape, antialias=True)
        # 1e-6: as in `UnitNormals`.
        return tf.math.l2_normalize(maps, axis=-1, epsilon=1e-6) if self.unit else maps

    def get_config(self) -> dict[str, Any]:
        """See `keras.layers.Layer`."""
        return {**super().get_config(), "size": self.size, "unit": self.unit}


def heads(
    albedo: tf.Tensor,
    normals: tf.Tensor,
    light: tf.Tensor,
    mask: tf.Tensor,
    parts: tf.Tensor | None = None,
) -> dict[str, tf.Tensor]:
    """Names the outputs of a network and casts them to float32, whatever the compute type.

    Args:
      albedo: `[B, H, W, 3]` linear RGB.
      normals: `[B, H, W, 3]` unit.
      light: `[B, 9, 3]` harmonics of the incoming radiance, linear RGB.
      mask: `[B, H, W, 1]` in [0, 1].
      parts: `[B, H, W, 7]`, probabilities in the order of `data.portrait.PARTS`; None for a network
        that does not tell parts apart.

    Returns:
      dict with the keys `albedo`, `normals`, `light` and `mask`, and `parts` if given.
    """
    outputs = {"albedo": albedo, "normals": normals, "light": light, "mask": mask}
    if parts is not None:
        outputs["parts"] = parts
    return {
        name: keras.layers.Activation("linear", dtype="float32", name=name)(tensor)
        for name, tensor in outputs.items()
    }
