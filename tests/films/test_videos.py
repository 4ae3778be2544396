"""Videos under another light: whole, steady, and with their cuts."""

import fractions

import numpy as np
import pytest

from tests.films import ball
from tests.films.test_files import with_sound
from tfrelight import color
from tfrelight.errors import InputError
from tfrelight.faces import find
from tfrelight.films import reading, videos, writing
from tfrelight.films.reading import Frame
from tfrelight.lights import Light

av = pytest.importorskip("av")

RATE = fractions.Fraction(24)


@pytest.fixture(autouse=True)
def finder(monkeypatch):
    monkeypatch.setattr(find, "find", ball.find)


def relit(tmp_path, frames, light="left", **kwargs):
    writing.write(tmp_path / "in.mp4", frames, RATE)
    videos.relight(tmp_path / "in.mp4", light, tmp_path / "out.mp4", ball.model(), **kwargs)
    films = [list(reading.frames(tmp_path / name)) for name in ("in.mp4", "out.mp4")]
    assert [frame.time for frame in films[0]] == [frame.time for frame in films[1]]
    return [[frame.pixels for frame in film] for film in films]


def linear(pixels, x, y=60, reach=4):
    part = pixels[y - reach : y + reach, round(x) - reach : round(x) + reach]
    return color.to_linear_numpy(part / 255.0).mean()


def test_every_frame_is_lit_from_the_left(tmp_path):
    before, after = relit(tmp_path, ball.film(24))
    assert len(after) == 24
    for number, (old, new) in enumerate(zip(before, after)):
        x = 50 + number
        assert linear(old, x - 20) == pytest.approx(linear(old, x + 20), rel=0.1)
        assert linear(new, x - 20) > 1.5 * linear(new, x + 20)
        if number < 8:  # the background is the source's, but for another encoding
            assert np.abs(old[:, -10:].astype(int) - new[:, -10:]).max() <= 6


def gains(before, after, x):
    """Log of what became of the middle of the left half, frame by frame."""
    pairs = enumerate(zip(before, after))
    return np.array([np.log(linear(b, x(k) - 12) / linear(a, x(k) - 12)) for k, (a, b) in pairs])


def test_the_light_is_steadier_than_what_one_frame_says(tmp_path, monkeypatch):
    """The finder scatters by a pixel; frame by frame that shows, over time it hardly does."""
    rng = np.random.default_rng(0)
    monkeypatch.setattr(find, "find", lambda pixels: ball.find(pixels, rng))

    def scatter(name):
        (tmp_path / name).mkdir()
        before, after = relit(tmp_path / name, ball.film(24))
        return np.std(np.diff(gains(before, after, lambda k: 50 + k)))

    steady = scatter("steady")
    for setting, value in {"_LOOKS": 1000, "_MAPS_OVER": 1e-3, "_FACES_OVER": 1e-3}.items():
        monkeypatch.setattr(videos, setting, value)
    assert steady < 0.6 * scatter("single")


def test_a_flickering_lamp_is_not_made_worse(tmp_path):
    frames = ball.film(24, gain=lambda k: 1 + 0.05 * (-1) ** k)
    before, after = relit(tmp_path, frames)

    def flicker(film):
        return np.std(np.log([linear(one, 50 + k - 12) for k, one in enumerate(film)]))

    assert flicker(after) < 1.3 * flicker(before)


def test_frames_without_a_face_stay(tmp_path):
    nobody = np.full((128, 128, 3), 80, np.uint8)
    frames = [Frame(nobody, k / RATE) for k in range(12)] + [
        frame._replace(time=frame.time + 12 / RATE) for frame in ball.film(12)
    ]
    before, after = relit(tmp_path, frames)
    for number in range(11):
        assert np.abs(before[number].astype(int) - after[number]).max() <= 4
    assert linear(after[-1], 61 - 20) > 1.5 * linear(after[-1], 61 + 20)


def test_a_cut_is_seen_on_its_frame(tmp_path):
    first = ball.film(13)
    second = [Frame(ball.picture(80 - k, 70, gain=0.55), (13 + k) / RATE) for k in range(11)]
    before, after = relit(tmp_path, first + second)
    for number in (12, 13, 14):
        x, y = (50 + number, 60) if number < 13 else (80 - number + 13, 70)
        assert linear(after[number], x - 20, y) > 1.4 * linear(after[number], x + 20, y)


def test_strength_and_exposure(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    before, same = relit(tmp_path / "a", ball.film(9), strength=0.0)
    np.testing.assert_allclose(gains(before, same, lambda k: 50 + k), 0, atol=0.03)
    _, darker = relit(tmp_path / "b", ball.film(9), exposure=-1.0)
    left = np.mean([linear(one, 50 + k - 14) for k, one in enumerate(darker)])
    assert left < 0.7 * np.mean([linear(one, 50 + k - 14) for k, one in enumerate(before)])


def test_a_light_of_its_own_strength(tmp_path):
    _, dark = relit(tmp_path, ball.film(5), light=0.01 * Light.preset("front"), exposure=None)
    assert max(linear(one, 50 + k) for k, one in enumerate(dark)) < 0.05


def test_nobody_at_all(tmp_path):
    frames = [Frame(np.full((64, 64, 3), 80, np.uint8), k / RATE) for k in range(5)]
    with pytest.raises(InputError, match="No face found in .*in.mp4"):
        relit(tmp_path, frames)
    assert not (tmp_path / "out.mp4").exists()


def test_sound_stays_and_existing_films_too(tmp_path, monkeypatch):
    source = with_sound(tmp_path / "in.mp4")
    monkeypatch.setattr(find, "find", lambda pixels: [ball.face(48.0, 32.0, 20.0)])
    videos.relight(source, "left", tmp_path / "out.mp4", ball.model())
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert len(container.streams.audio) == 1
    with pytest.raises(InputError, match="exists"):
        videos.relight(source, "left", tmp_path / "out.mp4", ball.model())
