"""Lights from directions and names; adding, scaling, turning, exposing, saving them."""

import io

import numpy as np
import pytest
from PIL import Image

import tfrelight
from tfrelight import harmonics, lights
from tfrelight.errors import InputError
from tfrelight.lights import Light, sphere

AXES = np.concatenate([np.eye(3), -np.eye(3)])


def lamp(seed=0):
    rng = np.random.default_rng(seed)
    return Light.from_direction(
        rng.uniform(-90, 90), rng.uniform(-60, 60), 1.0, ambient=0.2, color=rng.uniform(0.3, 1, 3)
    )


def test_the_package_has_it():
    assert tfrelight.Light is Light


def test_positive_azimuth_is_left_and_positive_elevation_is_up():
    np.testing.assert_allclose(lights.direction_vector(90, 0), [-1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(lights.direction_vector(0, 90), [0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(lights.direction_vector(0, 0), [0, 0, 1], atol=1e-6)


@pytest.mark.parametrize("azimuth,elevation", [(0, 0), (35, 40), (-70, 10), (120, -35)])
@pytest.mark.parametrize("radius", [0, 40])
def test_dominant_direction_is_the_lamps(azimuth, elevation, radius):
    light = Light.from_direction(
        azimuth, elevation, 2, ambient=0.3, color=(1, 0.8, 0.5), radius=radius
    )
    expected = lights.direction_vector(azimuth, elevation)
    np.testing.assert_allclose(light.direction, expected, atol=1e-5)
    np.testing.assert_allclose(lights.direction(np.stack([light] * 2)), [expected] * 2, atol=1e-5)


def test_a_light_without_direction_comes_from_the_camera():
    np.testing.assert_array_equal(Light.even().direction, [0, 0, 1])


def test_a_lamp_shades_what_faces_it():
    # Three bands of a delta: 1/4 + 1/2 + 5/16 where the surface faces it.
    light = Light.from_direction(30, 20, intensity=2.0)
    facing = lights.direction_vector(30, 20)
    np.testing.assert_allclose(harmonics.shade(facing, light), 2 * 1.0625, rtol=1e-5)


def test_a_hemisphere_shades_what_faces_it_by_its_radiance():
    # The cosine lobe lies wholly inside: 1/2 + 1/2 of its two bands, the third is 0.
    light = Light.from_direction(30, 20, radius=90)
    facing = lights.direction_vector(30, 20)
    np.testing.assert_allclose(
        harmonics.shade([facing, -facing], light), [[1] * 3, [0] * 3], atol=1e-5
    )


def test_ambient_adds_the_same_everywhere():
    without = harmonics.shade(AXES, Light.from_direction(10, 10))
    with_it = harmonics.shade(AXES, Light.from_direction(10, 10, ambient=0.25))
    np.testing.assert_allclose(with_it - without, 0.25, atol=1e-5)
    np.testing.assert_allclose(
        harmonics.shade(AXES, Light.even(0.7, (1, 0.5, 0))), [[0.7, 0.35, 0]] * 6, atol=1e-5
    )


def test_lights_add_and_scale_as_radiance_does():
    a, b = lamp(1), lamp(2)
    shading = [harmonics.shade(AXES, light) for light in (a, b)]
    np.testing.assert_allclose(harmonics.shade(AXES, a + b), shading[0] + shading[1], atol=1e-5)
    assert sum([a, b]) == a + b
    np.testing.assert_allclose(harmonics.shade(AXES, 0.3 * a), 0.3 * shading[0], atol=1e-5)
    gel = np.float32([1, 0.5, 0])
    np.testing.assert_allclose(harmonics.shade(AXES, a * gel), shading[0] * gel, atol=1e-5)
    assert gel * a == a * gel == a * (1, 0.5, 0)
    assert np.float32(2) * a == a * 2


def test_a_light_does_not_change():
    light = lamp()
    before = light.coefficients.copy()
    light += lamp(1)
    with pytest.raises(ValueError, match="read-only"):
        light.coefficients[0] = 1
    assert lamp() == Light(before) and hash(lamp()) == hash(Light(before))
    assert light != lamp()


@pytest.mark.parametrize("azimuth,elevation", [(90, 0), (-35, 50), (170, -20)])
def test_turning_the_camera_light_gives_the_light_from_there(azimuth, elevation):
    turned = Light.from_direction(0, 0, ambient=0.1, radius=20).rotated(azimuth, elevation)
    expected = Light.from_direction(azimuth, elevation, ambient=0.1, radius=20)
    np.testing.assert_allclose(turned.coefficients, expected.coefficients, atol=1e-4)


@pytest.mark.parametrize(
    "turn,source,target",
    [
        (dict(azimuth=90), (0, 0), (90, 0)),
        (dict(azimuth=90), (30, 25), (120, 25)),
        (dict(elevation=90), (0, 0), (0, 90)),
        (dict(elevation=30), (0, -10), (0, 20)),
        (dict(roll=90), (-90, 0), (0, 90)),  # from the right of the image to its top
        (dict(roll=180), (40, 0), (-40, 0)),
    ],
)
def test_rotation_turns_the_direction_likewise(turn, source, target):
    turned = Light.from_direction(*source, ambient=0.3).rotated(**turn)
    np.testing.assert_allclose(turned.direction, lights.direction_vector(*target), atol=1e-5)


def test_a_turn_of_360_degrees_changes_nothing():
    light = lamp(3)
    for name in ("azimuth", "elevation", "roll"):
        turned = light
        for _ in range(8):
            turned = turned.rotated(**{name: 45})
        np.testing.assert_allclose(turned.coefficients, light.coefficients, atol=1e-4)


def test_rotation_keeps_the_total_light():
    light = lamp(4)
    np.testing.assert_allclose(
        light.rotated(50, 20, 10).coefficients[0], light.coefficients[0], rtol=1e-5
    )


def test_exposure_of_known_lights():
    assert Light.even().exposure == pytest.approx(1, abs=1e-3)
    assert Light.even(0.4).exposure == pytest.approx(0.4, abs=1e-3)
    # A true lamp at the camera shades the disc by z: E[z²] / E[z] = (1/2) / (2/3). Its second-order
    # light adds 1/4 + z/2 + 5/16 (3z²-1)/2 for z: computed with E[z^k] = 2 / (k + 2).
    c0, c1, c2 = 1 / 4 - 5 / 32, 1 / 2, 15 / 32
    moment = [2 / (k + 2) for k in range(5)]
    mean = c0 * moment[0] + c1 * moment[1] + c2 * moment[2]
    square = (
        c0**2 * moment[0]
        + 2 * c0 * c1 * moment[1]
        + (c1**2 + 2 * c0 * c2) * moment[2]
        + 2 * c1 * c2 * moment[3]
        + c2**2 * moment[4]
    )
    assert Light.from_direction(0, 0).exposure == pytest.approx(square / mean, rel=2e-3)
    assert square / mean == pytest.approx(0.75, abs=0.03)
    assert (0 * lamp()).exposure == 0


def test_exposed_scales_and_nothing_else():
    light = lamp(5)
    exposed = light.exposed(0.8)
    assert exposed.exposure == pytest.approx(0.8, rel=1e-4)
    ratio = exposed.coefficients / light.coefficients
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-4)


def test_a_saturated_light_is_exposed_for_its_strongest_channel():
    for color in [(1, 1, 1), (1, 0, 0), (0.2, 0.4, 1)]:
        light = Light.from_direction(0, 0, color=color).exposed()
        assert 1.2 < harmonics.shade([0.0, 0, 1], light).max() < 2.5


def test_save_and_load(tmp_path):
    light = lamp(6)
    light.save(tmp_path / "light.json")
    assert Light.from_file(tmp_path / "light.json") == light
    assert lights.as_light(tmp_path / "light.json") == light


@pytest.mark.parametrize("order,count", [("tfrelight", 27), ("sfsnet", 27), ("dpr", 9)])
def test_text_files_of_every_order(tmp_path, order, count):
    light = lamp(7) if count == 27 else Light.from_direction(30, 20, ambient=0.1)
    numbers = light.numbers(order)
    assert numbers.shape == (count,)
    (tmp_path / "light.txt").write_text("\n".join(map(str, numbers)))
    loaded = Light.from_file(tmp_path / "light.txt", order)
    np.testing.assert_allclose(loaded.coefficients, light.coefficients, atol=1e-5)


def test_what_stands_for_a_light(tmp_path):
    light = lamp(8)
    assert lights.as_light(light) is light
    assert lights.as_light(light.coefficients) == light
    assert lights.as_light("left") == Light.preset("left")
    np.savetxt(tmp_path / "light.txt", light.numbers()[None], delimiter=",")
    np.testing.assert_allclose(
        lights.as_light(tmp_path / "light.txt").coefficients, light.coefficients, atol=1e-6
    )


def test_picture_of_a_light():
    picture = Light.from_direction(60, 0, ambient=0.1).sphere(64)
    assert picture.shape == (64, 64, 3) and 0 <= picture.min() and picture.max() <= 1
    assert picture[32, 12].mean() > 1.5 * picture[32, 52].mean()
    # The lamp's height in the picture: brightest where the sphere faces it.
    top = Light.from_direction(0, 50).sphere(64).mean(-1)
    assert np.argmax(top[:, 32]) < 32
    png = Image.open(io.BytesIO(Light.even()._repr_png_()))
    assert png.size == (128, 128)
    # An even light of 1 shows the paint: linear 0.5 is 188 in sRGB.
    assert np.asarray(png)[64, 64].tolist() == [188, 188, 188]
    assert sphere.ALBEDO == 0.5


def test_repr_says_where_it_comes_from():
    text = repr(Light.from_direction(60, 15))
    assert "azimuth 60" in text and "elevation 15" in text


@pytest.mark.parametrize(
    "call,expected",
    [
        (lambda: Light.preset("lft"), "Unknown light 'lft'. Expected one of: front, left"),
        (lambda: lights.as_light("lft"), "Unknown light 'lft'"),
        (
            lambda: Light(np.ones((3, 9))),
            "Expected [9, 3] finite coefficients. Received: shape [3, 9]",
        ),
        (lambda: Light(np.full((9, 3), np.nan)), "not all finite"),
        (lambda: Light.from_direction(0, np.inf), "Expected a finite azimuth"),
        (lambda: Light.from_direction(0, 0, intensity=-1), "at least 0"),
        (lambda: Light.from_direction(0, 0, ambient=np.nan), "finite number of at least 0"),
        (lambda: Light.from_direction(0, 0, radius=120), "radius of 0 to 90"),
        (lambda: Light.from_direction(0, 0, temperature=300), "1000 to 15000 kelvin"),
        (lambda: Light.even() * (1, 2), "three, R, G and B"),
        (lambda: -1 * Light.even(), "at least 0"),
        (lambda: Light.even().rotated(azimuth=np.nan), "finite angles"),
        (lambda: (0 * Light.even()).exposed(), "lights nothing"),
    ],
)
def test_wrong_lights_are_refused_in_one_line(call, expected):
    with pytest.raises(InputError) as error:
        call()
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_no_light_cannot_be_added_or_multiplied():
    with pytest.raises(TypeError):
        Light.even() + 1
    with pytest.raises(TypeError):
        Light.even() * "a"
