"""Which dark places are shadows, and what clipped channels would have measured."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from tests.relighting.made_maps import LEFT, RIGHT, SIZE, a_face, half, picture, roof
from tfrelight import harmonics
from tfrelight.data.portrait import PARTS
from tfrelight.relighting import lost_light

# Far from the edge between the slopes and from the border.
INNER_LEFT, INNER_RIGHT = np.s_[8:-8, 8:20], np.s_[8:-8, 44:-8]


def residual(maps, known):
    return lost_light.residual(maps, known, lost_light.things(maps, known))


def evidence(maps):
    shading = np.maximum(harmonics.shade(maps.normals, maps.light), 0.01)
    return lost_light.shadows(maps, shading)


def test_the_side_away_from_the_light_is_in_shadow():
    found = evidence(roof(own=(0.1, 0.8)))
    np.testing.assert_allclose(found[INNER_LEFT], 1.0, atol=1e-3)
    np.testing.assert_allclose(found[INNER_RIGHT], 0.0, atol=1e-3)
    assert evidence(roof(own=0.5)).max() == 0


@pytest.mark.parametrize("name, share", [("skin", 1), ("eyes", 1), ("cloth", 0), ("hair", 0)])
def test_only_flesh_lies_in_shadow(name, share):
    """Clothes and hair that are black in the dark half are black by themselves."""
    maps = roof(own=(0.1, 0.8))
    parts = np.zeros((SIZE, SIZE, len(PARTS)), np.float32)
    parts[..., PARTS.index(name)] = 1.0
    found = evidence(dataclasses.replace(maps, parts=parts))
    np.testing.assert_allclose(found, share * evidence(maps), atol=1e-6)


@pytest.mark.parametrize("ratio,share", [(1.3, 0.0), (1.65, 0.5), (2.0, 1.0)])
def test_the_other_side_must_be_brighter(ratio, share):
    found = evidence(roof(own=(0.4, 0.4 * ratio)))
    np.testing.assert_allclose(found[8:-8, 4:9], share, atol=0.02)


@pytest.mark.parametrize("there,share", [(0.2, 0.0), (0.3, 0.5), (0.4, 1.0)])
def test_the_light_must_reach_the_other_side(there, share):
    """Neither side has light from a lamp behind the head, whose brightest place is elsewhere."""
    shading = picture(half(0.05, there)[..., None])
    shading[:30] = 1.0
    found = lost_light.shadows(roof(), shading)
    np.testing.assert_allclose(found[-6:, 4:9], share, atol=0.03)


@pytest.mark.parametrize("lit,share", [(0.3, 0.0), (0.45, 0.5), (0.6, 1.0)])
def test_what_is_dark_on_both_sides_is_a_thing(lit, share):
    maps = roof(own=(0.1, 0.8), residual=np.log(half(lit, lit)))
    np.testing.assert_allclose(evidence(maps)[8:-8, 4:16], share, atol=0.02)
    # A highlight there is no reason to doubt.
    maps = roof(own=(0.1, 0.8), residual=half(0, 1))
    np.testing.assert_allclose(evidence(maps)[8:-8, 4:16], 1.0, atol=0.01)


def blotch(radius):
    """The residual of a dark disc in the middle of the right slope."""
    y, x = np.mgrid[:SIZE, :SIZE]
    return np.where(np.hypot(x - 48, y - 32) <= radius, -4.0, 0.0).astype(np.float32)


def test_a_thing_over_there_hides_a_little_more_than_itself_here():
    """Of a face 64 pixels wide, a lens has a radius of 11; faces differ by 6, and 3 are blurred."""
    found = evidence(roof(own=(0.1, 0.8), residual=blotch(11)))
    row = found[32]
    # Its mirror image reaches from 4 to 26.
    assert row[4:27].max() < 0.15 and row[15] < 0.01
    assert found[32 + 11 + 3, 15] < 0.3
    assert found[32 + 11 + 5 + 6, 15] > 0.9


def test_nostrils_and_eyes_are_no_things():
    found = evidence(roof(own=(0.1, 0.8), residual=blotch(5)))
    np.testing.assert_allclose(found[8:-8, 4:16], 1.0, atol=0.01)


def test_the_dark_side_of_a_nose_is_no_end_of_the_light():
    y, x = np.mgrid[:SIZE, :SIZE]
    shading = half(0.1, 0.8)
    shading[np.hypot(x - 48, y - 32) <= 4] = 0.1
    found = lost_light.shadows(roof(), shading[..., None] * np.ones(3, np.float32))
    assert found[32, 15] > 0.95


def test_sizes_are_shares_of_the_face_s_width():
    """What is small beside a face that fills the window is large beside one of half its width."""
    y, x = np.mgrid[:SIZE, :SIZE]
    face = np.abs(x - 31.5) < 16
    small = np.where(np.hypot(x - 40, y - 32) <= 5, -4.0, 0.0).astype(np.float32)
    maps = roof(own=(0.1, 0.8), residual=small, region=face)
    # The middle of its mirror image; both slopes are too close for full evidence.
    plain = roof(own=(0.1, 0.8), region=face)
    assert evidence(maps)[32, 23] < 0.3 * evidence(plain)[32, 23]
    whole = roof(own=(0.1, 0.8), residual=small)
    assert evidence(whole)[32, 23] > 0.95 * evidence(roof(own=(0.1, 0.8)))[32, 23]


def test_a_turned_face_has_its_middle_between_the_eyes():
    """The outline goes from 0 to 64, the eyes are around 40: 20 is to 40 as 52 is to 40."""
    maps = roof(own=(0.1, 0.8), face=a_face(np.array([40.0, 30.0]), 10.0))
    across = lost_light._other_side(maps)
    assert across[20] == int(40 + 19.5 * 24 / 40)
    assert across[52] == pytest.approx(40 - 12.5 * 40 / 24, abs=1)
    # Without a face it is in the middle.
    np.testing.assert_array_equal(lost_light._other_side(roof()), np.arange(SIZE)[::-1])
    # A profile has eyes near the outline, but no half of it is narrower than a fifth.
    maps = roof(face=a_face(np.array([62.0, 30.0]), 10.0))
    assert lost_light._other_side(maps)[63] == pytest.approx(51.2 - 12.3 * 4, abs=1)
    # Of a part of the window, the middle of that part.
    part = roof(region=np.arange(SIZE)[None] * np.ones((SIZE, 1)) < 32)
    assert lost_light._other_side(part)[0] == 31


@pytest.mark.parametrize("residual,share", [(-1.6, 0.0), (-1.9, 0.5), (-2.2, 1.0), (3.0, 0.0)])
def test_a_thing_is_what_no_shadow_explains(residual, share):
    maps = roof(residual=half(residual, residual))
    things = lost_light.things(maps, half(0, 1))
    np.testing.assert_allclose(things[LEFT], share, atol=1e-6)
    np.testing.assert_allclose(things[RIGHT], 0.0)


def test_the_residual_of_things_is_not_light():
    maps = roof(residual=half(-4, 4))
    np.testing.assert_allclose(residual(maps, half(0, 0)), half(0, 1.5), atol=1e-6)


def test_what_the_network_calls_a_thing_keeps_its_darkness():
    """Half as dark again as the maps explain, a lens is in no shadow, and skin may be."""
    parts = np.zeros((SIZE, SIZE, len(PARTS)), np.float32)
    parts[:, : SIZE // 2, PARTS.index("things")] = 1.0
    parts[:, SIZE // 2 :, PARTS.index("skin")] = 1.0
    maps = roof(residual=half(-1.1, -1.1), parts=parts)
    for evidence in (0, 1):
        np.testing.assert_allclose(
            residual(maps, half(evidence, evidence)), half(0, -1.1), atol=1e-6
        )
    # A thing that is brighter than explained has a highlight.
    np.testing.assert_allclose(residual(roof(residual=half(1, 1), parts=parts), half(0, 0)), 1.0)


@pytest.mark.parametrize("value,known,expected", [(-1.55, 0, -1.5), (-5, 1, -4), (-3, 1, -3)])
def test_shadows_are_deeper_where_they_are_known(value, known, expected):
    maps = roof(residual=half(value, value))
    found = residual(maps, half(known, known))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def black(maps, evidence, metered):
    return lost_light.black(maps, evidence, lost_light.on_face(maps), metered)


def lit_from_the_right(dark, albedo=0.04, lit=0.4):
    """Half of the face in its own shadow; the other has shading 1."""
    return roof(
        photo=picture(half(dark, lit)[..., None]), albedo=picture(half(albedo, lit)[..., None])
    )


@pytest.mark.parametrize("level,share", [(0.21, 0.0), (0.11, 0.5), (0.02, 1.0)])
def test_black_is_what_has_a_fiftieth_of_the_light(level, share):
    maps = lit_from_the_right(0.04 * level)
    found = black(maps, half(1, 1), 0.4)
    np.testing.assert_allclose(found[INNER_LEFT], share, atol=0.02)
    # As much of what the lit half has, however dark the photo: 0.04 and 0.4 become 0.004 and 0.04.
    maps = lit_from_the_right(0.1 * 0.04 * level, lit=0.04)
    maps = dataclasses.replace(maps, albedo=picture(half(0.04, 0.4)[..., None]))
    found = black(maps, half(1, 1), 0.04)
    np.testing.assert_allclose(found[INNER_LEFT], share, atol=0.02)


@pytest.mark.parametrize(
    "dark,metered,share",
    [
        # A twenty-fifth of the metered brightness, at most 0.01; all of it at half of that.
        (0.0041, 0.1, 0.0),
        (0.003, 0.1, 0.5),
        (0.0019, 0.1, 1.0),
        (0.0101, 0.9, 0.0),
        (0.0075, 0.9, 0.5),
        (0.0049, 0.9, 1.0),
    ],
)
def test_nothing_that_the_file_holds_steps_of_is_black(dark, metered, share):
    maps = lit_from_the_right(dark, albedo=1.0)
    found = black(maps, half(1, 1), metered)
    np.testing.assert_allclose(found[INNER_LEFT], share, atol=0.02)


def test_only_shadows_are_black():
    maps = lit_from_the_right(0.0001, albedo=0.4)
    assert black(maps, half(0, 0), 0.4).max() == 0
    np.testing.assert_allclose(black(maps, half(0.3, 0), 0.4)[INNER_LEFT], 0.3, atol=1e-3)


def test_what_is_black_and_small_or_off_the_face_is_black_by_itself():
    photo = picture(0.2)
    photo[30:32] = 0.001
    maps = roof(photo=photo, albedo=picture(0.4))
    assert black(maps, half(1, 1), 0.2).max() == 0
    # The surroundings reach 0.03 of the side each way: two pixels of 64.
    photo = picture(0.2)
    photo[20:25] = 0.0001
    maps = roof(photo=photo, albedo=picture(0.2))
    rows = black(maps, half(1, 1), 0.2)[:, 32]
    assert rows[22] == pytest.approx(1.0, abs=1e-3) and rows[[20, 24]].max() == 0
    maps = roof(photo=0.001, albedo=picture(0.4), region=half(0, 1) > 0)
    maps.photo[-8:] = 0.4
    found = black(maps, half(1, 1), 0.4)[:-12]
    # The face's outline is softened by a fiftieth of the side.
    assert found[:, :27].max() < 0.01 and found[:, 37:].min() > 0.99
    assert np.abs(found[:, 31] + found[:, 32] - 1).max() < 0.01
    sigma = 0.02 * SIZE
    np.testing.assert_allclose(
        found[10, 29:35], stats.norm.cdf(np.arange(-2.5, 3), scale=sigma), atol=0.015
    )


def test_the_colour_of_a_surface_under_its_light():
    maps = roof(photo=(0.4, 0.2, 0.1), albedo=picture((0.4, 0.2, 0.1)))
    shading = picture(half(0.5, 1.0)[..., None] * np.float32([1.0, 1.0, 0.5]))
    found = lost_light.surface_color(maps, shading)
    # The light takes half of the blue, of which the photo has all.
    expected = np.float32([0.4, 0.2, 0.05]) * [0.8, 0.8, 1.25]
    np.testing.assert_allclose(found, picture(expected / expected.max()), rtol=1e-5)


def test_what_is_clipped_does_not_tell_of_the_colour():
    """Too few pixels are left to measure, and the network's word counts."""
    maps = roof(photo=(0.9, 0.3, 0.2), albedo=picture((0.5, 0.4, 0.3)))
    maps.photo[0] = (0.4, 0.2, 0.1)
    found = lost_light.surface_color(maps, picture(1.0))
    np.testing.assert_allclose(found, picture((1, 0.8, 0.6)), rtol=1e-5)
    maps.photo[1:12] = (0.4, 0.2, 0.1)
    np.testing.assert_allclose(lost_light.surface_color(maps, picture(1.0)), found)
    maps.photo[12] = (0.4, 0.3, 0.25)
    maps.photo[:12] = (0.4, 0.3, 0.25)
    changed = np.float32([0.4, 0.3, 0.25]) / np.float32([0.5, 0.4, 0.3])
    expected = np.float32([0.5, 0.4, 0.3]) * changed / changed.mean()
    found = lost_light.surface_color(maps, picture(1.0))
    np.testing.assert_allclose(found, picture(expected / expected.max()), rtol=1e-5)


