import types

import numpy as np
import pytest

from tfrelight import lights
from tfrelight.lights import Environment, Lamp, Light
from tfrelight.synthesis.mesh import SKIN, Mesh, solid
from tfrelight.synthesis.photograph import Scene
from tfrelight.synthesis.render import Camera, RayCaster
from tfrelight.synthesis.skin import Surface

SIZE = 48
BLACK = np.zeros((SIZE, SIZE, 3), np.float32)


def test_the_fit_of_a_light_does_not_depend_on_the_order_of_the_pixels():
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(4000, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    shading = rng.random((4000, 3), np.float32)
    order, prior = rng.permutation(4000), np.zeros((9, 3))
    one, other = (
        Scene._fit(types.SimpleNamespace(_normal=normals[at]), shading[at], prior)
        for at in (slice(None), order)
    )
    np.testing.assert_array_equal(one, other)


def sphere(centre, radius, rows=64):
    polar, around = np.meshgrid(
        np.linspace(0, np.pi, rows), np.linspace(0, 2 * np.pi, 2 * rows), indexing="ij"
    )
    normals = np.stack(
        [np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)], -1
    ).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(2 * rows - 1), indexing="ij")
    a = i * 2 * rows + j
    quads = np.stack([a, a + 1, a + 2 * rows, a + 2 * rows, a + 1, a + 2 * rows + 1], -1)
    vertices = normals * radius + centre
    return solid(vertices, quads, SKIN, normals=normals, rest=vertices)


def scene(*meshes, directions=96):
    """Matt grey meshes in front of a camera, without relief."""
    camera, samples = Camera(1500.0, 90.0, (0.0, 0.0)), 2
    caster = RayCaster(Mesh.join(list(meshes)))
    origin, rays = camera.rays(SIZE * samples)
    hits = caster.first(origin, rays.reshape(-1, 3))
    full = np.ones(len(hits.ray), np.float32)
    albedo, skin = 0.5 * np.ones((len(full), 3)), np.ones(len(full), np.uint8)
    surface = Surface(albedo, hits.normal, full, 0.4 * full, 0 * full, skin)
    return Scene(caster, camera, hits, surface, SIZE, samples, directions)


@pytest.fixture(scope="module")
def ball():
    return scene(sphere([0, 0, 0], 80.0))


@pytest.mark.parametrize("degrees", [1, 30])
@pytest.mark.parametrize("azimuth", [0, 50, 110])
def test_a_lamp_shades_a_convex_ball_by_its_cosine_alone(ball, degrees, azimuth):
    """A lamp half below the horizon casts no shadow; the cosine alone accounts for it."""
    lamp = Lamp(lights.direction_vector(azimuth, 10), np.radians(degrees), np.ones(3))
    photo = ball.photograph(Light(lamps=(lamp,)), BLACK, specular=False, subsurface=False)
    inside = ball.coverage == 1
    points = lamp.points(4000)
    analytic = np.maximum(ball.normals @ points.T, 0).mean(-1) * 2 / (1 + np.cos(lamp.radius))
    assert (photo.visibility[inside & (analytic > 0)] == 1).mean() > 0.999
    np.testing.assert_allclose(photo.shading[inside][:, 0], analytic[inside], atol=1e-3)
    np.testing.assert_allclose(photo.linear[inside][:, 0], 0.5 * analytic[inside], atol=2e-3)


def test_one_ball_throws_a_shadow_on_another():
    two = scene(sphere([0, 0, -40], 80.0), sphere([0, 0, 70], 20.0))
    lamp = Lamp(lights.direction_vector(40, 0), np.radians(1), np.float32([1.0, 0.5, 0.2]))
    photo = two.photograph(Light(lamps=(lamp,)), BLACK, specular=False, subsurface=False)
    lit = photo.shading[..., 0] > 0.3
    assert 0.03 < (photo.visibility[lit] == 0).mean() < 0.4
    expected = 0.5 * photo.shading * photo.visibility
    inside = two.coverage == 1
    np.testing.assert_allclose(photo.linear[inside], expected[inside], atol=1e-4)
    # One lamp shadows the three channels equally.
    np.testing.assert_allclose(np.ptp(photo.visibility[lit], axis=-1), 0, atol=1e-5)


def test_a_shadow_has_the_colour_of_the_light_that_is_left():
    """A blue lamp lights the shadow of a red one, so visibility differs by channel."""
    two = scene(sphere([0, 0, -40], 80.0), sphere([0, 0, 70], 20.0))
    red = Lamp(lights.direction_vector(40, 0), np.radians(1), np.float32([1.0, 0.0, 0.0]))
    blue = Lamp(lights.direction_vector(-40, 0), np.radians(1), np.float32([0.0, 0.0, 1.0]))
    photo = two.photograph(Light(lamps=(red, blue)), BLACK, specular=False)
    shadowed = photo.visibility[..., 0] == 0
    assert shadowed.sum() > 20
    assert (photo.visibility[..., 2][shadowed] > 0.9).mean() > 0.5


def test_a_sphere_over_a_plane_hides_its_solid_angle_of_white_surroundings():
    """Ambient occlusion by a sphere entirely above the horizon is cos theta (r / D)²."""
    radius, height = 25.0, 30.0
    corners = np.float32([[-200, -200, 0], [200, -200, 0], [200, 200, 0], [-200, 200, 0]])
    plane = solid(corners, [[0, 1, 2], [0, 2, 3]], SKIN, rest=corners)
    both = scene(plane, sphere([0, 0, height], radius), directions=700)
    light = Light(environments=[Environment.of(np.ones((32, 64, 3), np.float32))])
    photo = both.photograph(light, BLACK, specular=False, subsurface=False)
    x = (np.arange(SIZE) + 0.5) / SIZE * 180 - 90
    away = np.hypot(x, x[:, None])
    on_plane = (both.normals[..., 2] > 0.9999) & (away > radius + 5)
    distance = np.hypot(away, height)
    expected = 1 - height / distance * (radius / distance) ** 2
    assert expected[on_plane].min() < 0.85 and expected[on_plane].max() > 0.97
    error = photo.visibility.mean(-1)[on_plane] - expected[on_plane]
    assert np.abs(error).max() < 0.06 and abs(error.mean()) < 0.01
