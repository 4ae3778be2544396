"""Photometric stereo under unknown lights: it finds the 3x3 matrix, or refuses the photos."""

import numpy as np
import pytest

from tests import dataset_folders as folders
from tests import scenes
from tfrelight import lights
from tfrelight.data.datasets import multilit, stereo_labels
from tfrelight.errors import InputError
from tfrelight.lights import Lamp, Light
from tfrelight.stereo import uncalibrated
from tfrelight.synthesis import portraits

NORMALS, DISC = scenes.sphere_normals(64)
WHERE = DISC[..., 0]
EVEN = np.ones(WHERE.shape)
FACING = WHERE & (NORMALS[..., 2] > 0.4)
RNG = np.random.default_rng(3)
ANGLES = np.stack([RNG.uniform(-75, 75, 12), RNG.uniform(-45, 50, 12)])
DIRECTIONS = lights.direction_vector(*ANGLES)
INTENSITY = RNG.uniform(0.6, 1.4, 12)


def photos(albedo=0.6, directions=DIRECTIONS, intensity=INTENSITY):
    facing = np.einsum("hwc,kc->khw", NORMALS, directions)
    return (intensity[:, None, None] * albedo * np.maximum(facing, 0)).astype(np.float32)


def doubtful(normals, degrees=20):
    """Normals as of a network: each off by 12 to 20 degrees, in no preferred direction."""
    height, width, _ = normals.shape
    y, x = np.mgrid[0:height, 0:width] / height * 2 * np.pi
    swing = np.radians(degrees)
    wrong = normals + swing * np.stack([np.sin(3 * y + x), np.sin(3 * x + 1), np.sin(2 * y)], -1)
    return wrong / np.linalg.norm(wrong, axis=-1, keepdims=True)


def test_an_even_ball_and_its_lights():
    prior = doubtful(NORMALS)
    assert folders.degrees(prior, NORMALS)[FACING].mean() > 12
    solved, directions = uncalibrated.solve(photos(), prior, EVEN, WHERE)
    seen = FACING & solved.valid
    assert seen.sum() > 0.95 * FACING.sum()
    assert folders.degrees(solved.normals, NORMALS)[seen].mean() < 4
    assert folders.degrees(directions, DIRECTIONS).mean() < 4
    expected = INTENSITY / np.median(INTENSITY)
    np.testing.assert_allclose(solved.intensity, expected, rtol=0.05)
    rendered = (
        solved.intensity[:, None, None]
        * solved.albedo
        * np.maximum(np.einsum("hwc,kc->khw", solved.normals, directions), 0)
    )
    assert np.abs(rendered - photos())[:, seen].mean() < 0.01


