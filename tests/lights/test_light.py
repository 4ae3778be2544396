"""Lights from directions and names; adding, scaling, turning, exposing, saving them."""

import io
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import tfrelight
from tests.conftest import ROOT
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


def test_tensorflow_is_not_needed():
    code = (
        "import sys, tfrelight\n"
        "light = tfrelight.Light.from_direction(30, 20, temperature=3000).rotated(roll=20)\n"
        "light._repr_png_(), light.exposed(), tfrelight.Light.from_environment\n"
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_the_light_of_a_photo():
    from tests.video import ball

    light = tfrelight.light_of(ball.picture(), ball.model(), whole_image=True)
    np.testing.assert_allclose(light.coefficients, ball.OWN.coefficients, atol=1e-5)


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
    # The cap contains the whole cosine lobe: 1/2 + 1/2 from two bands; the third is 0.
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
    assert lamp() == lamp() and hash(lamp()) == hash(lamp())
    assert light != lamp()
    # A lamp is more than its projection.
    assert lamp() != Light(before, before)


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
    np.testing.assert_array_equal(lights.as_light(light.coefficients), light.coefficients)
    assert lights.as_light("left") == Light.preset("left")
    np.savetxt(tmp_path / "light.txt", light.numbers()[None], delimiter=",")
    np.testing.assert_allclose(
        lights.as_light(tmp_path / "light.txt").coefficients, light.coefficients, atol=1e-6
    )


def test_picture_of_a_light():
    picture = Light.from_direction(60, 0, ambient=0.1).sphere(64)
    assert picture.shape == (64, 64, 3) and 0 <= picture.min() and picture.max() <= 1
    assert picture[32, 12].mean() > 1.5 * picture[32, 52].mean()
    # Brightest where the sphere faces the lamp.
    top = Light.from_direction(0, 50).sphere(64).mean(-1)
    assert np.argmax(top[:, 32]) < 32
    png = Image.open(io.BytesIO(Light.even()._repr_png_()))
    assert png.size == (128, 128)
    # An even light of 1 shows the albedo: linear 0.5 is 188 in sRGB.
    assert np.asarray(png)[64, 64].tolist() == [188, 188, 188]
    assert sphere.ALBEDO == 0.5


def test_repr_is_one_line_with_exposure_and_direction():
    light = Light.from_direction(60, 15).exposed()
    assert repr(light) == "<Light: exposure 1.00, azimuth 60, elevation 15>"


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
        (lambda: Light("left"), "Received: 'left'. For a name use Light.preset"),
        (lambda: Light(pathlib.Path("a.exr")), "for either lights.as_light"),
        (lambda: Light([[1, 2], [3]]), "Received: list that is no array of numbers"),
        (lambda: Light({}), "Received: dict"),
        (lambda: Light(["left"]), "Received: list"),
        (lambda: lights.as_light("left.csv"), "'left.csv'. Expected a name such as 'left', or a"),
        (lambda: lights.as_light(["left"]), "Received: list"),
        (lambda: Light.from_direction(0, np.inf), "Expected a finite azimuth"),
        (lambda: Light.from_direction(0, 0, intensity=-1), "at least 0"),
        (lambda: Light.from_direction(0, 0, ambient=np.nan), "finite number of at least 0"),
        (lambda: Light.from_direction(0, 0, radius=120), "radius of 0 to 90"),
        (lambda: Light.from_direction(0, 0, temperature=300), "1000 to 15000 kelvin"),
        (lambda: Light.even() * (1, 2), "three, R, G and B"),
        (lambda: -1 * Light.even(), "at least 0"),
        (lambda: Light.even().rotated(azimuth=np.nan), "finite angles"),
        (lambda: (0 * Light.even()).exposed(), "lights nothing that the camera sees"),
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


def test_colours_of_lamps_names_and_maps_are_relative_to_a_photo_s_white():
    white = np.float32([1.2, 1.0, 0.5])
    environment = np.ones((4, 8, 3), np.float32) * (1.0, 0.5, 0.2)
    for light in (
        Light.from_direction(40, 20, temperature=3000),
        Light.preset("sunset"),
        Light.even(0.5, (1.0, 0.5, 0.1)),
        Light.from_environment(environment),
    ):
        np.testing.assert_allclose(
            light.balanced(white).coefficients, light.coefficients * white, atol=1e-6
        )
        np.testing.assert_array_equal(light.balanced((1, 1, 1)).coefficients, light.coefficients)


def test_colours_of_a_measured_light_are_its_own():
    coefficients = lamp(3).coefficients
    image, person = np.full((40, 40, 3), 0.3) * (1.0, 0.5, 0.2), np.zeros((40, 40))
    person[10:] = np.abs(np.arange(40) - 20) < 10
    for light in (Light(coefficients), Light.from_background(image, person)):
        np.testing.assert_array_equal(
            light.balanced((1.2, 1.0, 0.5)).coefficients, light.coefficients
        )
    # A grey one has no colour of its own.
    grey = Light.from_numbers(range(9))
    np.testing.assert_allclose(grey.balanced((2, 1, 0)).coefficients, grey.coefficients * (2, 1, 0))


def test_sums_multiples_and_turns_keep_apart_what_is_relative():
    white = np.float32([1.2, 1.0, 0.5])
    measured, key = Light(lamp(3).coefficients), Light.preset("sunset")
    total = (measured + 0.5 * key) * (1.0, 0.8, 0.6)
    expected = (measured.coefficients + 0.5 * key.coefficients * white) * np.float32([1, 0.8, 0.6])
    np.testing.assert_allclose(total.balanced(white).coefficients, expected, atol=1e-5)
    turned = total.rotated(azimuth=30, roll=10)
    expected = Light(total.balanced(white).coefficients).rotated(azimuth=30, roll=10).coefficients
    np.testing.assert_allclose(turned.balanced(white).coefficients, expected, atol=1e-5)


def test_files_keep_what_is_relative(tmp_path):
    measured, grey = Light(lamp(3).coefficients), Light(Light.even().coefficients, np.zeros((9, 3)))
    for light in (Light.preset("sunset"), measured, lamp(3) + Light.even(0.1), grey):
        light.save(tmp_path / "light.json")
        again = Light.from_file(tmp_path / "light.json")
        assert again == light
        np.testing.assert_array_equal(again.relative, light.relative)
    assert Light(lamp(3).coefficients) != lamp(3)
    (tmp_path / "light.json").write_text(
        json.dumps({"coefficients": [[0.0] * 3] * 9, "relative": [[1.0]]})
    )
    with pytest.raises(InputError, match="light.json"):
        Light.from_file(tmp_path / "light.json")


def surroundings(seed=0):
    return np.random.default_rng(seed).random((16, 32, 3), np.float32)


def every_part():
    near = Light.from_direction(20, -30, 0.7, temperature=2500, radius=3, distance=2.0)
    measured = Light(lamp(9).coefficients)
    return near + lamp(3) + 0.4 * Light.from_environment(surroundings()).rotated(30, 20) + measured


def test_a_light_holds_its_parts():
    light = every_part()
    assert [one.distance for one in light.lamps] == [2.0, np.inf]
    assert light.lamps[0].radius == pytest.approx(np.radians(3))
    np.testing.assert_allclose(light.environments[0].gain, 0.4)
    # The even light beside the lamp, and what was measured.
    expected = Light.even(0.2).coefficients * light.lamps[1].color + lamp(9).coefficients
    np.testing.assert_allclose(light.harmonics, expected, atol=1e-5)
    parts = [*light.lamps, *light.environments]
    projected = light.harmonics + sum(part.coefficients() for part in parts)
    np.testing.assert_allclose(light.coefficients, projected, atol=1e-5)


def test_files_keep_every_part_to_the_last_bit(tmp_path):
    light = every_part()
    light.save(tmp_path / "light.json")
    again = Light.from_file(tmp_path / "light.json")
    assert again == light and hash(again) == hash(light)
    np.testing.assert_array_equal(again.coefficients, light.coefficients)
    assert again != every_part() * 0.5


def test_files_of_the_first_version_are_read(tmp_path):
    coefficients, relative = lamp(4).coefficients, Light.even(0.2).coefficients
    fields = {"coefficients": coefficients.tolist(), "relative": relative.tolist()}
    (tmp_path / "light.json").write_text(json.dumps(fields))
    light = Light.from_file(tmp_path / "light.json")
    assert light == Light(coefficients, relative) and not light.lamps
    # And a reader of the first version finds the projection in new files.
    found = json.loads(every_part().json())
    np.testing.assert_allclose(found["coefficients"], every_part().coefficients, atol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.update(version=3),
        lambda fields: fields["lamps"][0].update(radius=4.0),
        lambda fields: fields["lamps"][0].pop("distance"),
        lambda fields: fields["environments"][0].update(radiance="AAAA"),
        lambda fields: fields["environments"][0].update(rotation=[[1.0] * 3] * 3),
        lambda fields: fields.pop("harmonics"),
    ],
)
def test_damaged_files_are_refused_in_one_line(tmp_path, change):
    fields = json.loads(every_part().json())
    change(fields)
    (tmp_path / "light.json").write_text(json.dumps(fields))
    with pytest.raises(InputError, match="Invalid light file .*light.json. ") as error:
        Light.from_file(tmp_path / "light.json")
    assert "\n" not in str(error.value)


