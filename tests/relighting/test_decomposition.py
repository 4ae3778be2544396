"""A decomposed photo: relit, in maps, smaller; of a head that is known, and of slopes by hand."""

import dataclasses
import io
import itertools

import numpy as np
import pytest
from PIL import Image

from tests.relighting import heads
from tests.relighting.made_maps import SIZE, a_face, half, light, picture, roof
from tests.rendering import surfaces
from tfrelight import color, harmonics, photos
from tfrelight.errors import InputError
from tfrelight.faces import find, framing
from tfrelight.lights import PRESETS, Light
from tfrelight.photos import xmp
from tfrelight.relighting import (
    decomposition,
    face_maps,
    inference,
    map_files,
    window_weights,
)


@pytest.fixture(scope="module")
def model():
    return heads.model()


def decomposed(model, pixels):
    (one,) = decomposition.decompose([photos.read(pixels)], model, whole_image=True)
    return one


@pytest.fixture(scope="module")
def known(model):
    return decomposed(model, heads.photo())


def linear(pixels):
    return color.to_linear_numpy(pixels / np.float32(255))


def inner(size=200, radius=0.6):
    y, x = (np.mgrid[:size, :size] + 0.5) / size * 2 - 1
    return x * x + y * y < radius * radius


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_its_own_light_gives_the_photo_again(model, dtype):
    pixels = heads.photo()
    scale = {np.uint8: 1, np.uint16: 257, np.float32: np.float32(1 / 255)}[dtype]
    one = decomposed(model, (pixels * scale).astype(dtype))
    relit = one.relight(one.light)
    if dtype == np.float32:
        np.testing.assert_allclose(relit.pixels, one.photo.pixels, atol=1e-5)
    else:
        np.testing.assert_array_equal(relit.pixels, one.photo.pixels)


@pytest.mark.parametrize("azimuth,elevation", [(60, 15), (-60, 15), (0, 60), (0, -40)])
def test_a_known_head_looks_as_it_would_under_the_new_light(known, azimuth, elevation):
    lamp = Light.from_direction(azimuth, elevation, intensity=0.8, ambient=0.25)
    light = Light(lamp.coefficients)
    relit = known.relight(light, exposure=None)
    expected = heads.photo(light)
    where = inner()
    difference = np.abs(relit.pixels.astype(int) - expected)[where]
    unlit = np.abs(heads.photo().astype(int) - expected)[where]
    assert difference.mean() < 4 and difference.mean() < 0.25 * unlit.mean()
    # And the side that the light comes from is the brighter one.
    towards = np.array([-np.sin(np.radians(azimuth)), np.sin(np.radians(elevation))])
    y, x = np.mgrid[:200, :200] - 99.5
    bright = color.to_linear_numpy(relit.pixels / 255.0).mean(-1) * where
    centre = np.array([(bright * x).sum(), (bright * -y).sum()]) / bright.sum()
    assert centre @ towards > 2


def test_the_background_stays_to_the_last_bit(known):
    relit = known.relight("left")
    nobody = known.mask() == 0
    assert nobody.mean() > 0.2
    np.testing.assert_array_equal(relit.pixels[nobody], known.photo.pixels[nobody])
    assert (relit.pixels[~nobody] != known.photo.pixels[~nobody]).mean() > 0.5


def test_the_background_takes_the_light_if_asked(known):
    # Half the light: half the background.
    relit = known.relight(0.5 * known.light, exposure=None, background=True)
    nobody = known.mask() == 0
    ratio = linear(relit.pixels)[nobody] / linear(known.photo.pixels)[nobody]
    np.testing.assert_allclose(ratio.mean(0), 0.5, atol=0.01)


def test_a_sun_behind_the_person_does_not_burn_the_background(known):
    sun = Light.from_direction(180, 5, intensity=20.0, ambient=0.1)
    relit = linear(known.relight(sun, background=True).pixels)[known.mask() == 0]
    # What one sees of the scene faces the camera, as the face does.
    assert relit.mean() < 2 * linear(known.photo.pixels)[known.mask() == 0].mean()


