"""Wet eyes: a catchlight of each lamp, none of the photo's, and whites that stay white."""

import dataclasses

import numpy as np
import pytest

from tfrelight import color
from tfrelight.data.portrait import PARTS
from tfrelight.faces import framing
from tfrelight.lights import Light
from tfrelight.relighting import eyes, face_maps, ratio_image
from tfrelight.rendering import catchlights

SIZE = 256
# Rows and columns of the middles of the pupils, pixels, and radii: of iris and of the white.
PUPILS, IRIS, WHITE = ((110.0, 92.0), (110.0, 164.0)), 7.0, 12.0


def maps(old=True):
    """A crop of a flat face with two eyes, and a catchlight of the photo's lamp in each."""
    rows, columns = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    away = [np.hypot(rows - row, columns - column) for row, column in PUPILS]
    eye, iris = (np.min(away, 0) < radius for radius in (WHITE, IRIS))
    photo = np.full((SIZE, SIZE, 3), (0.5, 0.35, 0.25), np.float32)
    photo[eye], photo[iris] = 0.6, (0.04, 0.03, 0.02)
    if old:
        spot = np.min([np.hypot(rows - r - 2, columns - c + 2) for r, c in PUPILS], 0) < 1.6
        photo[spot] = 0.95
    parts = np.zeros((SIZE, SIZE, len(PARTS)), np.float32)
    parts[..., PARTS.index("skin")] = ~eye
    parts[..., PARTS.index("eyes")] = eye
    normals = np.zeros_like(photo) + np.float32([0, 0, 1])
    inside = np.hypot(rows - 128, columns - 128) < 110
    guide = color.luminance_numpy(color.to_srgb_numpy(photo))
    window = framing.Window(np.zeros(2), SIZE * np.eye(2))
    light = Light.from_direction(0, 0, ambient=0.2).coefficients
    mask = np.ones((SIZE, SIZE), np.float32)
    flat = np.zeros((SIZE, SIZE), np.float32)
    albedo = np.clip(photo, 0.02, 1)
    return face_maps.FaceMaps(
        window, (0, 0, SIZE, SIZE), None, photo, guide, albedo, normals, mask, inside, flat, light,
        parts,
    )  # fmt: skip


def relit(face, light, sameness=None):
    rendering = ratio_image.rendered(face, light)
    same = ratio_image.sameness(face, rendering) if sameness is None else sameness
    return rendering, ratio_image.change(face, rendering, same)


