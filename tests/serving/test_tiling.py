"""Strips of a photo: together they are the photo."""

import numpy as np
import pytest
import tensorflow as tf

from tests.serving.conftest import picture, pixels_of
from tfrelight.serving import tiling


@pytest.mark.parametrize("strip", [1, 100, 700, 2**19])
@pytest.mark.parametrize("size", [(40, 23), (1, 1), (5, 900), (64, 64)])
def test_strips_are_the_whole(monkeypatch, size, strip):
    monkeypatch.setattr(tiling, "_PIXELS", strip)
    pixels = picture(*size)
    small = np.random.default_rng(0).uniform(size=(16, 16, 2)).astype(np.float32)

    @tf.function
    def run(pixels, small):
        def function(photo, large):
            return [tf.cast(photo, tf.float32) / 255.0 * large[..., :1], large[..., 1:] + photo_0]

        photo_0 = tf.zeros([1, 1, 3])
        return tiling.enlarged(pixels, small, function, ("product", "second"))

    found = run(pixels, small)
    large = tf.image.resize(small, size).numpy()
    expected = {"product": pixels / 255.0 * large[..., :1], "second": large[..., 1:].repeat(3, -1)}
    for name, image in expected.items():
        difference = pixels_of(found[name].numpy()) / 255.0 - image
        assert np.max(np.abs(difference)) <= 0.51 / 255
