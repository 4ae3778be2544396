import numpy as np
import pytest

from tests import scenes, yale_folder
from tfrelight import lights
from tfrelight.errors import InputError
from tfrelight.lights import Lamp, Light
from tfrelight.stereo import calibrated
from tfrelight.synthesis import portraits

# A spread like that of Extended Yale B's 64 flashes, without its gaps.
AZIMUTH, ELEVATION = (
    angles.ravel() for angles in np.meshgrid(np.linspace(-105, 105, 8), np.linspace(-60, 70, 8))
)
DIRECTIONS = lights.direction_vector(AZIMUTH, ELEVATION)
NORMALS, DISC = scenes.sphere_normals(48)
# The rim of the ball, seen at more than 66 degrees, is lit from one side only.
FACING = DISC[..., 0] & (NORMALS[..., 2] > 0.4)


def photos(directions, albedo=0.6, intensity=1.0):
    """Photos `[K, H, W]` of a matte ball: linear float32, without cast shadows."""
    facing = np.einsum("hwc,kc->khw", NORMALS, directions)
    return (np.reshape(intensity, (-1, 1, 1)) * albedo * np.maximum(facing, 0)).astype(np.float32)


def angles(result, where=FACING):
    """Degrees between the ball's normals and the result's, where these are valid."""
    where = where & result.valid
    return np.degrees(np.arccos(np.clip((result.normals * NORMALS).sum(-1), -1, 1)))[where]


def test_matte_ball_is_exact():
    rng = np.random.default_rng(0)
    albedo = rng.uniform(0.2, 0.9, (48, 48))
    result = calibrated.solve(photos(DIRECTIONS, albedo), DIRECTIONS)
    assert result.valid[FACING].all()
    assert angles(result).max() < 0.1
    np.testing.assert_allclose(result.albedo[FACING], albedo[FACING], rtol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(result.normals, axis=-1), 1, atol=1e-5)


def test_eight_bits_cost_little():
    quantised = np.round(photos(DIRECTIONS) * 255) / 255
    assert angles(calibrated.solve(quantised, DIRECTIONS)).mean() < 0.1


def test_shadows_highlights_and_saturation_are_rejected():
    rng = np.random.default_rng(1)
    clean = photos(DIRECTIONS, albedo=1.1)  # saturates where it faces a light
    shadow = rng.random(clean.shape) < 0.2
    highlight = rng.random(clean.shape) < 0.1
    spoilt = np.clip(np.where(shadow, 0.3 * clean, np.where(highlight, clean + 0.3, clean)), 0, 1)
    result = calibrated.solve(spoilt, DIRECTIONS)
    assert angles(result).mean() < 1
    plain = np.linalg.lstsq(DIRECTIONS, spoilt.reshape(64, -1), rcond=None)[0].T.reshape(48, 48, 3)
    plain /= np.linalg.norm(plain, axis=-1, keepdims=True)
    assert angles(result._replace(normals=plain)).mean() > 5


def ring(count):
    """Lamps around the camera, 30 degrees off its axis, as in Photoface's rig of four."""
    around = np.radians(np.arange(count) * 360 / count + 45)
    return np.stack([0.5 * np.cos(around), 0.5 * np.sin(around), 0.87 + 0 * around], -1)


@pytest.mark.parametrize("estimate_intensity", [False, True])
@pytest.mark.parametrize("count", [3, 4])
def test_few_lights(count, estimate_intensity):
    directions = ring(count)
    images = photos(directions, 0.8)
    result = calibrated.solve(images, directions, estimate_intensity)
    lit = FACING & (images > calibrated.MINIMUM).all(axis=0)
    assert result.valid[lit].all()
    assert angles(result, lit).max() < 0.1
    np.testing.assert_allclose(result.intensity, 1, atol=1e-3)


YALE = lights.direction_vector(*np.transpose(yale_folder.FLASHES))


@pytest.fixture(scope="module", params=["matte", "glossy"])
def head(request):
    """A person, and its photo under a distant lamp: cast shadows, and highlights if glossy."""
    settings = portraits.PortraitConfig(
        lights=2, size=64, directions=48, seed=1, hair=False, glasses=0.0
    )
    scene = portraits.scene(settings, 0)
    glossy = request.param == "glossy"

    def photo(direction):
        lamp = Lamp(direction, np.radians(1), np.ones(3))
        backdrop = np.zeros((64, 64, 3), np.float32)
        light = Light(lamps=(lamp,))
        return scene.photograph(light, backdrop, specular=glossy, subsurface=glossy).linear

    return scene, photo


def test_matte_head_without_cast_shadows_is_exact(head):
    scene, _ = head
    facing = np.maximum(np.einsum("hwc,kc->khw", scene.normals, YALE), 0)
    images = scene.albedo.mean(axis=-1) * facing
    inside = scene.coverage == 1
    result = calibrated.solve(images / np.percentile(images[:, inside], 99.9), YALE)
    both = inside & result.valid
    assert both.sum() > 0.95 * inside.sum()
    cosine = np.clip((result.normals * scene.normals).sum(axis=-1), -1, 1)
    assert np.degrees(np.arccos(cosine))[both].mean() < 0.1


