"""Lights from directions and names, and from and to other tools' numbers."""

import numpy as np
import pytest

from tfrelight import lights, shading
from tfrelight.errors import InputError


def test_positive_azimuth_is_left_and_positive_elevation_is_up():
    np.testing.assert_allclose(lights.direction_vector(90, 0), [-1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(lights.direction_vector(0, 90), [0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(lights.direction_vector(0, 0), [0, 0, 1], atol=1e-6)


@pytest.mark.parametrize("azimuth,elevation", [(0, 0), (35, 40), (-70, 10), (120, -35)])
def test_dominant_direction_is_the_lamps(azimuth, elevation):
    light = lights.from_direction(azimuth, elevation, intensity=2, ambient=0.3, color=(1, 0.8, 0.5))
    expected = lights.direction_vector(azimuth, elevation)
    np.testing.assert_allclose(lights.direction(light), expected, atol=1e-5)


def test_a_light_without_direction_comes_from_the_camera():
    np.testing.assert_array_equal(lights.direction(lights.ambient()), [0, 0, 1])


def test_a_lamp_shades_what_faces_it():
    # Three bands of a delta: 1/4 + 1/2 + 5/16 where the surface faces it.
    light = lights.from_direction(30, 20, intensity=2.0)
    facing = lights.direction_vector(30, 20)
    np.testing.assert_allclose(shading.shade_numpy(facing, light), 2 * 1.0625, rtol=1e-5)


def test_ambient_adds_the_same_everywhere():
    normals = np.eye(3)
    without = shading.shade_numpy(normals, lights.from_direction(10, 10))
    light = lights.from_direction(10, 10, ambient=0.25)
    np.testing.assert_allclose(shading.shade_numpy(normals, light) - without, 0.25, atol=1e-5)


def test_sfsnet_numbers_shade_as_in_its_formula():
    """SFSNet: sum of c_k times 0.886227, 1.023327 (z, x, y), 0.247708 (2z²-x²-y²), 0.858086 ..."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=27).astype(np.float32)
    n = rng.normal(size=(20, 3))
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    x, y, z = n.T
    one = np.ones(20)
    basis = [
        0.886227 * one,
        1.023327 * z,
        1.023327 * x,
        1.023327 * y,
        0.247708 * (2 * z * z - x * x - y * y),
        0.858086 * x * z,
        0.858086 * y * z,
        0.429043 * (x * x - y * y),
        0.858086 * x * y,
    ]
    expected = np.stack(basis, -1) @ numbers.reshape(3, 9).T
    light = lights.from_sfsnet(numbers)
    np.testing.assert_allclose(shading.shade_numpy(n, light), expected, atol=1e-4)
    np.testing.assert_allclose(lights.to_sfsnet(light), numbers, atol=1e-5)


def test_dpr_axes_are_x_right_y_into_the_scene_z_up():
    # DPR's order is 1, y, z, x, ... in its own axes; its light from above has a positive z term.
    for index, expected in [(1, [0, 0, -1]), (2, [0, 1, 0]), (3, [1, 0, 0])]:
        numbers = np.zeros(9)
        numbers[0], numbers[index] = 1.0, 0.5
        np.testing.assert_allclose(lights.direction(lights.from_dpr(numbers)), expected, atol=1e-5)


def test_dpr_round_trip():
    numbers = np.random.default_rng(1).normal(size=9).astype(np.float32)
    np.testing.assert_allclose(lights.to_dpr(lights.from_dpr(numbers)), numbers, atol=1e-5)


@pytest.mark.parametrize("name", lights.PRESETS)
def test_presets_never_shade_a_face_black(name):
    light = lights.preset(name)
    assert light.shape == (9, 3) and light.dtype == np.float32
    assert np.all(shading.shade_numpy([0.0, 0.0, 1.0], light) > 0.1)


def test_left_preset_lights_the_left_cheek():
    light = lights.preset("left")
    left, right = shading.shade_numpy([[-0.7, 0, 0.7], [0.7, 0, 0.7]], light).mean(axis=-1)
    assert left > 2 * right


@pytest.mark.parametrize(
    "call,expected",
    [
        (lambda: lights.preset("lft"), "Unknown light 'lft'. Expected one of: front, left"),
        (lambda: lights.from_sfsnet(np.ones(26)), "Expected 27 finite numbers. Received: 26"),
        (lambda: lights.from_dpr([np.nan] * 9), "not all finite"),
        (lambda: lights.from_direction(0, np.inf), "Expected finite numbers"),
        (lambda: lights.from_direction(0, 0, intensity=-1), "at least 0"),
    ],
)
def test_wrong_lights_are_refused_in_one_line(call, expected):
    with pytest.raises(InputError, match=".*") as error:
        call()
    assert expected in str(error.value)
    assert "\n" not in str(error.value)
