"""`sfsnet`: SfSNet, layer by layer, with the outputs that every network here has.

It differs from SfSNet in three points. Albedo is linear RGB, not the files' own values. One 1x1
convolution beside the normals predicts the head's mask. The light's 27 numbers are this package's
coefficients, in its own order.

Sengupta, Kanazawa, Castillo, Jacobs, "SfSNet: Learning Shape, Reflectance and Illuminance of Faces
in the Wild", CVPR 2018.
"""

from __future__ import annotations

import keras

from tfrelight.errors import InputError
from tfrelight.models import layers

__all__ = ["sfsnet"]


def _bn_relu(x, name):
    # As Caffe's BatchNorm: no scale, no shift, epsilon 1e-5. Caffe corrects the bias of its decay
    # of 0.999; Keras does not, so 0.99 forgets the initial statistics in hundreds of steps.
    x = keras.layers.BatchNormalization(
        center=False, scale=False, momentum=0.99, epsilon=1e-5, name=f"{name}_bn"
    )(x)
    return keras.layers.Activation("relu", name=f"{name}_relu")(x)


def _conv(x, filters, size, name, strides=1):
    return keras.layers.Conv2D(
        filters, size, strides=strides, padding="same", kernel_initializer="he_normal", name=name
    )(x)


def _branch(x, width, blocks, name):
    """The normal or albedo branch: residual blocks at half resolution."""
    for number in range(1, blocks + 1):
        block = f"{name}_block{number}"
        y = _conv(_bn_relu(x, f"{block}_a"), 2 * width, 3, f"{block}_a_conv")
        y = _conv(_bn_relu(y, f"{block}_b"), 2 * width, 3, f"{block}_b_conv")
        x = keras.layers.Add(name=f"{block}_add")([x, y])
    return _bn_relu(x, f"{name}_features")


def _upsampled(x, width, name):
    x = keras.layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_up")(x)
    x = _bn_relu(_conv(x, 2 * width, 1, f"{name}_up_conv1"), f"{name}_up1")
    return _bn_relu(_conv(x, width, 3, f"{name}_up_conv2"), f"{name}_up2")


def sfsnet(size: int = 128, width: int = 64, blocks: int = 5, name: str = "sfsnet") -> keras.Model:
    """Builds the functional model.

    Args:
      size: height and width of the input, even.
      width: filters of the first convolution, 64 in SfSNet.
      blocks: residual blocks in each branch, 5 in SfSNet.
      name: name of the model.

    Returns:
      Model from `[B, size, size, 3]` sRGB-encoded photos in [0, 1] to the dict of `layers.heads`.
      Albedo has no bounds, as in SfSNet; the loss keeps it near [0, 1].

    Raises:
      InputError: `size` is odd.
    """
    if size % 2:
        raise InputError(f"Invalid size for `sfsnet`. Expected an even number. Received: {size}.")
    image = keras.Input((size, size, 3), name="image")
    x = _bn_relu(_conv(image, width, 7, "conv1"), "conv1")
    x = _bn_relu(_conv(x, 2 * width, 3, "conv2"), "conv2")
    shared = _conv(x, 2 * width, 3, "conv3", strides=2)

    normal_features = _branch(shared, width, blocks, "normal")
    albedo_features = _branch(shared, width, blocks, "albedo")
    normal_up = _upsampled(normal_features, width, "normal")
    albedo_up = _upsampled(albedo_features, width, "albedo")

    normals = layers.UnitNormals(scale=2.0, offset=(-1.0, -1.0, -1.0), name="unit_normals")(
        _conv(normal_up, 3, 1, "normal_out")
    )
    albedo = _conv(albedo_up, 3, 1, "albedo_out")
    mask = keras.layers.Activation("sigmoid", name="mask_sigmoid")(
        _conv(normal_up, 1, 1, "mask_out")
    )

    x = keras.layers.Concatenate(name="light_features")([normal_features, albedo_features, shared])
    x = _bn_relu(_conv(x, 2 * width, 1, "light_conv"), "light")
    x = keras.layers.GlobalAveragePooling2D(name="light_pool")(x)
    light = keras.layers.Reshape((9, 3), name="light_reshape")(
        keras.layers.Dense(27, name="light_out")(x)
    )
    return keras.Model(image, layers.heads(albedo, normals, light, mask), name=name)
