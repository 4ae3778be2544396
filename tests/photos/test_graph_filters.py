"""The graph's filters give what numpy's give, for sides that are odd, even and small."""

import numpy as np
import pytest
import tensorflow as tf

from tfrelight.faces import framing, guided_filter
from tfrelight.photos import blending, filters, graph_filters

SIDES = pytest.mark.parametrize("side", [29, 64])


def maps(side, channels=3, seed=0):
    shape = (side, side, channels) if channels else (side, side)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@SIDES
@pytest.mark.parametrize("sigma", [0.0, 0.1, 0.7, 4.3])
def test_gaussian(side, sigma):
    values = maps(side)
    expected = filters.gaussian(values, (sigma, sigma, 0))
    np.testing.assert_allclose(
        graph_filters.gaussian(tf.constant(values), sigma), expected, atol=1e-5
    )
    expected = filters.gaussian(values[..., 0], sigma)
    found = graph_filters.gaussian(tf.constant(values[..., 0]), tf.constant(sigma))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@SIDES
@pytest.mark.parametrize("mode", ["symmetric", "edge"])
@pytest.mark.parametrize("size", [1, 2, 5, 12])
def test_box(side, mode, size):
    values = maps(side)
    planes = np.moveaxis(values, -1, 0)
    once = np.moveaxis(filters.box(planes, size, mode), 0, -1)
    np.testing.assert_allclose(graph_filters.box(tf.constant(values), size, mode), once, atol=1e-5)
    twice = np.moveaxis(filters.box(filters.box(planes, size, mode), size, mode), 0, -1)
    np.testing.assert_allclose(
        graph_filters.box(tf.constant(values), size, mode, times=2), twice, atol=1e-5
    )


@SIDES
def test_dilated_and_eroded(side):
    values, footprint = maps(side, 0), filters.disc(3.4)
    expected = filters.dilated(values, footprint)
    np.testing.assert_array_equal(graph_filters.dilated(values, footprint), expected)
    expected = filters.eroded(values, footprint)
    np.testing.assert_array_equal(graph_filters.eroded(values, footprint), expected)


@pytest.mark.parametrize("share", [0.0, 50.0, 85.0, 100.0])
def test_percentile(share):
    values = maps(20, 0)
    where = maps(20, 0, seed=1) > 0.3
    expected = np.percentile(values[where], share)
    np.testing.assert_allclose(graph_filters.percentile(values, where, share), expected, atol=1e-6)
    assert graph_filters.percentile(values, np.zeros_like(where), share) == 0


@SIDES
def test_guided(side):
    guide, values = maps(side, 0), maps(side, seed=1)
    epsilon = 0.1 + np.abs(maps(side, 1, seed=2))
    expected = guided_filter.coefficients(guide, values, 4, epsilon)
    found = graph_filters.guided(guide, values, tf.constant(4), epsilon)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_ramp():
    values = np.linspace(-1, 2, 50).astype(np.float32)
    for ends in ((0.2, 0.9), (0.9, 0.2)):
        expected = blending.ramp(values, *ends)
        np.testing.assert_allclose(graph_filters.ramp(values, *ends), expected, atol=1e-6)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_cells(step):
    values = maps(29)
    padding = -29 % step
    padded = np.pad(values, [(0, padding), (0, padding), (0, 0)], "edge")
    count = len(padded) // step
    expected = padded.reshape(count, step, count, step, 3).mean((1, 3))
    np.testing.assert_allclose(graph_filters.cells(values, tf.constant(step)), expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(64, 64), (200, 150), (31, 90), (128, 40)])
def test_cut(shape):
    """A smooth photo, as floats and as bytes."""
    y, x = np.mgrid[: shape[0], : shape[1]] / max(shape)
    pixels = np.stack([0.5 + 0.4 * np.sin(9 * x + 5 * y), x, y], -1)
    pixels = np.uint8(pixels * 255)
    window = framing.whole(shape)
    expected = window.cut(pixels, 64, (0, 0, *shape[::-1])) / 255.0
    for photo in (pixels, np.float32(pixels / 255.0)):
        found = graph_filters.cut(tf.constant(photo[None]), tf.constant(64))[0].numpy()
        assert np.abs(found - expected).max() < 0.02
        assert np.abs(found - expected).mean() < 0.004
