"""Relighting a photo by gain and offset: exact where the maps are, and what it leaves alone."""

import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from tests import scenes
from tfrelight import color
from tfrelight.lights import Light
from tfrelight.serving import graph_relighting

SIZE = 32


def truth(ball, index):
    return {
        "albedo": np.float32(ball["albedo"][None] / 65535.0),
        "normals": np.float32(ball["normals"][None] / 65535.0 * 2.0 - 1.0),
        "light": ball["light"][index][None],
        "mask": ball["mask"][None] / np.float32(255),
    }


def photo(ball, index):
    return np.float32(ball["images"][index][None] / 255.0)


def relit(photos, maps, light):
    small = graph_relighting.coefficients(maps, photos, light)
    return graph_relighting.apply(photos, color.to_linear_numpy(photos), small).numpy()


def test_with_true_maps_a_photo_becomes_the_other():
    ball = scenes.ball(size=SIZE, count=2)
    found = relit(photo(ball, 0), truth(ball, 0), ball["light"][1][None])
    # The filter of the mask softens the edge.
    inside = scipy.ndimage.binary_erosion(ball["mask"][..., 0] > 0, iterations=2)
    difference = np.abs(found - photo(ball, 1))[0][inside]
    # Photos are stored in 8 bits, and the light of the offset is a share of the albedo's.
    assert np.mean(difference) < 0.005
    assert np.max(difference) < 0.05
    # And it was no small step.
    assert np.mean(np.abs(photo(ball, 1) - photo(ball, 0))[0][inside]) > 0.03


def uniform(size=8, own=0.5, mask=1.0):
    """Maps of a wall that faces the camera: albedo 0.4, its light the same from everywhere."""
    return {
        "albedo": np.full((1, size, size, 3), 0.4, np.float32),
        "normals": np.broadcast_to(np.float32([0, 0, 1]), (1, size, size, 3)),
        "light": Light.even(own).coefficients[None],
        "mask": np.full((1, size, size, 1), mask, np.float32),
    }


def test_by_hand():
    """S = 0.5, S' = 1, A = 0.4, e = 0.1, I = 0.3, m = 0.5."""
    linear = np.full((1, 8, 8, 3), 0.3, np.float32)
    found = relit(
        color.to_srgb_numpy(linear), uniform(mask=0.5), Light.even(1.0).coefficients[None]
    )
    gain, offset = 0.5 / 0.26, 0.01 * 0.4 / 0.26
    expected = 0.3 * (1 + 0.5 * (gain - 1)) + 0.5 * offset
    np.testing.assert_allclose(color.to_linear_numpy(found), expected, rtol=1e-4)


def test_what_the_mask_leaves_out_stays_as_it_was():
    ball = scenes.ball(size=SIZE, count=2)
    maps = {**truth(ball, 0), "mask": np.zeros((1, SIZE, SIZE, 1), np.float32)}
    found = relit(photo(ball, 0), maps, ball["light"][1][None])
    np.testing.assert_allclose(found, photo(ball, 0), atol=1e-5)


def test_the_own_light_changes_little():
    ball = scenes.ball(size=SIZE, count=1)
    detail = np.random.default_rng(0).uniform(0.7, 1.3, (1, SIZE, SIZE, 1))
    noisy = color.to_srgb_numpy(color.to_linear_numpy(photo(ball, 0)) * detail)
    maps = truth(ball, 0)
    # Detail of 30 % in the photo, none in the albedo; shading of 0.5 keeps 96 % of it.
    assert np.mean(np.abs(relit(noisy, maps, maps["light"]) - noisy)) < 0.005


def test_black_skin_in_the_dark_gets_the_albedo():
    """Where the own light gives nothing, the photo says nothing, and a quotient is 0 / 0."""
    maps = uniform(own=0.0)
    found = relit(np.zeros((1, 8, 8, 3), np.float32), maps, Light.even(0.8).coefficients[None])
    np.testing.assert_allclose(found, color.to_srgb_numpy(0.4 * 0.8), atol=1e-4)


@pytest.mark.parametrize(
    "slope,intercept,mask", [(0.0, 1.4, 1.0), (2.0, 0.2, 1.0), (-1.0, 0.3, 0.0), (0.5, 0.25, 0.5)]
)
def test_the_mask_stays_within_0_and_1(slope, intercept, mask):
    """Of a photo whose encoded luminance is 0.5: slope and intercept give 1.4, 1.2, -0.2, 0.5."""
    linear = np.full((1, 2, 2, 3), 0.21404, np.float32)
    large = np.float32([0.5, 1.0, 2.0, 0.1, 0.0, 0.0, slope, intercept]) * np.ones((1, 2, 2, 1))
    found = graph_relighting.apply(np.float32(0.5) + 0 * linear, linear, np.float32(large))
    expected = 0.21404 * (1 + mask * np.array([-0.5, 0.0, 1.0])) + mask * np.array([0.1, 0, 0])
    np.testing.assert_allclose(color.to_linear_numpy(found)[0, 0, 0], expected, atol=1e-4)


@pytest.mark.parametrize("size", [(16, 16), (64, 48), (31, 7)])
def test_detail_is_the_photo_s(size):
    """Whatever the size: a constant gain scales the linear photo and nothing else."""
    linear = np.random.default_rng(0).uniform(0, 0.5, (2, *size, 3)).astype(np.float32)
    srgb = color.to_srgb_numpy(linear)
    small = np.broadcast_to(np.float32([0.5] * 3 + [0.0] * 4 + [1.0]), (2, 8, 8, 8))
    large = tf.image.resize(small, size)
    found = graph_relighting.apply(srgb, linear, large)
    np.testing.assert_allclose(found, color.to_srgb_numpy(linear / 2), atol=1e-5)
    one = graph_relighting.apply(srgb[1], linear[1], large[1])
    np.testing.assert_allclose(one, found[1], atol=1e-6)


def test_the_mask_follows_the_photo_s_edges():
    """A white half that is masked, in a photo 16 times as large as the maps."""
    edge = np.zeros((1, 512, 512, 3), np.float32)
    # Between two pixels of the small photo, and not in the middle.
    edge[:, :, 205:] = 0.8
    small = tf.image.resize(edge, (32, 32), antialias=True).numpy()
    maps = {**uniform(32, own=1.0), "mask": np.float32(small[..., :1] > 0.4)}
    coefficients = graph_relighting.coefficients(maps, small, Light.even(0.25).coefficients[None])
    large = tf.image.resize(coefficients, (512, 512))
    found = graph_relighting.apply(edge, color.to_linear_numpy(edge), large)[0, 256, :, 0].numpy()
    linear, white = color.to_linear_numpy(found), color.to_linear_numpy(np.float32(0.8))
    # All of the white is darkened, up to its edge, and nothing else changes.
    assert np.max(linear[205:]) < 0.5 * white
    assert np.max(linear[:205]) < 0.02
