"""Spherical harmonics in numpy: TensorFlow's values, physics, rotation."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tfrelight import harmonics, shading


def unit(rng, *shape):
    vectors = rng.normal(size=(*shape, 3)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def even_directions(count):
    """Fibonacci points, which integrate the sphere evenly."""
    i = np.arange(count) + 0.5
    z, phi = 1 - 2 * i / count, np.pi * (1 + 5**0.5) * i
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(phi), r * np.sin(phi), z], -1).astype(np.float32)


def test_numpy_and_tensorflow_agree():
    rng = np.random.default_rng(5)
    normals, light = unit(rng, 2, 6, 7), rng.normal(size=(2, 9, 3)).astype(np.float32)
    np.testing.assert_allclose(harmonics.basis(normals), shading.basis(normals), atol=1e-5)
    both = shading.shade(normals, light).numpy()
    rotation = Rotation.random(random_state=2).as_matrix()
    for index in range(2):
        np.testing.assert_allclose(
            harmonics.shade(normals[index], light[index]), both[index], atol=1e-5
        )
        np.testing.assert_allclose(
            harmonics.rotate(light[index], rotation),
            shading.rotate(light[index], rotation),
            atol=1e-5,
        )


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3,), (4, 3)])
def test_basis_keeps_the_float_type(kind, shape):
    values = harmonics.basis(np.ones(shape, kind))
    assert values.shape == (*shape[:-1], 9)
    np.testing.assert_allclose(values[..., 0], np.sqrt(1 / (4 * np.pi)), rtol=1e-6)


def test_basis_is_orthonormal():
    values = harmonics.basis(even_directions(20000))
    np.testing.assert_allclose(4 * np.pi * values.T @ values / 20000, np.eye(9), atol=1e-3)


def test_shading_is_the_cosine_integral_of_a_smooth_radiance():
    """S(n) = 1/pi integral of max(0, n.d) L(d) over the sphere, for radiance of second order."""
    rng = np.random.default_rng(4)
    light = rng.normal(size=(9, 3)).astype(np.float32)
    directions = even_directions(200_000)
    radiance = harmonics.basis(directions) @ light
    normals = unit(rng, 5)
    expected = np.maximum(normals @ directions.T, 0) @ radiance * (4 * np.pi / 200_000) / np.pi
    np.testing.assert_allclose(harmonics.shade(normals, light), expected, atol=2e-3)


@pytest.mark.parametrize("degrees", [0.01, 10, 45, 90])
def test_a_disc_is_the_integral_of_its_radiance(degrees):
    """Radiance 1 / sin² r within r gives a surface that faces it shading 1."""
    towards = unit(np.random.default_rng(6))
    radius = np.radians(max(degrees, 1))
    directions = even_directions(400_000)
    inside = directions @ towards > np.cos(radius)
    area = 2 * np.pi * (1 - np.cos(radius))
    expected = harmonics.basis(directions)[inside].mean(0) * area / np.sin(radius) ** 2
    np.testing.assert_allclose(
        harmonics.spherical_cap(towards, np.radians(degrees)), expected, atol=0.01 * np.pi
    )


def test_rotating_light_and_normals_together_changes_nothing():
    rng = np.random.default_rng(7)
    normals, light = unit(rng, 30), rng.normal(size=(9, 3)).astype(np.float32)
    rotation = Rotation.random(random_state=0).as_matrix().astype(np.float32)
    np.testing.assert_allclose(
        harmonics.shade(normals @ rotation.T, harmonics.rotate(light, rotation)),
        harmonics.shade(normals, light),
        atol=1e-4,
    )
