"""`relight_lamps` gives what `tfrelight.relight(..., whole_image=True)` gives: one formula."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfrelight
from tests.conftest import ROOT
from tests.serving.conftest import file_of, picture, pixels_of, strings
from tfrelight import Light
from tfrelight.lights import lamp_rows
from tfrelight.models import loading, presets
from tfrelight.serving import signatures
from tfrelight.synthesis import portraits

ASTRONAUT = ROOT / "docs" / "astronaut.jpg"
LIGHTS = {
    **{
        name: Light.preset(name)
        for name in ("left", "rembrandt", "butterfly", "split", "rim", "under", "window", "neon")
    },
    "wide": Light.from_direction(70, 10, radius=40),
    "two": Light.from_direction(50, 30, color=(1.0, 0.6, 0.3)) + Light.from_direction(-60, -10),
}
# Largest differences, of 255: on average, and at the 99th percentile.
MEAN, MOST = 0.7, 6.5
LEFT = lamp_rows.rows(LIGHTS["left"])[None]


@functools.cache
def person(seed, size=256):
    """A synthetic person under a light of their own, `[size, size, 3]` uint8."""
    config = portraits.PortraitConfig(lights=1, size=size)
    return np.asarray(portraits.subject(config, seed)["images"][0])


def astronaut():
    """A crop of the astronaut's head, not square and of an odd size."""
    photo = Image.open(ASTRONAUT).convert("RGB")
    width, height = photo.size
    return np.asarray(photo.crop((0.2 * width, 0, 0.7 * width, 0.45 * height)).resize((251, 230)))


PHOTOS = {
    "astronaut": astronaut,
    "small": lambda: np.asarray(Image.fromarray(astronaut()).resize((120, 110))),
    "grey": lambda: np.repeat(astronaut()[..., 1:2], 3, -1),
    "person 3": lambda: person(3),
    "person 7": lambda: person(7),
    "dark": lambda: np.uint8(person(3) * 0.15),
    "burnt": lambda: np.uint8(np.clip(person(7) * 1.8, 0, 255)),
}


@pytest.fixture(scope="module")
def relight():
    """`relight(photo, light)`: the signature with the package's weights, `[H, W, 3]` in 0..255."""
    function, specs = signatures.functions(loading.load_network(presets.DEFAULT))["relight_lamps"]
    graph = tf.function(function, input_signature=specs)

    def call(photo, light):
        images = np.float32(photo[None] / 255.0)
        return graph(images, lamp_rows.rows(light)[None])["relit"][0].numpy() * 255.0

    return call


@pytest.mark.parametrize("name", PHOTOS)
def test_graph_and_numpy_agree(relight, name):
    photo = PHOTOS[name]()
    # What the photo's pixels are matters under a few lights as under all.
    few = ("left", "rim", "wide", "two")
    for light_name in LIGHTS if name in ("astronaut", "person 3") else few:
        light = LIGHTS[light_name]
        expected = tfrelight.relight(photo, light, whole_image=True)
        difference = np.abs(relight(photo, light) - expected)
        assert difference.mean() <= MEAN, light_name
        assert np.percentile(difference, 99) <= MOST, light_name
        # Doing nothing would not agree.
        assert np.abs(expected - np.float32(photo)).mean() > 3 * difference.mean(), light_name


def test_a_light_that_brightens_or_dims_keeps_the_face_as_bright(relight):
    photo, light = person(7), LIGHTS["left"]
    np.testing.assert_allclose(relight(photo, light * 1.5), relight(photo, light), atol=0.5)


def test_a_white_lamp_keeps_a_grey_photo_grey(relight):
    relit = relight(PHOTOS["grey"](), LIGHTS["left"])
    np.testing.assert_allclose(relit, np.repeat(relit[..., 1:2], 3, -1), atol=1e-3)


def floats(*pictures):
    return np.stack(pictures).astype(np.float32) / 255


