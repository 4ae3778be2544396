"""The guided filter: edges of the guide, means where it is flat, and numbers by hand."""

import numpy as np
import pytest

from tfrelight.faces import guided_filter


def step(size=40, noise=0.0):
    guide = np.zeros((size, size), np.float32)
    guide[:, size // 2 :] = 1.0
    rng = np.random.default_rng(0)
    return guide + noise * rng.standard_normal(guide.shape).astype(np.float32)


def test_a_linear_function_of_the_guide_stays():
    guide = np.random.default_rng(0).random((30, 30), np.float32)
    maps = np.stack([2 * guide + 1, -guide], -1)
    np.testing.assert_allclose(guided_filter.filtered(guide, maps, 3, 1e-8), maps, atol=1e-3)


def test_edges_of_the_guide_stay_and_noise_goes():
    guide = step()
    noisy = step(noise=0.2)[..., None]
    smooth = guided_filter.filtered(guide, noisy, 4, 1e-3)[..., 0]
    assert np.abs(smooth - guide).mean() < 0.3 * np.abs(noisy[..., 0] - guide).mean()
    assert (smooth[:, 20] - smooth[:, 19]).min() > 0.8


def test_where_the_guide_is_flat_it_is_a_mean():
    maps = np.random.default_rng(0).random((30, 30, 1), np.float32)
    flat = guided_filter.filtered(np.full((30, 30), 0.5, np.float32), maps, 2, 1e-3)
    assert flat.std() < 0.3 * maps.std()
    np.testing.assert_allclose(flat.mean(), maps.mean(), atol=0.01)


def test_coefficients_serve_a_finer_guide():
    # The edge of the fine guide lies inside a coarse pixel, and is followed there.
    coarse = step(20)
    slope, offset = guided_filter.coefficients(coarse, coarse[..., None], 3, 1e-4)
    fine = step(80)
    upsampled = [np.kron(one[..., 0], np.ones((4, 4))) for one in (slope, offset)]
    np.testing.assert_allclose(upsampled[0] * fine + upsampled[1], fine, atol=0.02)


@pytest.mark.parametrize("epsilon", [0.1, 0.4])
def test_a_step_by_hand(epsilon):
    """Windows of three pixels over a step of 1: variance 2/9, and so a slope of 2/9 / (2/9 + e).

    Means over three windows of slope and offset, of which one is beside the step: the step of the
    map becomes (2 + k) / 3 and (1 - k) / 3 at its two pixels.
    """
    guide = step(8)
    slope, offset = guided_filter.coefficients(guide, guide[..., None], 1, epsilon)
    share = 2 / 9 / (2 / 9 + epsilon)
    np.testing.assert_allclose(slope[4, :, 0], share * np.array([0, 0, 1, 2, 2, 1, 0, 0]) / 3)
    below, above = (1 - share) / 3, (2 + share) / 3
    # The middle offset of windows: 1/3 - k/3 with one pixel above the step, 2/3 (1 - k) with two.
    np.testing.assert_allclose(offset[4, 3, 0], below, rtol=1e-6)
    np.testing.assert_allclose((slope + offset)[4, 4, 0], above, rtol=1e-6)
    found = guided_filter.filtered(guide, guide[..., None], 1, epsilon)[..., 0]
    np.testing.assert_allclose(found[4, 3:5], [below, above], rtol=1e-6)


def test_epsilon_may_differ_from_pixel_to_pixel():
    guide = step(20)
    epsilon = np.full((20, 20, 1), 1e-4, np.float32)
    epsilon[10:] = 10.0
    found = guided_filter.filtered(guide, guide[..., None], 2, epsilon)[..., 0]
    assert found[4, 10] - found[4, 9] > 0.98 and found[15, 10] - found[15, 9] < 0.25


def test_every_map_is_filtered_alone_and_to_the_border():
    guide = np.full((6, 9), 0.5, np.float32)
    maps = np.zeros((6, 9, 2), np.float32)
    maps[2, 4, 0], maps[0, 0, 1] = 1.0, 1.0
    found = guided_filter.filtered(guide, maps, 1, 1e-3)
    # Twice the mean of 3 x 3; beyond the border its pixels are repeated.
    weights = np.array([1, 2, 3, 2, 1]) / 9
    np.testing.assert_allclose(found[:5, 2:7, 0], np.outer(weights, weights), atol=1e-6)
    assert found[:, :, 1].max() == found[0, 0, 1] > 0.25
    np.testing.assert_allclose(found[3:, :, 1], 0, atol=1e-6)
