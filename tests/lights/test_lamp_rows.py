"""What of a light fits into rows of lamps."""

import numpy as np
import pytest

from tfrelight import harmonics
from tfrelight.lights import PRESETS, Light, lamp_rows


@pytest.mark.parametrize("name", PRESETS)
def test_rows_of_every_named_light_have_its_coefficients(name):
    light = Light.preset(name)
    rows = lamp_rows.rows(light)
    assert rows.shape == (lamp_rows.MOST, 8)
    total = np.zeros((9, 3))
    for *direction, radius, red, green, blue, weight in rows:
        if radius > np.pi / 2 + 1e-3:
            total[0] += np.array([red, green, blue]) * weight / harmonics.CONSTANT
        elif weight:
            cap = harmonics.spherical_cap(direction, radius)
            total += cap[:, None] * np.array([red, green, blue]) * weight
    np.testing.assert_allclose(total, light.coefficients, atol=1e-5)


@pytest.mark.parametrize(
    "light",
    [
        Light.from_direction(30, 20, distance=2.0),
        Light.from_environment(np.ones((8, 16, 3), np.float32)),
        Light(np.eye(9)[:, :1] * np.ones(3) + 1.0),
        Light(np.ones((9, 3)), np.zeros((9, 3))),
        Light.from_direction(30, 20).balanced((1.0, 0.9, 0.8)),
        sum(Light.from_direction(azimuth, 0, ambient=0.1) for azimuth in range(lamp_rows.MOST)),
    ],
    ids=["near", "map", "harmonics", "absolute", "absolute lamp", "too many"],
)
def test_other_lights_have_none(light):
    assert lamp_rows.rows(light) is None


def test_no_light_is_rows_of_weight_0():
    assert not lamp_rows.rows(Light()).any()