def test_files_of_any_size_are_relit_as_their_pixels(answer):
    pictures = [picture(170, 150), picture(32, 32, 1), picture(3, 90, 2)]
    rows = np.concatenate([lamp_rows.rows(LIGHTS[name])[None] for name in ("left", "rim", "wide")])
    files = strings(*(file_of(pixels) for pixels in pictures))
    pngs = answer("relight_lamps_bytes", image_bytes=files, lamps=rows)["relit_png_bytes"]
    for png, pixels, one in zip(pngs, pictures, rows):
        expected = answer("relight_lamps", images=floats(pixels), lamps=one[None])["relit"][0]
        assert expected.shape == pixels.shape
        difference = np.abs(pixels_of(png) / 255.0 - np.clip(expected, 0, 1))
        assert difference.max() <= 1.01 / 255


def test_photos_of_a_request_are_relit_apart(answer):
    images = floats(picture(40, 30), picture(40, 30, 1))
    rows = np.concatenate([LEFT, lamp_rows.rows(LIGHTS["wide"])[None]])
    both = answer("relight_lamps", images=images, lamps=rows)["relit"]
    for index in (0, 1):
        part = slice(index, index + 1)
        alone = answer("relight_lamps", images=images[part], lamps=rows[part])["relit"]
        np.testing.assert_allclose(both[part], alone, atol=1e-4)


def test_rows_of_weight_0_change_nothing(answer):
    images = floats(picture(40, 30))
    expected = answer("relight_lamps", images=images, lamps=LEFT[:, :2])["relit"]
    for filling in (np.zeros(8), np.full(8, 3.0), [1.0, 0.0, 0.0, 0.2, 1.0, 1.0, 1.0, 0.0]):
        filled = np.float32(np.tile(filling, (1, 5, 1)))
        filled[:, :2], filled[:, 2:, 7] = LEFT[:, :2], 0.0
        found = answer("relight_lamps", images=images, lamps=filled)["relit"]
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shape", [(4, 8), (1, 8), (1, 4, 7), (1, 1, 1, 8)])
@pytest.mark.parametrize("name", ["relight_lamps", "relight_lamps_bytes"])
def test_lamps_of_a_wrong_shape_are_refused(answer, name, shape):
    photos = (
        {"images": floats(picture(8, 8))}
        if name == "relight_lamps"
        else {"image_bytes": strings(file_of(picture(8, 8)))}
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not compatible with expected"):
        answer(name, lamps=np.zeros(shape, np.float32), **photos)


@pytest.mark.parametrize(
    "rows,count,message",
    [
        (2, 4, "as many rows of `lamps`"),
        (1, 0, "Expected one lamp or more"),
        (1, lamp_rows.MOST + 1, f"Expected {lamp_rows.MOST} lamps or fewer"),
    ],
)
def test_another_number_of_lamps_is_refused(answer, rows, count, message):
    lamps = np.tile(LEFT[:, :1], (rows, count, 1))
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        answer("relight_lamps", images=floats(picture(8, 8)), lamps=lamps)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        answer("relight_lamps_bytes", image_bytes=strings(file_of(picture(8, 8))), lamps=lamps)


@pytest.mark.parametrize(
    "column,value,message",
    [
        (0, np.nan, "finite"),
        (3, np.nan, "finite"),
        (4, np.inf, "finite"),
        (3, -0.1, "from 0"),
        (5, -1.0, "from 0"),
        (7, -1.0, "from 0"),
        (slice(0, 3), 0.0, "unit vectors"),
        (1, 1e30, "finite|unit vectors"),
    ],
)
def test_what_no_lamp_can_be_is_refused(answer, column, value, message):
    lamps = LEFT.copy()
    lamps[0, 0, column] = value
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        answer("relight_lamps", images=floats(picture(8, 8)), lamps=lamps)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        answer("relight_lamps_bytes", image_bytes=strings(file_of(picture(8, 8))), lamps=lamps)


def test_numbers_of_a_photo_that_are_not_finite_show(answer):
    images = floats(picture(40, 30))
    images[0, 20, 15] = np.nan
    relit = answer("relight_lamps", images=images, lamps=LEFT)["relit"]
    assert np.isnan(relit).mean() > 0.2


def test_no_light_and_a_photo_of_one_pixel_give_numbers(answer):
    for images in (floats(picture(1, 1)), np.zeros((1, 9, 9, 3), np.float32)):
        for lamps in (LEFT, np.zeros_like(LEFT)):
            assert np.isfinite(answer("relight_lamps", images=images, lamps=lamps)["relit"]).all()