def test_detail_stays(known):
    from scipy import ndimage

    def detail(pixels):
        log = np.log(linear(pixels)).mean(-1)
        return (log - ndimage.gaussian_filter(log, 2))[inner(radius=0.5)]

    # Edges of shadows are detail that the photo had not.
    relit = known.relight("left", shadows=0.0).pixels
    before, after = detail(known.photo.pixels), detail(relit)
    assert np.linalg.norm(after - before) < 0.1 * np.linalg.norm(before)


def test_nothing_jumps_where_the_change_ends(model):
    # A smooth photo: the relit one may have no edge that is not the head's.
    pixels = np.full((300, 300, 3), 128, np.uint8)
    one = decomposed(model, pixels)
    relit = linear(one.relight("left").pixels).mean(-1) / linear(pixels).mean(-1)
    outline = np.abs(np.hypot(*(np.mgrid[:300, :300] - 149.5)) - 120) < 14
    step = np.maximum(np.abs(np.diff(relit, axis=0))[:, :-1], np.abs(np.diff(relit, axis=1))[:-1])
    assert step[~outline[:-1, :-1]].max() < 0.08


def test_strength_leads_from_the_old_light_to_the_new(known):
    light = Light.from_direction(60, 10, intensity=0.8, ambient=0.2)
    steps = [known.relight(light, strength).pixels.astype(int) for strength in (0, 0.3, 0.7, 1)]
    np.testing.assert_array_equal(steps[0], known.photo.pixels)
    distance = [np.abs(step - steps[0]).mean() for step in steps]
    assert distance == sorted(distance) and distance[1] > 0.5
    np.testing.assert_array_equal(steps[-1], known.relight(light).pixels)


def test_exposure(known):
    light = Light(3 * known.light.coefficients)
    # However strong the light is, the face stays as bright as it was...
    np.testing.assert_allclose(
        known.relight(light).pixels.astype(int), known.photo.pixels.astype(int), atol=1
    )
    # ... a stop is a factor of 2 ...
    darker = linear(known.relight(light, exposure=-1.0).pixels)[inner()]
    before = linear(known.photo.pixels)[inner()]
    np.testing.assert_allclose((darker / before).mean(), 0.5, atol=0.01)
    # ... and without it light has its own strength.
    dim = linear(known.relight(0.5 * known.light, exposure=None).pixels)[inner()]
    np.testing.assert_allclose((dim / before).mean(), 0.5, atol=0.01)


def test_strong_colours_do_not_burn_out(known):
    relit = known.relight(Light.from_direction(40, 10, ambient=0.1, color=(1.0, 0.3, 0.05)))
    assert (relit.pixels[inner()] == 255).mean() < 0.01


def test_a_light_from_nowhere_is_darkness(known):
    relit = known.relight(np.zeros((9, 3)), exposure=None)
    assert relit.pixels[inner(radius=0.5)].max() <= 2


@pytest.mark.parametrize("dark", ["left", "right"])
def test_what_was_black_comes_back(dark):
    """Half of a head that is lit from the other side."""
    own = Light.from_direction(-70 if dark == "left" else 70, 0)
    pixels = heads.photo(own).copy()
    half = np.s_[:, :100] if dark == "left" else np.s_[:, 100:]
    pixels[half] = pixels[half] // 40
    relit = linear(decomposed(heads.model(own), pixels).relight("front", exposure=None).pixels)
    there = inner(radius=0.5)
    there[:, 80:120] = False
    shadow = np.zeros_like(there)
    shadow[half] = True
    assert relit[there & shadow].mean() > 0.5 * relit[there & ~shadow].mean()


def underexposed(stops):
    """The head in a photo that is too dark, and a network, which sees it brightened."""
    pixels = np.uint8(np.round(color.to_srgb_numpy(linear(heads.photo()) * 2.0**stops) * 255))
    gain = inference.gain(pixels[window_weights.oval(None, framing.whole((200, 200)), 200) > 0.5])
    return decomposed(heads.model(heads.OWN * (2.0**stops * gain)), pixels)