def test_brows_and_lips_do_not_matter():
    albedo = np.where((np.indices((64, 64)) // 8).sum(axis=0) % 4 == 0, 0.3, 0.6)
    solved, directions = uncalibrated.solve(photos(albedo), doubtful(NORMALS), EVEN, WHERE)
    assert folders.degrees(solved.normals, NORMALS)[FACING & solved.valid].mean() < 5
    assert folders.degrees(directions, DIRECTIONS).mean() < 5


def test_colour():
    tone = np.float32([0.7, 0.4, 0.3])
    images = photos(1.0)[..., None] * tone / 1.5
    solved, _ = uncalibrated.solve(images, doubtful(NORMALS), EVEN, WHERE)
    found = np.median(solved.albedo[FACING & solved.valid], axis=0)
    np.testing.assert_allclose(found / found.sum(), tone / tone.sum(), atol=0.01)


@pytest.fixture(scope="module")
def scene():
    settings = portraits.PortraitConfig(
        lights=2, size=80, directions=48, seed=1, hair=False, glasses=0.0
    )
    return portraits.scene(settings, 2)


def photograph(scene, light):
    shape = (*scene.coverage.shape, 3)
    return scene.photograph(light, np.zeros(shape, np.float32)).linear


def test_a_rendered_head_in_the_dark(scene):
    """With cast shadows, highlights, and light that spreads in the skin."""
    images = []
    for direction, strength in zip(DIRECTIONS, INTENSITY):
        lamp = Lamp(direction, np.radians(1), np.full(3, strength))
        images.append(photograph(scene, Light(lamps=(lamp,))))
    inside = scene.coverage == 1
    images = np.clip(np.stack(images) / np.percentile(np.max(images, axis=0)[inside], 99), 0, 1)
    prior = doubtful(scene.normals)
    before = folders.degrees(prior, scene.normals)[inside].mean()
    solved, directions = uncalibrated.solve(images, prior, np.ones_like(inside, float), inside)
    seen = inside & solved.valid
    assert seen.sum() > 0.9 * inside.sum()
    assert before > 18
    assert folders.degrees(solved.normals, scene.normals)[seen].mean() < 11
    assert np.median(folders.degrees(directions, DIRECTIONS)) < 10


def test_light_from_everywhere_is_refused(scene):
    rng = np.random.default_rng(0)
    images = []
    for _ in range(8):
        direction = lights.direction_vector(rng.uniform(-90, 90), rng.uniform(-30, 60))
        order2 = Lamp(direction, 1.4, np.ones(3)).coefficients()
        order2[0] += 2 * np.sqrt(np.pi) * 0.6
        images.append(photograph(scene, Light(order2)))
    inside = scene.coverage == 1
    images = np.clip(np.stack(images) / np.max(images), 0, 1)
    with pytest.raises(InputError, match="may not be of single lamps|do not explain"):
        uncalibrated.solve(images, scene.normals, np.ones_like(inside, float), inside)


def test_frontal_lamps_alone_are_refused():
    ahead = lights.direction_vector(ANGLES[0] / 5, ANGLES[1] / 5)
    with pytest.raises(InputError, match="in hardly any of them does a side of the head face away"):
        uncalibrated.solve(photos(directions=ahead), NORMALS, EVEN, WHERE & (NORMALS[..., 2] > 0.6))


def test_albedo_that_changes_slowly_looks_like_shape():
    """A surface far from the network's is refused; with the right albedo it is found."""
    slowly = np.tile(np.linspace(0.2, 0.97, 64)[:, None] ** 2, (1, 64))
    with pytest.raises(InputError, match=r"\d+ degrees from the network's"):
        uncalibrated.solve(photos(slowly), doubtful(NORMALS), EVEN, WHERE)
    known = slowly * np.random.default_rng(0).uniform(0.8, 1.2, slowly.shape)
    solved, directions = uncalibrated.solve(photos(slowly), doubtful(NORMALS), known, WHERE)
    assert folders.degrees(solved.normals, NORMALS)[FACING & solved.valid].mean() < 5
    assert folders.degrees(directions, DIRECTIONS).mean() < 5


def test_a_network_that_sees_nothing_is_refused():
    with pytest.raises(InputError, match="the network's albedo is black"):
        uncalibrated.solve(photos(), NORMALS, 0 * EVEN, WHERE)
    with pytest.raises(InputError, match="found no surface"):
        uncalibrated.solve(photos(), -NORMALS, EVEN, WHERE)
    flat = np.zeros(NORMALS.shape) + [0, 0, 1]
    with pytest.raises(InputError, match="do not determine the lights|degrees from the network's"):
        uncalibrated.solve(photos(), flat, EVEN, WHERE)


def test_what_the_network_says_rightly_is_found_exactly():
    """The scale of the albedo does not matter."""
    albedo = np.where(np.indices((64, 64))[1] < 30, 0.3, 0.6)
    for scale in (1, 7):
        solved, directions = uncalibrated.solve(photos(albedo), NORMALS, scale * albedo, WHERE)
        assert folders.degrees(solved.normals, NORMALS)[FACING & solved.valid].mean() < 0.1
        assert folders.degrees(directions, DIRECTIONS).max() < 0.1


@pytest.mark.parametrize(
    "images, where, message",
    [
        (photos()[:7], WHERE, "7 photos, expected 8 or more"),
        (photos(), WHERE & False, "no head in the photos"),
        (0 * photos(), WHERE, "hardly any pixel of the head"),
        (np.repeat(photos()[:1], 8, axis=0), WHERE, "lights"),
    ],
)
def test_too_little_is_refused(images, where, message):
    with pytest.raises(InputError, match=message):
        uncalibrated.solve(images, NORMALS, EVEN, where)


def test_the_command_tells_lights_and_training_reads_them(tmp_path):
    """The written files turn a folder without lights into one with lights and labels."""
    (tmp_path / "anna").mkdir(parents=True)
    for index, image in enumerate(photos(0.5)):
        folders.write_exr(tmp_path / "anna" / f"photo{index:02d}.exr", np.stack([image] * 3, -1))

    def predict(images):
        assert images.shape == (12, 128, 128, 3)
        normals, mask = scenes.sphere_normals(128)
        normals, mask = np.tile(doubtful(normals), (12, 1, 1, 1)), np.tile(mask, (12, 1, 1, 1))
        return {
            "normals": normals.astype(np.float32),
            "albedo": np.full(normals.shape, 0.4, np.float32),
            "mask": mask.astype(np.float32),
        }

    assert stereo_labels.write(multilit.MultilitReader(tmp_path))["skipped"] == 1
    reader = multilit.MultilitReader(tmp_path, 64, labelled=True, predict=predict)
    assert stereo_labels.write(reader) == {"written": 1, "present": 0, "skipped": 0}
    [subject] = reader.subjects(strict=True)
    assert subject["has_light"] == subject["has_normals"] == 1
    assert folders.degrees(lights.direction(subject["light"]), DIRECTIONS).mean() < 4
    seen = FACING & (subject["albedo"].min(axis=-1) > 0)
    assert folders.degrees(folders.decoded_normals(subject), NORMALS)[seen].mean() < 4
