"""Augmentation of batches of pairs. Albedo x shading still gives the photo afterwards.

Each function takes a batch of portraits (dict, `tfrelight.data.portrait`, leading axis B) whose
`image` is linear RGB, and returns one. `augment_pair` alone takes and returns sRGB-encoded photos.
A geometric change also turns normals and light; a change of brightness or colour also changes the
light. Both photos of a pair share their geometry, so both get the same geometric change.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfrelight import color, shading
from tfrelight.data import portrait as portrait_schema
from tfrelight.data.addons import tfa

__all__ = ["augment_pair", "backdrop", "exposure", "mirror", "single_channel", "tone", "warp"]

# Maps that may be interpolated; `parts` may not.
_MAPS = ("image", "mask", "albedo", "normals", "depth", "unlit")
_MIRROR = np.diag([-1.0, 1.0, 1.0]).astype(np.float32)
# Linear; 1e-3 below the value above which the losses ignore a pixel, against rounding.
_SATURATED = float(color.to_linear_numpy(portrait_schema.SATURATED)) - 1e-3


def _choose(condition, changed, portrait):
    """Per example: `changed` where `condition` `[B]` holds, else `portrait`."""
    result = dict(portrait)
    for key, value in changed.items():
        shape = tf.concat([tf.shape(condition), tf.ones(tf.rank(value) - 1, tf.int32)], axis=0)
        result[key] = tf.where(tf.reshape(condition, shape), value, portrait[key])
    return result


def mirror(portrait: dict[str, tf.Tensor], condition: tf.Tensor) -> dict[str, tf.Tensor]:
    """Mirrors portraits left to right: the maps, the x of the normals, and the light.

    Args:
      portrait: batch of portraits.
      condition: `[B]` bool, true for the portraits to mirror.
    """
    flipped = {key: portrait[key][:, :, ::-1] for key in (*_MAPS, "parts")}
    flipped["normals"] *= tf.constant([-1.0, 1.0, 1.0])
    # `rotate` needs an orthogonal matrix only, L'(d) = L(M d), so it also takes a reflection.
    batch = tf.shape(portrait["light"])[0]
    flipped["light"] = shading.rotate(
        portrait["light"], tf.tile(tf.constant(_MIRROR)[None], [batch, 1, 1])
    )
    return _choose(condition, flipped, portrait)


def exposure(portrait: dict[str, tf.Tensor], gain: tf.Tensor) -> dict[str, tf.Tensor]:
    """Changes exposure and white balance: multiplies photo and light, channel by channel.

    Args:
      portrait: batch of portraits.
      gain: `[B, 3]` linear factors, above 0.
    """
    result = dict(portrait)
    image = portrait["image"]
    # Values above 1 saturate, as on a sensor. Saturated pixels stay saturated: nobody knows how
    # bright they were, and darkened they would teach the losses a wrong shading.
    saturated = tf.reduce_max(image, axis=-1, keepdims=True) > _SATURATED
    exposed = tf.minimum(image * gain[:, None, None, :], 1.0)
    result["image"] = tf.where(saturated, image, exposed)
    result["light"] = portrait["light"] * gain[:, None, :]
    return result


def single_channel(
    portrait: dict[str, tf.Tensor], condition: tf.Tensor, channel: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Makes portraits grey: one channel of photo, albedo and light replaces all three.

    A single channel keeps albedo x shading = photo; a weighted mean of channels would not.

    Args:
      portrait: batch of portraits.
      condition: `[B]` bool, true for the portraits to change.
      channel: `[B]` int, 0 to 2.
    """
    chosen = tf.one_hot(channel, 3)
    grey = {}
    for key in ("image", "albedo", "light"):
        value = portrait[key]
        weight = tf.reshape(chosen, [-1] + [1] * (value.shape.rank - 2) + [3])
        grey[key] = tf.broadcast_to(
            tf.reduce_sum(value * weight, axis=-1, keepdims=True), tf.shape(value)
        )
    return _choose(condition, grey, portrait)


def tone(portrait: dict[str, tf.Tensor], strength: tf.Tensor) -> dict[str, tf.Tensor]:
    """Tones grey portraits brown, as old prints are (sepia): multiplies photo and light.

    Args:
      portrait: batch of portraits.
      strength: `[B]` in [0, 1]; 0 changes nothing, 1 lowers blue to half of red.
    """
    return exposure(portrait, tf.exp(strength[:, None] * tf.constant([0.15, -0.1, -0.55])))


