import numpy as np
import pytest

from tfrelight import harmonics, lights
from tfrelight.errors import InputError
from tfrelight.lights import maps
from tfrelight.synthesis import environments, illumination
from tfrelight.synthesis.illumination import Light


def angle(a, b):
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return np.degrees(np.arccos(np.clip(a @ b, -1, 1)))


def test_white_surroundings_have_shading_one():
    light = Light("environment", environment=np.ones((16, 32, 3), np.float32))
    normals = np.eye(3, dtype=np.float32)
    np.testing.assert_allclose(harmonics.shade(normals, light.coefficients()), 1, atol=5e-3)
    np.testing.assert_allclose(light.cells(64), 1, atol=0.08)
    np.testing.assert_allclose(light.cells(64).mean(), 1, atol=1e-5)


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
    directions, _ = maps.directions(*radiance.shape[:2])
    sun = lights.direction_vector(-40, 35)
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


def test_a_folder_of_maps_lights(tmp_path):
    radiance = np.full((32, 64, 3), 0.2, np.float32)
    radiance[8:12, 16:20] = 5.0
    write_exr(tmp_path / "room.exr", radiance)
    loaded = environments.load_folder(str(tmp_path))
    assert [m.shape for m in loaded] == [(64, 128, 3)]
    light = environments.sample(np.random.default_rng(0), loaded)
    assert np.isfinite(light.coefficients()).all()


def test_unreadable_and_missing_maps_are_refused(tmp_path):
    with pytest.raises(InputError, match="no .exr or .hdr"):
        environments.load_folder(str(tmp_path))
    with pytest.raises(InputError, match="no such folder"):
        environments.load_folder(str(tmp_path / "nowhere"))
    (tmp_path / "broken.exr").write_bytes(b"not a picture")
    with pytest.raises(InputError, match="Cannot read the environment map"):
        environments.load_folder(str(tmp_path))
