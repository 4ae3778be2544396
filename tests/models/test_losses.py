"""Each loss against a number derived by hand."""

import numpy as np
import pytest
import tensorflow as tf

from tfrelight.models import losses


def pixels(*values):
    """`[1, 1, N, 3]` of grey values."""
    return tf.repeat(tf.constant(values, tf.float32)[None, None, :, None], 3, axis=-1)


def weights(*values):
    return tf.constant(values, tf.float32)[None, None, :, None]


def test_absolute_is_the_weighted_mean_of_differences():
    # |0.1 - 0.4| = 0.3 votes once, |0.5 - 0.6| = 0.1 three times: (0.3 + 0.3) / 4.
    value = losses.absolute(pixels(0.1, 0.5), pixels(0.4, 0.6), weights(1, 3))
    assert float(value) == pytest.approx(0.15)


def test_absolute_of_no_vote_is_zero_with_a_finite_gradient():
    prediction = tf.Variable(pixels(0.1, 0.5))
    with tf.GradientTape() as tape:
        value = losses.absolute(prediction, pixels(0.4, 0.6), weights(0, 0))
    assert value == 0
    assert np.all(tape.gradient(value, prediction) == 0)


def test_vote_leaves_out_saturated_and_black_pixels():
    image = tf.constant([[[[0.5, 0.5, 0.99], [0.01, 0.015, 0.019], [0.01, 0.01, 0.03], [0.5] * 3]]])
    np.testing.assert_array_equal(losses.vote(image)[0, 0, :, 0], [0, 0, 1, 1])


def test_photometric_compares_in_srgb():
    # Linear 0.21404 is sRGB 0.5: error 0.1 against 0.6. The second pixel has no weight.
    value = losses.photometric(pixels(0.21404, 0.3), pixels(0.6, 1.0), weights(1, 0))
    assert float(value) == pytest.approx(0.1, abs=1e-4)


def test_encode_goes_on_above_one_with_its_slope_there():
    # d/dx (1.055 x^(1/2.4)) at 1 = 0.43958; 1 + 0.5 * 0.43958.
    np.testing.assert_allclose(losses.encode(pixels(1.5)), 1.21979, atol=1e-4)


def test_a_bright_rendering_keeps_its_gradient():
    """The slope of the encoding: 0.43958 from 1 on, and everywhere below what it is at 0.5."""
    rendered = tf.Variable(pixels(0.5, 1.5, 3.0))
    with tf.GradientTape() as tape:
        value = losses.photometric(rendered, pixels(0.0, 0.0, 0.0), weights(1, 1, 1))
    slope = tape.gradient(value, rendered)[0, 0, :, 0] * 9
    np.testing.assert_allclose(slope, [0.43958 * 0.5 ** (1 / 2.4 - 1), 0.43958, 0.43958], rtol=1e-3)


