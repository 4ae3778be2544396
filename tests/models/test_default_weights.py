"""Properties of the default weights: photos that change as physics says, and other pictures.

No property needs a label. `cat.jpg` is Chelsea, by Stéfan van der Walt (CC0).
"""

import dataclasses
import pathlib
import warnings

import numpy as np
import pytest
from PIL import Image

import tfrelight
from tfrelight import Light, color, harmonics
from tfrelight.synthesis import portraits

# People of the test split, whom no training has seen. They are matte and under second-order light,
# so that a photo is albedo x shading.
PEOPLE = [index for index in range(200) if portraits.split_of(index) == "test"][:12]
# Faces and heads nearly from the front, without things before them: as the weights know people.
SETTINGS = dataclasses.replace(
    portraits.PortraitConfig(),
    film=False,
    glasses=0.0,
    framings=(("tight", 0.3), ("face", 0.3), ("head", 0.4)),
    yaw=25.0,
    pitch=15.0,
    roll=10.0,
    **dict.fromkeys(("near_face", "things", "company"), 0.0),
)
KEY = Light.from_direction(40, 10, intensity=0.8, ambient=0.25, radius=20)
MIRROR = np.float32([1, 1, 1, -1, -1, 1, 1, -1, 1])[:, None]


@pytest.fixture(scope="module")
def model():
    return tfrelight.load_model()


@pytest.fixture(scope="module")
def people():
    scenes = [portraits.scene(SETTINGS, index) for index in PEOPLE]
    return {
        "albedo": np.stack([scene.albedo for scene in scenes]).astype(np.float32),
        "normals": np.stack([scene.normals for scene in scenes]).astype(np.float32),
        "mask": np.stack([scene.coverage == 1 for scene in scenes]),
    }


def photos(people, light, gain=1.0):
    """Linear photos in front of a grey wall, exposed so that nothing saturates."""
    shading = np.maximum(harmonics.shade(people["normals"], light.coefficients), 0)
    lit = people["albedo"] * shading
    lit = lit * (0.7 / np.quantile(lit, 0.99, axis=(1, 2, 3), keepdims=True))
    return gain * np.where(people["mask"][..., None], lit, 0.2)


def decomposed(model, linear):
    return model.predict(color.to_srgb_numpy(linear).astype(np.float32), verbose=0)


def degrees(first, second):
    return np.degrees(np.arccos(np.clip((first * second).sum(-1), -1, 1)))


def direction(light):
    return tfrelight.lights.direction(light)


def finest(maps, axis):
    """Energy of the finest frequency along an axis over its neighbours', of `[N, H, W, C]`."""
    window = (
        np.hanning(maps.shape[axis]).reshape(-1, 1, 1)
        if axis == 1
        else np.hanning(maps.shape[2])[:, None]
    )
    energy = (np.abs(np.fft.rfft(maps * window, axis=axis)) ** 2).swapaxes(1, axis).mean((0, 2, 3))
    # A window spreads a line over its neighbours.
    return energy[-2:].mean() / energy[-10:-4].mean()


@pytest.mark.parametrize("name", ["albedo", "normals", "mask"])
def test_maps_have_no_stripes(model, people, name):
    """Of two pixels, as the blocks that the network predicts are."""
    maps = decomposed(model, photos(people, KEY))[name]
    assert max(finest(maps, axis) for axis in (1, 2)) < 1.1


def test_half_the_light_is_half_the_light(model, people):
    """Exposure changes the light, not the surface."""
    bright, dark = (decomposed(model, photos(people, KEY, gain)) for gain in (1.0, 0.5))
    mask = people["mask"]
    levels = [maps["light"][:, 0].mean(-1) for maps in (bright, dark)]
    np.testing.assert_allclose(levels[1] / levels[0], 0.5, atol=0.15)
    assert np.median(levels[1] / levels[0]) == pytest.approx(0.5, abs=0.05)
    assert degrees(bright["normals"], dark["normals"])[mask].mean() < 5
    assert degrees(direction(bright["light"]), direction(dark["light"])).mean() < 10
    change = color.to_srgb_numpy(dark["albedo"]) - color.to_srgb_numpy(bright["albedo"])
    assert np.abs(change)[mask].mean() < 0.05


def test_a_mirrored_photo_has_mirrored_maps_and_light(model, people):
    linear = photos(people, KEY)
    as_is, flipped = decomposed(model, linear), decomposed(model, linear[:, :, ::-1])
    back = flipped["normals"][:, :, ::-1] * np.float32([-1, 1, 1])
    assert degrees(as_is["normals"], back)[people["mask"]].mean() < 6
    change = as_is["albedo"] - flipped["albedo"][:, :, ::-1]
    assert np.abs(change)[people["mask"]].mean() < 0.04
    mirrored = flipped["light"] * MIRROR
    # The median: of a face that is cut off by the frame the light is hard to tell.
    assert np.median(degrees(direction(as_is["light"]), direction(mirrored))) < 12


def test_a_light_that_turns_by_90_degrees_turns_in_the_estimate(model, people):
    """Light from the left, the top, the right and below leaves the surface unchanged."""
    maps = [decomposed(model, photos(people, KEY.rotated(roll=90 * turn))) for turn in range(4)]
    for turn in range(4):
        estimates = direction(maps[turn]["light"])
        truth = direction(KEY.rotated(roll=90 * turn).coefficients)
        # Second-order light from below without cast shadows is far from the training lights.
        assert degrees(estimates, truth).mean() < 22
        step = estimates - direction(maps[turn - 1]["light"])
        expected = truth - direction(KEY.rotated(roll=90 * (turn - 1)).coefficients)
        along = (step * expected).sum(-1) / (expected**2).sum()
        assert along.min() > 0.3 and np.median(along) > 0.6
    first = maps[0]
    for other in maps[1:]:
        assert degrees(first["normals"], other["normals"])[people["mask"]].mean() < 10
        change = color.to_srgb_numpy(first["albedo"]) - color.to_srgb_numpy(other["albedo"])
        assert np.abs(change)[people["mask"]].mean() < 0.08


def _cat():
    with Image.open(pathlib.Path(__file__).with_name("cat.jpg")) as opened:
        return np.asarray(opened, np.float32) / 255


@pytest.mark.parametrize("what", ["grey", "black", "white", "noise", "cat"])
def test_what_is_no_portrait_gives_finite_maps_and_no_warning(model, what):
    pictures = {
        "grey": lambda: np.full((128, 128, 3), 0.5, np.float32),
        "black": lambda: np.zeros((128, 128, 3), np.float32),
        "white": lambda: np.ones((128, 128, 3), np.float32),
        "noise": lambda: np.random.default_rng(0).uniform(0, 1, (128, 128, 3)).astype(np.float32),
        "cat": _cat,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        maps = model.predict(pictures[what]()[None], verbose=0)
    for name, values in maps.items():
        assert np.isfinite(values).all(), name
    np.testing.assert_allclose(np.linalg.norm(maps["normals"], axis=-1), 1, atol=1e-3)
    for name in ("albedo", "mask"):
        assert maps[name].min() >= 0 and maps[name].max() <= 1
