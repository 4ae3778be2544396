"""A ball in place of a head: a network for it, photos and films of it."""

import fractions
import functools

import keras
import numpy as np
import tensorflow as tf

from tests import scenes
from tfrelight import color, harmonics
from tfrelight.faces.find import Face
from tfrelight.lights import Light
from tfrelight.models import loading
from tfrelight.video.reading import Frame

# Symmetric: photos go through the network with their mirror images.
OWN = Light.from_direction(0, 20, 0.8, ambient=0.4)
_SIZE = 32


@functools.lru_cache(maxsize=1)
def model():
    """A network that always gives a ball under `OWN`, with the photo over its shading as albedo."""
    normals, mask = scenes.sphere_normals(_SIZE)
    shading = np.maximum(harmonics.shade(normals, OWN), 0.05)
    photo = keras.Input((_SIZE, _SIZE, 3), name="image")

    def constant(value):
        value = np.asarray(value, np.float32)
        return lambda x: tf.zeros_like(x[:, :1, :1, :1]) + value

    light = keras.layers.Lambda(lambda x: tf.zeros_like(x[:, 0, :1, :1]) + np.asarray(OWN))
    outputs = {
        "albedo": keras.layers.Lambda(lambda x: color.to_linear(x) / shading)(photo),
        "normals": keras.layers.Lambda(constant(normals))(photo),
        "light": light(photo),
        "mask": keras.layers.Lambda(constant(mask))(photo),
    }
    return loading.of_any_size(keras.Model(photo, outputs))


def picture(x=64.0, y=60.0, radius=34.0, gain=1.0, size=128):
    """uint8 photo of the ball at (x, y) in front of grey, under `OWN`."""
    rows, columns = np.mgrid[:size, :size] + 0.5
    across, up = (columns - x) / radius, (y - rows) / radius
    square = across**2 + up**2
    inside = square < 1
    normals = np.stack([across, up, np.sqrt(np.maximum(1 - square, 0))], -1)
    shaded = np.clip(0.4 * gain * harmonics.shade(normals, OWN), 0, 1)
    image = np.where(inside[..., None], shaded, 0.08 * gain)
    return np.uint8(np.round(color.to_srgb_numpy(image) * 255))


def face(x=64.0, y=60.0, radius=34.0):
    """The face that fills the ball."""
    between = 0.8 * radius
    eyes = np.array([[x - between / 2, y - 0.2 * radius], [x + between / 2, y - 0.2 * radius]])
    angle = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    oval = np.stack([x + 0.8 * radius * np.cos(angle), y + 0.9 * radius * np.sin(angle)], -1)
    return Face(eyes, between, oval, 0.9)


def find(pixels, rng=None, everywhere=True):
    """Detects the ball; with a generator it scatters, as a real detector does."""
    bright = pixels[..., 1] > 110
    if bright.sum() < 200:
        return []
    rows, columns = np.nonzero(bright)
    x, y = (columns.min() + columns.max() + 1) / 2, (rows.min() + rows.max() + 1) / 2
    scatter = np.zeros(2) if rng is None else rng.normal(0, 1.0, 2)
    return [face(x + scatter[0], y + scatter[1])]


def film(count=24, rate=fractions.Fraction(24), gain=lambda k: 1.0):
    """A ball that moves to the right."""
    return [Frame(picture(50 + k, gain=gain(k)), k / rate) for k in range(count)]
