"""Second-order spherical-harmonic shading in TensorFlow; `tfrelight.harmonics` has it in numpy.

Frame: x right in the image, y up, z to the camera. Light: `[..., 9, 3]`, real spherical harmonics
of the incoming radiance, linear RGB, order (l, m) = (0,0), (1,-1), (1,0), (1,1), (2,-2) ... (2,2),
that is 1, y, z, x, xy, yz, 3z²-1, xz, x²-y², orthonormal, without the Condon-Shortley sign.

Shading is the irradiance over pi (Ramamoorthi and Hanrahan, "An Efficient Representation for
Irradiance Environment Maps", 2001): S(n) = sum_lm a_l L_lm Y_lm(n), a = (1, 2/3, 1/4), so that a
white environment of radiance 1 gives shading 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfrelight import harmonics

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["BASIS_MATRIX", "basis", "render", "rotate", "shade"]


# `[9, 10]`: the harmonics as polynomials in 1, x, y, z, xy, yz, xz, x², y², z². The evaluation of
# tensorflow-graphics has no gradient at the pole, which is the normal that faces the camera, and is
# 20 times slower; a test compares the two.
BASIS_MATRIX = np.zeros((9, 10), np.float32)
BASIS_MATRIX[0, 0] = harmonics.CONSTANT
BASIS_MATRIX[[1, 2, 3], [2, 3, 1]] = harmonics.LINEAR
BASIS_MATRIX[[4, 5, 7], [4, 5, 6]] = harmonics.PRODUCT
BASIS_MATRIX[6, [0, 9]] = -harmonics.POLAR, 3 * harmonics.POLAR
BASIS_MATRIX[8, [7, 8]] = harmonics.PRODUCT / 2, -harmonics.PRODUCT / 2
BASIS_MATRIX.flags.writeable = False


def _monomials(x, y, z, ones):
    return [ones, x, y, z, x * y, y * z, x * z, x * x, y * y, z * z]


def basis(normals: tf.Tensor | ArrayLike) -> tf.Tensor:
    """The nine harmonics at unit vectors.

    Args:
      normals: `[..., 3]` float unit vectors.

    Returns:
      `[..., 9]`, of the type of `normals`. Differentiable everywhere, also at the pole.
    """
    normals = tf.convert_to_tensor(normals)
    x, y, z = tf.unstack(normals, axis=-1)
    monomials = tf.stack(_monomials(x, y, z, tf.ones_like(x)), axis=-1)
    # [..., 10] x [10, 9]: tensordot, because matmul needs equal ranks.
    return tf.tensordot(monomials, tf.constant(BASIS_MATRIX.T, normals.dtype), axes=1)


def shade(normals: tf.Tensor | ArrayLike, light: tf.Tensor | ArrayLike) -> tf.Tensor:
    """Shading of surfaces under a light: irradiance over pi, so that white of radiance 1 gives 1.

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
    # Folding the light into the matrix leaves ten coefficients a channel: one product a pixel.
    polynomial = tf.constant(BASIS_MATRIX.T * harmonics.ATTENUATION, light.dtype)
    shading = tf.linalg.matmul(monomials, tf.linalg.matmul(polynomial, light))
    return tf.ensure_shape(tf.reshape(shading, shape), normals.shape)


def render(
    albedo: tf.Tensor | ArrayLike, normals: tf.Tensor | ArrayLike, light: tf.Tensor | ArrayLike
) -> tf.Tensor:
    """The photo of a matte (Lambertian) surface: albedo x shading.

    Args:
      albedo: `[B, H, W, 3]` linear RGB.
      normals: `[B, H, W, 3]` unit vectors.
      light: `[B, 9, 3]` harmonics of the incoming radiance, linear RGB.

    Returns:
      `[B, H, W, 3]` linear RGB, at least 0; above 1 where the light is strong.
    """
    return tf.maximum(albedo * shade(normals, light), 0.0)


def rotate(light: tf.Tensor | ArrayLike, rotation: tf.Tensor | ArrayLike) -> tf.Tensor:
    """Rotates a light together with its environment, as `harmonics.rotate` does.

    Args:
      light: `[..., 9, 3]`.
      rotation: `[..., 3, 3]` rotation matrices (for example from
        `tensorflow_graphics.geometry.transformation.rotation_matrix_3d`), whose batch shape
        broadcasts to that of `light`.

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
