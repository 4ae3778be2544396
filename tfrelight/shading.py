"""Second-order spherical-harmonic shading in TensorFlow (`tfrelight.harmonics`: in numpy).

Frame: x right in the image, y up, z to the camera. Light: `[..., 9, 3]`, real spherical harmonics
of the incoming radiance, linear RGB, order (l, m) = (0,0), (1,-1), (1,0), (1,1), (2,-2) ... (2,2),
that is 1, y, z, x, xy, yz, 3z²-1, xz, x²-y², orthonormal, without the Condon-Shortley sign.

Shading is the irradiance over pi (Ramamoorthi and Hanrahan, "An Efficient Representation for
Irradiance Environment Maps", 2001): S(n) = sum_lm a_l L_lm Y_lm(n), a = (1, 2/3, 1/4), so that a
white environment of radiance 1 gives shading 1.
"""

import numpy as np
import tensorflow as tf
from tensorflow_graphics.math import math_helpers, spherical_harmonics

from tfrelight import harmonics

__all__ = ["BASIS_MATRIX", "basis", "render", "rotate", "shade"]


def _library_basis(directions):
    """tensorflow-graphics' harmonics of `[N, 3]` unit vectors, `[N, 9]`, in our order and sign.

    Only for generic directions: in its spherical coordinates the gradient at the pole, which is the
    normal that faces the camera, is not a number.
    """
    degree_l, order_m = spherical_harmonics.generate_l_m_permutations(2)
    # [N, 1, 3] -> [N, 1] angles; degrees and orders must carry the same batch shape, [N, 9].
    angles = math_helpers.cartesian_to_spherical_coordinates(tf.constant(directions, tf.float64))
    shape = (len(directions), 9)
    values = spherical_harmonics.evaluate_spherical_harmonics(
        tf.broadcast_to(degree_l, shape),
        tf.broadcast_to(order_m, shape),
        angles[:, 1:2],
        angles[:, 2:3],
    )
    # The library carries the Condon-Shortley sign (-1)^m.
    return values.numpy() * np.where(np.abs(order_m.numpy()) % 2 == 1, -1.0, 1.0)


def _solve_basis_matrix():
    """The harmonics as polynomials, fitted exactly to the library on generic directions.

    The nine products below span the nine harmonics on the sphere, so the solution is unique.
    """
    directions = np.random.default_rng(0).normal(size=(64, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    x, y, z = directions.T
    products = np.stack([np.ones_like(x), x, y, z, x * y, y * z, x * z, z * z, x * x - y * y], -1)
    solution = np.linalg.lstsq(products, _library_basis(directions), rcond=None)[0].T
    matrix = np.zeros((9, 10))
    matrix[:, :7] = solution[:, :7]
    matrix[:, 7], matrix[:, 8], matrix[:, 9] = solution[:, 8], -solution[:, 8], solution[:, 7]
    # What is below the solver's rounding is zero in the polynomial.
    matrix[np.abs(matrix) < 1e-9] = 0.0
    return matrix.astype(np.float32)


# `[9, 10]`: harmonics in the monomials 1, x, y, z, xy, yz, xz, x², y², z².
BASIS_MATRIX = _solve_basis_matrix()


def _monomials(x, y, z, ones):
    return [ones, x, y, z, x * y, y * z, x * z, x * x, y * y, z * z]


def basis(normals):
    """The nine harmonics at unit vectors.

    Args:
      normals: `[..., 3]` float unit vectors.

    Returns:
      `[..., 9]`, of the type of `normals`. Smooth everywhere, the pole included.
    """
    normals = tf.convert_to_tensor(normals)
    x, y, z = tf.unstack(normals, axis=-1)
    monomials = tf.stack(_monomials(x, y, z, tf.ones_like(x)), axis=-1)
    # (..., 10) x (10, 9); tensordot, because matmul wants equal ranks.
    return tf.tensordot(monomials, tf.constant(BASIS_MATRIX.T, normals.dtype), axes=1)


def shade(normals, light):
    """Shading of surfaces under a light: irradiance over pi.

    Args:
      normals: `[B, ..., 3]` float unit vectors.
      light: `[B, 9, 3]` harmonics of the incoming radiance, linear RGB.

    Returns:
      `[B, ..., 3]` linear RGB. A second-order light can ring below zero; `render` clips.
    """
    normals = tf.convert_to_tensor(normals)
    light = tf.convert_to_tensor(light)
    shape = tf.shape(normals)
    x, y, z = tf.unstack(tf.reshape(normals, [shape[0], -1, 3]), axis=-1)
    monomials = tf.stack(_monomials(x, y, z, tf.ones_like(x)), axis=-1)
    # Light and matrix are folded into ten polynomial coefficients a channel: one product a pixel.
    polynomial = tf.constant(BASIS_MATRIX.T * harmonics.ATTENUATION, light.dtype)
    shading = tf.linalg.matmul(monomials, tf.linalg.matmul(polynomial, light))
    return tf.ensure_shape(tf.reshape(shading, shape), normals.shape)


def render(albedo, normals, light):
    """The photo of a matte surface: albedo x shading.

    Args:
      albedo: `[B, H, W, 3]` linear RGB.
      normals: `[B, H, W, 3]` unit vectors.
      light: `[B, 9, 3]`.

    Returns:
      `[B, H, W, 3]` linear RGB, at least 0; above 1 where the light is strong.
    """
    return tf.maximum(albedo * shade(normals, light), 0.0)


def rotate(light, rotation):
    """Rotates a light as if its environment were turned by `rotation`.

    See `harmonics.rotate`.

    Args:
      light: `[..., 9, 3]`.
      rotation: `[..., 3, 3]` rotation matrices (for example from
        `tensorflow_graphics.geometry.transformation.rotation_matrix_3d`), of the batch shape of
        `light` or one that broadcasts to it.

    Returns:
      `[..., 9, 3]`. `shade(R n, rotate(light, R)) == shade(n, light)`.
    """
    light = tf.convert_to_tensor(light)
    rotation = tf.cast(rotation, light.dtype)
    directions, inverse = harmonics.samples()
    # Rows are (R^T d)^T = d^T R.
    turned = tf.linalg.matmul(tf.constant(directions, light.dtype), rotation)
    return tf.linalg.matmul(
        tf.constant(inverse, light.dtype), tf.linalg.matmul(basis(turned), light)
    )
