"""What the canvas shows."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

import tfrelight
from tests.studio.conftest import png
from tfrelight.faces import find
from tfrelight.lights import Light
from tfrelight.photos import filters
from tfrelight.relighting import map_files


def mean_difference(one, other):
    return np.abs(one.astype(int) - other).mean()


def cheeks(photo):
    """Places of the left and the right cheek in the image, and how large they are."""
    (face,) = find.find(photo)
    down = np.array([-np.sin(face.roll), np.cos(face.roll)]) * face.interocular_distance * 0.65
    return (face.eyes + down).round().astype(int), round(face.interocular_distance * 0.15)


def brightness(picture, place, radius):
    x, y = place
    return picture[y - radius : y + radius, x - radius : x + radius].mean()


def test_dragging_the_light_from_left_to_right_moves_it_over_the_face(page, photo):
    places, radius = cheeks(photo)
    ball = page.page.locator("#ball").bounding_box()
    width, y = ball["width"], ball["y"] + ball["height"] * 0.45
    mouse = page.page.mouse
    mouse.move(ball["x"] + width * 0.2, y)
    mouse.down()
    pictures = [page.picture()]
    for place in (0.35, 0.5, 0.65, 0.8):
        mouse.move(ball["x"] + width * place, y, steps=5)
        pictures.append(page.picture())
    mouse.up()
    left, right = ([brightness(picture, place, radius) for picture in pictures] for place in places)
    assert left[0] - left[4] > 15 and right[4] - right[0] > 15
    # A cheek is brightest while the light faces it, not when it has gone on to the side.
    assert left[2] > left[3] > left[4] and right[0] < right[1] < right[2]


def test_dragging_on_the_photo_moves_the_light_too(page):
    page.drag_right("#picture", 1 / 4)
    lamp = page.state()["lamps"][0]
    assert lamp["azimuth"] == pytest.approx(0, abs=1) and lamp["elevation"] == 25
    assert abs(int(page.page.get_by_label("Left, right").input_value())) <= 1


# A preset, if any, and other parts of the state.
LIGHTS = {
    "lamp": (None, {}),
    "left": ("left", {}),
    "under": ("under", {}),
    "rim": ("rim", {}),
    "window": ("window", {}),
    "neon": ("neon", {}),
    "half": ("right", {"strength": 0.5}),
    "brighter": ("front", {"brightness": 0.7}),
    "everywhere": ("sunset", {"background": True}),
    "neutral": ("sunset", {"neutral": True}),
}


@pytest.mark.parametrize("case", LIGHTS)
def test_the_page_agrees_with_relight(page, photo, model, decomposed, case):
    preset, state = LIGHTS[case]
    if preset:
        page.page.click(f"[data-name={preset}]")
    page.set_state(**state)
    light = Light.preset(preset) if preset else Light.from_direction(45, 25, ambient=0.1)
    np.testing.assert_allclose(page.light(), light.coefficients, atol=1e-4)
    options = {**state, "exposure": state.get("brightness", 0.0)}
    options.pop("brightness", None)
    if options.pop("neutral", False):
        options["white_balance"] = "neutral"
    expected = tfrelight.relight(photo, light, model, **options)
    shown, face = page.picture(), decomposed.mask() > 0.5
    assert mean_difference(shown, expected) < 0.1
    assert mean_difference(shown[face], expected[face]) < 0.3
    assert np.percentile(np.abs(shown.astype(int) - expected)[face], 99.9) <= 2
    if not state.get("background"):
        # At its edge an opacity of half a level rounds to 0 or to 1.
        someone = (decomposed.mask() > 0).astype(np.float32)
        nobody = filters.dilated(someone, np.ones((3, 3), bool)) == 0
        np.testing.assert_array_equal(shown[nobody], photo[nobody])


def test_each_view_shows_its_map(page, photo, decomposed):
    page.page.click("[data-name=right]")
    relit = page.picture()
    np.testing.assert_array_equal(page.view("photo"), photo)
    for name in ("albedo", "normals", "mask", "parts"):
        expected = map_files.picture(name, getattr(decomposed, name)())
        assert mean_difference(page.view(name), expected) < 1, name
    split = page.view("split")
    np.testing.assert_array_equal(split[:, :500], photo[:, :500])
    np.testing.assert_array_equal(split[:, 524:], relit[:, 524:])
    assert page.page.is_visible("#divider")
    # The shading is that of the new light: at strength 0 that of the photo's own.
    page.set_state(strength=0)
    expected = map_files.picture("shading", decomposed.shading())
    assert mean_difference(page.view("shading"), expected) < 1
    page.set_state(strength=1)
    assert mean_difference(page.view("shading"), expected) > 2


def test_the_divider_moves(page, photo):
    page.page.click("[data-name=right]")
    page.view("split")
    page.page.locator("#divider").fill("90")
    shown = page.picture()
    np.testing.assert_array_equal(shown[:, :900], photo[:, :900])


def test_two_faces_are_both_relit(fresh_page, photo, model):
    two = np.concatenate([photo[:, 200:900], photo[:, 200:900]], axis=1)[:700]
    fresh_page.drop(png(two))
    assert fresh_page.error() is None
    assert fresh_page.notices() == ["2 faces found. All of them are relit."]
    fresh_page.page.click("[data-name=left]")
    expected = tfrelight.relight(two, "left", model)
    assert mean_difference(fresh_page.picture(), expected) < 0.5
    changed = np.abs(expected.astype(int) - two).max(-1) > 8
    assert changed[:, :700].any() and changed[:, 700:].any()
    fresh_page.assert_quiet()


@pytest.mark.parametrize("stored", ["RGB", "L"])
def test_a_photo_without_colour_is_shown_as_relight_gives_it(fresh_page, photo, model, stored):
    small = Image.fromarray(photo).resize((512, 512)).convert("L").convert(stored)
    pixels = np.asarray(small)
    fresh_page.drop(png(pixels))
    for name in ("left", "sunset"):
        fresh_page.page.click(f"[data-name={name}]")
        expected = np.asarray(
            Image.fromarray(tfrelight.relight(pixels, name, model)).convert("RGB")
        )
        shown = fresh_page.picture()
        assert np.percentile(np.abs(shown.astype(int) - expected), 99.9) <= 2
        coloured = stored == "RGB" and name == "sunset"
        assert (np.ptp(shown, axis=-1).max() > 20) == coloured
        assert np.ptp(shown, axis=-1).max() == 0 or coloured
    fresh_page.assert_quiet()


def test_maps_of_half_the_size_show_the_same_face(page, decomposed):
    """As on a machine that is too slow for the whole maps while something moves."""
    page.page.click("[data-name=right]")
    whole, face = page.picture(), decomposed.mask() > 0.5
    data = page.evaluate(
        """(studio) => {
          const { preview } = studio;
          preview.half = true;
          preview.scale = 1;
          preview.draw(preview.data, preview.state, true);
          const url = preview.renderer.canvas.toDataURL();
          preview.half = false;
          preview.draw(preview.data, preview.state, false);
          return url.split(',')[1];
        }"""
    )
    half = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
    assert 0 < mean_difference(half[face], whole[face]) < 4
    np.testing.assert_array_equal(page.picture(), whole)
