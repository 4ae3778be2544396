"""Second-order spherical harmonics in numpy, for code that must start without TensorFlow.

`tfrelight.shading` does the same in TensorFlow, for training and serving; tests compare the two.

Frame: x right in the image, y up, z to the camera. Light: `[9, 3]`, real spherical harmonics
of the incoming radiance, linear RGB, order (l, m) = (0,0), (1,-1), (1,0), (1,1), (2,-2) ... (2,2),
that is 1, y, z, x, xy, yz, 3z²-1, xz, x²-y², orthonormal, without the Condon-Shortley sign.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "ATTENUATION",
    "CONSTANT",
    "LINEAR",
    "POLAR",
    "PRODUCT",
    "basis",
    "render",
    "rotate",
    "samples",
    "shade",
    "spherical_cap",
    "unit",
]

# Normalisation of the real harmonics: CONSTANT of 1; LINEAR of y, z and x; PRODUCT of xy, yz and
# xz, and PRODUCT / 2 of x² - y²; POLAR of 3z² - 1.
CONSTANT, LINEAR = np.sqrt(1 / (4 * np.pi)), np.sqrt(3 / (4 * np.pi))
PRODUCT, POLAR = np.sqrt(15 / (4 * np.pi)), np.sqrt(5 / (16 * np.pi))

# The cosine lobe over pi, A_l / pi, for each coefficient: Ramamoorthi and Hanrahan, "An Efficient
# Representation for Irradiance Environment Maps", 2001, eq. 19.
ATTENUATION = np.array([1] + [2 / 3] * 3 + [1 / 4] * 5, np.float32)


def basis(directions: ArrayLike) -> np.ndarray:
    """The nine harmonics at unit vectors: `[..., 3]` to `[..., 9]`, of the same float type."""
    x, y, z = np.moveaxis(np.asarray(directions), -1, 0)
    return np.stack(
        [
            np.full_like(x, CONSTANT, dtype=np.result_type(x.dtype, np.float16)),
            LINEAR * y,
            LINEAR * z,
            LINEAR * x,
            PRODUCT * x * y,
            PRODUCT * y * z,
            POLAR * (3 * z * z - 1),
            PRODUCT * x * z,
            PRODUCT / 2 * (x * x - y * y),
        ],
        -1,
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors `[..., 3]` with length 1, or less if they are shorter than 1e-6."""
    # `norm` is slow on so short an axis.
    x, y, z = np.moveaxis(vectors, -1, 0)
    return vectors / np.maximum(np.sqrt(x * x + y * y + z * z), 1e-6)[..., None]


def shade(normals: ArrayLike, light: ArrayLike) -> np.ndarray:
    """Shading of surfaces under a light: irradiance over pi, so that white of radiance 1 gives 1.

    Args:
      normals: `[..., 3]` unit vectors.
      light: `[9, 3]` harmonics of the incoming radiance, linear RGB; a `Light` will do.

    Returns:
      `[..., 3]` linear RGB. A second-order light can ring below zero.
    """
    return basis(normals) @ (ATTENUATION[:, None] * np.asarray(light))


def render(albedo: ArrayLike, normals: ArrayLike, light: ArrayLike) -> np.ndarray:
    """The photo of a matte (Lambertian) surface: albedo x shading.

    Args:
      albedo: `[..., 3]` linear RGB.
      normals: `[..., 3]` unit vectors.
      light: `[9, 3]` harmonics of the incoming radiance, linear RGB; a `Light` will do.

    Returns:
      `[..., 3]` linear RGB, at least 0; above 1 where the light is strong.
    """
    return np.maximum(albedo * shade(normals, light), 0.0)


def spherical_cap(direction: ArrayLike, radius: float = 0.0) -> np.ndarray:
    """A distant cap of uniform radiance that gives a surface facing it a shading of 1.

    The harmonics of a cap are those of a point times zonal factors. Integrating Legendre
    polynomials over a cap of half angle r gives, relative to its centre, (1 + cos r) / 2 for l = 1
    and cos r (1 + cos r) / 2 for l = 2.

    Args:
      direction: `[3]` unit vector to its centre.
      radius: its angular radius in radians, 0 (a point) to pi / 2 (half the sphere).

    Returns:
      `[9]`. The three bands of a point give a facing surface 1.0625 rather than 1.
    """
    c = np.cos(radius)
    zonal = np.repeat([1, (1 + c) / 2, c * (1 + c) / 2], [1, 3, 5])
    # A facing cap gives shading = radiance sin² r. Its total radiance is then
    # 2 pi radiance (1 - cos r) = 2 pi shading / (1 + cos r).
    return 2 * np.pi / (1 + c) * zonal * basis(direction)


@functools.lru_cache(maxsize=1)
def samples() -> tuple[np.ndarray, np.ndarray]:
    """Nine directions `[9, 3]`, and the matrix `[9, 9]` from radiance in them to harmonics.

    A seeded search chooses the directions with the best-conditioned basis.
    """
    rng = np.random.default_rng(0)
    candidates = rng.normal(size=(2000, 9, 3))
    candidates /= np.linalg.norm(candidates, axis=-1, keepdims=True)
    directions = candidates[np.argmin(np.linalg.cond(basis(candidates)))].astype(np.float32)
    inverse = np.linalg.inv(basis(directions.astype(np.float64))).astype(np.float32)
    return directions, inverse


def rotate(light: ArrayLike, rotation: ArrayLike) -> np.ndarray:
    """Rotates a light together with its environment.

    The rotated radiance is L'(d) = L(R^T d). It is of second order again, so its values in nine
    directions determine it, and no Wigner matrices are needed.

    Args:
      light: `[..., 9, 3]`.
      rotation: `[3, 3]` orthogonal matrix R; a mirror image is allowed.

    Returns:
      `[..., 9, 3]` float32. `shade(R n, rotate(light, R)) == shade(n, light)`.
    """
    directions, inverse = samples()
    # Rows are (R^T d)^T = d^T R.
    turned = basis(directions @ np.asarray(rotation, np.float32))
    return inverse @ (turned @ np.asarray(light, np.float32))
