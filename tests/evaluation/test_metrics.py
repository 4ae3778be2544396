"""Every metric against a number worked out by hand, and blind to what is outside the mask."""

import numpy as np
import pytest
import tensorflow as tf

from tfrelight.errors import InputError
from tfrelight.evaluation import metrics
from tfrelight.lights import directions

ALL = np.ones((1, 2), bool)


def row(*values):
    return np.array([values], np.float64)


def tilted(*degrees):
    """Normals turned from the camera to the right by these angles, `[1, N, 3]`."""
    angle = np.radians(degrees)
    return np.stack([np.sin(angle), 0 * angle, np.cos(angle)], axis=-1)[None]


def test_angles():
    a = [[1, 0, 0], [0, 0, 2], [1, 0, 0], [0, 1, 0]]
    b = [[1, 1, 0], [0, 0, 5], [-3, 0, 0], [0, 0, 1]]
    np.testing.assert_allclose(directions.angular_degrees(a, b), [45, 0, 180, 90], atol=1e-12)


def test_small_angles_keep_their_precision():
    a, b = tilted(0.0), tilted(1e-6)
    np.testing.assert_allclose(directions.angular_degrees(a, b), 1e-6, rtol=1e-6)


def test_normals():
    # Errors of 0, 10, 24 and 90 degrees; the fifth pixel is outside.
    mask = np.array([[True, True, True, True, False]])
    result = metrics.normals(tilted(0, 10, 24, 90, 180), tilted(0, 0, 0, 0, 0), mask)
    assert result == pytest.approx(
        {
            "degrees": 31.0,
            "median_degrees": 17.0,
            "under_11.25": 0.5,
            "under_20": 0.5,
            "under_22.5": 0.5,
            "under_25": 0.75,
            "under_30": 0.75,
        }
    )


def test_best_scale_and_what_is_left():
    # s = (1x2 + 2x2) / (1 + 4) = 1.2; left are -0.8 and 0.4.
    estimate, reference = row(1, 2), row(2, 2)
    assert metrics.best_scale(estimate, reference, ALL) == pytest.approx(1.2)
    assert metrics.si_mse(estimate, reference, ALL) == pytest.approx(0.4)
    assert metrics.si_rmse(estimate, reference, ALL) == pytest.approx(np.sqrt(0.4))
    assert metrics.si_mse(7 * estimate, reference, ALL) == pytest.approx(0.4)


def test_one_scale_for_all_channels():
    # Two channels of one pixel each: s = (1x1 + 1x3) / 2 = 2; left are 1 and -1.
    estimate, reference = np.ones((1, 1, 2)), np.array([[[1.0, 3.0]]])
    assert metrics.si_mse(estimate, reference, np.ones((1, 1), bool)) == pytest.approx(1.0)


def test_black_estimate_is_left_black():
    assert metrics.si_rmse(row(0, 0), row(3, 4), ALL) == pytest.approx(np.sqrt(12.5))


def test_rmse():
    assert metrics.rmse(row(3, 0), row(0, 4), ALL) == pytest.approx(np.sqrt(12.5))


def test_psnr():
    assert metrics.psnr(row(0.5, 0.5), row(0.4, 0.6), ALL) == pytest.approx(20.0)
    assert metrics.psnr(row(0.5, 0.5), row(0.5, 0.5), ALL) == np.inf


def test_lmse():
    # Windows of columns 0-20 and 10-30, 20 rows high. First: 200 pixels of 1 and 200 of 3, for
    # which the best constant is 2, so 400 of 2000 are left. Second: all 3, nothing of 3600 is left.
    reference = np.full((20, 30), 3.0)
    reference[:, :10] = 1.0
    mask = np.ones((20, 30), bool)
    assert metrics.lmse(np.ones((20, 30)), reference, mask) == pytest.approx(400 / 5600)
    assert metrics.lmse(np.zeros((20, 30)), reference, mask) == pytest.approx(1.0)
    assert metrics.lmse(0.1 * reference, reference, mask) == pytest.approx(0.0, abs=1e-12)