@pytest.mark.parametrize("stops", [-3, -4, -5])
def test_a_dark_photo_keeps_its_brightness_and_detail(known, stops):
    """The camera saw little, but the same: each photo is relit as the others are."""
    dark = underexposed(stops)
    there = inner(radius=0.6)
    for name in ("left", "front", "split"):
        expected = linear(known.relight(name).pixels)[there]
        relit = linear(dark.relight(name).pixels)[there] / 2.0**stops
        bright = expected > 0.1
        assert np.median(relit[bright] / expected[bright]) == pytest.approx(1.0, abs=0.05)
        lit = [np.percentile(values, 90) for values in (relit, expected)]
        assert lit[0] == pytest.approx(lit[1], rel=0.05)


def test_a_face_that_is_nearly_black_is_relit_by_less():
    dark = underexposed(-8)
    share = dark.legibility
    assert 0.3 < share < 0.9
    pixels = dark.photo.pixels
    np.testing.assert_array_equal(dark.relight(dark.light, exposure=None).pixels, pixels)
    three_times = Light(dark.light.coefficients * 3.0)
    brighter = linear(dark.relight(three_times, exposure=None).pixels)[inner()].mean()
    expected = 1.0 + 2.0 * share
    assert brighter / linear(pixels)[inner()].mean() == pytest.approx(expected, rel=0.1)
    assert decomposed(heads.model(), heads.photo()).legibility == 1.0


def test_a_black_photo_is_a_photo(model):
    known = decomposed(model, np.zeros((60, 60, 3), np.uint8))
    assert known.relight("left").pixels.max() == 0
    assert all(np.isfinite(face.black).all() for face in known.relightable)


def test_a_shrunk_photo_of_two_people_is_relit_as_the_whole():
    """Shares of the faces, and what is a shadow, depend on where the faces are."""
    sides = [heads.photo(Light.from_direction(a, 0, 0.9, ambient=0.02)) for a in (-80, 80)]
    pixels = np.hstack(sides).repeat(2, 0).repeat(2, 1)
    faces = [a_face(np.array([x, 200.0]), 80.0) for x in (200.0, 600.0)]
    (whole,) = decomposition.decompose([photos.read(pixels)], heads.model(), known_faces=[faces])
    small = whole.shrunk(400)
    for before, after in zip(whole.faces, small.faces):
        np.testing.assert_allclose(after.face.eyes, before.face.eyes / 2)
        np.testing.assert_allclose(after.face.oval, before.face.oval / 2)
        assert after.face.interocular_distance == before.face.interocular_distance / 2
    for name in ("left", "rim"):
        expected = np.asarray(
            Image.fromarray(whole.relight(name).pixels).resize((400, 200), Image.Resampling.BOX)
        )
        found = small.relight(name).pixels
        assert np.abs(found.astype(int) - expected).mean() < 1.5, name


def test_a_lens_stays_black_under_every_preset(model):
    pixels = heads.photo().copy()
    y, x = np.mgrid[:200, :200]
    lenses = np.minimum(np.hypot(x - 75, y - 85), np.hypot(x - 125, y - 85)) < 18
    pixels[lenses] = 9
    known = decomposed(model, pixels)
    inside = np.minimum(np.hypot(x - 75, y - 85), np.hypot(x - 125, y - 85)) < 15
    for name in PRESETS:
        assert known.relight(name).pixels[inside].max() < 25, name


def test_clipped_skin_under_coloured_light_stays_skin():
    """Red clips first; nothing that was warm turns green, whatever the light."""
    warm = heads.OWN * (1.35, 1.0, 0.6)
    # The rest of the ellipse that stands for a face is backdrop.
    there = inner(radius=0.7)
    for gain in (1.0, 2.0, 3.0):
        own = warm * gain
        photo = heads.photo(own)
        assert gain == 1 or (photo[there][:, 0] == 255).mean() > 0.1
        known = decomposed(heads.model(own), photo)
        for name, white in itertools.product(("left", "right", "front"), ("keep", "neutral")):
            red, green, blue = known.relight(name, white_balance=white).pixels[there].T.astype(int)
            warm_still = (red >= green) & (green >= blue)
            # What is burnt is white.
            warm_still |= (np.minimum(red, green) > 245) & (blue > 235)
            assert warm_still.mean() > 0.995, (gain, name, white)


