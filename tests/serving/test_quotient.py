"""Relighting a photo by gain and offset: exact where the maps are, and what it leaves alone."""

import numpy as np
import pytest

from tests import scenes
from tfrelight import color, lights, shading
from tfrelight.serving import quotient

SIZE = 32


def truth(ball, index):
    return {
        "albedo": np.float32(ball["albedo"][None] / 65535.0),
        "normals": np.float32(ball["normals"][None] / 65535.0 * 2.0 - 1.0),
        "light": ball["light"][index][None],
        "mask": ball["mask"][None] / np.float32(255),
    }


def linear_photo(ball, index):
    return color.to_linear_numpy(ball["images"][index][None] / 255.0)


def test_with_true_maps_a_photo_becomes_the_other():
    ball = scenes.ball(size=SIZE, count=2)
    gain_offset = quotient.gain_and_offset(truth(ball, 0), ball["light"][1][None])
    relit = quotient.apply(linear_photo(ball, 0), gain_offset)[0].numpy()
    inside = ball["mask"][..., 0] > 0
    difference = np.abs(relit - ball["images"][1] / 255.0)
    # Photos are stored in 8 bits, and the light of the offset is a share of the albedo's.
    assert np.mean(difference[inside]) < 0.005
    assert np.max(difference[inside]) < 0.05
    # And it was no small step.
    assert np.mean(np.abs(ball["images"][1] / 255.0 - ball["images"][0] / 255.0)[inside]) > 0.03


def test_by_hand():
    """One pixel: S = 0.5, S' = 1, A = 0.4, mask 1, e = 0.1."""
    maps = {
        "albedo": np.full((1, 1, 1, 3), 0.4, np.float32),
        "normals": np.float32([0, 0, 1]).reshape(1, 1, 1, 3),
        "light": lights.ambient(0.5)[None],
        "mask": np.ones((1, 1, 1, 1), np.float32),
    }
    gain, offset = np.split(quotient.gain_and_offset(maps, lights.ambient(1.0)[None])[0, 0, 0], 2)
    np.testing.assert_allclose(gain, 0.5 / 0.26, rtol=1e-5)
    np.testing.assert_allclose(offset, 0.01 * 0.4 / 0.26, rtol=1e-5)


def test_what_the_mask_leaves_out_stays_as_it_was():
    ball = scenes.ball(size=SIZE, count=2)
    maps = {**truth(ball, 0), "mask": np.zeros((1, SIZE, SIZE, 1), np.float32)}
    linear = linear_photo(ball, 0)
    relit = quotient.apply(linear, quotient.gain_and_offset(maps, ball["light"][1][None]))
    np.testing.assert_allclose(relit, ball["images"][:1] / 255.0, atol=1e-5)


def test_the_own_light_changes_little():
    ball = scenes.ball(size=SIZE, count=1)
    noisy = linear_photo(ball, 0) * np.random.default_rng(0).uniform(0.7, 1.3, (1, SIZE, SIZE, 1))
    maps = truth(ball, 0)
    relit = quotient.apply(np.float32(noisy), quotient.gain_and_offset(maps, maps["light"]))
    # Detail of 30 % in the photo, none in the albedo; shading of 0.5 keeps 96 % of it.
    assert np.mean(np.abs(relit - color.to_srgb_numpy(noisy))) < 0.005


def test_black_skin_in_the_dark_gets_the_albedo():
    """Where the own light gives nothing, the photo says nothing, and a quotient is 0 / 0."""
    maps = truth(scenes.ball(size=SIZE, count=1), 0)
    maps["light"] = np.zeros((1, 9, 3), np.float32)
    light = lights.ambient(0.8)[None]
    relit = quotient.apply(
        np.zeros((1, SIZE, SIZE, 3), np.float32), quotient.gain_and_offset(maps, light)
    )
    expected = color.to_srgb(shading.render(maps["albedo"], maps["normals"], light)) * maps["mask"]
    np.testing.assert_allclose(relit, expected, atol=1e-3)


@pytest.mark.parametrize("size", [(16, 16), (64, 48), (31, 7)])
def test_detail_is_the_photo_s(size):
    """Whatever the size: a constant gain scales the linear photo and nothing else."""
    linear = np.random.default_rng(0).uniform(0, 0.5, (2, *size, 3)).astype(np.float32)
    gain_offset = np.broadcast_to(np.float32([0.5] * 3 + [0.0] * 3), (2, 8, 8, 6))
    relit = quotient.apply(linear, gain_offset)
    np.testing.assert_allclose(relit, color.to_srgb_numpy(linear / 2), atol=1e-5)
    one = quotient.apply(linear[1], gain_offset[1])
    np.testing.assert_allclose(one, relit[1], atol=1e-6)
