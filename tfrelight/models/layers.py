"""Layers that the networks share. They use what Keras 2.15 and Keras 3 have in common."""

import keras
import tensorflow as tf

__all__ = ["DepthToSpace", "Gain", "Resize", "SpaceToDepth", "UnitNormals", "heads"]


@keras.saving.register_keras_serializable("tfrelight")
class Gain(keras.layers.Layer):
    """Multiplies by one learnt scalar that starts at 0.

    At the end of a residual branch it makes the block the identity at first, which is what lets a
    network without normalisation train (De and Smith, "Batch Normalization Biases Residual Blocks
    Towards the Identity Function in Deep Networks", 2020: SkipInit).
    """

    def build(self, input_shape):
        self.gain = self.add_weight(name="gain", shape=(), initializer="zeros", trainable=True)
        super().build(input_shape)

    def call(self, inputs):
        return inputs * tf.cast(self.gain, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable("tfrelight")
class SpaceToDepth(keras.layers.Layer):
    """Each 2x2 pixels become one with four times the channels."""

    def call(self, inputs):
        return tf.nn.space_to_depth(inputs, 2)


@keras.saving.register_keras_serializable("tfrelight")
class DepthToSpace(keras.layers.Layer):
    """The inverse of `SpaceToDepth`: a quarter of the channels, twice the height and width."""

    def call(self, inputs):
        return tf.nn.depth_to_space(inputs, 2)


@keras.saving.register_keras_serializable("tfrelight")
class UnitNormals(keras.layers.Layer):
    """Unit vectors from three channels, float32: normalize(scale * x + offset).

    Args:
      scale: number.
      offset: three numbers.
    """

    def __init__(self, scale=1.0, offset=(0.0, 0.0, 0.0), **kwargs):
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = tuple(offset)

    def call(self, inputs):
        vector = self.scale * tf.cast(inputs, tf.float32) + tf.constant(self.offset, tf.float32)
        # 1e-6: lengths are about 1; keeps the gradient finite at length 0.
        return tf.math.l2_normalize(vector, axis=-1, epsilon=1e-6)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}


@keras.saving.register_keras_serializable("tfrelight")
class Resize(keras.layers.Layer):
    """Resizes photos to a fixed size, or maps to the size of a photo given beside them.

    `Resize(size)(photos)` gives `[B, size, size, C]`; `Resize()([maps, photos])` gives maps of the
    photos' height and width. Bilinear; antialiased when it shrinks. The same size passes unchanged.

    Args:
      size: height and width, or None for the size of the second input.
      unit: normalize the result to unit vectors, which bilinear mixing shortens.
    """

    def __init__(self, size=None, unit=False, **kwargs):
        super().__init__(**kwargs)
        self.size = size
        self.unit = unit

    def call(self, inputs):
        if self.size is None:
            maps, photos = inputs
            shape = tf.shape(photos)[1:3]
        else:
            maps, shape = inputs, (self.size, self.size)
        maps = tf.image.resize(maps, shape, antialias=True)
        return tf.math.l2_normalize(maps, axis=-1, epsilon=1e-6) if self.unit else maps

    def get_config(self):
        return {**super().get_config(), "size": self.size, "unit": self.unit}


def heads(albedo, normals, light, mask):
    """The outputs every network has, by name and in float32 whatever the compute type.

    Args:
      albedo: `[B, H, W, 3]`.
      normals: `[B, H, W, 3]` unit.
      light: `[B, 9, 3]`.
      mask: `[B, H, W, 1]` in [0, 1].

    Returns:
      dict of the four under the names `albedo`, `normals`, `light`, `mask`.
    """
    outputs = {"albedo": albedo, "normals": normals, "light": light, "mask": mask}
    return {
        name: keras.layers.Activation("linear", dtype="float32", name=name)(tensor)
        for name, tensor in outputs.items()
    }
