"""The white part of bright skin is told from its colour, wherever the light has one."""

import dataclasses

import numpy as np
import pytest

from tests.relighting.made_maps import SIZE, half, picture, roof
from tfrelight import color
from tfrelight.data.portrait import PARTS
from tfrelight.photos.blending import ramp
from tfrelight.relighting import gloss, lost_light, ratio_image

SKIN = np.float32([0.6, 0.4, 0.28])
LIGHT = np.float32([1.0, 0.9, 0.7])
ALL = np.ones((SIZE, SIZE), np.float32)


def shining(matte, white, light=LIGHT):
    """Maps of skin of which a patch shines; clipped like a photo, and what it would have been."""
    true = picture(SKIN * light * 0.5)
    true[20:44, 20:44] = light * (matte * SKIN / SKIN.max() + white)
    # What the network says of the skin is right, and it measures that on the rest.
    maps = roof(photo=np.minimum(true, 1.0), albedo=picture(SKIN), parts=of_skin())
    return maps, true


def of_skin():
    parts = np.zeros((SIZE, SIZE, len(PARTS)), np.float32)
    parts[..., PARTS.index("skin")] = 1
    return parts


def separated(maps, light=LIGHT, skin=ALL):
    return gloss.separated(maps, picture(light), skin)


def test_matte_skin_has_no_white_part():
    maps, _ = shining(0.8, 0.0)
    surface, faded = separated(maps)
    wanted = lost_light.surface_color(maps, picture(LIGHT))
    np.testing.assert_allclose(surface, wanted, atol=2e-3)
    assert np.abs(faded).max() < 3e-3


@pytest.mark.parametrize("matte,white", [(0.6, 0.1), (0.4, 0.4), (0.3, 0.6)])
def test_a_highlight_has_the_colour_of_the_light(matte, white):
    maps, true = shining(matte, white)
    surface, faded = separated(maps)
    inside = np.s_[26:38, 26:38]
    np.testing.assert_allclose(
        surface[inside], true[inside] / true[inside].max(-1, keepdims=True), atol=0.01
    )
    # Without its white part the highlight has the colour of the skin, the more the brighter it is.
    without = maps.photo * np.exp(-faded)
    before, found, wanted = (
        one / color.luminance_numpy(one)
        for one in (maps.photo[32, 32], without[32, 32], LIGHT * SKIN)
    )
    left = np.linalg.norm(found - wanted) / np.linalg.norm(before - wanted)
    assert left == pytest.approx(1 - ramp(maps.photo[32, 32].max(), *gloss.BRIGHT), abs=0.05)
    # Off the highlight nothing changes.
    assert np.abs(faded[:10]).max() < 1e-6


@pytest.mark.parametrize("matte,white", [(1.1, 0.0), (0.6, 0.5), (0.2, 0.9)])
def test_a_clipped_channel_is_restored_as_far_as_the_others_say(matte, white):
    maps, true = shining(matte, white, np.float32([1.0, 0.8, 0.6]))
    patch = np.s_[22:42, 22:42]
    assert (true[patch][..., 0] > 1).all() and (true[patch][..., 1:] < 0.9).all()
    surface, _ = separated(maps, np.float32([1.0, 0.8, 0.6]))
    restored = lost_light.restored(maps.photo[patch], surface[patch])
    np.testing.assert_allclose(restored, true[patch], rtol=0.02)
    without_gloss = lost_light.surface_color(maps, picture((1.0, 0.8, 0.6)))[patch]
    if white > 0.4:
        assert lost_light.restored(maps.photo[patch], without_gloss).max() > 1.2 * true[patch].max()


def test_one_channel_alone_says_nothing():
    """Far from everything that is bright and not clipped, warm skin keeps its own colour."""
    maps = roof(photo=(1.0, 1.0, 0.6), albedo=picture(SKIN), parts=of_skin())
    surface, faded = separated(maps, np.ones(3, np.float32))
    np.testing.assert_allclose(surface, picture(SKIN / SKIN.max()), atol=2e-3)
    assert np.abs(faded).max() < 3e-3


def test_of_what_is_burnt_all_over_only_skin_is_known():
    maps = roof(photo=1.0, albedo=picture(SKIN), parts=of_skin())
    surface, faded = separated(maps, np.ones(3, np.float32), half(0, 1))
    own = SKIN / SKIN.max()
    np.testing.assert_allclose(surface[:, -4:], picture(own)[:, -4:], atol=2e-3)
    white = 1 + gloss.LEAST * (own - 1)
    np.testing.assert_allclose(surface[:, :4], picture(white / white.max())[:, :4], atol=2e-3)
    assert np.abs(faded[:, :20]).max() < 1e-6
    # Nothing is known of parts: it may be skin.
    surface, _ = separated(dataclasses.replace(maps, parts=None), np.ones(3, np.float32), 0 * ALL)
    np.testing.assert_allclose(surface, picture(own), atol=2e-3)


def test_a_highlight_that_only_gets_darker_does_not_turn_grey():
    maps, _ = shining(0.4, 0.4, np.ones(3, np.float32))
    face = ratio_image.prepare(maps)
    assert np.abs(ratio_image.prepare(shining(0.8, 0.0)[0]).residual).max() < 0.01
    dark = ratio_image.own(face) * 0.3

    def saturation(sameness):
        change = ratio_image.change(face, dark, sameness)
        factor = change.factor * np.exp(change.slope * maps.guide)[..., None]
        pixel = (maps.photo * factor)[32, 32]
        return 1 - pixel.min() / pixel.max()

    photo = maps.photo[32, 32]
    assert saturation(1.0) == pytest.approx(1 - photo.min() / photo.max(), abs=0.02)
    assert saturation(0.0) > 1.5 * saturation(1.0)
