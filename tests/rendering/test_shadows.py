"""Cast shadows against rays."""

import numpy as np
import pytest
from scipy import ndimage

from tests.rendering import surfaces
from tfrelight.lights import Light, maps
from tfrelight.rendering import shadows
from tfrelight.rendering.horizon import horizon


def lamp(azimuth, elevation, radius=0.0):
    return Light.from_direction(azimuth, elevation, radius=radius).lamps[0]


def random_lamps(count, seed=0, radius=0.0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield lamp(rng.uniform(-75, 75), rng.uniform(-50, 60), radius)


@pytest.mark.parametrize("radius", [0, 5, 15, 20])
@pytest.mark.parametrize("azimuth", [0, 40, -70, 110])
def test_a_ball_casts_no_shadow_on_itself(azimuth, radius):
    field, inside = surfaces.ball()
    seen = shadows.of_lamp(field, lamp(azimuth, 10, radius))
    # Pixels at the outline are too steep, the more so in the fewer pixels for large lamps.
    steepest = 0.3 if radius < 16 else 0.5
    assert seen[inside & (field.normals[..., 2] > steepest)].min() > 0.97


def test_a_lamp_at_the_camera_casts_none():
    field = surfaces.of_height(surfaces.hills())
    np.testing.assert_array_equal(shadows.of_lamp(field, lamp(0, 0)), 1)


@pytest.mark.parametrize("seed", range(2))
def test_edges_of_shadows_are_where_rays_put_them(seed):
    """For 25 lamps each: where the two differ, an edge is at most 3 pixels away."""
    height = surfaces.hills(seed)
    field, caster = surfaces.of_height(height), surfaces.Caster(height)
    in_shadow = 0
    for one in random_lamps(25, seed):
        facing = field.normals @ one.direction > 0.03
        expected = caster.blocked(one.direction) & facing
        found = (shadows.of_lamp(field, one) < 0.5) & facing
        in_shadow += expected.sum()
        # A shadow that another edge merges with attached shadow counts as one.
        dark = expected | ~facing
        near = ndimage.binary_dilation(dark, iterations=3)
        within = ~ndimage.binary_dilation(~dark, iterations=3)
        assert (found & ~near).sum() <= 0.001 * found.size
        assert (within & facing & ~found).sum() <= 0.001 * found.size
    assert in_shadow > 15000


def test_a_larger_lamp_has_a_wider_penumbra():
    field = surfaces.of_height(surfaces.hills())
    widths = []
    for radius in (0, 4, 10):
        seen = shadows.of_lamp(field, lamp(60, 0, radius))
        widths.append(((seen > 0.1) & (seen < 0.9)).mean())
    assert widths[1] > 1.3 * widths[0] and widths[2] > 1.3 * widths[1]


@pytest.mark.parametrize("radius", [3, 10, 25, 50])
def test_what_is_seen_of_a_disc(radius):
    """Against rays to 40 points of it, weighted as light is."""
    height = surfaces.hills(1, size=96)
    field, caster = surfaces.of_height(height), surfaces.Caster(height)
    one = lamp(50, 20, radius)
    lit, reached = np.zeros((2, 96, 96))
    for point in one.points(40):
        cosine = np.maximum(field.normals @ point, 0)
        lit += cosine
        reached += cosine * ~caster.blocked(point)
    expected = np.where(lit > 1, reached / np.maximum(lit, 1), 1)
    error = np.abs(shadows.of_lamp(field, one) - expected)[lit > 1]
    assert error.mean() < 0.03
    assert np.percentile(error, 95) < 0.25


def test_a_wide_lamp_on_a_surface_that_is_not_square():
    """A wall that goes on for ever casts the same shadow on half as many rows."""
    wall = 20 * np.exp(-(((np.arange(200) - 60) / 8) ** 2)) * np.ones((200, 1))
    one = lamp(-60, 0, 30)
    square, half = (shadows.of_lamp(surfaces.of_height(h), one) for h in (wall, wall[:100]))
    assert half.shape == (100, 200)
    assert square[50].min() < 0.6
    np.testing.assert_allclose(half[40:60], square[40:60], atol=0.03)


def test_what_is_seen_of_a_sky():
    """White surroundings, against rays in 400 directions."""
    from tfrelight.synthesis.render import sphere_directions

    height = surfaces.hills(0, size=96)
    field, caster = surfaces.of_height(height), surfaces.Caster(height)
    lit, reached = np.zeros((2, 96, 96))
    for direction in sphere_directions(400):
        cosine = np.maximum(field.normals @ direction, 0)
        if cosine.max() > 0:
            lit += cosine
            reached += cosine * ~caster.blocked(direction)
    white = np.ones((len(shadows.sky_directions()), 3), np.float32)
    found = shadows.of_sky(field, white)
    expected = reached / lit
    assert expected.min() < 0.75
    error = (found.mean(-1) - expected)[4:-4, 4:-4]
    assert np.abs(error).mean() < 0.02 and np.abs(error).max() < 0.12


def test_directions_of_a_sky_are_even():
    directions = shadows.sky_directions()
    np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(directions.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(
        directions.T @ directions / len(directions), np.eye(3) / 3, atol=0.01
    )
    vectors, areas = maps.directions(32, 64)
    nearest = np.argmax(vectors.reshape(-1, 3) @ directions.T, axis=1)
    shares = np.bincount(nearest, areas.ravel()) * len(directions) / (4 * np.pi)
    assert shares.min() > 0.6 and shares.max() < 1.6


@pytest.mark.parametrize(
    "direction", [(1, 0), (-1, 0), (0, 1), (0, -1), (0.6, 0.8), (-0.8, 0.6), (0.8, -0.6)]
)
def test_the_horizon_of_a_wall(direction):
    """A wall of 10 over a plain: its tangent is 10 over the distance, and behind it nothing is."""
    height = np.zeros((64, 64))
    y, x = 31.5 - np.mgrid[:64, :64][0], np.mgrid[:64, :64][1] - 31.5
    along = x * direction[0] + y * direction[1]
    height[along > 5] = 10
    found = horizon(height.astype(np.float32), direction, 90.0)
    across = x * direction[1] - y * direction[0]
    before = (along > -18) & (along < -5) & (np.abs(across) < 8)
    # Steps are whole pixels along the longer axis.
    np.testing.assert_allclose(found[before], 10 / (5 - along[before]), rtol=0.15)
    behind = along < -26
    assert (found[behind] < 0.5).all()
