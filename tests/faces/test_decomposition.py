import dataclasses

import numpy as np
import pytest

from tests.faces import heads
from tfrelight import color, photos
from tfrelight.errors import InputError
from tfrelight.faces import decomposition
from tfrelight.lights import Light


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


def test_every_8_bit_value_survives(known):
    from tfrelight.faces import full_size

    values = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(full_size.encode(full_size.decode(values), np.uint8), values)
    deep = np.arange(65536, dtype=np.uint16)
    np.testing.assert_array_equal(full_size.encode(full_size.decode(deep), np.uint16), deep)


@pytest.mark.parametrize("azimuth,elevation", [(60, 15), (-60, 15), (0, 60), (0, -40)])
def test_a_known_head_looks_as_it_would_under_the_new_light(known, azimuth, elevation):
    light = Light.from_direction(azimuth, elevation, intensity=0.8, ambient=0.25)
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
    relit = known.relight(0.5 * Light(known.light), exposure=None, background=True)
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

    before, after = detail(known.photo.pixels), detail(known.relight("left").pixels)
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
    light = Light.from_direction(0, 30, intensity=0.7 * 3, ambient=0.3 * 3)
    # However strong the light is, the face stays as bright as it was...
    np.testing.assert_allclose(
        known.relight(light).pixels.astype(int), known.photo.pixels.astype(int), atol=1
    )
    # ... a stop is a factor of 2 ...
    darker = linear(known.relight(light, exposure=-1.0).pixels)[inner()]
    before = linear(known.photo.pixels)[inner()]
    np.testing.assert_allclose((darker / before).mean(), 0.5, atol=0.01)
    # ... and without it light has its own strength.
    dim = linear(known.relight(0.5 * Light(known.light), exposure=None).pixels)[inner()]
    np.testing.assert_allclose((dim / before).mean(), 0.5, atol=0.01)


def test_strong_colours_do_not_burn_out(known):
    relit = known.relight(Light.from_direction(40, 10, ambient=0.1, color=(1.0, 0.3, 0.05)))
    assert (relit.pixels[inner()] == 255).mean() < 0.01


def test_a_light_from_nowhere_is_darkness(known):
    relit = known.relight(np.zeros((9, 3)), exposure=None)
    assert relit.pixels[inner(radius=0.5)].max() <= 2


@pytest.mark.parametrize("dark", ["left", "right"])
def test_what_was_black_comes_back(model, dark):
    pixels = heads.photo().copy()
    half = np.s_[:, :100] if dark == "left" else np.s_[:, 100:]
    pixels[half] = pixels[half] // 40
    relit = linear(decomposed(model, pixels).relight("front", exposure=None).pixels)
    there = inner(radius=0.5)
    there[:, 80:120] = False
    shadow = np.zeros_like(there)
    shadow[half] = True
    assert relit[there & shadow].mean() > 0.5 * relit[there & ~shadow].mean()


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
