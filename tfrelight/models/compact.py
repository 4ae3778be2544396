"""`compact`: a small U-Net without normalisation layers.

Normalisation is what makes small networks slow on a CPU, so residual blocks start as the identity
instead (`layers.Gain`). No convolution runs at full resolution: the stem halves it, the heads give
2x2 pixels each, and the photo's own 2x2 pixels go to the heads beside the features, so that fine
detail has a short way.
"""

import math

import keras

from tfrelight.errors import InputError
from tfrelight.models import layers

__all__ = ["compact"]


def _small():
    return keras.initializers.RandomNormal(stddev=0.01)


def _conv(x, filters, size, name, strides=1, **kwargs):
    kwargs.setdefault("kernel_initializer", "he_normal")
    return keras.layers.Conv2D(filters, size, strides=strides, padding="same", name=name, **kwargs)(
        x
    )


def _relu(x, name):
    return keras.layers.Activation("relu", name=name)(x)


def _block(x, name):
    """X + gain * conv(relu(conv(relu(x)))), the identity at the start."""
    filters = x.shape[-1]
    y = _conv(_relu(x, f"{name}_relu1"), filters, 3, f"{name}_conv1")
    y = _conv(_relu(y, f"{name}_relu2"), filters, 3, f"{name}_conv2")
    y = layers.Gain(name=f"{name}_gain")(y)
    return keras.layers.Add(name=f"{name}_add")([x, y])


def _attention(x):
    """X + gain * (self-attention of x's cells), the identity at the start.

    Vaswani et al., "Attention Is All You Need", 2017, with heads of 32 channels, which is how
    bfloat16 matrix units take them.
    """
    height, width, filters = x.shape[1:]
    y = keras.layers.Reshape((height * width, filters), name="attention_cells")(x)
    y = keras.layers.MultiHeadAttention(max(1, filters // 32), 32, name="attention")(y, y)
    y = keras.layers.Reshape((height, width, filters), name="attention_map")(y)
    y = layers.Gain(name="attention_gain")(y)
    return keras.layers.Add(name="attention_add")([x, y])


def _light(x):
    """The light from the lowest level, where each cell still knows its place in the face."""
    x = _relu(_conv(_relu(x, "light_relu1"), 32, 1, "light_conv"), "light_relu2")
    x = keras.layers.Flatten(name="light_flatten")(x)
    x = keras.layers.Dense(
        128, activation="relu", kernel_initializer="he_normal", name="light_dense"
    )(x)
    # Starts as light of 0.6 from everywhere: shading below 0 is clipped and has no gradient.
    ambient = [0.6 * (4.0 * math.pi) ** 0.5] * 3 + [0.0] * 24
    x = keras.layers.Dense(
        27,
        kernel_initializer=_small(),
        bias_initializer=keras.initializers.Constant(ambient),
        name="light_out",
        dtype="float32",
    )(x)
    return keras.layers.Reshape((9, 3), name="light_reshape", dtype="float32")(x)


def compact(
    size=128, filters=(32, 64, 128, 192), blocks=(1, 2, 2, 2), attention=False, name="compact"
):
    """The functional network.

    Args:
      size: height and width of its input, a multiple of 2 ** len(filters).
      filters: of each level, from half resolution down. Multiples of 32, which is how bfloat16
        matrix units take channels: 40 cost as much as 64.
      blocks: residual blocks of each level on the way down; on the way up each level has one.
      attention: whether the cells of the lowest level attend to each other.
      name: of the model.

    Returns:
      `keras.Model` from `[B, size, size, 3]` sRGB in [0, 1] to the dict of `layers.heads`.
    """
    if size % 2 ** len(filters):
        raise InputError(
            f"Invalid size for `compact`. Expected a multiple of {2 ** len(filters)}. "
            f"Received: {size}."
        )
    image = keras.Input((size, size, 3), name="image")
    centred = keras.layers.Rescaling(2.0, offset=-1.0, name="centre")(image)
    pixels = layers.SpaceToDepth(name="pixels")(centred)

    skips = []
    x = _conv(pixels, filters[0], 3, "stem")
    for level in range(len(filters)):
        if level:
            x = _conv(_relu(x, f"down{level}_relu"), filters[level], 3, f"down{level}", strides=2)
        for number in range(blocks[level]):
            x = _block(x, f"down{level}_block{number}")
        skips.append(x)

    if attention:
        x = _attention(x)

    light = _light(x)

    for level in reversed(range(len(filters) - 1)):
        x = keras.layers.Conv2DTranspose(
            filters[level], 2, strides=2, kernel_initializer="he_normal", name=f"up{level}"
        )(_relu(x, f"up{level}_relu"))
        x = keras.layers.Add(name=f"up{level}_skip")([x, skips[level]])
        x = _block(x, f"up{level}_block")

    x = keras.layers.Concatenate(name="detail")([_relu(x, "out_relu"), pixels])
    x = _relu(_conv(x, filters[0], 3, "out_conv"), "out_conv_relu")

    def head(channels, name, bias):
        # Small at first: every pixel starts at the bias, the mean of what is to be learnt.
        y = _conv(x, 4 * channels, 3, name, kernel_initializer=_small(), bias_initializer=bias)
        return layers.DepthToSpace(name=f"{name}_pixels")(y)

    albedo = keras.layers.Activation("sigmoid", name="albedo_sigmoid", dtype="float32")(
        # sigmoid(-1) = 0.27, the albedo of medium skin.
        head(3, "albedo_out", keras.initializers.Constant(-1.0))
    )
    normals = layers.UnitNormals(offset=(0.0, 0.0, 1.0), name="unit_normals", dtype="float32")(
        head(3, "normal_out", "zeros")
    )
    mask = keras.layers.Activation("sigmoid", name="mask_sigmoid", dtype="float32")(
        head(1, "mask_out", "zeros")
    )
    return keras.Model(image, layers.heads(albedo, normals, light, mask), name=name)
