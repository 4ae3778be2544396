import os

import numpy as np
import pytest
from PIL import Image

from tfrelight import harmonics, lights
from tfrelight.errors import InputError
from tfrelight.lights import Environment, Light, maps
from tfrelight.synthesis import atlases, environments, light_sampling


def angle(a, b):
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return np.degrees(np.arccos(np.clip(a @ b, -1, 1)))


def test_white_surroundings_have_shading_one():
    light = Light(environments=[Environment.of(np.ones((16, 32, 3), np.float32))])
    normals = np.eye(3, dtype=np.float32)
    np.testing.assert_allclose(harmonics.shade(normals, light.coefficients), 1, atol=5e-3)
    np.testing.assert_allclose(environments.cells(light.environments[0], 64), 1, atol=0.08)
    np.testing.assert_allclose(environments.cells(light.environments[0], 64).mean(), 1, atol=1e-5)


def test_one_directional_light_is_labelled_within_a_degree():
    rng = np.random.default_rng(2)
    for _ in range(50):
        lamp = light_sampling.sample_light(rng, "flash").lamps[0]
        assert angle(lights.direction(Light(lamps=(lamp,)).coefficients), lamp.direction) < 1


@pytest.mark.parametrize("kind", ["flash", "studio", "environment", "harmonics"])
def test_lights_are_finite_and_positive(kind):
    rng = np.random.default_rng(3)
    for _ in range(20):
        light = light_sampling.sample_light(rng, kind)
        coefficients = light.coefficients
        assert coefficients.shape == (9, 3) and np.isfinite(coefficients).all()
        assert (coefficients[0] > 0).all()


def test_splitting_off_a_sun_keeps_the_light():
    rng = np.random.default_rng(4)
    radiance = environments.procedural(rng) * 0.5
    directions, _ = maps.directions(*radiance.shape[:2])
    sun = lights.direction_vector(-40, 35)
    radiance[(directions @ sun) > np.cos(np.radians(5))] += 400
    whole = Light(environments=[Environment.of(radiance)]).coefficients
    lamps, rest = environments._split(radiance)
    assert len(lamps) == 1 and angle(lamps[0].direction, sun) < 4
    parts = Light(lamps=lamps, environments=[Environment.of(rest)]).coefficients
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
    assert np.isfinite(light.coefficients).all()


def test_an_edited_map_is_read_again(tmp_path):
    for level in (0.2, 0.4):
        write_exr(tmp_path / "room.exr", np.full((32, 64, 3), level, np.float32))
        os.utime(tmp_path / "room.exr", ns=(0, round(level * 1e10)))
        [loaded] = environments.load_folder(str(tmp_path))
        np.testing.assert_allclose(loaded, level, rtol=1e-6)
        assert environments.load_folder(str(tmp_path))[0] is loaded


def test_an_edited_atlas_is_read_again(tmp_path):
    found = []
    for number in range(2):
        noise = np.random.default_rng(number).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / "skin.png")
        os.utime(tmp_path / "skin.png", ns=(0, number * 10**9))
        found.append(atlases.load(str(tmp_path / "skin.png")))
        assert atlases.load(str(tmp_path / "skin.png")) is found[-1]
    assert np.abs(found[0].astype(float) - found[1]).max() > 0.1


def test_unreadable_and_missing_maps_are_refused(tmp_path):
    with pytest.raises(InputError, match="no .exr or .hdr"):
        environments.load_folder(str(tmp_path))
    with pytest.raises(InputError, match="no such folder"):
        environments.load_folder(str(tmp_path / "nowhere"))
    (tmp_path / "broken.exr").write_bytes(b"not a picture")
    with pytest.raises(InputError, match="Cannot read the environment map"):
        environments.load_folder(str(tmp_path))


def test_some_lights_have_strong_colours():
    """As on stages; most are near white."""
    rng = np.random.default_rng(6)
    for kind in ("studio", "environment"):
        ratios = []
        for _ in range(300):
            base = light_sampling.sample_light(rng, kind).coefficients[0]
            ratios.append(base.max() / base.min())
        assert np.median(ratios) < 1.8 and np.percentile(ratios, 98) > 2
