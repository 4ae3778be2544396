"""Diffuse shading, highlights and their sums."""

import numpy as np
import pytest

from tests.rendering import surfaces
from tfrelight import harmonics, lights
from tfrelight.lights import Environment, Lamp, Light, maps
from tfrelight.rendering import diffuse, highlights, render
from tfrelight.synthesis.render import sphere_directions


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def normals(count=300, seed=0):
    return unit(np.random.default_rng(seed).normal(size=(count, 3))).astype(np.float32)


def random_light(rng):
    """A lamp or two of any size, and half the time a room with a window."""
    parts = [
        Light.from_direction(
            rng.uniform(-170, 170),
            rng.uniform(-80, 80),
            rng.uniform(0.2, 1),
            radius=rng.choice([0, rng.uniform(1, 90)]),
            color=rng.uniform(0.3, 1, 3),
        )
        for _ in range(rng.integers(1, 3))
    ]
    if rng.random() < 0.5:
        room = rng.uniform(0.02, 0.2, (16, 32, 3)).astype(np.float32)
        row, column = rng.integers(2, 12), rng.integers(0, 28)
        room[row : row + 3, column : column + 4] += rng.uniform(1, 5)
        parts.append(Light.from_environment(room.repeat(4, 0).repeat(4, 1)))
    return sum(parts)


def quadrature(light, where):
    """Irradiance over pi of normals `[N, 3]`, point by point of the light."""
    total = np.zeros((len(where), 3))
    for lamp in light.lamps:
        cosine = np.maximum(where @ lamp.points(3000).T, 0).mean(-1)
        total += (cosine * 2 / (1 + np.cos(lamp.radius)))[:, None] * lamp.color
    for one in light.environments:
        vectors, areas = maps.directions(*one.radiance.shape[:2])
        towards = vectors.reshape(-1, 3) @ one.rotation.T
        weight = np.maximum(where @ towards.T, 0) * areas.ravel() / np.pi
        total += weight @ (one.radiance.reshape(-1, 3) * one.gain)
    return total


def test_diffuse_shading_of_random_lights_is_within_1_of_255():
    field, inside = surfaces.ball(size=48)
    rng = np.random.default_rng(0)
    for _ in range(50):
        light = random_light(rng)
        expected = quadrature(light, field.normals[inside])
        found = render(field, light, shadowed=0.0).diffuse[inside]
        assert np.abs(found - expected).max() < max(1.0, expected.max()) / 255
        assert found.min() >= 0


def test_a_lamp_of_90_degrees_is_its_sky():
    field, inside = surfaces.ball(size=64)
    towards = lights.direction_vector(20, 50)
    vectors, _ = maps.directions(64, 128)
    sky = Light(environments=[Environment.of((vectors @ towards > 0)[..., None] * np.ones(3))])
    lamp = Light(lamps=[Lamp(towards, np.pi / 2, np.ones(3))])
    found, expected = render(field, lamp), render(field, sky)
    np.testing.assert_allclose(found.diffuse[inside], expected.diffuse[inside], atol=0.03)


def test_the_rendering_of_a_sum_is_the_sum_of_renderings():
    field = surfaces.of_height(surfaces.hills(size=64))
    rng = np.random.default_rng(1)
    first, second = random_light(rng), random_light(rng) + Light.even(0.2)
    together = render(field, first + 0.5 * second)
    apart = render(field, first) + render(field, second) * 0.5
    np.testing.assert_allclose(together.diffuse, apart.diffuse, atol=1e-4)
    np.testing.assert_allclose(together.highlights, apart.highlights, atol=1e-4)


def test_a_mirrored_light_on_a_mirrored_surface():
    height = surfaces.hills(2, size=64)
    light = random_light(np.random.default_rng(3))
    plain = render(surfaces.of_height(height), light)
    mirrored = render(surfaces.of_height(height[:, ::-1]), light.mirrored())
    np.testing.assert_allclose(mirrored.diffuse[:, ::-1], plain.diffuse, atol=2e-3)
    np.testing.assert_allclose(mirrored.highlights[:, ::-1], plain.highlights, atol=2e-3)


def test_harmonics_are_shaded_as_ever():
    field, _ = surfaces.ball(size=32)
    light = Light(np.random.default_rng(0).normal(size=(9, 3)))
    found = render(field, light)
    np.testing.assert_allclose(
        found.diffuse, harmonics.shade(field.normals, light.harmonics), atol=1e-5
    )
    assert not found.highlights.any()


