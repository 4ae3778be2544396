"""What a new light does to a roof of two slopes, by hand."""

import dataclasses

import numpy as np
import pytest

from tests.relighting.made_maps import RIGHT, SIZE, half, light, picture, roof
from tfrelight import color, rendering
from tfrelight.data.portrait import PARTS
from tfrelight.lights import Light
from tfrelight.relighting import ratio_image

# Far from the edge between the slopes and from the border.
WITHIN = np.s_[8:-8, 8:24], np.s_[8:-8, 40:-8]


def changed(face, new):
    """The effect on a face of a light of coefficients `[9, 3]`."""
    drawn = ratio_image.rendered(face, Light(new))
    return ratio_image.change(face, drawn, ratio_image.sameness(face, drawn))


def exposure(face, new):
    """The factor for a light of coefficients `[9, 3]`."""
    return ratio_image.exposure(face, ratio_image.rendered(face, Light(new)))


def relit(maps, new):
    """The linear photo under a light, as `Change` describes it."""
    change = changed(ratio_image.prepare(maps), new)
    result = maps.photo * change.factor * np.exp(change.slope * maps.guide)[..., None]
    if change.lost is not None:
        result += change.lost[..., None] * (change.fill - result)
    return result


def assert_slopes(values, left, right, rtol=0.01):
    for where, expected in zip(WITHIN, (left, right)):
        part = values[where].reshape(-1, *values.shape[2:])
        np.testing.assert_allclose(part, np.broadcast_to(expected, part.shape), rtol=rtol)


def test_its_own_light_changes_nothing():
    maps = roof(photo=(0.3, 0.2, 0.1), own=(0.7, 0.4), residual=half(0.5, -0.5))
    change = changed(ratio_image.prepare(maps), maps.light)
    np.testing.assert_allclose(change.factor, 1.0, atol=1e-5)
    np.testing.assert_allclose(change.slope, 0.0, atol=1e-5)
    assert change.lost is None and change.fill is None


def test_a_photo_changes_as_its_shading():
    maps = roof(photo=(0.1, 0.2, 0.3), own=0.5)
    # Of the left slope doubled, of the right one a fifth less.
    result = relit(maps, light(1.0, 0.4))
    assert_slopes(result, (0.2, 0.4, 0.6), (0.08, 0.16, 0.24))
    # A red light on the left.
    result = relit(maps, light((1.0, 0.5, 0.25), 0.5))
    assert_slopes(result, (0.2, 0.2, 0.15), (0.1, 0.2, 0.3), rtol=0.02)


def shadowed():
    """Albedo 0.4 under shading 0.5, and a shadow on the lower half, which halves the photo."""
    lower = np.arange(SIZE) >= SIZE // 2
    photo = np.where(lower[:, None, None], np.float32(0.1), np.float32(0.2))
    residual = np.zeros((SIZE, SIZE), np.float32)
    residual[lower] = np.log(0.5)
    return roof(photo=photo, albedo=picture(0.4), residual=residual)


def test_a_shadow_stays_under_its_own_light_however_bright():
    result = relit(shadowed(), light(0.75, 0.75))
    np.testing.assert_allclose(result[8:24], 0.3, rtol=0.01)
    np.testing.assert_allclose(result[40:-8], 0.15, rtol=0.01)


def test_a_shadow_is_gone_under_another_light():
    result = relit(shadowed(), light(1.2, 0.2))
    # All is albedo x shading: 0.4 x 1.2 and 0.4 x 0.2.
    for rows in (result[8:24], result[40:-8]):
        np.testing.assert_allclose(rows[:, 8:24], 0.48, rtol=0.02)
        np.testing.assert_allclose(rows[:, 40:-8], 0.08, rtol=0.04)


def test_a_shadow_fades_as_the_lights_part():
    """0.55 and 0.45 are 0.05 from 0.5: of their mean square, 0.2525, a share of 0.0099."""
    faded = 1 - np.exp(-0.0099 / 0.05)
    result = relit(shadowed(), light(0.55, 0.45))
    np.testing.assert_allclose(result[8:24, 8:24], 0.2 * 1.1, rtol=0.01)
    np.testing.assert_allclose(result[40:-8, 8:24], 0.1 * 1.1 * 2**faded, rtol=0.01)


