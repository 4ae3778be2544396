"""`compact`: a small U-Net without normalisation layers.

Normalisation makes small networks slow on a CPU. Instead, residual blocks start as the identity
(`layers.Gain`). No convolution runs at full resolution: the stem works on blocks of 2x2 pixels, and
the heads predict 2x2 pixels at a time and smooth the seams between them. A skip connection from the
photo's 2x2 blocks to the heads preserves fine detail.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras

from tfrelight.data.portrait import PARTS
from tfrelight.errors import InputError
from tfrelight.models import layers

__all__ = ["compact"]


def _near_zero():
    return keras.initializers.RandomNormal(stddev=0.01)


def _conv(x, filters, size, name, strides=1, **kwargs):
    kwargs.setdefault("kernel_initializer", "he_normal")
    return keras.layers.Conv2D(filters, size, strides=strides, padding="same", name=name, **kwargs)(
        x
    )


def _relu(x, name):
    return keras.layers.Activation("relu", name=name)(x)


def _block(x, name):
    """A residual block, the identity at first: `x + gain * conv(relu(conv(relu(x))))`."""
    filters = x.shape[-1]
    y = _conv(_relu(x, f"{name}_relu1"), filters, 3, f"{name}_conv1")
    y = _conv(_relu(y, f"{name}_relu2"), filters, 3, f"{name}_conv2")
    y = layers.Gain(name=f"{name}_gain")(y)
    return keras.layers.Add(name=f"{name}_add")([x, y])


def _attention(x):
    """Self-attention between cells, the identity at first: `x + gain * attention(x)`.

    Vaswani et al., "Attention Is All You Need", 2017. Heads have 32 channels, the width of bfloat16
    matrix units.
    """
    height, width, filters = x.shape[1:]
    y = keras.layers.Reshape((height * width, filters), name="attention_cells")(x)
    y = keras.layers.MultiHeadAttention(max(1, filters // 32), 32, name="attention")(y, y)
    y = keras.layers.Reshape((height, width, filters), name="attention_map")(y)
    y = layers.Gain(name="attention_gain")(y)
    return keras.layers.Add(name="attention_add")([x, y])


def _light(x):
    """Predicts the light from the lowest level; flattening keeps each cell's place in the face."""
    x = _relu(_conv(_relu(x, "light_relu1"), 32, 1, "light_conv"), "light_relu2")
    x = keras.layers.Flatten(name="light_flatten")(x)
    x = keras.layers.Dense(
        128, activation="relu", kernel_initializer="he_normal", name="light_dense"
    )(x)
    # The initial light is uniform, 0.6 from everywhere. Shading below 0 would be clipped and have
    # no gradient.
    ambient = [0.6 * (4.0 * math.pi) ** 0.5] * 3 + [0.0] * 24
    x = keras.layers.Dense(
        27,
        kernel_initializer=_near_zero(),
        bias_initializer=keras.initializers.Constant(ambient),
        name="light_out",
        dtype="float32",
    )(x)
    return keras.layers.Reshape((9, 3), name="light_reshape", dtype="float32")(x)


def compact(
    size: int = 128,
    filters: Sequence[int] = (32, 64, 128, 192),
    blocks: Sequence[int] = (1, 2, 2, 2),
    attention: bool = False,
    parts: bool = True,
    name: str = "compact",
) -> keras.Model:
    """Builds the functional model.

        network = compact(size=64, filters=(32, 64), blocks=(1, 2))
        network(photos)["albedo"]  # [B, 64, 64, 3]

    Args:
      size: height and width of the input, a multiple of 2 ** len(filters).
      filters: channels of each level, from half resolution down. Use multiples of 32: bfloat16
        matrix units compute 40 channels in the time of 64.
      blocks: residual blocks of each level in the encoder; each level of the decoder has one.
      attention: add self-attention between the cells of the lowest level.
      parts: predict what each pixel shows, and the mask from it; otherwise the mask alone.
      name: name of the model.

    Returns:
      Model from `[B, size, size, 3]` sRGB-encoded photos in [0, 1] to the dict of `layers.heads`.

    Raises:
      InputError: `size` is not such a multiple.
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
        # Every pixel starts near the bias, a typical value of the output.
        y = _conv(x, 4 * channels, 3, name, kernel_initializer=_near_zero(), bias_initializer=bias)
        y = layers.DepthToSpace(name=f"{name}_pixels")(y)
        return layers.Smooth(name=f"{name}_smooth", dtype="float32")(y)

    albedo = keras.layers.Activation("sigmoid", name="albedo_sigmoid", dtype="float32")(
        # sigmoid(-1) = 0.27, the albedo of medium skin.
        head(3, "albedo_out", keras.initializers.Constant(-1.0))
    )
    normals = layers.UnitNormals(offset=(0.0, 0.0, 1.0), name="unit_normals", dtype="float32")(
        head(3, "normal_out", "zeros")
    )
    if not parts:
        mask = keras.layers.Activation("sigmoid", name="mask_sigmoid", dtype="float32")(
            head(1, "mask_out", "zeros")
        )
        return keras.Model(image, layers.heads(albedo, normals, light, mask), name=name)
    shares = keras.layers.Activation("softmax", name="parts_softmax", dtype="float32")(
        head(len(PARTS), "parts_out", "zeros")
    )
    mask = layers.Foreground(name="foreground", dtype="float32")(shares)
    return keras.Model(image, layers.heads(albedo, normals, light, mask, shares), name=name)
