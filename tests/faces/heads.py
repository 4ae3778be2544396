"""A head that is known exactly: half a ball before a backdrop, and a network that knows it."""

import keras
import numpy as np
import tensorflow as tf

from tfrelight import color, harmonics
from tfrelight.lights import Light
from tfrelight.models import presets

OWN = Light.from_direction(0, 30, intensity=0.7, ambient=0.3)
ALBEDO = np.float32([0.6, 0.45, 0.35])
SIZE = 64
RADIUS = 0.8  # of half the picture


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
    """The maps of the ball, whatever the photo."""

    def call(self, images):
        normals, inside = ball(SIZE, SIZE)
        mask = inside[..., None].astype(np.float32)
        maps = {
            "albedo": ALBEDO * mask + 0.2 * (1 - mask),
            "normals": normals,
            "light": np.asarray(OWN),
            "mask": mask,
        }
        count = tf.shape(images)[0]
        return {
            name: tf.repeat(tf.constant(value, tf.float32)[None], count, axis=0)
            for name, value in maps.items()
        }


def model():
    """As `tfrelight.load_model` gives one."""
    images = keras.Input((SIZE, SIZE, 3))
    return presets.of_any_size(keras.Model(images, Known()(images)))


def tiny():
    """An untrained network of any use only for going through the motions."""
    network = presets.build("compact", size=32, filters=(8, 8), blocks=(1, 1))
    return presets.of_any_size(network)