def test_a_white_lamp_keeps_the_white_of_a_photo():
    warm = Light.from_direction(0, 30, 0.6, ambient=0.3, color=(1.2, 1.0, 0.6))
    known = decomposed(heads.model(warm), heads.photo(warm))
    there = inner(radius=0.6)
    before = linear(known.photo.pixels)[there].mean(0)
    kept = linear(known.relight("left").pixels)[there].mean(0)
    np.testing.assert_allclose(kept / kept[1], before / before[1], rtol=0.03)
    neutral = linear(known.relight("left", white_balance="neutral").pixels)[there].mean(0)
    np.testing.assert_allclose(neutral / neutral[1], heads.ALBEDO / heads.ALBEDO[1], rtol=0.07)
    # Coloured lamps are relative to the photo's white.
    orange = Light.preset("left") * (1.0, 0.8, 0.5)
    turned = linear(known.relight(orange).pixels)[there].mean(0)
    expected = before * (1.0, 0.8, 0.5)
    np.testing.assert_allclose(turned / turned[1], expected / expected[1], rtol=0.1)
    # Light that was measured in a photo has colours of its own.
    np.testing.assert_array_equal(known.relight(known.light).pixels, known.photo.pixels)
    other = Light(warm.rotated(50).coefficients)
    relit = linear(known.relight(other).pixels)[there].mean(0)
    np.testing.assert_allclose(relit / relit[1], before / before[1], rtol=0.03)


def test_another_white_balance_is_refused(known):
    with pytest.raises(InputError, match="`white_balance`. Expected keep or neutral. .*'auto'"):
        known.relight("left", white_balance="auto")


def test_make_up_stays_black(model):
    """What is black and small has no shadow on it: no detail is painted over."""
    pixels = heads.photo().copy()
    line = np.s_[90:97, 70:100]
    pixels[line] = pixels[line] // 40
    relit = decomposed(model, pixels).relight("left", exposure=None).pixels
    assert relit[line].max() < 40


def test_sizes_and_kinds(model):
    for pixels in (
        heads.photo(height=97, width=151),
        heads.photo(height=20, width=31),
        heads.photo()[..., 0],
        np.dstack([heads.photo(), np.full((200, 200), 77, np.uint8)]),
    ):
        back = decomposed(model, pixels).relight("left").like_input()
        assert back.shape == pixels.shape and back.dtype == pixels.dtype
        assert (back != pixels).any()
        if pixels.ndim == 3 and pixels.shape[2] == 4:
            np.testing.assert_array_equal(back[..., 3], pixels[..., 3])
    decomposed(model, np.full((1, 1, 3), 99, np.uint8)).relight("left")


def test_sixteen_bits_are_finer_than_eight(model):
    deep = (heads.photo().astype(np.uint16) * 257) + 50
    relit = decomposed(model, deep).relight("left").pixels
    shallow = decomposed(model, heads.photo()).relight("left").pixels
    assert np.abs(relit / 257.0 - shallow).max() < 3
    assert len(np.unique(relit)) > 1000


def test_maps(known):
    there = inner(radius=0.5)
    normals, _ = heads.ball(200, 200)
    angles = np.degrees(np.arccos(np.clip((known.normals() * normals).sum(-1)[there], -1, 1)))
    assert angles.mean() < 3
    np.testing.assert_allclose(known.albedo()[there].mean(0), heads.ALBEDO, rtol=0.05)
    assert known.mask()[there].min() == 1 and known.mask()[0, 0] == 0
    again = known.albedo() * known.shading()
    np.testing.assert_allclose(again[there], linear(known.photo.pixels)[there], atol=0.03)


def test_shrunk(known):
    small = known.shrunk(50)
    assert small.photo.size == (50, 50)
    relit = small.relight("left").pixels.astype(int)
    whole = known.relight("left").pixels.reshape(50, 4, 50, 4, 3).mean((1, 3))
    assert np.abs(relit - whole)[5:-5, 5:-5].mean() < 3


