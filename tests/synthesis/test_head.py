import numpy as np
import pytest

from tfrelight.synthesis import body_model, render
from tfrelight.synthesis import head as heads
from tfrelight.synthesis.mesh import catmull_clark


@pytest.fixture(scope="module")
def model():
    return body_model.load_model()


def test_catmull_clark_keeps_a_plane_and_sums_to_one():
    grid = np.arange(25).reshape(5, 5)
    quads = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], -1).reshape(
        -1, 4
    )
    matrix, finer = catmull_clark(quads, 25)
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-6)
    assert finer.shape == (4 * len(quads), 4)
    y, x = np.mgrid[0:5, 0:5]
    plane = np.stack([x, y, 2 * x - 3 * y + 1], -1).reshape(-1, 3)
    points = matrix @ plane
    np.testing.assert_allclose(points[:, 2], 2 * points[:, 0] - 3 * points[:, 1] + 1, atol=1e-5)


def test_catmull_clark_rounds_a_cube():
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    quads = np.array(
        [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    )
    points = catmull_clark(quads, 8)[0] @ corners
    # A corner moves to 5/9 of its position: (3 faces' mean 1/3 + 2 x edges' mean 2/3 + 0) / 3.
    np.testing.assert_allclose(points[:8], corners * 5 / 9, atol=1e-6)


def test_a_target_moves_in_proportion_and_only_its_own_vertices(model):
    still = model.morph({})
    np.testing.assert_array_equal(still, model.neutral)
    half, whole = (model.morph({"unit/jawOpen": w}) - still for w in (0.5, 1.0))
    np.testing.assert_allclose(2 * half, whole, atol=1e-4)
    face = (np.abs(still[:, 0]) < 2) & (still[:, 2] > 10) & (still[:, 1] > -140)
    chin = np.argmin(np.where(face, still[:, 1], 1e9))
    assert whole[chin, 1] < -5
    assert np.abs(whole[still[:, 1] > 40]).max() == 0


def test_directions_have_two_sides(model):
    stem = "nose/nose-point-width"
    assert model.directions[stem] == (f"{stem}-decr", f"{stem}-incr")
    narrow, wide = (model.morph({stem: w}) for w in (-1.0, 1.0))
    assert np.ptp(wide[:, 0] - model.neutral[:, 0]) > 0
    assert not np.allclose(narrow, wide)


def test_sampled_heads_repeat_and_differ():
    first, again, other = (heads.sample_head(np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.mesh.vertices, again.mesh.vertices)
    assert np.abs(first.mesh.vertices - other.mesh.vertices).max() > 2
    np.testing.assert_allclose(first.eye_centres.mean(0), 0, atol=1e-3)
    assert first.eye_centres[0, 0] > 20 > -20 > first.eye_centres[1, 0]
    np.testing.assert_allclose(first.ancestry.sum(), 1)


def _steps(normals, region):
    """Angles (degrees) between the normals of pixels of a region and of their right neighbours."""
    both = region[:, 1:] & region[:, :-1]
    assert both.sum() > 500
    chord = np.linalg.norm(normals[:, 1:] - normals[:, :-1], axis=-1)[both]
    return np.degrees(2 * np.arcsin(np.clip(chord / 2, 0, 1)))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rendered_normals_have_no_facets(seed):
    """At 256 x 256, normals turn gradually from pixel to pixel, without jumps.

    Those of the triangles stay equal within each and jump at its edges: the measure tells them.
    """
    mesh = heads.sample_head(np.random.default_rng(seed)).mesh
    caster, camera = render.RayCaster(mesh), render.Camera(1200.0, 90.0, (0.0, -30.0))
    origin, directions = camera.rays(256)
    hits = caster.first(origin, directions.reshape(-1, 3))
    normals, rest, flat = np.zeros((3, 256 * 256, 3))
    normals[hits.ray], rest[hits.ray] = hits.normal, hits.rest
    a, b, c = (mesh.vertices[mesh.triangles[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
    found = caster._scene.run(
        np.broadcast_to(origin, (256 * 256, 3)).copy(), directions.reshape(-1, 3), output=1
    )
    flat[hits.ray] = across[found["primID"][hits.ray]]
    normals, rest, flat = (values.reshape(256, 256, 3) for values in (normals, rest, flat))
    x, y = np.abs(rest[..., 0]), rest[..., 1]
    for region in ((x < 40) & (y > 35) & (y < 60), (x > 30) & (x < 50) & (y < -25) & (y > -60)):
        steps = _steps(normals, region)
        assert np.percentile(steps, 99) < 4 and (steps < 0.05 * steps.mean()).mean() < 0.1
        steps = _steps(flat, region)
        assert np.percentile(steps, 99) > 5 and (steps < 0.05 * steps.mean()).mean() > 0.3


def test_normals_point_outwards():
    mesh = heads.sample_head(np.random.default_rng(3)).mesh
    forehead = (np.abs(mesh.rest[:, 0]) < 40) & (mesh.rest[:, 1] > 35) & (mesh.rest[:, 1] < 65)
    forehead &= mesh.rest[:, 2] > -30
    assert forehead.sum() > 50
    assert (mesh.normals[forehead, 2] > 0.2).all()
