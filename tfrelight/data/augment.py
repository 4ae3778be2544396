"""Augmentation of batches of pairs that keeps the physics true: albedo x shading stays the photo.

Each function takes a batch of portraits (dict, `tfrelight.data.portrait`, leading axis B), here
with `image` in linear RGB, and returns one; `augment_pair` decodes and encodes. What changes
geometry changes normals and light with it; what changes the photo's brightness or colour changes
the light with it. Both photos of a pair share their geometry, so the geometric ones get the same
random numbers for both.
"""

import numpy as np
import tensorflow as tf

from tfrelight import color, losses, shading
from tfrelight.addons import tfa

__all__ = ["augment_pair", "backdrop", "exposure", "mirror", "single_channel", "warp"]

_MIRROR = np.diag([-1.0, 1.0, 1.0]).astype(np.float32)
# Linear, a little below where a pixel ceases to vote.
_SATURATED = float(color.to_linear_numpy(losses.SATURATED)) - 1e-3


def _choose(condition, changed, portrait):
    """Per example: `changed` where `condition` `[B]` holds, else `portrait`."""
    result = dict(portrait)
    for key, value in changed.items():
        shape = tf.concat([tf.shape(condition), tf.ones(tf.rank(value) - 1, tf.int32)], axis=0)
        result[key] = tf.where(tf.reshape(condition, shape), value, portrait[key])
    return result


def mirror(portrait, condition):
    """Left and right exchanged: maps flip, the x of normals changes sign, the light is reflected.

    Args:
      portrait: batch of portraits.
      condition: `[B]` bool, which of them.
    """
    flipped = {key: portrait[key][:, :, ::-1] for key in ("image", "mask", "albedo", "normals")}
    flipped["normals"] *= tf.constant([-1.0, 1.0, 1.0])
    # A reflection has no rotation matrix, but the same argument holds: L'(d) = L(M d).
    batch = tf.shape(portrait["light"])[0]
    flipped["light"] = shading.rotate(
        portrait["light"], tf.tile(tf.constant(_MIRROR)[None], [batch, 1, 1])
    )
    return _choose(condition, flipped, portrait)


def exposure(portrait, gain):
    """The photo is exposed differently, a channel at a time: photo and light are multiplied.

    Args:
      portrait: batch of portraits.
      gain: `[B, 3]` linear factors, above 0.
    """
    result = dict(portrait)
    image = portrait["image"]
    # What passes 1 saturates, as on a sensor; and what had saturated stays so, because how bright
    # it was is not known: darkened, it would vote in the losses for a shading that never was.
    saturated = tf.reduce_max(image, axis=-1, keepdims=True) > _SATURATED
    exposed = tf.minimum(image * gain[:, None, None, :], 1.0)
    result["image"] = tf.where(saturated, image, exposed)
    result["light"] = portrait["light"] * gain[:, None, :]
    return result


def single_channel(portrait, condition, channel):
    """A grey photo: one channel of photo, albedo and light stands for all three.

    (A weighted mean of channels would break albedo x shading = photo; one channel keeps it.)

    Args:
      portrait: batch of portraits.
      condition: `[B]` bool, which of them.
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


def warp(portrait, angle, scale, shift):
    """The photo is turned in its plane, enlarged, and shifted; normals and light turn with it.

    Outside the old frame the border is repeated, so that no black edge comes in.

    Args:
      portrait: batch of portraits.
      angle: `[B]` radians, counterclockwise in the image.
      scale: `[B]`, above 1 enlarges.
      shift: `[B, 2]` of the frame's size, x to the right, y up.
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
    keys = ("image", "mask", "albedo", "normals")
    maps = tf.concat([portrait[key] for key in keys], axis=-1)
    maps = tfa.image.transform(maps, transforms, interpolation="bilinear", fill_mode="nearest")
    result = dict(portrait)
    result.update(zip(keys, tf.split(maps, [portrait[key].shape[-1] for key in keys], axis=-1)))
    one, none = tf.ones_like(angle), zero
    rotation = tf.reshape(
        tf.stack(
            [tf.cos(angle), -tf.sin(angle), none, tf.sin(angle), tf.cos(angle), none]
            + [none, none, one],
            axis=-1,
        ),
        [-1, 3, 3],
    )
    normals = tf.einsum("bij,bhwj->bhwi", rotation, result["normals"])
    # Bilinear mixing shortens normals.
    result["normals"] = tf.math.l2_normalize(normals, axis=-1, epsilon=1e-6)
    result["light"] = shading.rotate(portrait["light"], rotation)
    return result


def backdrop(portrait, condition, shift, step):
    """Another photo of the batch behind the head, moved, turned over or made finer.

    What is behind people in photos is as busy as they are, and often has their colours: hats,
    bushes, posters, other people. Only where the mask is a label.

    Args:
      portrait: batch of portraits.
      condition: `[B]` bool, which of them.
      shift: `[B, 2]` int, rows and columns by which the other photo is moved, around the border.
      step: `[B, 2]` int, from one of its rows and columns that is taken to the next: 2 makes it
        finer, below 0 it is upside down or mirrored.
    """
    other = tf.roll(portrait["image"], 1, axis=0)
    for axis in (0, 1):
        size = tf.shape(other)[1 + axis]
        places = (tf.range(size)[None] * step[:, axis, None] + shift[:, axis, None]) % size
        other = tf.gather(other, places, axis=1 + axis, batch_dims=1)
    head = portrait["mask"]
    changed = {"image": head * portrait["image"] + (1.0 - head) * other}
    return _choose(condition & (portrait["has_mask"] > 0), changed, portrait)


def augment_pair(pair, seed):
    """Every augmentation with the ranges that training uses.

    Args:
      pair: `{"a": portraits, "b": portraits}`, batches of one size, `image` sRGB, as it returns it.
      seed: `[2]` int, stateless: the same seed gives the same pair.
    """
    batch = tf.shape(pair["a"]["image"])[0]

    def uniform(index, shape, low, high):
        return tf.random.stateless_uniform(
            tf.concat([[batch], shape], 0), seed + [0, index], low, high
        )

    none = tf.zeros([0], tf.int32)
    flip = uniform(1, none, 0.0, 1.0) < 0.5
    angle = uniform(2, none, -0.17, 0.17)
    scale = tf.exp(uniform(3, none, -0.12, 0.18))
    shift = uniform(4, [2], -0.06, 0.06)
    grey = uniform(5, none, 0.0, 1.0) < 0.35
    channel = tf.cast(uniform(6, none, 0.0, 3.0), tf.int32)
    result = {}
    for number, (name, portrait) in enumerate(pair.items()):
        portrait = {**portrait, "image": color.to_linear(portrait["image"])}
        portrait = warp(mirror(portrait, flip), angle, scale, shift)
        portrait = backdrop(
            portrait,
            uniform(30 + number, none, 0.0, 1.0) < 0.4,
            tf.cast(uniform(40 + number, [2], 0.0, 65536.0), tf.int32),
            tf.gather([-2, -1, 1, 2], tf.cast(uniform(50 + number, [2], 0.0, 4.0), tf.int32)),
        )
        gain = tf.exp(uniform(10 + number, [1], -0.6, 0.35) + uniform(20 + number, [3], -0.1, 0.1))
        portrait = single_channel(exposure(portrait, gain), grey, channel)
        result[name] = {**portrait, "image": color.to_srgb(portrait["image"])}
    return result