def test_a_film_may_put_a_smoothed_light_in_its_place(known):
    other = Light.from_direction(50, 0, ambient=0.3).coefficients
    faces = tuple(dataclasses.replace(face, light=other) for face in known.faces)
    changed = decomposition.Decomposition(known.photo, faces)
    np.testing.assert_array_equal(changed.light, other)
    np.testing.assert_array_equal(changed.relight(other).pixels, known.photo.pixels)


def test_wrong_values(known, model):
    with pytest.raises(InputError, match="strength"):
        known.relight("left", strength=1.5)
    with pytest.raises(InputError, match="lft"):
        known.relight("lft")
    with pytest.raises(InputError, match="none"):
        decomposition.decompose([known.photo], model, faces="none")
    with pytest.raises(InputError, match="0"):
        decomposition.decompose([known.photo], model, faces=0)


def test_it_shows_itself_in_notebooks_as_a_sheet_and_one_line(known):
    shown = np.asarray(Image.open(io.BytesIO(known._repr_png_())))
    np.testing.assert_array_equal(shown, map_files.sheet(known))
    light = repr(known.light)
    assert "\n" not in light
    assert repr(known) == f"<Decomposition: 200x200 pixels, 1 face, {light}>"
    two = decomposition.Decomposition(known.photo, known.faces * 2)
    assert "2 faces" in repr(two)


def grey(linear, height=SIZE, width=SIZE):
    value = np.round(color.to_srgb_numpy(np.float32(linear)) * 255)
    return photos.read(np.full((height, width, 3), value, np.uint8))


def slopes(left, width=SIZE, **fields):
    """Maps of a roof whose window begins at a column of the photo."""
    window = framing.Window(np.array([left, 0.0]), np.diag([float(SIZE)] * 2))
    made = {"window": window, "box": (0, 0, width, SIZE), "face": a_face((left + 32, 32), 16.0)}
    return roof(**{**made, **fields})


def test_each_face_goes_from_its_own_light_to_the_new_one():
    """Two faces a photo apart, of shading 0.5 and 0.25: half way to 1 is 0.75 and 0.625."""
    width = 4 * SIZE
    faces = slopes(0, width, own=0.5), slopes(3 * SIZE, width, own=0.25)
    one = decomposition.Decomposition(grey(0.2, width=width), faces)
    np.testing.assert_array_equal(one.light.coefficients, faces[0].light)
    relit = linear(one.relight(light(1.0, 1.0), strength=0.5, exposure=None).pixels)
    np.testing.assert_allclose(relit[32, 20], 0.2 * 0.75 / 0.5, rtol=0.02)
    np.testing.assert_allclose(relit[32, -20], 0.2 * 0.625 / 0.25, rtol=0.02)
    # The exposure that keeps the first face's brightness serves both.
    assert one.exposure(light(1.0, 1.0)) == pytest.approx(0.5, rel=0.01)
    relit = linear(one.relight(light(1.0, 1.0), exposure=0.0).pixels)
    np.testing.assert_allclose(relit[32, 20], 0.2, rtol=0.02)
    np.testing.assert_allclose(relit[32, -20], 0.4, rtol=0.02)
    # A stop more is twice as bright.
    relit = linear(one.relight(light(1.0, 1.0), exposure=1.0).pixels)
    np.testing.assert_allclose(relit[32, 20], 0.4, rtol=0.02)


@pytest.mark.parametrize(
    "new,factor",
    [
        (3 * Light.even(0.5), 3.0),
        # Of a light whose shading is z the visible half of a sphere has 2/3 in the mean.
        (np.float32([0, 0, 1.5 / harmonics.LINEAR] + [0] * 6)[:, None] * np.ones(3), 4 / 3),
        # By 8 times at most.
        (20 * Light.even(0.5), 8.0),
        (0.01 * Light.even(0.5), 1 / 8),
        (Light.even(0.5) * (1.0, 2.0, 0.01), (1.0, 2.0, 1 / 8)),
    ],
)
def test_the_background_changes_as_what_is_seen_does(new, factor):
    face = slopes(0, 2 * SIZE, photo=0.05, own=0.5)
    one = decomposition.Decomposition(grey(0.05, width=2 * SIZE), (face,))
    relit = linear(one.relight(new, exposure=None, background=True).pixels)
    np.testing.assert_allclose(relit[32, -10], 0.05 * np.float32(factor) * np.ones(3), rtol=0.04)