def test_turning_surroundings_keeps_their_detail():
    light = Light.from_environment(surroundings(1))
    turned = light
    for _ in range(12):
        turned = turned.rotated(azimuth=30)
    assert turned.environments[0].radiance is light.environments[0].radiance
    np.testing.assert_allclose(turned.coefficients, light.coefficients, atol=1e-3)
    directions, radiance, areas = turned.environments[0].cells(16)
    np.testing.assert_allclose(directions, light.environments[0].cells(16)[0], atol=1e-6)
    assert areas.sum() == pytest.approx(4 * np.pi)


def test_the_mirror_image_of_a_light():
    light = every_part()
    mirrored = light.mirrored()
    normals = np.random.default_rng(0).normal(size=(20, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    np.testing.assert_allclose(
        harmonics.shade(normals * [-1, 1, 1], mirrored), harmonics.shade(normals, light), atol=1e-5
    )
    again = mirrored.mirrored()
    assert [one.key() for one in again.lamps] == [one.key() for one in light.lamps]
    np.testing.assert_allclose(again.harmonics, light.harmonics, atol=1e-5)


def test_balanced_colours_are_absolute():
    white = np.float32([1.2, 1.0, 0.5])
    light = every_part()
    balanced = light.balanced(white)
    expected = light.coefficients + light.relative * (white - 1)
    np.testing.assert_allclose(balanced.coefficients, expected, atol=1e-5)
    np.testing.assert_array_equal(balanced.relative, 0)
    np.testing.assert_array_equal(balanced.balanced(white).coefficients, balanced.coefficients)


@pytest.mark.parametrize("radius", [0.5, 20, 60, 90])
def test_irradiance_of_a_lamp(radius):
    """Against the mean over its disc of the clipped cosine; facing it, that is 1."""
    disc = Light.from_direction(30, 20, radius=radius).lamps[0]
    normals = np.random.default_rng(0).normal(size=(200, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    mean = np.maximum(normals @ disc.points(4000).T, 0).mean(-1) * 2 / (1 + np.cos(disc.radius))
    np.testing.assert_allclose(disc.shade(normals), mean, atol=2e-3)
    assert disc.shade(disc.direction) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("distance", [0.4, 0.0, -1.0, np.nan])
def test_a_lamp_in_the_head_is_refused(distance):
    with pytest.raises(InputError, match="`distance`. Expected more than 0.5"):
        Light.from_direction(0, 0, distance=distance)
