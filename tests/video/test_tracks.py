"""Faces joined to tracks, and their paths and values without scatter."""

import numpy as np
import pytest

from tfrelight.faces.find import Face
from tfrelight.video import tracks


def face(x, y, between=40.0):
    eyes = np.array([[x - between / 2, y], [x + between / 2, y]], float)
    angle = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    oval = np.stack([x + between * np.cos(angle), y + 1.3 * between * np.sin(angle)], -1)
    return Face(eyes, between, oval, 0.9)


SAMPLED = list(range(0, 60, 3))


def test_two_faces_stay_two(tmp_path):
    # They pass above one another, and their order in the list changes.
    found = [[face(100 + 3 * k, 100), face(400 - 3 * k, 250)][:: (-1) ** k] for k in SAMPLED]
    a, b = tracks.join(SAMPLED, found, [], 60)
    assert a.detected == b.detected == SAMPLED
    for track, slope, y in ((a, 3, 100), (b, -3, 250)):
        middles = np.array([one.eyes.mean(0) for one in track.faces])
        np.testing.assert_allclose(np.diff(middles[:, 0]), 3 * slope)
        np.testing.assert_allclose(middles[:, 1], y)
        assert (track.first, track.last) == (0, 59)


def test_a_face_that_comes_and_goes():
    found = [[face(100, 100)] if 15 <= k <= 30 else [] for k in SAMPLED]
    (track,) = tracks.join(SAMPLED, found, [], 60)
    # Half way to the sampled frames without it.
    assert (track.first, track.last) == (14, 31)


def test_a_face_unseen_for_a_moment_is_the_same():
    found = [[face(100 + k, 100)] if k not in (15, 18) else [] for k in SAMPLED]
    (track,) = tracks.join(SAMPLED, found, [], 60)
    path = track.path(2.0)
    np.testing.assert_allclose([one.eyes.mean(0)[0] for one in path][:58], 100 + np.arange(58))


@pytest.mark.parametrize("unseen,count", [(3, 1), (4, 2)])
def test_a_face_unseen_for_long_is_another(unseen, count):
    """It may be missing from three sampled frames in a row: half a second at 24 frames a second."""
    detected = SAMPLED[:5] + SAMPLED[5 + unseen :]
    found = [[face(100, 100)] if k in detected else [] for k in SAMPLED]
    assert len(tracks.join(SAMPLED, found, [], 60)) == count


def test_faces_far_apart_or_of_another_size_are_others():
    found = [[face(100, 100)] if k < 30 else [face(300, 100)] for k in SAMPLED]
    assert [track.detected[0] for track in tracks.join(SAMPLED, found, [], 60)] == [0, 30]
    found = [[face(100, 100, 40.0 if k < 30 else 90.0)] for k in SAMPLED]
    assert len(tracks.join(SAMPLED, found, [], 60)) == 2


def test_a_cut_ends_a_track_on_its_frame():
    found = [[face(100, 100)] for _ in SAMPLED]
    first, second = tracks.join(SAMPLED, found, [31], 60)
    assert (first.first, first.last, second.first, second.last) == (0, 30, 31, 59)
    assert first.detected[-1] == 30 and second.detected[0] == 33


def test_a_path_loses_scatter_and_keeps_motion():
    rng = np.random.default_rng(0)
    sampled = list(range(0, 300, 3))
    true = 200 + 12 * np.sin(np.arange(300) / 12)
    found = [[face(true[k] + rng.normal(0, 0.5), 100)] for k in sampled]
    (track,) = tracks.join(sampled, found, [], 300)
    path = np.array([one.eyes.mean(0)[0] for one in track.path(3.6)])
    assert path.shape == (300,)
    error = path - true
    # A line or a mean of that width would be off by 12 / 144 * 3.6² / 2 = 0.5 in every bend.
    assert np.sqrt(np.mean(error[:298] ** 2)) < 0.4
    # From one frame to the next it hardly scatters.
    assert np.std(np.diff(error)) < 0.15


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_steady_values(degree):
    rng = np.random.default_rng(1)
    track = tracks.Track(SAMPLED, [face(0, 0)] * 20, 0, 59)
    noisy = 1 + rng.normal(0, 0.1, (20, 9, 3))
    steady = track.steady(noisy, 12.0, degree)
    assert steady.shape == (60, 9, 3)
    assert np.std(steady[15:45]) < 0.06
    np.testing.assert_allclose(track.steady(np.full((20, 2), 3.0), 12.0, degree), 3.0)


def test_one_detection_is_enough():
    track = tracks.Track([10], [face(50, 60)], 8, 14)
    assert len(track.path(3.0)) == 7
    np.testing.assert_allclose(track.path(3.0)[0].eyes, face(50, 60).eyes)
    np.testing.assert_allclose(track.steady([[5.0]], 12.0), 5.0)
