"""A ball with a nose under the true lamp of another photo."""

import numpy as np
import pytest

from tests.rendering import surfaces
from tfrelight import color
from tfrelight.evaluation import lamp_relighting
from tfrelight.evaluation.measurements import Measurements
from tfrelight.lights import Light
from tfrelight.relighting import materials

SIZE = 128
LAMPS = [Light.from_direction(a, e, 0.9) for a, e in ((-50, 10), (45, 20), (0, 35))]


@pytest.fixture(scope="module")
def person():
    """Photos with shadows that rays cast, and a model that knows the surface."""
    height = 0.7 * surfaces.hills(4, size=SIZE)
    field, caster = surfaces.of_height(height), surfaces.Caster(height)
    albedo = np.full((SIZE, SIZE, 3), 0.5, np.float32)
    linear = np.stack(
        [
            albedo
            * (lamp.lamps[0].shade(field.normals) * ~caster.blocked(lamp.lamps[0].direction))[
                ..., None
            ]
            * 0.9
            for lamp in LAMPS
        ]
    )
    outputs = {
        "albedo": np.stack([albedo] * 3),
        "normals": np.stack([field.normals] * 3),
        "light": np.stack([lamp.coefficients for lamp in LAMPS]),
        "mask": np.ones((3, SIZE, SIZE, 1), np.float32),
    }
    mask = np.zeros((SIZE, SIZE), bool)
    mask[20:-20, 20:-20] = True
    return color.to_srgb_numpy(linear), outputs, (albedo, field.normals), mask


def measured(person, light=None):
    photos, outputs, surface, mask = person
    result = Measurements()
    light = outputs["light"] if light is None else light
    pairs = [(0, 1), (1, 2), (2, 0)]
    lamp_relighting.measure(result, "ball", photos, outputs, light, surface, mask, pairs)
    return result.summary()


def test_lamps_are_better_than_their_second_order_and_that_than_nothing(person, monkeypatch):
    # This model's normals are the truth, and not too flat.
    monkeypatch.setattr(materials, "SHARPER", 1.0)
    monkeypatch.setattr(materials, "HIGHER", 1.0)
    found = measured(person)
    error = {name: row["si_rmse"]["mean"] for name, row in found["lamp_relighting"].items()}
    assert set(error) == set(lamp_relighting.METHODS)
    assert error["model"] < 0.9 * error["model, second-order light"] < 0.9 * error["no relighting"]
    assert error["model"] < 0.9 * error["model, no shadows"]
    dark = {
        name: row["si_rmse"]["mean"] for name, row in found["lamp_relighting_in_shadow"].items()
    }
    assert dark["model"] < 0.5 * dark["model, second-order light"]
    assert dark["model"] < 0.5 * dark["model, no shadows"]


def test_lights_that_are_no_lamps_are_not_measured(person):
    soft = np.stack([(lamp + Light.even(0.3)).coefficients for lamp in LAMPS])
    assert measured(person, soft) == {}


@pytest.mark.parametrize("color", [(1, 1, 1), (0.5, 0.7, 0.2)])
def test_a_lamp_is_found_by_its_projection(color):
    lamp = Light.from_direction(-40, 25, 1.7, color=color)
    found = lamp_relighting.lamp_of(lamp.coefficients)
    np.testing.assert_allclose(found.lamps[0].direction, lamp.lamps[0].direction, atol=1e-5)
    np.testing.assert_allclose(found.lamps[0].color, lamp.lamps[0].color, rtol=1e-5)


def test_what_is_no_lamp_is_none():
    for light in (
        Light.even(),
        Light.from_direction(0, 0, radius=30),
        Light.from_direction(30, 0) + Light.from_direction(-30, 0),
        Light(np.zeros((9, 3))),
    ):
        assert lamp_relighting.lamp_of(light.coefficients) is None


def test_shadows_are_where_geometry_lights_what_the_photo_does_not_show():
    expected = np.float32([[0.4, 0.4, 0.04, 0.4]])
    photo = np.float32([[0.19, 0.21, 0.0, 0.0]])
    mask = np.array([[True, True, True, False]])
    found = lamp_relighting.in_shadow(photo, expected, mask)
    np.testing.assert_array_equal(found, [[True, False, False, False]])