def test_a_weight_may_be_a_share():
    value = losses.angle(
        tf.constant([[[[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]]]),
        tf.constant([[[[0.0, 0.6, 0.8], [0.0, 0.8, 0.6]]]]),
        weights(0.25, 0.5),
    )
    # 0.2 and 0.4, the second twice as much.
    assert float(value) == pytest.approx((0.05 + 0.2) / 0.75, abs=1e-6)


def test_angle_is_one_minus_cosine():
    a = tf.constant([[[[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]]])
    b = tf.constant([[[[0.0, 0.0, 1.0], [0.0, 0.6, 0.8]]]])
    # 1 - 1 = 0 and 1 - 0.8 = 0.2, evenly weighted.
    assert float(losses.angle(a, b, weights(1, 1))) == pytest.approx(0.1, abs=1e-6)


def wall(*linear):
    """Albedo of a photo for each value, normals to the camera: `[N, 1, 1, 3]` each."""
    albedo = tf.repeat(tf.constant(linear)[:, None, None, None], 3, axis=-1)
    return albedo, tf.zeros_like(albedo) + [0.0, 0.0, 1.0]


def lights(*levels):
    """Even lights: the shading is the level."""
    white = tf.constant([[4 * np.pi] + [0.0] * 8], tf.float32) ** 0.5
    return tf.stack([level * tf.tile(white[..., None], [1, 1, 3])[0] for level in levels])


def photo(*srgb):
    return tf.repeat(tf.constant(srgb)[:, None, None, None], 3, axis=-1)


def test_a_batch_of_pairs_is_swapped():
    np.testing.assert_array_equal(
        losses.swap(tf.constant([[1], [2], [3], [4]])), [[3], [4], [1], [2]]
    )


# Linear 0.21404, 0.31855 and 0.44799 are sRGB 0.5, 0.6 and 0.7.


def test_reconstruction_is_albedo_times_its_own_shading():
    albedo, normals = wall(0.21404, 0.31855)
    light = lights(0.31855 / 0.21404, 0.44799 / 0.31855)
    value = losses.reconstruction(albedo, normals, light, photo(0.5, 0.8), tf.ones([2, 1, 1, 1]))
    # |0.6 - 0.5| and |0.7 - 0.8|.
    assert float(value) == pytest.approx(0.1, abs=1e-3)
    weight = tf.constant([1.0, 0.0])[:, None, None, None]
    value = losses.reconstruction(albedo, normals, light, photo(0.3, 0.8), weight)
    assert float(value) == pytest.approx(0.3, abs=1e-3)


def test_cross_relighting_is_albedo_times_the_partner_s_shading():
    """Two pairs: the first and third photo exchange their lights, the second and fourth theirs."""
    albedo, normals = wall(0.21404, 0.31855, 0.44799, 0.21404)
    light = lights(0.21404 / 0.44799, 1.0, 0.31855 / 0.21404, 0.44799 / 0.31855)
    # So the first pair gives 0.6 and 0.5, the second 0.7 and 0.5.
    weight = tf.constant([1.0, 0.0, 2.0, 1.0])[:, None, None, None]
    value = losses.cross_relighting(albedo, normals, light, photo(0.4, 0.9, 0.6, 0.5), weight)
    # 0.6 against the third photo, 0.6; 0.5 against the first, 0.4, twice; 0.5 against 0.9.
    assert float(value) == pytest.approx((0.0 + 2 * 0.1 + 0.4) / 4, abs=1e-3)


def test_consistency_of_a_pair():
    albedo, normals = wall(0.21404, 0.31855, 0.44799, 0.31855)
    # 0.5 against 0.7 in the first pair, nothing in the second.
    value = losses.albedo_consistency(albedo, tf.ones([4, 1, 1, 1]))
    assert float(value) == pytest.approx(0.1, abs=1e-3)
    tilted = tf.tensor_scatter_nd_update(normals, [[2, 0, 0]], [[0.6, 0.0, 0.8]])
    weight = tf.constant([1.0, 1.0, 1.0, 3.0])[:, None, None, None]
    assert float(losses.normals_consistency(tilted, weight)) == pytest.approx(0.4 / 6, abs=1e-6)


def test_light_is_the_relative_square_over_known_lights():
    # One coefficient a channel of band 1 (a = 2/3): (2/3 (1 - 3))² / ((2/3 3)² + 2²) = 16/9 / 8.
    target = np.zeros((2, 9, 3), np.float32)
    target[0, 2] = [3, 0, 0]
    target[0, 0] = [0, 2, 0]
    prediction = target.copy()
    prediction[0, 2, 0] = 1
    # The second light is unknown.
    prediction[1] = 100
    assert float(losses.light(prediction, target, tf.constant([1.0, 0.0]))) == pytest.approx(2 / 9)
    assert float(losses.light(prediction, target, tf.zeros(2))) == 0


def test_light_does_not_change_with_exposure():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 4, 9, 3)).astype(np.float32)
    one = losses.light(a, b, tf.ones(4))
    np.testing.assert_allclose(losses.light(7 * a, 7 * b, tf.ones(4)), one, rtol=1e-5)


def test_binary_cross_entropy():
    # -log 0.8 for a head pixel, -log(1 - 0.4) for a background one.
    value = losses.binary_cross_entropy(
        weights(0.8, 0.4), tf.constant([[[[1.0], [0.0]]]]), weights(1, 1)
    )
    assert float(value) == pytest.approx((0.22314 + 0.51083) / 2, abs=1e-4)


def test_binary_cross_entropy_is_finite_when_certain_and_wrong():
    value = losses.binary_cross_entropy(
        weights(0.0, 1.0), tf.constant([[[[1.0], [0.0]]]]), weights(1, 1)
    )
    # As sure as 1 - 1e-6, which float32 resolves: -log 1e-6.
    assert float(value) == pytest.approx(13.8155, rel=2e-3)


def test_cross_entropy():
    # -log 0.8 and -log 0.1; the third pixel does not count.
    says = tf.constant([[[[0.8, 0.2, 0.0], [0.1, 0.1, 0.8], [0.0, 0.0, 1.0]]]])
    truth = tf.constant([[[[0], [1], [1]]]], tf.uint8)
    value = losses.cross_entropy(says, truth, weights(1, 1, 0))
    assert float(value) == pytest.approx((0.22314 + 2.30259) / 2, abs=1e-4)
    # -log 1e-6 if certain and wrong.
    assert float(losses.cross_entropy(says, truth, weights(0, 0, 1))) == pytest.approx(13.8155)
    assert float(losses.cross_entropy(says, truth, weights(0, 0, 0))) == 0
