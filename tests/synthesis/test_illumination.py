import numpy as np
import pytest

from tfrelight import lights, shading
from tfrelight.errors import InputError
from tfrelight.synthesis import environments, illumination
from tfrelight.synthesis.illumination import Lamp, Light


def angle(a, b):
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return np.degrees(np.arccos(np.clip(a @ b, -1, 1)))


def test_harmonics_are_those_of_the_package():
    directions = np.random.default_rng(0).normal(size=(100, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    np.testing.assert_allclose(
        illumination.harmonics(directions), shading.basis_numpy(directions), atol=1e-5
    )
    light = np.random.default_rng(1).normal(size=(9, 3))
    np.testing.assert_allclose(
        illumination.shade(directions, light), shading.shade_numpy(directions, light), atol=1e-4
    )
    np.testing.assert_allclose(
        illumination.direction_vector(30, 20), lights.direction_vector(30, 20), atol=1e-6
    )


def test_a_small_lamp_is_the_packages_directional_light():
    direction = illumination.direction_vector(40, -15)
    mine = Lamp(direction, 1e-4, np.array([0.7, 0.8, 0.9])).coefficients()
    theirs = lights.from_direction(40, -15, intensity=1.0, color=(0.7, 0.8, 0.9))
    np.testing.assert_allclose(mine, theirs, atol=1e-4)


@pytest.mark.parametrize("degrees", [3, 20, 60])
def test_a_disc_is_the_integral_over_its_points(degrees):
    radius = np.radians(degrees)
    lamp = Lamp(illumination.direction_vector(-50, 30), radius, np.ones(3))
    # Radiance color / sin² r over a solid angle of 2 pi (1 - cos r).
    total = 2 * np.pi * (1 - np.cos(radius)) / np.sin(radius) ** 2
    expected = total * illumination.harmonics(lamp.points(20000)).mean(0)
    np.testing.assert_allclose(lamp.coefficients()[:, 0], expected, atol=2e-3)


def test_white_surroundings_have_shading_one():
    light = Light("environment", environment=np.ones((16, 32, 3), np.float32))
    normals = np.eye(3, dtype=np.float32)
    np.testing.assert_allclose(illumination.shade(normals, light.coefficients()), 1, atol=5e-3)
    np.testing.assert_allclose(light.cells(64), 1, atol=0.08)
    np.testing.assert_allclose(light.cells(64).mean(), 1, atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_maps_pixels_lie_where_the_frame_says(axis):
    """Column 0 is behind the person, the middle column at the camera, the right half at x > 0."""
    height, width = 16, 32
    place = {0: (8, 24), 1: (0, 0), 2: (8, 16)}[axis]
    directions, areas = illumination.map_directions(height, width)
    np.testing.assert_allclose(areas.sum(), 4 * np.pi, rtol=1e-6)
    assert directions[place][axis] > 0.98


def test_one_directional_light_is_labelled_within_a_degree():
    rng = np.random.default_rng(2)
    for _ in range(50):
        lamp = illumination.sample_light(rng, "flash").lamps[0]
        assert angle(lights.direction(Light("flash", (lamp,)).coefficients()), lamp.direction) < 1


@pytest.mark.parametrize("kind", ["flash", "studio", "environment", "harmonics"])
def test_lights_are_finite_and_positive(kind):
    rng = np.random.default_rng(3)
    for _ in range(20):
        light = illumination.sample_light(rng, kind)
        coefficients = light.coefficients()
        assert coefficients.shape == (9, 3) and np.isfinite(coefficients).all()
        assert (coefficients[0] > 0).all()


def test_splitting_off_a_sun_keeps_the_light():
    rng = np.random.default_rng(4)
    radiance = environments.procedural(rng) * 0.5
    directions, _ = illumination.map_directions(*radiance.shape[:2])
    sun = illumination.direction_vector(-40, 35)
    radiance[(directions @ sun) > np.cos(np.radians(5))] += 400
    whole = Light("environment", environment=radiance).coefficients()
    lamps, rest = environments._split(radiance)
    assert len(lamps) == 1 and angle(lamps[0].direction, sun) < 4
    parts = Light("environment", lamps, rest).coefficients()
    assert np.abs(parts - whole).max() < 0.03 * np.abs(whole).max()
    assert rest.max() < 0.1 * radiance.max() and rest.min() >= 0


def write_exr(path, radiance):
    import OpenEXR

    OpenEXR.File({}, {"RGB": np.ascontiguousarray(radiance, np.float32)}).write(str(path))


def test_environment_maps_are_read_and_lit_by(tmp_path):
    radiance = np.full((32, 64, 3), 0.2, np.float32)
    radiance[8:12, 16:20] = 5.0  # up, and left of the middle as one sees it from inside
    write_exr(tmp_path / "room.exr", radiance)
    loaded = environments.load(tmp_path / "room.exr")
    assert loaded.shape == (64, 128, 3)
    np.testing.assert_allclose(loaded.mean(), radiance.mean(), rtol=1e-4)
    towards = lights.direction(Light("environment", environment=loaded).coefficients())
    # Looking out along z, left is at positive x.
    assert towards[0] > 0.3 and towards[1] > 0.3
    light = environments.sample(np.random.default_rng(0), environments.load_folder(str(tmp_path)))
    assert np.isfinite(light.coefficients()).all()


def test_radiance_pictures_flat_and_run_length_coded(tmp_path):
    pixels = np.random.default_rng(0).integers(1, 255, (16, 32, 4)).astype(np.uint8)
    pixels[:, :20] = pixels[:, :1]
    pixels[..., 3] = 128
    header = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 16 +X 32\n"
    (tmp_path / "flat.hdr").write_bytes(header + pixels.tobytes())
    packed = b""
    for row in pixels:
        packed += bytes([2, 2, 0, 32])
        for channel in row.T:
            packed += bytes([128 + 20, channel[0], 12]) + channel[20:].tobytes()
    (tmp_path / "packed.hdr").write_bytes(header + packed)
    flat, rle = (environments.load(tmp_path / f"{name}.hdr") for name in ("flat", "packed"))
    np.testing.assert_array_equal(flat, rle)
    np.testing.assert_allclose(flat.mean(), ((pixels[..., :3] + 0.5) / 256).mean(), rtol=1e-4)


def test_radiance_pictures_in_the_old_run_length_code(tmp_path):
    pixels = np.random.default_rng(0).integers(2, 255, (16, 600, 4)).astype(np.uint8)[:, :32]
    pixels[:, 4:24] = pixels[:, 4:5]
    pixels[..., 3] = 128
    header = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 16 +X 32\n"
    (tmp_path / "flat.hdr").write_bytes(header + pixels.tobytes())
    packed = b"".join(
        row[:5].tobytes() + bytes([1, 1, 1, 19]) + row[24:].tobytes() for row in pixels
    )
    (tmp_path / "old.hdr").write_bytes(header + packed)
    flat, old = (environments.load(tmp_path / f"{name}.hdr") for name in ("flat", "old"))
    np.testing.assert_array_equal(flat, old)


def test_long_runs_of_the_old_code_have_two_digits():
    row = np.zeros((601, 4), np.uint8)
    pixel = np.array([9, 8, 7, 128], np.uint8)
    stream = np.concatenate([pixel, np.uint8([1, 1, 1, 88, 1, 1, 1, 2])])  # 88 + 2 x 256
    assert environments._read_old_row(stream, row) == 12
    assert (row == pixel).all()


def test_xyz_pictures_are_refused_by_name(tmp_path):
    header = b"#?RADIANCE\nFORMAT=32-bit_rle_xyze\n\n-Y 16 +X 32\n"
    (tmp_path / "xyz.hdr").write_bytes(header + bytes(16 * 32 * 4))
    with pytest.raises(InputError, match="xyz.hdr: its pixels are XYZE"):
        environments.load(tmp_path / "xyz.hdr")


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.5])
def test_values_no_light_has_are_refused(tmp_path, wrong):
    radiance = np.ones((16, 32, 3), np.float32)
    radiance[3, 4, 1] = wrong
    write_exr(tmp_path / "bad.exr", radiance)
    with pytest.raises(InputError, match="bad.exr.*1 pixels"):
        environments.load(tmp_path / "bad.exr")


def test_unreadable_and_missing_maps_are_refused(tmp_path):
    with pytest.raises(InputError, match="no .exr or .hdr"):
        environments.load_folder(str(tmp_path))
    with pytest.raises(InputError, match="no such folder"):
        environments.load_folder(str(tmp_path / "nowhere"))
    (tmp_path / "broken.exr").write_bytes(b"not a picture")
    (tmp_path / "broken.hdr").write_bytes(b"#?RADIANCE\n\n-Y 16 +X 32\n\x02\x02")
    (tmp_path / "run.hdr").write_bytes(b"#?RADIANCE\n\n-Y 16 +X 32\n\x01\x01\x01\xff" * 9)
    for name in ("broken.exr", "broken.hdr", "run.hdr"):
        with pytest.raises(InputError, match="Cannot read the environment map"):
            environments.load(tmp_path / name)
    write_exr(tmp_path / "square.exr", np.ones((32, 32, 3)))
    with pytest.raises(InputError, match="twice as wide"):
        environments.load(tmp_path / "square.exr")