def bent(value):
    return 0.6 + 0.4 * np.tanh((value - 0.6) / 0.4)


def test_bright_pixels_approach_white_and_keep_their_colour():
    # Red would become 1.2.
    result = relit(roof(photo=(0.6, 0.3, 0.15)), light(1.0, 1.0))
    assert_slopes(result, *[np.float32([1, 0.5, 0.25]) * bent(1.2)] * 2)
    assert result.max() < 1
    # Below 0.6 nothing bends.
    assert_slopes(relit(roof(photo=0.28), light(1.0, 1.0)), 0.56, 0.56)


def test_detail_of_bright_skin_keeps_its_contrast():
    """It is the surroundings that bend: a pixel that is a fifth darker stays a fifth darker."""
    board = np.indices((SIZE, SIZE)).sum(0) % 2
    photo = picture(np.float32([0.5, 0.4])[board][..., None])
    within = relit(roof(photo=photo), light(0.9, 0.9))[8:-8, 8:-8, 0]
    light_ones, dark_ones = within[board[8:-8, 8:-8] == 0], within[board[8:-8, 8:-8] == 1]
    assert dark_ones.mean() / light_ones.mean() == pytest.approx(0.8, abs=0.02)
    # Of 0.45 x 1.8 = 0.81 in the mean.
    assert within.mean() == pytest.approx(bent(0.81), rel=0.02)


def test_a_bright_pixel_is_neither_darkened_by_a_brighter_light_nor_kept_by_a_darker_one():
    # 0.9 x 1.05 would bend to 0.88.
    assert bent(0.945) < 0.9
    assert_slopes(relit(roof(photo=0.9), light(0.525, 0.525)), 0.9, 0.9)
    assert_slopes(relit(roof(photo=0.85), light(0.25, 0.25)), 0.425, 0.425)


def test_no_pixel_becomes_more_than_twelve_times_as_bright():
    # Of 50 times, exp(2.5) = 12.2 are left.
    result = relit(roof(photo=0.03, own=0.04), light(2.0, 2.0))
    assert_slopes(result, 0.03 * np.exp(2.5), 0.03 * np.exp(2.5))


def test_only_shadows_on_the_face_become_more_than_twelve_times_as_bright():
    photo = picture(half(0.02, 0.3)[..., None])
    maps = roof(photo=photo, own=(0.05, 1.0))
    most = ratio_image.prepare(maps).max_log_factor
    np.testing.assert_allclose(most[8:-8, 4:16], 4.0, atol=0.01)
    np.testing.assert_allclose(most[8:-8, 48:-8], 2.5, atol=0.01)
    upper = np.arange(SIZE)[:, None] * np.ones((1, SIZE)) < 32
    most = ratio_image.prepare(dataclasses.replace(maps, region=upper)).max_log_factor
    np.testing.assert_allclose(most[40:-8, 4:16], 2.5, atol=0.01)
    np.testing.assert_allclose(most[8:24, 4:16], 4.0, atol=0.01)


def test_the_largest_factor_keeps_the_colour_of_light():
    result = relit(roof(photo=0.03, own=0.04), light((2.0, 1.0, 0.5), (2.0, 1.0, 0.5)))
    expected = 0.03 * np.exp(2.5) * np.float32([1.0, 0.5, 0.25])
    assert_slopes(result, expected, expected, rtol=0.02)


def knee(value, brightest):
    """Shading that does not ring below zero: at least 0.03 of the brightest, softly."""
    return (value + np.sqrt(value**2 + 4 * (0.03 * brightest) ** 2)) / 2


def test_shading_stays_above_a_share_of_its_brightest():
    shading = ratio_image.prepare(roof(own=(-0.2, 1.0))).shading
    assert_slopes(shading, knee(-0.2, 1.0), knee(1.0, 1.0), rtol=1e-4)


@pytest.mark.parametrize("gain", [0.5, 1.0, 3.0])
def test_exposure_undoes_the_strength_of_a_light(gain):
    face = ratio_image.prepare(roof(photo=0.2, own=(0.8, 0.2)))
    found = exposure(face, gain * light(0.8, 0.2))
    assert found == pytest.approx(1 / gain, rel=1e-3)


