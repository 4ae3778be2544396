"""Camera effects: the gain is that of the light, and one seed gives one photo."""

import numpy as np

from tfrelight import color
from tfrelight.synthesis import film
from tfrelight.synthesis.photograph import RenderedPhoto

SIZE = 16
ALBEDO = np.full((SIZE, SIZE, 3), 0.4, np.float32)
COVERAGE = np.ones((SIZE, SIZE), np.float32)


def photo(tint=(1.0, 1.0, 1.0)):
    """A grey person whose shading falls from left to right, under a light of this colour."""
    shading = np.linspace(0.2, 1, SIZE)[None, :, None] * np.ones((SIZE, 1, 1)) * np.array(tint)
    return RenderedPhoto(
        linear=(ALBEDO * shading).astype(np.float32),
        light=np.zeros((9, 3), np.float32),
        fit=np.zeros((9, 3), np.float32),
        shading=shading.astype(np.float32),
        visibility=np.ones((SIZE, SIZE, 3), np.float32),
        unlit=np.zeros((SIZE, SIZE), bool),
    )


def develop(seed, tint=(1.0, 1.0, 1.0), effects=True):
    rng = np.random.default_rng(seed)
    return film.develop(rng, photo(tint), ALBEDO, COVERAGE, effects)


def test_without_effects_the_photo_is_the_linear_one_times_one_gain():
    for seed in range(10):
        image, gain = develop(seed, effects=False)
        assert gain[0] == gain[1] == gain[2] > 0
        expected = color.to_srgb_numpy(photo().linear * gain.astype(np.float32)) * 255
        np.testing.assert_array_equal(image, np.round(expected))
        # The brightest twentieth of the person may saturate, not much more.
        assert gain[0] * np.percentile(photo().linear, 95) <= 1.1 + 1e-6


def test_effects_balance_the_colour_of_the_light():
    warm = [develop(seed, tint=(1.3, 1.0, 0.7))[1] for seed in range(50)]
    # Blue is raised against red, by more than half of the light's colour and not beyond it.
    raised = np.mean([np.log(gain[2] / gain[0]) for gain in warm])
    assert 0.5 * np.log(1.3 / 0.7) < raised < 1.05 * np.log(1.3 / 0.7)


def test_photos_are_up_to_five_stops_too_dark_and_two_too_bright():
    """Against the same photo well exposed; nine in ten are well exposed or nearly."""
    stops = np.array([film._stops(np.random.default_rng(seed)) for seed in range(3000)])
    assert -5 <= stops.min() < -3.5 and 1.8 < stops.max() <= 2
    assert 0.75 < (stops == 0).mean() < 0.85
    dark = [develop(seed)[0].mean() for seed in range(400)]
    assert np.percentile(dark, 2) < 50 and np.percentile(dark, 98) > 200


def test_some_photos_clip_a_single_channel():
    clipped = 0
    for seed in range(400):
        image = develop(seed)[0]
        share = (image == 255).mean((0, 1))
        clipped += share.max() > 0.3 and share.min() < 0.02
    assert 5 < clipped < 100


def test_the_gain_explains_the_photo_whatever_the_exposure_and_balance():
    """Where neither noise nor rounding hides it: in the mean over seeds, not for each."""
    errors = []
    for seed in range(200):
        image, gain = develop(seed)
        expected = color.to_srgb_numpy(photo().linear * gain.astype(np.float32)) * 255
        errors.append(np.abs(image.astype(float) - expected).mean())
    assert np.median(errors) < 4 and np.percentile(errors, 95) < 20


def test_motion_blurs_along_one_direction(monkeypatch):
    monkeypatch.setattr(film, "_MOTION", 1.0)
    monkeypatch.setattr(film, "_BLOOM", 0.0)
    dot = np.zeros((256, 256, 3), np.float32)
    dot[128, 128] = 1
    for seed in range(10):
        blurred = film._optics(np.random.default_rng(seed), dot)[..., 0]
        assert abs(blurred.sum() - 1) < 1e-3
        y, x = np.mgrid[0:256, 0:256] - 128
        spread = [(blurred * a * b).sum() for a, b in ((x, x), (x, y), (y, y))]
        values = np.linalg.eigvalsh([[spread[0], spread[1]], [spread[1], spread[2]]])
        assert values[1] > values[0] + 0.05


def test_one_seed_gives_one_photo():
    first, second, other = develop(1), develop(1), develop(2)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    assert first[0].dtype == np.uint8 and not np.array_equal(first[0], other[0])
