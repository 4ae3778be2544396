"""A head that is known exactly: half a ball before a backdrop, and a network that knows it."""

import keras
import numpy as np
import tensorflow as tf

from tfrelight import color, harmonics
from tfrelight.lights import Light
from tfrelight.models import loading, networks

OWN = Light.from_direction(0, 30, intensity=0.7, ambient=0.3)
ALBEDO = np.float32([0.6, 0.45, 0.35])
SIZE = 64
RADIUS = 0.8  # of half the picture


# x, xy and xz change their sign.
_MIRRORED = np.float32([1, 1, 1, -1, -1, 1, 1, -1, 1])[:, None]


def ball(height, width):
    """Normals `[H, W, 3]` and coverage `[H, W]` of a ball seen in the middle of a picture."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x = ((x + 0.5) / width * 2 - 1) / RADIUS
    y = (1 - (y + 0.5) / height * 2) / RADIUS
    square = x * x + y * y
    inside = square < 1
    z = np.sqrt(np.maximum(1 - square, 0.0))
    normals = np.where(inside[..., None], np.stack([x, y, z], -1), np.float32([0, 0, 1]))
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True), inside


def texture(height, width):
    """Fine detail of the albedo, a factor `[H, W, 1]` around 1."""
    y, x = np.mgrid[:height, :width]
    return (1 + 0.1 * np.sin(x * 1.9) * np.sin(y * 2.3))[..., None].astype(np.float32)


def photo(light=OWN, height=200, width=200):
    """`[H, W, 3]` uint8 of the ball under a light, before a grey, textured backdrop."""
    normals, inside = ball(height, width)
    shading = np.maximum(harmonics.shade(normals, np.asarray(light)), 0)
    detail = texture(height, width)
    linear = np.where(inside[..., None], ALBEDO * shading, np.float32(0.2)) * detail
    return np.uint8(np.round(color.to_srgb_numpy(linear) * 255))


@keras.saving.register_keras_serializable("tests")
class Known(keras.layers.Layer):
    """The maps of the ball under a light, or under its mirror image if the other half is bright."""

    def __init__(self, own, parts=False, **kwargs):
        super().__init__(**kwargs)
        self.own = own
        self.parts = parts

    def call(self, images):
        normals, inside = ball(SIZE, SIZE)
        mask = inside[..., None].astype(np.float32)
        maps = {
            "albedo": ALBEDO * mask + 0.2 * (1 - mask),
            "normals": normals,
            "light": np.asarray(self.own),
            "mask": mask,
        }
        if self.parts:
            hair = np.arange(SIZE)[:, None] < SIZE // 2
            maps["parts"] = np.eye(7)[np.where(inside, np.where(hair, 2, 1), 0)]
        count = tf.shape(images)[0]
        known = {
            name: tf.repeat(tf.constant(value, tf.float32)[None], count, axis=0)
            for name, value in maps.items()
        }
        brighter = tf.reduce_mean(images[:, :, SIZE // 2 :] - images[:, :, : SIZE // 2], (1, 2, 3))
        turned = brighter * np.asarray(self.own)[3].sum() < 0
        known["light"] *= tf.where(turned[:, None, None], _MIRRORED, 1.0)
        return known


def model(own=OWN, parts=False):
    """As `tfrelight.load_model` gives one; it sees the light `own` on every photo.

    With `parts` it says that the upper half of the ball is hair, and the lower skin.
    """
    images = keras.Input((SIZE, SIZE, 3))
    return loading.of_any_size(keras.Model(images, Known(own, parts)(images)))


def tiny():
    """An untrained network of any use only for going through the motions."""
    network = networks.build("compact", size=32, filters=(8, 8), blocks=(1, 1))
    return loading.of_any_size(network)
