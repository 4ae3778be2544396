"""Spherical harmonics: the library's values, physics, gradients, rotation."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.transform import Rotation
from tensorflow_graphics.math import math_helpers, spherical_harmonics

from tfrelight import shading


def unit(rng, *shape):
    vectors = rng.normal(size=(*shape, 3)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_basis_is_the_librarys_without_the_condon_shortley_sign():
    normals = unit(np.random.default_rng(1), 500)
    degree, order = spherical_harmonics.generate_l_m_permutations(2)
    angles = math_helpers.cartesian_to_spherical_coordinates(tf.constant(normals))
    library = spherical_harmonics.evaluate_spherical_harmonics(
        tf.broadcast_to(degree, (500, 9)),
        tf.broadcast_to(order, (500, 9)),
        angles[:, 1:2],
        angles[:, 2:3],
    ).numpy()
    # Odd orders: (l, m) = (1, -1), (1, 1), (2, -1), (2, 1).
    library[:, [1, 3, 5, 7]] *= -1
    np.testing.assert_allclose(shading.basis(normals), library, atol=2e-5)


def test_order_is_1_y_z_x_xy_yz_zz_xz_xxyy():
    rng = np.random.default_rng(2)
    normals = unit(rng, 50)
    x, y, z = normals.T
    values = shading.basis(normals).numpy()
    for column, polynomial in enumerate(
        [np.ones(50), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y]
    ):
        ratio = values[:, column] / polynomial
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-3)
        assert ratio[0] > 0


@pytest.mark.parametrize("pole", [[0, 0, 1], [0, 0, -1], [0, 1, 0], [1, 0, 0]])
def test_gradients_are_finite_at_the_poles(pole):
    normals = tf.constant([[[pole]]], tf.float32)
    light = tf.random.stateless_normal((1, 9, 3), seed=(0, 0))
    with tf.GradientTape() as tape:
        tape.watch(normals)
        total = tf.reduce_sum(shading.shade(normals, light))
    gradient = tape.gradient(total, normals).numpy()
    assert np.all(np.isfinite(gradient))
    assert np.any(gradient != 0)


def test_white_environment_gives_shading_one():
    light = np.zeros((1, 9, 3), np.float32)
    light[:, 0] = np.sqrt(4 * np.pi)
    normals = unit(np.random.default_rng(3), 1, 4, 5)
    np.testing.assert_allclose(shading.shade(normals, light), 1.0, rtol=1e-5)


def test_rotating_light_and_normals_together_changes_nothing():
    rng = np.random.default_rng(6)
    normals, light = unit(rng, 8, 30), rng.normal(size=(8, 9, 3)).astype(np.float32)
    rotation = Rotation.random(8, random_state=0).as_matrix().astype(np.float32)
    turned = np.einsum("bij,bnj->bni", rotation, normals)
    np.testing.assert_allclose(
        shading.shade(turned, shading.rotate(light, rotation)),
        shading.shade(normals, light),
        atol=1e-4,
    )


def test_rotations_compose():
    rng = np.random.default_rng(7)
    light = rng.normal(size=(9, 3)).astype(np.float32)
    first, second = Rotation.random(2, random_state=1).as_matrix().astype(np.float32)
    np.testing.assert_allclose(
        shading.rotate(shading.rotate(light, first), second),
        shading.rotate(light, second @ first),
        atol=1e-4,
    )


def test_render_is_albedo_times_shading():
    light = np.zeros((2, 9, 3), np.float32)
    light[:, 0] = np.sqrt(4 * np.pi) * np.array([[0.5, 1.0, 2.0], [0.1, 0.2, 0.3]])
    albedo = np.full((2, 3, 4, 3), 0.4, np.float32)
    rendered = shading.render(albedo, unit(np.random.default_rng(3), 2, 3, 4), light)
    for photo, expected in zip(rendered, ([0.2, 0.4, 0.8], [0.04, 0.08, 0.12])):
        np.testing.assert_allclose(photo, np.broadcast_to(expected, (3, 4, 3)), rtol=1e-5)


def test_render_is_never_negative():
    normals = unit(np.random.default_rng(8), 1, 10, 10)
    light = tf.constant(np.random.default_rng(9).normal(size=(1, 9, 3)), tf.float32)
    assert np.min(shading.shade(normals, light)) < 0
    assert np.min(shading.render(tf.ones_like(normals), normals, light)) == 0


def test_shade_keeps_static_shapes_and_runs_in_a_graph():
    @tf.function(input_signature=[tf.TensorSpec([None, 4, None, 3]), tf.TensorSpec([None, 9, 3])])
    def shade(normals, light):
        shading_map = shading.shade(normals, light)
        assert shading_map.shape.as_list() == [None, 4, None, 3]
        return shading_map

    assert shade(tf.ones((2, 4, 5, 3)), tf.ones((2, 9, 3))).shape == (2, 4, 5, 3)
