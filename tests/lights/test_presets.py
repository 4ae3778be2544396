"""Named lights come from where their name says, at an exposure for portraits."""

import re

import numpy as np
import pytest

from tests.conftest import ROOT
from tfrelight import harmonics, lights
from tfrelight.lights import Light, presets, sphere

CHEEKS = np.array([[-0.7, 0, 0.714], [0.7, 0, 0.714]])  # left and right in the image
BROW_AND_CHIN = np.array([[0, 0.7, 0.714], [0, -0.7, 0.714]])


def shading(name, normals):
    return harmonics.shade(normals, Light.preset(name)).mean(-1)


@pytest.mark.parametrize("name", presets.PRESETS)
def test_exposure_suits_a_portrait(name):
    light = Light.preset(name)
    assert light.exposure == pytest.approx(1, rel=1e-4)
    visible = harmonics.shade(sphere.visible_normals(32)[0], light)
    # Bright skin (0.5) burns out at most along an edge, and the light hardly rings below zero.
    assert np.percentile(visible.max(-1), 90) < 2.5
    assert visible.min() > -0.03


@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_name_has_a_description(name):
    assert 5 < len(presets.PRESETS[name].description) < 80


@pytest.mark.parametrize("name", ["left", "rembrandt", "split", "loop", "window", "studio"])
def test_lit_from_the_left_of_the_image(name):
    left, right = shading(name, CHEEKS)
    assert left > 1.2 * right


@pytest.mark.parametrize("name", ["right", "sunset", "moonlight"])
def test_lit_from_the_right_of_the_image(name):
    left, right = shading(name, CHEEKS)
    assert right > 1.5 * left


@pytest.mark.parametrize("name", ["top", "rembrandt", "butterfly", "overcast", "moonlight"])
def test_lit_from_above(name):
    brow, chin = shading(name, BROW_AND_CHIN)
    assert brow > 1.4 * chin


@pytest.mark.parametrize("name", ["under", "candle"])
def test_lit_from_below(name):
    brow, chin = shading(name, BROW_AND_CHIN)
    assert chin > 1.4 * brow


@pytest.mark.parametrize("name", ["front", "butterfly", "clamshell", "overcast", "top", "rim"])
def test_symmetric(name):
    left, right = shading(name, CHEEKS)
    assert left == pytest.approx(right, rel=1e-4)


def test_front_is_brightest_at_the_nose_and_rim_at_the_outline():
    nose, ears = np.array([[0.0, 0, 1]]), np.array([[-1.0, 0, 0], [1, 0, 0]])
    assert shading("front", nose)[0] > 1.5 * shading("front", ears).max()
    assert shading("rim", ears).min() > 4 * shading("rim", nose)[0]


def test_split_leaves_one_half_dark():
    left, right = shading("split", CHEEKS)
    assert left > 5 * right


def test_a_preset_turned_half_about_the_camera_comes_from_the_other_side():
    turned = Light.preset("left").rotated(roll=180)
    left, right = harmonics.shade(CHEEKS, turned).mean(-1)
    assert right > 2 * left


def test_the_document_names_every_light():
    text = (ROOT / "docs" / "LIGHTS.md").read_text(encoding="utf-8")
    table = text[text.index("| name | what |") :].split("\n\n")[0]
    assert re.findall(r"`(\w+)`", table) == list(presets.PRESETS)


def test_colours():
    sunset = harmonics.shade(CHEEKS, Light.preset("sunset"))
    assert sunset[1, 0] > 1.5 * sunset[1, 2]  # warm sun on the right
    assert sunset[0, 2] > sunset[0, 0]  # blue sky in the shade
    assert "sunset" in lights.PRESETS
