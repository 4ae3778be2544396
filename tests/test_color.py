"""sRGB: known values, round trips, finite gradients."""

import numpy as np
import tensorflow as tf

from tfrelight import color


def test_known_values():
    # IEC 61966-2-1: half of the code range is 21.4 % of the light; 0.04045 ends a branch.
    srgb = tf.constant([[0.0, 0.5, 1.0], [0.04045, 0.2, 0.8]])
    linear = [[0.0, 0.21404, 1.0], [0.0031308, 0.033105, 0.603827]]
    np.testing.assert_allclose(color.to_linear(srgb), linear, atol=1e-5)
    np.testing.assert_allclose(color.to_srgb(tf.constant(linear)), srgb, atol=1e-5)


def test_every_8_bit_value_survives_the_round_trip():
    values = np.repeat(np.arange(256)[:, None] / 255.0, 3, axis=1).astype(np.float32)
    again = color.to_srgb(color.to_linear(values)).numpy()
    np.testing.assert_array_equal(np.round(again * 255), np.round(values * 255))


def test_numpy_and_tensorflow_agree():
    values = np.random.default_rng(0).uniform(-0.2, 1.3, (100, 3)).astype(np.float32)
    inside = np.clip(values, 0, 1)
    np.testing.assert_allclose(color.to_srgb_numpy(values), color.to_srgb(values), atol=1e-6)
    np.testing.assert_allclose(color.to_linear_numpy(inside), color.to_linear(inside), atol=1e-6)


def test_gradients_are_finite_from_black_to_white():
    linear = tf.constant([[0.0, 1e-8, 0.0031308], [0.5, 1.0, 1.5]])
    with tf.GradientTape() as tape:
        tape.watch(linear)
        encoded = color.to_srgb(linear)
    gradient = tape.gradient(encoded, linear).numpy()
    assert np.all(np.isfinite(gradient))
    np.testing.assert_allclose(gradient[0, 0], 12.92, rtol=1e-4)
    assert gradient[1, 2] == 0


def test_the_gradient_is_the_slope():
    linear = np.random.default_rng(1).uniform(0.004, 0.99, (50, 3))
    with tf.GradientTape() as tape:
        x = tf.constant(linear)
        tape.watch(x)
        encoded = color.to_srgb(x)
    step = 1e-6
    slope = (color.to_srgb(x + step) - color.to_srgb(x - step)) / (2 * step)
    np.testing.assert_allclose(tape.gradient(encoded, x), slope, rtol=1e-5)


def test_luminance_of_white_is_one():
    np.testing.assert_allclose(color.luminance(tf.ones((2, 3))), 1.0, rtol=1e-6)
