"""The relief and the skin of a face."""

import dataclasses

import numpy as np
import pytest

from tests.relighting.made_maps import SIZE, a_face, half, picture, roof
from tests.rendering import surfaces
from tfrelight.faces import framing
from tfrelight.lights import Light
from tfrelight.relighting import materials, ratio_image

NOTHING = np.zeros((SIZE, SIZE), np.float32)


def test_a_relief_lies_in_the_frame_of_its_window():
    """Turned by 90 degrees: what leans left in the photo leans up or down in the window."""
    upright = roof()
    turned = framing.Window(np.array([0.0, 64.0]), np.array([[0.0, 64.0], [-64.0, 0.0]]))
    maps = dataclasses.replace(upright, window=turned)
    normals = materials.relief(maps).normals
    # The window's right edge points up in the photo.
    np.testing.assert_allclose(turned.rotation @ [1, 0, 0], [0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(normals[5, 5, 0], 0, atol=1e-5)
    assert abs(normals[5, 5, 1]) > 0.6
    assert materials.relief(upright).normals[32, 5, 0] < -0.6


def test_the_height_of_a_head_is_that_between_the_eyes_times_3_65():
    face = a_face((32.0, 30.0), 16.0)
    field = materials.relief(roof(face=face))
    assert field.head == pytest.approx(3.65 * 16)
    np.testing.assert_allclose(field.middle, face.oval.mean(0) - 0.5, atol=1e-3)
    # Of a crop it is the side.
    assert materials.relief(roof()).head == SIZE


def test_noses_rise_and_balls_do_not():
    for height, least, most in ((surfaces.hills(0, size=SIZE) / 4, 1.15, 2.4), (None, 0.9, 1.12)):
        field = surfaces.ball(size=SIZE)[0] if height is None else surfaces.of_height(height)
        maps = roof(normals=field.normals, mask=field.mask)
        found = materials.relief(maps).height
        seen = (field.mask > 0.5) & (field.normals[..., 2] > 0.3)
        ratio = np.ptp(found[seen]) / np.ptp(field.height[seen])
        assert least < ratio < most


@pytest.mark.parametrize("size", [127, 129, 200, 256, 257])
def test_heights_are_those_of_a_ball_of_any_size(size):
    """Also of sizes whose heights are integrated in fewer pixels."""
    field = surfaces.ball(size=size)[0]
    made = dataclasses.replace(
        roof(), normals=field.normals, mask=field.mask, window=framing.whole((size, size))
    )
    found = materials.relief(made).height
    assert found.shape == (size, size)
    seen = (field.mask > 0.5) & (field.normals[..., 2] > 0.3)
    expected = field.height[seen] - field.height[seen].mean()
    off = found[seen] - found[seen].mean() - expected
    assert np.abs(off).max() < 0.1 * np.ptp(expected)


def test_skin_is_what_has_the_colour_of_the_face():
    albedo = picture((0.5, 0.35, 0.28))
    albedo[:8, :8] = 0.04, 0.03, 0.03  # a brow
    albedo[:8, 20:28] = 0.75, 0.75, 0.75  # teeth
    albedo[:8, 40:48] = 0.2, 0.25, 0.6  # cloth
    things = NOTHING.copy()
    things[50:58, 50:58] = 1
    mask = np.ones((SIZE, SIZE), np.float32)
    mask[:, 60:] = 0
    skin = materials.skin(roof(albedo=albedo, mask=mask), things)
    for rows, columns in ((2, 2), (2, 24), (2, 44), (54, 54), (30, 62)):
        assert skin[rows, columns] < 0.05
    assert skin[30, 10] > 0.95
    assert materials.skin(roof(mask=NOTHING, region=NOTHING > 0), NOTHING).max() == 0


def test_highlights_lie_on_skin_alone():
    albedo = picture(half(0.4, 0.02)[..., None] * np.float32([1.0, 0.7, 0.5]))
    maps = roof(albedo=albedo, photo=0.2, region=half(1, 0) > 0)
    face = ratio_image.prepare(maps)
    lamp = Light.from_direction(30, 0)
    found = ratio_image.rendered(face, lamp).highlights
    assert found[32, 10].min() > 0 and not found[32, 50].any()
    dull = ratio_image.rendered(face, lamp, highlights=0.5).highlights
    np.testing.assert_allclose(dull, found / 2, atol=1e-6)
    assert not ratio_image.rendered(face, lamp, highlights=0.0).highlights.any()


def test_highlights_brighten_by_their_radiance_over_the_photo():
    """On a photo of 0.2: a highlight of 0.02 is a factor of 1.1."""
    face = ratio_image.prepare(roof(photo=0.2))
    plain = ratio_image.own(face)
    glossy = dataclasses.replace(plain, highlights=np.full_like(plain.diffuse, 0.02))
    before, after = (ratio_image.change(face, one, 1.0).factor for one in (plain, glossy))
    np.testing.assert_allclose(after[8:-8, 8:24] / before[8:-8, 8:24], 1.1, rtol=1e-3)