@pytest.mark.parametrize("own", [0.5, 0.005, 1e-4])
def test_the_background_changes_alike_under_lights_of_any_brightness(own):
    face = slopes(0, 2 * SIZE, photo=0.05, own=own)
    one = decomposition.Decomposition(grey(0.05, width=2 * SIZE), (face,))
    new = Light.even(own) * (2.0, 1.5, 1.0)
    relit = linear(one.relight(new, exposure=None, background=True).pixels)
    np.testing.assert_allclose(relit[32, -10], [0.1, 0.075, 0.05], rtol=0.04)


@pytest.mark.parametrize("own, factor", [((1, 1, 0), (1, 1, 8)), ((0, 0, 0), (8, 8, 8))])
def test_the_background_under_a_light_without_a_channel_changes_as_far_as_it_may(own, factor):
    face = slopes(0, 2 * SIZE, photo=0.05, light=light(0.5, 0.5) * np.float32(own))
    one = decomposition.Decomposition(grey(0.05, width=2 * SIZE), (face,))
    # A light without colour would keep a grey photo grey.
    new = Light.even(0.5) * (1.0, 1.0, 0.9)
    relit = linear(one.relight(new, exposure=None, background=True).pixels)
    np.testing.assert_allclose(relit[32, -10], 0.05 * np.float32(factor), rtol=0.08)


def test_maps_of_a_roof():
    face = slopes(0, 2 * SIZE, photo=(0.3, 0.2, 0.1), own=(0.8, -0.2))
    one = decomposition.Decomposition(grey(0.2, width=2 * SIZE), (face,))
    shading, normals, mask = one.shading(), one.normals(), one.mask()
    # A light that rings below zero is dark.
    np.testing.assert_allclose(shading[32, 16], 0.8, rtol=1e-3)
    np.testing.assert_allclose(shading[32, 48], 0.0, atol=1e-6)
    np.testing.assert_allclose(
        normals[32, [16, 48]], np.sqrt(0.5) * np.array([(-1, 0, 1), (1, 0, 1)])
    )
    assert mask[32, 16] == 1 and mask[32, 80] == 0
    assert (
        not shading[:, 66:].any() and not normals[:, 66:].any() and not one.albedo()[:, 66:].any()
    )
    linear, people = one.background()
    np.testing.assert_array_equal(people, mask)
    np.testing.assert_allclose(linear, 0.2, atol=2e-3)


def test_albedo_is_the_photo_in_even_light_and_at_most_white():
    face = slopes(0, photo=0.2, own=(0.5, 0.25), mask=half(1, 1))
    one = decomposition.Decomposition(grey(0.2), (face,))
    np.testing.assert_allclose(one.albedo()[32, [16, 48], 0], [0.4, 0.8], rtol=0.06)
    face = slopes(0, photo=picture((0.9, 0.2, 0.2)), own=0.1)
    photo = photos.read(np.full((SIZE, SIZE, 3), (250, 120, 120), np.uint8))
    albedo = decomposition.Decomposition(photo, (face,)).albedo()
    assert 0.9 < albedo.max() <= 1


@pytest.mark.parametrize(
    "longest,size,factors",
    [
        (50, (25, 50), (50 / 101, 25 / 50)),
        (101, (50, 101), (1, 1)),
        (500, (50, 101), (1, 1)),
        (1, (1, 1), (1 / 101, 1 / 50)),
    ],
)
def test_a_smaller_photo_has_its_faces_in_their_places(longest, size, factors):
    turned = np.array([[30.0, -10.0], [10.0, 30.0]])
    window = framing.Window(np.array([40.0, 10.0]), turned)
    face = roof(window=window, box=(6, 2, 99, 44))
    photo = photos.read(np.uint16(np.full((50, 101, 3), 65535)))
    small = decomposition.Decomposition(photo, (face,)).shrunk(longest)
    assert small.photo.size == size and small.photo.pixels.dtype == np.uint8
    assert small.photo.pixels.min() == 255
    (scaled,) = small.faces
    np.testing.assert_allclose(scaled.window.corner, [40 * factors[0], 10 * factors[1]])
    np.testing.assert_allclose(scaled.window.axes, turned * np.array(factors)[:, None])
    expected = np.array([6, 2, 99, 44]) * np.tile(factors, 2)
    assert scaled.box == tuple(np.round(expected)) and scaled.photo is face.photo