def test_the_network_s_colours_are_off_by_a_quarter_at_most():
    maps = roof(photo=(0.2, 0.2, 0.7), albedo=picture((0.5, 0.4, 0.3)))
    found = lost_light.surface_color(maps, picture(1.0))
    expected = np.float32([0.5 * 0.8, 0.4 * 0.8, 0.3 * 1.25])
    np.testing.assert_allclose(found, picture(expected / expected.max()), rtol=1e-5)


def test_clipped_channels_are_restored_from_the_others():
    surface = np.float32([1.0, 0.6, 0.3])
    photo = np.float32([[1.0, 0.9, 0.45], [0.8, 0.9, 0.45], [1.0, 1.0, 0.6], [1, 1, 1], [0, 0, 0]])
    found = lost_light.restored(photo, surface)
    np.testing.assert_allclose(
        # Red from green and blue; nothing is clipped; two channels from blue; white is at least
        # so bright that its darkest channel clips; black.
        found,
        [[1.5, 0.9, 0.45], photo[1], [2, 1.2, 0.6], [1 / 0.3, 2, 1], [0, 0, 0]],
        rtol=1e-5,
    )


@pytest.mark.parametrize("red,share", [(0.94, 0.0), (0.965, 0.5), (0.99, 1.0)])
def test_a_channel_is_clipped_near_white(red, share):
    found = lost_light.restored(np.float32([red, 0.9, 0.45]), np.float32([1.0, 0.6, 0.3]))
    assert found[0] == pytest.approx(red + share * (1.5 - red), abs=1e-3)
    assert found[1:].tolist() == pytest.approx([0.9, 0.45])


def test_a_channel_that_a_surface_hardly_has_tells_nothing():
    """Of skin under a sodium lamp the blue is noise: it counts as a tenth of the red."""
    found = lost_light.restored(np.float32([1.0, 0.5, 0.05]), np.float32([1.0, 0.5, 0.0]))
    np.testing.assert_allclose(found, [1.0, 0.5, 0.05])
    found = lost_light.restored(np.float32([1.0, 0.5, 0.2]), np.float32([1.0, 0.5, 0.0]))
    np.testing.assert_allclose(found, [2.0, 0.5, 0.2])
