import numpy as np

from tfrelight.faces import guided


def step(size=40, noise=0.0):
    guide = np.zeros((size, size), np.float32)
    guide[:, size // 2 :] = 1.0
    rng = np.random.default_rng(0)
    return guide + noise * rng.standard_normal(guide.shape).astype(np.float32)


def test_a_linear_function_of_the_guide_stays():
    guide = np.random.default_rng(0).random((30, 30), np.float32)
    maps = np.stack([2 * guide + 1, -guide], -1)
    np.testing.assert_allclose(guided.filtered(guide, maps, 3, 1e-8), maps, atol=1e-3)


def test_edges_of_the_guide_stay_and_noise_goes():
    guide = step()
    noisy = step(noise=0.2)[..., None]
    smooth = guided.filtered(guide, noisy, 4, 1e-3)[..., 0]
    assert np.abs(smooth - guide).mean() < 0.3 * np.abs(noisy[..., 0] - guide).mean()
    assert (smooth[:, 20] - smooth[:, 19]).min() > 0.8


def test_where_the_guide_is_flat_it_is_a_mean():
    maps = np.random.default_rng(0).random((30, 30, 1), np.float32)
    flat = guided.filtered(np.full((30, 30), 0.5, np.float32), maps, 2, 1e-3)
    assert flat.std() < 0.3 * maps.std()
    np.testing.assert_allclose(flat.mean(), maps.mean(), atol=0.01)


def test_coefficients_serve_a_finer_guide():
    # The edge of the fine guide lies inside a coarse pixel, and is followed there.
    coarse = step(20)
    slope, offset = guided.coefficients(coarse, coarse[..., None], 3, 1e-4)
    fine = step(80)
    upsampled = [np.kron(one[..., 0], np.ones((4, 4))) for one in (slope, offset)]
    np.testing.assert_allclose(upsampled[0] * fine + upsampled[1], fine, atol=0.02)