def faces_of_three_sizes():
    return [a_face((50.0, 50.0), between) for between in (30.0, 20.0, 10.0)]


@pytest.mark.parametrize(
    "faces,count", [("all", 3), ("largest", 1), (1, 1), (2, 2), ("2", 2), (3, 3), (9, 3)]
)
def test_how_many_faces(model, monkeypatch, faces, count):
    found = faces_of_three_sizes()
    monkeypatch.setattr(find, "find", lambda pixels: found)
    (one,) = decomposition.decompose([grey(0.2, 100, 100)], model, faces)
    assert [maps.face for maps in one.faces] == found[:count]


def test_known_faces_are_not_searched(model, monkeypatch):
    monkeypatch.setattr(find, "find", lambda pixels: pytest.fail("searched"))
    pair = [grey(0.2, 100, 100), grey(0.3, 90, 90), grey(0.4, 80, 80)]
    largest, *others = faces_of_three_sizes()
    one, none, two = decomposition.decompose(pair, model, known_faces=[[largest], (), others])
    assert isinstance(none, InputError) and "No face found" in str(none)
    assert [maps.face for maps in one.faces] == [largest] and one.photo is pair[0]
    assert [maps.face for maps in two.faces] == others and two.photo is pair[2]
    assert decomposition.decompose([], model, known_faces=[]) == []


@pytest.mark.parametrize("faces", [0, -1, "none", "0", None, "1.5"])
def test_no_number_of_faces(model, faces):
    with pytest.raises(InputError, match="a number from 1. Received"):
        decomposition.decompose([grey(0.2)], model, faces)


@pytest.mark.parametrize("strength", [-0.01, 1.01, float("nan")])
def test_a_strength_beyond_its_bounds(known, strength):
    with pytest.raises(InputError, match="0 to 1. Received"):
        known.relight("left", strength=strength)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("background", [False, True])
def test_a_photo_without_colour_stays_without(model, dtype, background):
    scale = {np.uint8: 1, np.uint16: 257, np.float32: np.float32(1 / 255)}[dtype]
    pixels = np.repeat(heads.photo().mean(-1, keepdims=True).round(), 3, axis=-1)
    one = decomposed(model, (pixels * scale).astype(dtype))
    # The network gives its face the colours of skin.
    assert np.ptp(one.faces[0].albedo, axis=-1).max() > 0.1
    for strength in (0.5, 1.0):
        relit = one.relight("left", strength, background=background).pixels
        assert np.ptp(relit, axis=-1).max() == 0
        assert np.abs(relit[..., 0] - one.photo.pixels[..., 0].astype(float)).max() > 10 * scale
    # A light with a colour is asked for, and gives one.
    assert np.ptp(one.relight("candle").pixels.astype(float), axis=-1).max() > 5 * scale


def test_a_photo_with_colour_keeps_it(known):
    assert np.ptp(known.relight("left").pixels, axis=-1).max() > 20


def test_a_relit_photo_says_so(known, tmp_path):
    relit = known.relight("left")
    assert relit.edited and not known.photo.edited
    relit.save(tmp_path / "a.jpg")
    assert xmp.EDITED.encode() in (tmp_path / "a.jpg").read_bytes()
    known.photo.save(tmp_path / "b.jpg")
    relit.save(tmp_path / "c.jpg", mark=False)
    for name in ("b.jpg", "c.jpg"):
        assert b"digitalsourcetype" not in (tmp_path / name).read_bytes()