def test_lmse_has_windows_of_20_pixels_every_10():
    rng = np.random.default_rng(0)
    estimate, reference = rng.uniform(0.1, 1, (2, 57, 43))
    mask = np.ones((57, 43), bool)
    default = metrics.lmse(estimate, reference, mask)
    assert default == metrics.lmse(estimate, reference, mask, window=20, step=10)
    for window, step in ((20, 11), (21, 10), (20, 9)):
        assert default != metrics.lmse(estimate, reference, mask, window=window, step=step)


def test_lmse_of_black_is_nothing():
    mask = np.ones((20, 20), bool)
    assert metrics.lmse(np.ones((20, 20)), np.zeros((20, 20)), mask) == 0


def test_lmse_sees_the_last_columns():
    reference = np.ones((20, 33))
    reference[:, 32] = 2.0
    assert metrics.lmse(np.ones((20, 33)), reference, np.ones((20, 33), bool)) > 0


def test_dssim_of_even_images():
    # Without variance SSIM is (2 a b + C1) / (a² + b² + C1), C1 = 0.0001.
    a, b = np.full((16, 16), 0.2), np.full((16, 16), 0.6)
    expected = (1 - 0.2401 / 0.4001) / 2
    assert metrics.dssim(a, b, np.ones((16, 16), bool)) == pytest.approx(expected)
    mask = np.zeros((16, 16), bool)
    mask[3:9, 5:12] = True
    assert metrics.dssim(a, b, mask) == pytest.approx(expected)


def test_dssim_is_tensorflows():
    rng = np.random.default_rng(0)
    a = rng.uniform(size=(128, 128, 3))
    b = np.clip(0.8 * a + rng.normal(0, 0.2, a.shape), 0, 1)
    # TensorFlow leaves out the pixels whose windows do not fit; the texture is the same everywhere.
    ssim = tf.image.ssim(tf.constant(a[None]), tf.constant(b[None]), 1.0).numpy()[0]
    assert 0.6 < ssim < 0.9
    assert metrics.dssim(a, b, np.ones((128, 128), bool)) == pytest.approx((1 - ssim) / 2, abs=3e-3)


def test_dssim_bounds():
    pattern = np.tile([[0.0, 1.0], [1.0, 0.0]], (10, 10))
    mask = np.ones((20, 20), bool)
    assert metrics.dssim(pattern, pattern, mask) == pytest.approx(0.0, abs=1e-12)
    # A board of black and white against its negative: no more unlike than that.
    assert 0.98 < metrics.dssim(pattern, 1 - pattern, mask) <= 1.0


def test_coefficient_l2():
    light = np.zeros((2, 9, 3))
    other = light.copy()
    other[0, :, 1] = 1.0
    other[1, 4, 0] = -2.0
    np.testing.assert_allclose(metrics.coefficient_l2(light, other), [3.0, 2.0])


def test_si_coefficient_error_is_the_sine_of_the_angle():
    light = np.zeros((9, 3))
    light[0, 0], light[3, 1] = 3.0, 4.0
    other = np.zeros((9, 3))
    other[3, 1] = 2.0
    # The best scale of (3, 4) for (0, 2) is 8/25: (0.96, 1.28) leaves (0.96, -0.72), 1.2 of 2.
    assert metrics.si_coefficient_error(light, other) == pytest.approx(0.6)
    assert metrics.si_coefficient_error(5 * light, light) == pytest.approx(0, abs=1e-7)
    # A light that has to be turned around, and none at all, are no help.
    assert metrics.si_coefficient_error(-light, light) == 1
    assert metrics.si_coefficient_error(0 * light, light) == 1
    both = metrics.si_coefficient_error(np.stack([light, other]), np.stack([other, other]))
    np.testing.assert_allclose(both, [0.6, 0.0], atol=1e-7)


def test_si_coefficient_error_of_the_same_light_is_a_number():
    """In floating point the cosine of a light with itself may be more than 1."""
    lights = np.random.default_rng(0).normal(size=(1000, 9, 3))
    np.testing.assert_allclose(metrics.si_coefficient_error(0.3 * lights, lights), 0, atol=1e-7)
    # Of dim lights as of bright ones.
    assert metrics.si_coefficient_error(1e-3 * lights[0], 1e-3 * lights[0]) < 1e-7