def test_exposure_looks_at_the_lit_part_of_the_face():
    """Of a light from the other side it is the other slope that is lit, as bright as the first."""
    maps = roof(photo=picture(half(0.4, 0.1)[..., None]), own=(0.8, 0.2))
    found = exposure(ratio_image.prepare(maps), light(0.4, 1.6))
    # The right slope becomes 0.1 x 1.6 / 0.2 = 0.8, and is to be 0.4.
    assert found == pytest.approx(0.5, rel=0.02)
    # A coloured light: its channels' root mean square is that of the photo's.
    found = exposure(ratio_image.prepare(maps), light((0.8, 0, 0), (0.2, 0, 0)))
    assert found == pytest.approx(np.sqrt(3), rel=0.05)


def test_highlights_count_as_brightness():
    """Of 0.2 that a highlight of 0.2 doubles, half is wanted; burnt 1.0 has no room for more."""
    for photo, factor in ((0.2, 0.5), (1.0, 1.0)):
        face = ratio_image.prepare(roof(photo=photo, own=0.5))
        same = np.full((SIZE, SIZE, 3), 0.5, np.float32)
        shiny = rendering.Rendering(same, np.full_like(same, 0.2))
        assert ratio_image.exposure(face, shiny) == pytest.approx(factor, rel=1e-3)


def test_exposure_is_measured_on_the_face_alone():
    """What is beside the face, and the tenth of it that is brightest, do not count."""
    photo = picture(0.2)
    photo[RIGHT] = 0.9
    photo[:5, :32] = 0.8  # 5 rows of 64
    maps = roof(photo=photo, own=0.5, region=half(1, 0) > 0)
    assert ratio_image.prepare(maps).metered == pytest.approx(0.2)


def test_a_lamp_that_lights_no_face_is_not_turned_up_without_end():
    for own in (0.5, 0.02):
        face = ratio_image.prepare(roof(photo=0.4 * own, own=own))
        assert exposure(face, 0.001 * own * light(1.0, 1.0)) == pytest.approx(5 * own, rel=0.01)
        # Down without an end: an environment map has any unit.
        assert exposure(face, 1e4 * light(own, own)) == pytest.approx(1e-4)


def lit_from_the_right(**fields):
    photo = picture(half(0.001, 0.3)[..., None])
    return roof(photo=photo, albedo=picture((0.4, 0.3, 0.2)), own=(0.05, 1.0), **fields)


def test_skin_that_lost_its_light_gets_albedo_times_shading():
    result = relit(lit_from_the_right(), light(0.8, 0.1))
    expected = np.float32([0.32, 0.24, 0.16])
    np.testing.assert_allclose(result[8:-8, 8:16].mean((0, 1)), expected, rtol=0.02)


def test_the_more_a_light_is_the_old_one_the_more_black_stays():
    face = ratio_image.prepare(lit_from_the_right())
    for left, right in ((0.2, 1.0), (0.1, 1.0), (0.8, 0.1)):
        found = changed(face, light(left, right))
        old, new = np.repeat([0.05, 1.0], 2), np.repeat([left, right], 2)
        apart = 1 - (old @ new) ** 2 / (old @ old) / (new @ new)
        share = 1 - np.exp(-apart / 0.05)
        np.testing.assert_allclose(found.lost, face.black * share, atol=0.06)


def test_off_the_head_nothing_is_painted():
    nobody = np.zeros((SIZE, SIZE), np.float32)
    assert (
        changed(ratio_image.prepare(lit_from_the_right(mask=nobody)), light(1.0, 0.1)).lost is None
    )


def test_a_lens_stays_black():
    """A fiftieth of the light that skin has, in frontal light: at most twice as bright."""
    photo = picture(0.2)
    photo[20:40, 10:54] = 0.003
    maps = roof(photo=photo, albedo=picture(0.4), own=0.5)
    maps.residual[20:40, 10:54] = np.log(0.003 / 0.2)
    for new in (light(1.0, 0.1), light(0.1, 1.0), light(2.0, 2.0)):
        result = relit(maps, new)[24:36, 14:50]
        assert result.max() < 0.003 * np.exp(0.75)
    assert relit(maps, light(2.0, 2.0))[24:36, 14:50].min() > 0.0055


