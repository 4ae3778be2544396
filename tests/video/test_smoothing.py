"""Maps that still give their photo under a smoothed light, and their means over time."""

import dataclasses
import types

import numpy as np
import pytest

from tests.video import ball
from tfrelight import color, harmonics, photos
from tfrelight.faces import framing
from tfrelight.lights import Light
from tfrelight.relighting import decomposition
from tfrelight.video import smoothing


@pytest.fixture(scope="module")
def maps():
    photo = photos.read(ball.picture())
    (one,) = decomposition.decompose([photo], ball.model(), known_faces=[[ball.face()]])
    return one.faces[0]


def explained(maps):
    shading = np.maximum(harmonics.shade(maps.normals, maps.light), 1e-6)
    return color.luminance_numpy(maps.albedo * shading) * np.exp(maps.residual)


@pytest.mark.parametrize("brightness", [1e-4, 0.01, 1.0, 10.0])
def test_under_another_light_the_photo_stays(maps, brightness):
    own = (brightness * np.asarray(ball.OWN)).astype(np.float32)
    maps = dataclasses.replace(maps, light=own)
    other = ball.OWN + 0.1 * Light.from_direction(60, 0, color=(1, 0.9, 0.8))
    light = brightness * np.asarray(other)
    steady = smoothing.with_light(maps, light)
    shading = harmonics.shade(maps.normals, own).min(-1)
    inside = maps.region & (maps.albedo.max(-1) < 0.9) & (shading > 0.02 * brightness)
    ratio = explained(steady)[inside] / explained(maps)[inside]
    np.testing.assert_allclose(ratio, 1, atol=0.02)
    np.testing.assert_array_equal(steady.light, light)


@pytest.mark.parametrize("brightness", [1e-4, 0.01, 1.0])
def test_a_brighter_light_means_a_darker_albedo(maps, brightness):
    own = brightness * np.asarray(ball.OWN)
    maps = dataclasses.replace(maps, light=own)
    steady = smoothing.with_light(maps, 1.25 * own)
    np.testing.assert_allclose(steady.albedo, maps.albedo / 1.25, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(steady.residual, maps.residual, atol=0.01)


def noisy(maps, seed):
    rng = np.random.default_rng(seed)
    residual = maps.residual + rng.normal(0, 0.1)
    return dataclasses.replace(maps, residual=residual.astype(np.float32))


@pytest.mark.parametrize("count", [1, 2, 5, 30])
def test_every_frame_comes_out_once_and_in_order(maps, count):
    frames = [(k, {0: maps} if k % 3 else {}, k) for k in range(count)]
    out = list(smoothing.smooth(frames, 3.0))
    assert [(frame, light) for frame, _, light in out] == [(k, k) for k in range(count)]
    assert [len(faces) for _, faces, _ in out] == [1 if k % 3 else 0 for k in range(count)]


def test_scatter_is_averaged_and_what_stands_still_stays(maps):
    frames = [(k, {7: noisy(maps, k)}, None) for k in range(40)]
    out = [faces[0] for _, faces, _ in smoothing.smooth(frames, 3.0)]
    before = np.std([one[7].residual.mean() for _, one, _ in frames])
    after = np.std([one.residual.mean() for one in out[6:-6]])
    # A Gaussian mean over s frames leaves 1 / sqrt(2 s sqrt(pi)) = 0.31 of independent scatter.
    assert after < 0.45 * before
    np.testing.assert_allclose(out[20].normals, maps.normals, atol=1e-5)
    np.testing.assert_allclose(out[20].mask, maps.mask, atol=1e-5)


def test_tracks_are_not_mixed(maps):
    flat = np.broadcast_to(np.float32([0, 0, 1]), maps.normals.shape)
    other = dataclasses.replace(maps, normals=flat)
    frames = [(k, {0: maps, 1: other}, None) for k in range(6)]
    frames += [(k, {1: other}, None) for k in range(6, 12)]
    out = list(smoothing.smooth(frames, 3.0))
    np.testing.assert_allclose(out[5][1][0].normals, maps.normals, atol=1e-5)
    np.testing.assert_allclose(out[5][1][1].normals, flat, atol=1e-5)


def test_maps_of_other_sizes_are_brought_to_the_frames(maps):
    half = slice(None, None, 2)
    small = dataclasses.replace(
        maps,
        **{
            name: getattr(maps, name)[half, half]
            for name in ("photo", "guide", "albedo", "normals", "mask", "region", "residual")
        },
    )
    out = list(smoothing.smooth([(0, {0: small}, None), (1, {0: maps}, None)], 2.0))
    assert [len(faces[0].mask) for _, faces, _ in out] == [len(small.mask), len(maps.mask)]
    assert np.median(np.abs(out[1][1][0].normals - maps.normals)) < 0.02


@pytest.mark.parametrize("moved", [0.0, 6.0])
def test_a_body_follows_its_face_across_the_photo(moved):
    """Its window stays where the photo ends, while the face moves."""
    size = 32
    face = types.SimpleNamespace(
        eyes=np.array([[10.0, 8.0], [16.0, 8.0]]), interocular_distance=6.0
    )
    later = types.SimpleNamespace(eyes=face.eyes + (moved, 0), interocular_distance=6.0)
    window = framing.whole((size, size))
    body, reference = (
        types.SimpleNamespace(face=one, window=window, mask=np.zeros((size, size)))
        for one in (face, later)
    )
    columns = np.arange(size, dtype=np.float32)
    planes = np.broadcast_to(columns[None, :, None], (size, size, 5)).astype(np.float32)
    found = smoothing._followed(body, planes, reference)
    inside = np.s_[:, 8:-1]
    np.testing.assert_allclose(found[inside], (planes - np.float32(moved))[inside], atol=1e-4)