def test_a_near_lamp_lights_by_the_inverse_square():
    """Before the middle of the face by 2 heads: at a point 1 head to the side, cos³ of a half."""
    field, _ = surfaces.ball(size=64)
    flat = np.zeros_like(field.normals) + np.float32([0, 0, 1])
    from tfrelight.rendering import HeightField

    wall = HeightField(flat, np.ones((64, 64), np.float32), 20.0, (31.0, 31.0))
    near = Light.from_direction(0, 0, distance=2.0).lamps[0]
    found = diffuse.of_lamp(wall, near)
    assert found[31, 31] == pytest.approx(1.0, abs=1e-3)
    assert found[31, 51] == pytest.approx(np.cos(np.arctan(0.5)) ** 3, abs=2e-3)
    assert found[11, 31] == pytest.approx(found[31, 51], abs=1e-3)


@pytest.mark.parametrize("azimuth,elevation", [(0, 0), (40, 20), (-60, 30), (20, -50)])
@pytest.mark.parametrize("alpha", [0.15, 0.28])
def test_a_highlight_is_half_way_between_lamp_and_camera(azimuth, elevation, alpha):
    field, inside = surfaces.ball(size=400)
    towards = lights.direction_vector(azimuth, elevation)
    shine = np.where(inside, highlights.reflected(field.normals, np.float32(towards), alpha), 0)
    bright = shine > 0.95 * shine.max()
    found = unit(field.normals[bright].mean(0))
    half = unit(towards + [0, 0, 1])
    assert lights.directions.angular_degrees(found, half) < 2


def test_highlights_of_50_random_lamps_are_within_2_degrees():
    field, inside = surfaces.ball(size=200)
    rng = np.random.default_rng(5)
    away = []
    for _ in range(50):
        towards = lights.direction_vector(rng.uniform(-75, 75), rng.uniform(-60, 60))
        shine = highlights.reflected(field.normals, np.float32(towards), 0.1)
        bright = inside & (shine > 0.95 * shine[inside].max())
        found = unit(field.normals[bright].mean(0))
        away.append(lights.directions.angular_degrees(found, unit(towards + [0, 0, 1])))
    assert max(away) < 2


@pytest.mark.parametrize("alpha,share", highlights.LOBES)
def test_no_lobe_gives_back_more_than_it_gets(alpha, share):
    """The reflectance for each view, by the reciprocity of light and view."""
    towards = sphere_directions(20000)
    found = []
    for cosine in (1.0, 0.8, 0.5, 0.2, 0.05):
        normal = np.float32([np.sqrt(1 - cosine**2), 0, cosine])
        # A lamp of radiance L and solid angle w has shading L w / pi.
        reflected = highlights.reflected(normal[None], towards, alpha)
        found.append(reflected.sum() * 4 * np.pi / len(towards) / np.pi)
    assert 0.015 < found[0] < 0.06
    assert found == sorted(found) and found[-1] < 0.6
    # Beside it a diffuse surface of skin's albedo may still be.
    assert max(found[:3]) < 0.15


def test_shares_of_lobes_add_up():
    assert sum(share for _, share in highlights.LOBES) == pytest.approx(1.0)


def test_highlights_of_a_small_bright_patch_are_those_of_a_lamp():
    field, inside = surfaces.ball(size=64)
    towards = lights.direction_vector(35, 25)
    vectors, areas = maps.directions(128, 256)
    patch = vectors @ towards > np.cos(np.radians(6))
    radiance = patch[..., None] / np.sin(np.radians(6)) ** 2 * np.ones(3)
    shine = highlights.of_environment(field.normals, Environment.of(radiance))[inside][:, 0]
    lamp = highlights.of_lamp(field.normals, Lamp(towards, np.radians(6), np.ones(3)))[inside]
    assert shine.sum() == pytest.approx(lamp.sum(), rel=0.1)
    peaks = [unit(field.normals[inside][one > 0.9 * one.max()].mean(0)) for one in (shine, lamp)]
    assert lights.directions.angular_degrees(*peaks) < 4


def test_shadows_and_highlights_can_be_left_out():
    field = surfaces.of_height(surfaces.hills(size=64))
    light = Light.from_direction(60, 10)
    whole, half, none = (render(field, light, shadowed=share) for share in (1.0, 0.5, 0.0))
    np.testing.assert_allclose(half.diffuse, (whole.diffuse + none.diffuse) / 2, atol=1e-5)
    np.testing.assert_allclose(none.diffuse[..., 0], diffuse.of_lamp(field, light.lamps[0]))
    assert not render(field, light, shiny=False).highlights.any()
    assert whole.highlights.max() > 0


def test_red_light_reaches_further_into_a_shadow():
    field = surfaces.of_height(surfaces.hills(size=128))
    found = render(field, Light.from_direction(60, 10)).diffuse
    level = diffuse.of_lamp(field, Light.from_direction(60, 10).lamps[0])
    seen = found / np.maximum(level, 1e-3)[..., None]
    edge = (level > 0.2) & (seen[..., 2] > 0.02) & (seen[..., 2] < 0.3)
    assert edge.sum() > 20
    assert (seen[..., 0] - seen[..., 2])[edge].mean() > 0.005