def test_consistency():
    # Grey albedo of (1, 3) / 2 and (1, 1): 0.25 of deviation at each pixel. Normals 10 degrees to
    # the left and to the right of the camera: 10 from their mean.
    albedo = np.repeat(np.array([[[0.2, 0.6]], [[0.7, 0.7]]])[..., None], 3, axis=-1)
    normals = np.stack([tilted(10, 10), tilted(-10, -10)])
    result = metrics.consistency(albedo, normals, ALL)
    assert result == pytest.approx({"albedo": 0.25, "normals_degrees": 10.0})


def test_consistency_ignores_the_scale_of_albedo():
    albedo = np.random.default_rng(0).uniform(0.2, 0.5, (1, 4, 4, 3))
    normals = np.broadcast_to(tilted(30), (2, 4, 4, 3))
    mask = np.ones((4, 4), bool)
    result = metrics.consistency(np.concatenate([albedo, 2 * albedo]), normals, mask)
    assert result == pytest.approx({"albedo": 0.0, "normals_degrees": 0.0}, abs=1e-9)


IMAGE_METRICS = ["best_scale", "rmse", "si_mse", "si_rmse", "psnr", "lmse", "dssim", "normals"]


@pytest.mark.parametrize("name", IMAGE_METRICS)
def test_outside_the_mask_nothing_counts(name):
    rng = np.random.default_rng(0)
    estimate, reference = rng.uniform(0.1, 1, (2, 40, 50, 3))
    y, x = np.mgrid[0:40, 0:50]
    mask = (x - 25) ** 2 + (y - 20) ** 2 < 200
    function = getattr(metrics, name)
    before = function(estimate, reference, mask)
    estimate[~mask], reference[~mask] = 100 * rng.normal(size=(2, (~mask).sum(), 3))
    assert function(estimate, reference, mask) == pytest.approx(before, rel=1e-9)


@pytest.mark.parametrize("name", IMAGE_METRICS)
def test_unfit_arrays_are_refused(name):
    function = getattr(metrics, name)
    image = np.ones((4, 4, 3))
    with pytest.raises(InputError, match="mask with at least one pixel"):
        function(image, image, np.zeros((4, 4), bool))
    with pytest.raises(InputError, match="Expected images of one shape"):
        function(image, image[:3], np.ones((4, 4), bool))
    with pytest.raises(InputError, match="Expected images of one shape"):
        function(image, image, np.ones((3, 4), bool))


def test_bootstrap_draws_whole_subjects():
    # Two subjects, 0 and 1 throughout: the mean of a draw is 0, 1/2 or 1, with chances 1/4, 1/2,
    # 1/4, however many photos there are.
    values = np.repeat([0.0, 1.0], 500)
    assert metrics.bootstrap_interval(values, np.repeat(["a", "b"], 500)) == (0.0, 1.0)
    # As many subjects as photos: 1000 coins, standard deviation of the mean 0.0158.
    low, high = metrics.bootstrap_interval(values, np.arange(1000))
    assert low == pytest.approx(0.5 - 1.96 * 0.0158, abs=0.004)
    assert high == pytest.approx(0.5 + 1.96 * 0.0158, abs=0.004)


def test_bootstrap_counts_photos_not_subjects():
    # Of any draw with the second subject at least 9 values in 10 are 1.
    low, high = metrics.bootstrap_interval(
        [0.0] + [1.0] * 9, ["a"] + ["b"] * 9, statistic=np.median
    )
    assert (low, high) == (0.0, 1.0)
    mean = metrics.bootstrap_interval([0.0] + [1.0] * 9, ["a", *"bcdefghij"], seed=3)
    assert mean[0] <= 0.9 <= mean[1]


def test_bootstrap_depends_on_the_seed_alone():
    values, subjects = np.random.default_rng(0).normal(size=50), np.arange(50) % 10
    interval = metrics.bootstrap_interval(values, subjects, seed=1)
    assert interval == metrics.bootstrap_interval(values, subjects, seed=1)
    assert interval != metrics.bootstrap_interval(values, subjects, seed=2)


def test_bootstrap_of_one_subject_says_nothing():
    assert np.isnan(metrics.bootstrap_interval([1.0, 2.0], ["a", "a"])).all()


@pytest.mark.parametrize("values,subjects", [([], []), ([1.0], ["a", "b"])])
def test_bootstrap_without_a_subject_a_value_is_refused(values, subjects):
    with pytest.raises(InputError, match="as many values as subjects"):
        metrics.bootstrap_interval(values, subjects)