@pytest.mark.parametrize("bright,share", [(0.3, 1.0), (0.0024, 1.0), (0.0012, 0.5), (0.0, 0.0)])
def test_a_face_that_is_nearly_black_is_hardly_legible(bright, share):
    maps = roof(photo=0.2, region=half(1, 0) > 0)
    maps.photo[:, :32] = bright
    assert ratio_image.legibility(maps) == pytest.approx(share)


def test_the_white_of_a_face_is_the_mean_colour_of_its_light():
    maps = roof(own=(1.0, 1.0), region=half(1, 0) > 0)
    maps = dataclasses.replace(maps, light=light((1.2, 0.9, 0.6), (0.1, 0.1, 0.9)))
    white = ratio_image.prepare(maps).white
    np.testing.assert_allclose(white, np.float32([1.2, 0.9, 0.6]) / 0.9421, rtol=1e-2)
    assert color.luminance_numpy(white) == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize("inside,epsilon", [(False, 0.05), (True, 1.0)])
def test_the_factor_follows_edges_of_the_photo_around_a_face_and_not_inside_it(inside, epsilon):
    """Hair is cut off at an edge, skin is not.

    In windows of three pixels over a step d of the guide its variance is v = 2/9 d², and the slope
    a share k = v / (v + epsilon) of step over d. Averaged over three windows, a step of 1 becomes
    (2 + k) / 3 on one side of the edge and (1 - k) / 3 on the other: (1 + 2 k) / 3 are left.
    """
    photo = picture(half(0.05, 0.5)[..., None])
    region = np.full((SIZE, SIZE), inside)
    region[0, 0] = True
    maps = roof(photo=photo, own=0.5, region=region)
    across = maps.guide[32, 32] - maps.guide[32, 31]
    share = 2 / 9 * across**2 / (2 / 9 * across**2 + epsilon)
    colour = np.array([1.0, 0.5, 0.25])
    log = np.log(relit(maps, light(colour, 0.5)) / photo)[32]
    steps = np.log(knee(colour, 1.0) / knee(0.5, 1.0))
    np.testing.assert_allclose(log[31] - log[32], steps * (1 + 2 * share) / 3, atol=1e-3)


def test_surroundings_and_filter_reach_a_hundredth_of_the_side():
    maps = roof(photo=0.1)
    maps.photo[32, 32] = 1.0
    large = {
        field.name: np.kron(value, np.ones((4, 4) + (1,) * (value.ndim - 2)))
        for field in dataclasses.fields(maps)
        if isinstance(value := getattr(maps, field.name), np.ndarray) and len(value) == SIZE
    }
    large["region"] = large["region"] > 0
    for face, radius in ((maps, 1), (dataclasses.replace(maps, **large), 3)):
        prepared = ratio_image.prepare(face)
        assert prepared.radius == radius
        # What four, or one, bright pixels a side brighten.
        reached = (prepared.around[..., 0] > 0.101).any(0).sum()
        assert reached == 2 * radius + len(face.photo) // SIZE


def hairy(maps):
    """All of it is hair."""
    parts = np.zeros((SIZE, SIZE, len(PARTS)), np.float32)
    parts[..., PARTS.index("hair")] = 1.0
    return dataclasses.replace(maps, parts=parts)


def test_brown_hair_that_is_lit_turns_paler_and_not_yellow():
    """Half of what it gains has the colour of the light, and all of the brightness."""
    brown = np.array([0.08, 0.05, 0.02])
    maps = roof(photo=brown, own=0.3)
    plain, hair = relit(maps, light(1.2, 1.2)), relit(hairy(maps), light(1.2, 1.2))
    assert_slopes(plain, 4 * brown, 4 * brown, rtol=0.02)
    gained = color.luminance_numpy(3 * brown)
    expected = brown + 0.5 * 3 * brown + 0.5 * gained
    assert_slopes(hair, expected, expected, rtol=0.03)
    # Under less light it keeps its colour.
    assert_slopes(relit(hairy(maps), light(0.1, 0.1)), brown / 3, brown / 3, rtol=0.02)


def test_more_light_never_darkens_hair():
    maps = hairy(roof(photo=np.array([0.262, 0.061, 0.0037]), own=0.3))
    brightness = [
        color.luminance_numpy(relit(maps, light(level, level)))[32, 16]
        for level in (0.1, 0.2, 0.3, 0.45, 0.6, 1.2, 2.4, 5.0)
    ]
    assert (np.diff(brightness) > 0).all()
