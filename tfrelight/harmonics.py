"""Second-order spherical harmonics in numpy, for what must start without TensorFlow.

`tfrelight.shading` has the same for training and serving graphs, in TensorFlow; tests hold the two
equal. Frame: x right in the image, y up, z to the camera. Light: `[9, 3]`, real spherical harmonics
of the incoming radiance, linear RGB, order (l, m) = (0,0), (1,-1), (1,0), (1,1), (2,-2) ... (2,2),
that is 1, y, z, x, xy, yz, 3z²-1, xz, x²-y², orthonormal, without the Condon-Shortley sign.
"""

from __future__ import annotations

import functools

import numpy as np

__all__ = ["ATTENUATION", "basis", "disc", "rotate", "samples", "shade"]

# Cosine lobe over pi a band: A_l / pi of Ramamoorthi and Hanrahan, "An Efficient Representation for
# Irradiance Environment Maps", 2001, eq. 19.
ATTENUATION = np.float32([1] + [2 / 3] * 3 + [1 / 4] * 5)


def basis(directions) -> np.ndarray:
    """The nine harmonics at unit vectors, `[..., 3]` to `[..., 9]`, of the same float type."""
    x, y, z = np.moveaxis(np.asarray(directions), -1, 0)
    first, second = np.sqrt(3 / (4 * np.pi)), np.sqrt(15 / (4 * np.pi))
    return np.stack(
        [
            np.full_like(x, np.sqrt(1 / (4 * np.pi)), dtype=np.result_type(x.dtype, np.float16)),
            first * y,
            first * z,
            first * x,
            second * x * y,
            second * y * z,
            np.sqrt(5 / (16 * np.pi)) * (3 * z * z - 1),
            second * x * z,
            second / 2 * (x * x - y * y),
        ],
        -1,
    )


def shade(normals, light) -> np.ndarray:
    """Shading of surfaces under a light: irradiance over pi.

    Args:
      normals: `[..., 3]` unit vectors.
      light: `[9, 3]`.

    Returns:
      `[..., 3]` linear RGB. A second-order light can ring below zero.
    """
    return basis(normals) @ (ATTENUATION[:, None] * np.asarray(light))


def disc(direction, radius=0.0) -> np.ndarray:
    """A distant disc of even radiance that gives a surface which faces it a shading of 1.

    The projection of its radiance is that of a delta times zonal factors: integrating Legendre
    polynomials over a cap of half angle r gives, relative to its centre, (1 + cos r) / 2 for l = 1
    and cos r (1 + cos r) / 2 for l = 2.

    Args:
      direction: `[3]` unit vector to its middle.
      radius: its angular radius in radians, 0 (a point) to pi / 2 (half the sphere).

    Returns:
      `[9]`. Three bands of a point give 1.0625 where the surface faces it, not 1.
    """
    c = np.cos(radius)
    zonal = np.repeat([1, (1 + c) / 2, c * (1 + c) / 2], [1, 3, 5])
    # A disc that faces the surface gives it shading radiance sin² r; its total radiance is
    # 2 pi radiance (1 - cos r) = 2 pi shading / (1 + cos r).
    return 2 * np.pi / (1 + c) * zonal * basis(direction)


@functools.lru_cache(maxsize=1)
def samples():
    """Nine directions `[9, 3]`, and the matrix `[9, 9]` from radiance in them to harmonics.

    The directions come from a seeded search for those that determine the harmonics best.
    """
    rng = np.random.default_rng(0)
    candidates = rng.normal(size=(2000, 9, 3))
    candidates /= np.linalg.norm(candidates, axis=-1, keepdims=True)
    directions = candidates[np.argmin(np.linalg.cond(basis(candidates)))].astype(np.float32)
    inverse = np.linalg.inv(basis(directions.astype(np.float64))).astype(np.float32)
    return directions, inverse


def rotate(light, rotation) -> np.ndarray:
    """Rotates a light as if its environment were turned by `rotation`.

    The rotated radiance is L'(d) = L(R^T d). It is of second order again, so its values at nine
    directions determine it; no Wigner matrices are needed.

    Args:
      light: `[..., 9, 3]`.
      rotation: `[3, 3]`, orthogonal.

    Returns:
      `[..., 9, 3]` float32. `shade(R n, rotate(light, R)) == shade(n, light)`.
    """
    directions, inverse = samples()
    # Rows are (R^T d)^T = d^T R.
    turned = basis(directions @ np.asarray(rotation, np.float32))
    return inverse @ (turned @ np.asarray(light, np.float32))