@pytest.mark.parametrize("azimuth,elevation", [(0, 0), (50, 0), (-40, 20), (0, 60), (20, -50)])
def test_a_catchlight_lies_where_the_cornea_mirrors_the_lamp(azimuth, elevation):
    face = ratio_image.prepare(maps(old=False))
    light = Light.from_direction(azimuth, elevation, radius=5)
    _, change = relit(face, light, 0.0)
    half = light.lamps[0].direction + [0, 0, 1]
    half /= np.linalg.norm(half)
    radius = catchlights.CORNEA * SIZE / 230.0
    for row, column in PUPILS:
        left = slice(0, SIZE // 2) if column < SIZE / 2 else slice(SIZE // 2, SIZE)
        share = np.zeros_like(change.lost)
        share[:, left] = change.lost[:, left]
        places = np.argwhere(share > 0.5 * share.max())
        found = np.average(places, axis=0, weights=share[tuple(places.T)])
        wanted = row - radius * half[1], column + radius * half[0]
        np.testing.assert_allclose(found, wanted, atol=0.8)
        assert 0.2 < share.max() <= 1
        np.testing.assert_allclose(change.fill[tuple(places[0])], 1.0, atol=1e-5)


def test_a_lamp_behind_the_head_and_one_in_shadow_make_none():
    face = ratio_image.prepare(maps(old=False))
    for light in (Light.from_direction(150, 0), Light.even()):
        rendering, change = relit(face, light, 0.0)
        glints = rendering.catchlights
        assert glints is None or glints.max() < 0.01
        assert change.lost is None


def test_catchlights_are_a_share_of_the_highlights():
    face = ratio_image.prepare(maps(old=False))
    light = Light.from_direction(30, 10)
    whole, half, none = (
        ratio_image.rendered(face, light, highlights=share) for share in (1.0, 0.5, 0.0)
    )
    np.testing.assert_allclose(half.catchlights, 0.5 * whole.catchlights, atol=1e-6)
    assert none.catchlights is None and whole.catchlights.max() > 0.2


def test_no_eye_sends_back_more_than_it_gets():
    """The mean over all directions of the lamp, of what a pixel sends to the camera."""
    face = ratio_image.prepare(maps(old=False))
    from tfrelight.synthesis.render import sphere_directions

    total = np.zeros(len(face.eyes.wet))
    directions = sphere_directions(400)
    for direction in directions:
        (lamp,) = Light.from_direction(0, 0, radius=4).lamps
        total += catchlights.of_lamp(face.eyes, dataclasses.replace(lamp, direction=direction))
    # A lamp of radiance L and solid angle w has shading L w / pi.
    reflected = total * 4 / len(directions)
    assert reflected.max() < 1.3 * catchlights.F0


def test_old_catchlights_go_with_the_old_light():
    face = ratio_image.prepare(maps())
    old = face.old_catchlights
    spot = face.maps.photo[..., 0] > 0.9
    share = np.zeros(spot.shape)
    share[old.places] = old.share
    assert share[spot].min() > 0.5
    iris = [[0.04, 0.03, 0.02]] * len(old.share)
    np.testing.assert_allclose(old.below, iris, atol=1e-6)
    # The white of an eye is as bright, and no catchlight.
    assert share[(face.maps.photo[..., 0] == np.float32(0.6))].max() < 0.05
    _, away = relit(face, Light.from_direction(170, 0), 0.0)
    assert away.lost[spot].min() > 0.5 and away.fill[spot].max() < 0.1
    same = Light(face.maps.light)
    _, own = relit(face, same)
    assert own.lost is None


def test_whites_and_teeth_are_less_blue_than_a_blue_lamp():
    face = ratio_image.prepare(maps(old=False))
    blue = Light.even(1.0, (0.5, 0.7, 1.5))
    _, change = relit(face, blue)
    rows, columns = np.array(PUPILS, int).T
    white, skin = change.factor[rows, columns + 9], change.factor[rows + 40, columns]
    ratio = [(one[:, 2] / one[:, 0]).mean() for one in (white, skin)]
    assert ratio[1] == pytest.approx(3.0, rel=0.05) and 1.1 < ratio[0] < 1.5
    # But as warm as a warm one.
    _, change = relit(face, Light.even(1.0, (1.5, 0.9, 0.4)))
    white = change.factor[rows, columns + 9]
    assert (white[:, 2] / white[:, 0]).mean() == pytest.approx(0.4 / 1.5, rel=0.05)


def test_eyes_of_a_black_photo_have_no_old_catchlights():
    known = maps(old=False)
    black = dataclasses.replace(known, photo=0 * known.photo, guide=0 * known.guide)
    with np.errstate(all="raise"):
        _, old = eyes.find(black, np.zeros((SIZE, SIZE)), float(SIZE), 0.0)
    assert old is None


def test_a_face_without_parts_or_eyes_is_relit_as_before():
    known = maps()
    for other in (
        dataclasses.replace(known, parts=None),
        dataclasses.replace(known, parts=known.parts * 0),
        dataclasses.replace(known, head_window=known.window),
    ):
        face = ratio_image.prepare(other)
        assert face.eyes is None and face.old_catchlights is None
        assert ratio_image.rendered(face, Light.from_direction(10, 0)).catchlights is None


def test_layers_add_up_to_what_a_painter_would_see():
    lost = np.float32([[0.0, 0.5, 1.0, 0.3]])
    fill = np.zeros((1, 4, 3), np.float32) + np.float32(0.2)
    places = np.zeros(3, int), np.arange(3)
    eyes.lay_over(lost, fill, places, np.float32([0.0, 0.5, 0.25]), np.ones((3, 3)))
    np.testing.assert_allclose(lost, [[0.0, 0.75, 1.0, 0.3]])
    np.testing.assert_allclose(fill[0, :, 0], [0.2, (0.25 * 0.2 + 0.5) / 0.75, 0.4, 0.2], rtol=1e-6)
