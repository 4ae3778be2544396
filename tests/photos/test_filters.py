"""The filters give what scipy's of the same kind give."""

import numpy as np
import pytest

from tfrelight.photos import filters

ndimage = pytest.importorskip("scipy.ndimage")

MODES = {"symmetric": "reflect", "edge": "nearest", "wrap": "wrap"}


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "shape,sigma", [((9, 14), 1.3), ((40, 30), 6), ((9, 400), 2), ((7, 5, 6, 4), (0, 1, 2, 0.05))]
)
def test_gaussians(shape, sigma, mode):
    values = noise(*shape)
    found = filters.gaussian(values, sigma, mode)
    assert found.dtype == np.float32
    np.testing.assert_allclose(
        found, ndimage.gaussian_filter(values, sigma, mode=MODES[mode]), atol=2e-6
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [1, 2, 3, 6, 7])
def test_boxes(size, mode):
    for values in (noise(9, 14), noise(3, 20, 8)):
        sizes = (0,) * (values.ndim - 2) + (size, size)
        found = filters.box(values, size, mode)
        assert found.dtype == np.float32 and found.shape == values.shape
        expected = ndimage.uniform_filter(values, sizes, mode=MODES[mode])
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("radius", [0, 0.9, 1, 2.5, 4])
def test_the_largest_and_the_smallest_in_a_disc(radius):
    values, footprint = noise(12, 17), filters.disc(radius)
    reach = int(radius)
    assert footprint.shape == (2 * reach + 1,) * 2 and footprint[reach, reach]
    y, x = np.argwhere(footprint).T - reach
    assert (np.hypot(x, y) <= radius).all() and footprint.sum() == sum(
        np.hypot(i, j) <= radius for i in range(-5, 6) for j in range(-5, 6)
    )
    for ours, theirs in (
        (filters.dilated, ndimage.grey_dilation),
        (filters.eroded, ndimage.grey_erosion),
    ):
        expected = theirs(values, footprint=footprint, mode="nearest")
        np.testing.assert_array_equal(ours(values, footprint), expected)


@pytest.mark.parametrize("channels", [None, 3])
def test_values_between_pixels(channels):
    values = noise(8, 11) if channels is None else noise(8, 11, channels)
    rng = np.random.default_rng(1)
    rows, columns = rng.uniform(-3, 11, (5, 6)), rng.uniform(-3, 14, (5, 6))
    planes = values[..., None] if channels is None else values
    expected = np.stack(
        [
            ndimage.map_coordinates(plane, [rows, columns], order=1, mode="nearest")
            for plane in np.moveaxis(planes, -1, 0)
        ],
        -1,
    )
    found = filters.sampled(values, rows, columns)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, atol=1e-6)