def with_a_nose():
    """A decomposed photo of a hilly surface whose network knows it, under frontal light."""
    height = surfaces.hills(0, size=128)
    field = surfaces.of_height(height)
    own = Light.from_direction(0, 10, 0.7, ambient=0.3)
    shading = np.maximum(harmonics.shade(field.normals, own), 0.05)
    albedo = np.full((128, 128, 3), np.float32([0.5, 0.35, 0.28]))
    pixels = np.uint8(np.round(255 * color.to_srgb_numpy(albedo * shading)))
    maps = {"albedo": albedo, "normals": field.normals, "light": own.coefficients}
    maps["mask"] = np.ones((128, 128, 1), np.float32)
    face = face_maps.of_crop(pixels, maps)
    return decomposition.Decomposition(photos.read(pixels), (face,))


def test_lamps_cast_shadows_that_their_harmonics_do_not():
    one, lamp = with_a_nose(), Light.from_direction(60, 0, ambient=0.1)
    hard = linear(one.relight(lamp, highlights=0.0).pixels).mean(-1)
    free = linear(one.relight(lamp, shadows=0.0, highlights=0.0).pixels).mean(-1)
    half_way = linear(one.relight(lamp, shadows=0.5, highlights=0.0).pixels).mean(-1)
    shadow = hard < 0.6 * free
    # To the right of the nose, which is lit from the left.
    assert 0.01 < shadow.mean() < 0.3
    assert np.nonzero(shadow[40:90])[1].mean() > 64
    assert (half_way[shadow] > hard[shadow]).all() and (half_way[shadow] < free[shadow]).all()
    projected = Light(lamp.coefficients, lamp.relative)
    np.testing.assert_array_equal(
        one.relight(projected).pixels, one.relight(projected, shadows=0.0, highlights=0.0).pixels
    )


def test_softness_blurs_shadows():
    one, lamp = with_a_nose(), Light.from_direction(60, 0, ambient=0.1)

    def steepest(**options):
        image = linear(one.relight(lamp, highlights=0.0, **options).pixels).mean(-1)
        free = linear(one.relight(lamp, shadows=0.0, highlights=0.0, **options).pixels).mean(-1)
        return np.abs(np.diff(image / free, axis=1))[30:100].max()

    assert steepest(softness=40.0) < 0.6 * steepest()


def test_highlights_can_be_left_out():
    one, lamp = with_a_nose(), Light.from_direction(25, 10)
    with_them, without = (
        linear(one.relight(lamp, exposure=None, highlights=share).pixels).mean(-1)
        for share in (1.0, 0.0)
    )
    assert (with_them >= without - 0.005).all() and (with_them - without).max() > 0.01


@pytest.mark.parametrize("name", ["rembrandt", "window", "neon"])
def test_a_mirrored_light_on_a_mirrored_photo_gives_the_mirrored_picture(name):
    one, light = with_a_nose(), Light.preset(name)
    face = one.faces[0]
    flipped = {
        field.name: value[:, ::-1]
        for field in dataclasses.fields(face)
        if isinstance(value := getattr(face, field.name), np.ndarray) and value.ndim > 1
    }
    flipped["normals"] = flipped["normals"] * np.float32([-1, 1, 1])
    flipped["light"] = Light(face.light).mirrored().coefficients
    mirrored = decomposition.Decomposition(
        photos.read(one.photo.pixels[:, ::-1]), (dataclasses.replace(face, **flipped),)
    )
    expected = one.relight(light).pixels[:, ::-1].astype(int)
    found = mirrored.relight(light.mirrored()).pixels
    assert np.abs(found - expected).max() <= 2 and np.abs(found - expected).mean() < 0.1


def test_no_strength_gives_the_photo_whatever_the_lamp():
    one = with_a_nose()
    for lamp in ("rembrandt", "candle", Light.from_environment(np.ones((32, 64, 3)))):
        relit = one.relight(lamp, strength=0.0).pixels
        np.testing.assert_array_equal(relit, one.photo.pixels)


@pytest.mark.parametrize("name", ["shadows", "highlights"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_shares_beyond_their_bounds(known, name, value):
    with pytest.raises(InputError, match=f"`{name}`. Expected 0 to 1. Received"):
        known.relight("left", **{name: value})


def test_softness_beyond_its_bounds(known):
    with pytest.raises(InputError, match="softness. Expected 0 to 90"):
        known.relight("left", softness=91.0)
