"""A light that turns around a still photo."""

import dataclasses
import fractions

import numpy as np
import pytest
from PIL import Image

from tests import color_profiles
from tests.video import ball
from tfrelight import color, photos
from tfrelight.errors import InputError
from tfrelight.lights import Light
from tfrelight.photos import metadata, profiles, xmp
from tfrelight.relighting import decomposition
from tfrelight.video import reading, turntable


@pytest.fixture(scope="module")
def decomposed():
    photo = photos.read(ball.picture())
    (one,) = decomposition.decompose([photo], ball.model(), known_faces=[[ball.face()]])
    return one


def cheeks(pixels):
    """Linear brightness left, right, above and below the ball's middle."""
    linear = color.to_linear_numpy(pixels / 255.0).mean(-1)
    places = [(60, 44), (60, 84), (40, 64), (80, 64)]
    return np.array([linear[y - 3 : y + 3, x - 3 : x + 3].mean() for y, x in places])


def film(path):
    if path.suffix == ".mp4":
        return [frame.pixels for frame in reading.frames(path)]
    with Image.open(path) as image:
        frames = []
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGB")))
    return frames


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".webp"])
def test_the_light_goes_round_as_a_clocks_hand(decomposed, tmp_path, suffix):
    if suffix == ".mp4":
        pytest.importorskip("av")
    path = tmp_path / f"turn{suffix}"
    turntable.write(decomposed, "left", path, seconds=1, rate=8)
    frames = film(path)
    assert len(frames) == 8 and frames[0].shape == (128, 128, 3)
    left, right, top, bottom = np.transpose([cheeks(frame) for frame in frames])
    assert left[0] > 1.5 * right[0] and right[4] > 1.5 * left[4]
    assert top[2] > 1.5 * bottom[2] and bottom[6] > 1.5 * top[6]


def test_around_the_head_the_light_passes_the_front(decomposed, tmp_path):
    pytest.importorskip("av")
    path = tmp_path / "turn.mp4"
    turntable.write(decomposed, "left", path, axis="vertical", seconds=1, rate=12)
    brightness = np.array([cheeks(frame).mean() for frame in film(path)])
    # It starts 60 degrees to the left, two frames of 30 degrees from the front.
    assert brightness.argmax() in (1, 2, 3)
    assert brightness[8] < 0.5 * brightness[2]
    # Nothing is brighter than the photo.
    assert brightness.max() < 1.15 * cheeks(decomposed.photo.pixels).mean()


def test_the_end_meets_the_beginning(decomposed, tmp_path):
    pytest.importorskip("av")
    turntable.write(decomposed, "left", tmp_path / "turn.mp4", seconds=2, rate=20)
    shown = np.array([cheeks(frame) for frame in film(tmp_path / "turn.mp4")])
    steps = np.abs(np.diff(np.concatenate([shown, shown[:1]]), axis=0)).max(1)
    assert steps[-1] < 2 * np.median(steps) + 0.01


def test_the_background_is_left_alone(decomposed, tmp_path):
    turntable.write(decomposed, "left", tmp_path / "turn.webp", seconds=1, rate=4)
    for frame in film(tmp_path / "turn.webp"):
        difference = frame[:20].astype(int) - decomposed.photo.pixels[:20, :, :]
        assert np.abs(difference[:, :20]).max() <= 3


def test_large_photos_become_films_that_play(tmp_path):
    pixels = np.asarray(Image.fromarray(ball.picture()).resize((1600, 1200)))
    face = ball.face(800.0, 562.0, 390.0)
    (large,) = decomposition.decompose([photos.read(pixels)], ball.model(), known_faces=[[face]])
    turntable.write(large, "left", tmp_path / "turn.gif", seconds=1, rate=2)
    assert film(tmp_path / "turn.gif")[0].shape == (360, 480, 3)


@pytest.mark.parametrize(
    "arguments,expected",
    [
        (dict(axis="diagonal"), "Unknown axis 'diagonal'. Expected one of: camera, vertical"),
        (dict(seconds=0), "two frames or more"),
        (dict(seconds=float("nan")), "two frames or more"),
        (dict(rate=fractions.Fraction(1, 100)), "two frames or more"),
        (dict(path="turn.jpg"), "ends in .mp4"),
        (dict(light="lft"), "Unknown light 'lft'"),
    ],
)
def test_what_cannot_be_filmed(decomposed, tmp_path, arguments, expected):
    path = tmp_path / arguments.pop("path", "turn.gif")
    light = arguments.pop("light", "left")
    with pytest.raises(InputError, match=expected):
        turntable.write(decomposed, light, path, **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_light_of_its_own_strength(decomposed, tmp_path):
    path = tmp_path / "turn.webp"
    turntable.write(
        decomposed, 0.01 * Light.preset("front"), path, seconds=1, rate=2, exposure=None
    )
    assert max(cheeks(frame).max() for frame in film(path)) < 0.05


def test_a_video_has_even_sides():
    """A photo's sides are odd as often as even, and phones play even ones only."""
    photo = photos.read(np.ascontiguousarray(ball.picture()[:127, :125]))
    (odd,) = decomposition.decompose([photo], ball.model(), known_faces=[[ball.face()]])
    for suffix, shape in {".mp4": (128, 126, 3), ".gif": (127, 125, 3)}.items():
        frames, _ = turntable.frames(odd, "left", suffix, seconds=1, rate=2)
        frame = next(frames).pixels
        assert frame.shape == shape
        np.testing.assert_array_equal(frame[126], frame[-1])


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_frames_of_a_photo_with_a_profile_are_srgb(decomposed, tmp_path, suffix):
    origin = metadata.Origin(icc_profile=color_profiles.display_p3())
    skin = np.uint8(decomposed.photo.pixels * (1.0, 0.7, 0.5))
    decomposed = dataclasses.replace(decomposed, photo=decomposed.photo.replaced(skin))
    wide = dataclasses.replace(
        decomposed, photo=dataclasses.replace(decomposed.photo, origin=origin)
    )
    to_srgb = profiles.to_srgb(origin.icc_profile)
    settings = dict(seconds=1, rate=2)
    plain, _ = turntable.frames(decomposed, "left", suffix, **settings)
    converted, _ = turntable.frames(wide, "left", suffix, **settings)
    for before, after in zip(plain, converted):
        np.testing.assert_array_equal(after.pixels, to_srgb(before.pixels))
        assert not np.array_equal(after.pixels, before.pixels)


def test_a_webp_film_says_that_a_model_made_it(decomposed, tmp_path):
    path = tmp_path / "turn.webp"
    for mark in (True, False):
        turntable.write(decomposed, "left", path, True, mark, seconds=1, rate=2)
        assert (xmp.EDITED.encode() in path.read_bytes()) == mark