@pytest.mark.parametrize(
    ("directions", "bound", "share"),
    [(DIRECTIONS, 4.0, 0.95), (YALE, 4.0, 0.95), (ring(4), 8.0, 0.8)],
    ids=["grid", "yale", "four"],
)
def test_rendered_head_with_cast_shadows(head, directions, bound, share):
    scene, photo = head
    images = np.stack([photo(direction).mean(axis=-1) for direction in directions])
    inside = scene.coverage == 1
    # Exposed like a photo: one pixel in a hundred saturates.
    images = images / np.percentile(np.max(images, axis=0)[inside], 99)
    images = np.round(np.clip(images, 0, 1) * 255) / 255
    result = calibrated.solve(images, directions)
    both = inside & result.valid
    assert both.sum() > share * inside.sum()
    cosine = np.clip((result.normals * scene.normals).sum(axis=-1), -1, 1)
    assert np.degrees(np.arccos(cosine))[both].mean() < bound


@pytest.mark.parametrize("spoilt", range(4))
@pytest.mark.parametrize("what", ["cast shadow", "highlight"])
def test_of_four_photos_the_odd_one_is_left_out(what, spoilt):
    images = photos(ring(4), 0.4)
    # Where a lamp at the side makes a photo slightly darker, but not enough to look like a shadow.
    even = DISC[..., 0] & (NORMALS[..., 2] > 0.97)
    images[spoilt] = 0.15 * images[spoilt] if what == "cast shadow" else 0.45 + images[spoilt]
    result = calibrated.solve(images, ring(4))
    assert even.sum() > 50 and result.valid[even].all()
    assert angles(result, even).max() < 0.1


def test_colour_gives_the_albedo_of_each_channel():
    colour = np.float32([0.7, 0.4, 0.2])
    images = photos(DIRECTIONS, 1.0)[..., None] * colour
    result = calibrated.solve(images, DIRECTIONS)
    assert angles(result).max() < 0.1
    np.testing.assert_allclose(result.albedo[FACING], np.tile(colour, (FACING.sum(), 1)), rtol=1e-3)
    assert (result.albedo[~result.valid] == 0).all()


def test_length_of_directions_means_nothing():
    one = calibrated.solve(photos(DIRECTIONS), DIRECTIONS)
    other = calibrated.solve(photos(DIRECTIONS), 3 * DIRECTIONS)
    np.testing.assert_allclose(one.albedo, other.albedo, atol=1e-6)


def test_unknown_intensities_are_found():
    intensity = np.random.default_rng(2).uniform(0.7, 1.3, len(DIRECTIONS))
    intensity /= np.median(intensity)
    images = photos(DIRECTIONS, 0.5, intensity)
    wrong = calibrated.solve(images, DIRECTIONS)
    right = calibrated.solve(images, DIRECTIONS, estimate_intensity=True)
    assert angles(wrong).mean() > 1
    assert angles(right).mean() < 0.2
    # Few pixels use lights from the side and behind, so their estimates stay closer to 1.
    ahead = DIRECTIONS[:, 2] > 0.3
    np.testing.assert_allclose(right.intensity[ahead], intensity[ahead], rtol=0.02)


def test_what_is_black_saturated_or_rarely_lit_is_not_valid():
    images = photos(DIRECTIONS)
    images[:, :10] = 0.01
    images[:, 10:20] = 1.0
    images[5:, 20:30] = 0.0
    result = calibrated.solve(images, DIRECTIONS)
    assert not result.valid[:30].any()
    assert (result.albedo[:30] == 0).all()
    np.testing.assert_array_equal(result.normals[:30], np.broadcast_to([0, 0, 1], (30, 48, 3)))


@pytest.mark.parametrize(
    ("images", "directions", "message"),
    [
        (np.ones((4, 8, 8)), np.ones((3, 3)), r"\[4, 8, 8\]. Received: \[3, 3\]"),
        (np.ones((4, 8, 8, 4)), np.ones((4, 3)), r"Received: \[4, 8, 8, 4\]"),
        (np.ones((2, 8, 8)), np.eye(3)[:2], "3 to 64 lights. Received: 2"),
        (np.ones((65, 8, 8)), np.ones((65, 3)), "Received: 65"),
        (np.full((3, 8, 8), np.nan), np.eye(3), "finite"),
        (np.ones((3, 8, 8)), np.eye(3) * [1, 1, 0], "length above 0"),
        (np.ones((3, 8, 8)), np.array([[1, 0, 1], [0, 0, 1], [-1, 0, 1]]), "in one plane"),
    ],
)
def test_wrong_input_is_refused(images, directions, message):
    with pytest.raises(InputError, match=message):
        calibrated.solve(images, directions)