def warp(
    portrait: dict[str, tf.Tensor], angle: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Rotates portraits in the image plane, scales and shifts them; normals and light turn too.

    Depth is relative to the size of the photo, so it grows with the scale.

    Pixels outside the old frame repeat its border, which avoids black edges.

    Args:
      portrait: batch of portraits.
      angle: `[B]` radians, counterclockwise in the image.
      scale: `[B]`, above 1 enlarges.
      shift: `[B, 2]` as a fraction of the frame, x to the right, y up.
    """
    size = tf.cast(tf.shape(portrait["image"])[1:3], tf.float32)
    height, width = size[0], size[1]
    centre_x, centre_y = (width - 1.0) / 2.0, (height - 1.0) / 2.0
    # tfa.image.transform maps output pixels (rows down) to input pixels.
    cosine, sine = tf.cos(angle) / scale, tf.sin(angle) / scale
    at_x = centre_x + shift[:, 0] * width
    at_y = centre_y - shift[:, 1] * height
    zero = tf.zeros_like(angle)
    transforms = tf.stack(
        [
            cosine,
            -sine,
            centre_x - cosine * at_x + sine * at_y,
            sine,
            cosine,
            centre_y - sine * at_x - cosine * at_y,
            zero,
            zero,
        ],
        axis=-1,
    )
    maps = tf.concat([portrait[key] for key in _MAPS], axis=-1)
    maps = tfa.image.transform(maps, transforms, interpolation="bilinear", fill_mode="nearest")
    result = dict(portrait)
    result.update(zip(_MAPS, tf.split(maps, [portrait[key].shape[-1] for key in _MAPS], axis=-1)))
    result["depth"] *= scale[:, None, None, None]
    result["parts"] = tfa.image.transform(
        portrait["parts"], transforms, interpolation="nearest", fill_mode="nearest"
    )
    one = tf.ones_like(angle)
    rotation = tf.reshape(
        tf.stack(
            [tf.cos(angle), -tf.sin(angle), zero, tf.sin(angle), tf.cos(angle), zero]
            + [zero, zero, one],
            axis=-1,
        ),
        [-1, 3, 3],
    )
    normals = tf.einsum("bij,bhwj->bhwi", rotation, result["normals"])
    # Bilinear interpolation shortens normals. The epsilon keeps a zero vector from becoming NaN.
    result["normals"] = tf.math.l2_normalize(normals, axis=-1, epsilon=1e-6)
    result["light"] = shading.rotate(portrait["light"], rotation)
    return result


def backdrop(
    portrait: dict[str, tf.Tensor], condition: tf.Tensor, shift: tf.Tensor, step: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Replaces the background by another photo of the batch, shifted, flipped or made finer.

    Real backgrounds are as busy as people and often share their colours: hats, bushes, posters,
    other people. Portraits whose mask is not a label stay as they are.

    Args:
      portrait: batch of portraits.
      condition: `[B]` bool, true for the portraits to change.
      shift: `[B, 2]` int, rows and columns to shift the other photo by; it wraps around.
      step: `[B, 2]` int, step between the rows and between the columns taken from the other photo:
        2 makes it finer, a negative step flips it.
    """
    other = tf.roll(portrait["image"], 1, axis=0)
    for axis in (0, 1):
        size = tf.shape(other)[1 + axis]
        places = (tf.range(size)[None] * step[:, axis, None] + shift[:, axis, None]) % size
        other = tf.gather(other, places, axis=1 + axis, batch_dims=1)
    head = portrait["mask"]
    changed = {"image": head * portrait["image"] + (1.0 - head) * other}
    return _choose(condition & (portrait["has_mask"] > 0), changed, portrait)


def augment_pair(
    pair: dict[str, dict[str, tf.Tensor]], seed: tf.Tensor
) -> dict[str, dict[str, tf.Tensor]]:
    """Applies every augmentation, over the ranges that training uses.

    Args:
      pair: `{"a": portraits, "b": portraits}`, batches of one size; `image` is sRGB-encoded.
      seed: `[2]` int, stateless: the same seed gives the same pair.

    Returns:
      The augmented pair, in the same form.
    """
    batch = tf.shape(pair["a"]["image"])[0]

    def uniform(index, shape, low, high):
        return tf.random.stateless_uniform(
            tf.concat([[batch], shape], 0), seed + [0, index], low, high
        )

    scalar = tf.zeros([0], tf.int32)
    flip = uniform(1, scalar, 0.0, 1.0) < 0.5
    angle = uniform(2, scalar, -0.17, 0.17)
    scale = tf.exp(uniform(3, scalar, -0.12, 0.18))
    shift = uniform(4, [2], -0.06, 0.06)
    grey = uniform(5, scalar, 0.0, 1.0) < 0.35
    channel = tf.cast(uniform(6, scalar, 0.0, 3.0), tf.int32)
    toned = grey & (uniform(7, scalar, 0.0, 1.0) < 0.25)
    result = {}
    for number, (name, portrait) in enumerate(pair.items()):
        portrait = {**portrait, "image": color.to_linear(portrait["image"])}
        portrait = warp(mirror(portrait, flip), angle, scale, shift)
        portrait = backdrop(
            portrait,
            uniform(30 + number, scalar, 0.0, 1.0) < 0.4,
            tf.cast(uniform(40 + number, [2], 0.0, 65536.0), tf.int32),
            tf.gather([-2, -1, 1, 2], tf.cast(uniform(50 + number, [2], 0.0, 4.0), tf.int32)),
        )
        gain = tf.exp(uniform(10 + number, [1], -0.6, 0.35) + uniform(20 + number, [3], -0.1, 0.1))
        portrait = single_channel(exposure(portrait, gain), grey, channel)
        strength = uniform(60 + number, scalar, 0.0, 1.0) * tf.cast(toned, tf.float32)
        portrait = tone(portrait, strength)
        result[name] = {**portrait, "image": color.to_srgb(portrait["image"])}
    return result
