"""Colours of lights."""

import numpy as np
import pytest

from tfrelight import color
from tfrelight.errors import InputError
from tfrelight.lights import colors


def planck_chromaticity(kelvin):
    """CIE (x, y) of a black body from Planck's law.

    Colour matching functions: the analytic fit of Wyman, Sloan and Shirley, "Simple Analytic
    Approximations to the CIE XYZ Color Matching Functions", JCGT 2 (2013), multi-lobe.
    """
    nm = np.arange(380.0, 781.0)

    def lobe(middle, below, above):
        return np.exp(-0.5 * ((nm - middle) * np.where(nm < middle, below, above)) ** 2)

    x = 0.362 * lobe(442.0, 0.0624, 0.0374) + 1.056 * lobe(599.8, 0.0264, 0.0323)
    x = x - 0.065 * lobe(501.1, 0.0490, 0.0382)
    y = 0.821 * lobe(568.8, 0.0213, 0.0247) + 0.286 * lobe(530.9, 0.0613, 0.0322)
    z = 1.217 * lobe(437.0, 0.0845, 0.0278) + 0.681 * lobe(459.0, 0.0385, 0.0725)
    # Second radiation constant: 1.4388e7 nm K.
    power = nm**-5 / np.expm1(1.4388e7 / (nm * kelvin))
    total = np.array([(power * function).sum() for function in (x, y, z)])
    return (total / total.sum())[:2]


@pytest.mark.parametrize("kelvin", [2000, 2700, 4000, 6500, 10000, 15000])
def test_temperature_is_planck(kelvin):
    rgb = colors.of_temperature(kelvin).astype(float)
    # sRGB's primaries to XYZ (IEC 61966-2-1).
    xyz = (
        np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
        @ rgb
    )
    np.testing.assert_allclose((xyz / xyz.sum())[:2], planck_chromaticity(kelvin), atol=0.004)


@pytest.mark.parametrize("kelvin", [1000, 1900, 2700, 6500, 15000])
def test_temperature_changes_colour_not_luminance(kelvin):
    rgb = colors.of_temperature(kelvin)
    assert (rgb >= 0).all()
    assert rgb @ color.LUMINANCE == pytest.approx(1, rel=1e-5)


def test_cold_is_warm_and_hot_is_blue():
    rgb = np.array([colors.of_temperature(kelvin) for kelvin in range(1000, 15001, 500)])
    assert (np.diff(rgb[:, 0]) < 0).all() and (np.diff(rgb[:, 2]) >= 0).all()
    np.testing.assert_allclose(colors.of_temperature(6500), 1, atol=0.06)


@pytest.mark.parametrize(
    "text,expected",
    [
        ("1,0.5,0", [1, 0.5, 0]),
        ("2, 0, 3", [2, 0, 3]),
        ("#ffffff", [1, 1, 1]),
        ("red", [1, 0, 0]),
        ("rgb(255,0,0)", [1, 0, 0]),
        ("#bcbcbc", [0.5029] * 3),  # sRGB 188
    ],
)
def test_names(text, expected):
    np.testing.assert_allclose(colors.named(text), expected, atol=1e-4)


@pytest.mark.parametrize(
    "text", ["", "rosy", "1,2", "1,2,3,4", "nan,1,1", "-1,0,0", "1,x,0", "#12"]
)
def test_what_is_no_colour_is_refused(text):
    with pytest.raises(InputError, match="Invalid colour"):
        colors.named(text)


@pytest.mark.parametrize("kelvin", [999, 15001, float("nan"), float("inf")])
def test_temperatures_outside_of_the_formula(kelvin):
    with pytest.raises(InputError, match="1000 to 15000 kelvin"):
        colors.of_temperature(kelvin)
