"""Directions of lights, in the convention of Extended Yale B.

Azimuth is positive towards the left of the image and elevation towards its top, in degrees; (0, 0)
is the camera.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["angles", "angular_degrees", "direction", "direction_vector", "rotation_matrix"]


def direction_vector(azimuth: ArrayLike, elevation: ArrayLike) -> np.ndarray:
    """Unit vector towards a light, L = (-cos E sin A, sin E, cos E cos A).

    Args:
      azimuth: degrees, positive towards the left of the image; a number or an array `[...]`.
      elevation: degrees, positive towards the top of the image; the same shape.

    Returns:
      `[..., 3]`.
    """
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.stack([-np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)], -1)


def direction(light: ArrayLike) -> np.ndarray:
    """Unit vector towards the dominant direction of a light.

    The first-order coefficients, averaged over channels, are proportional to the radiance-weighted
    mean direction.

    Args:
      light: `[..., 9, 3]`, or a `Light`.

    Returns:
      `[..., 3]` float32; (0, 0, 1), the camera, if the light has no direction.
    """
    first = np.asarray(light, np.float32)[..., 1:4, :].mean(axis=-1)
    vector = first[..., [2, 0, 1]]
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    # 1e-6: a visible light has coefficients of 0.01 and more.
    camera = np.array([0, 0, 1], np.float32)
    return np.where(length > 1e-6, vector / np.maximum(length, 1e-6), camera)


def rotation_matrix(azimuth: float = 0.0, elevation: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """The rotation `[3, 3]` that takes a light at the camera to (azimuth, elevation).

    Roll is applied first, azimuth last.

    Args:
      azimuth: degrees about the vertical axis, positive towards the left of the image.
      elevation: degrees about the horizontal axis, positive towards the top of the image.
      roll: degrees about the optical axis, positive from the right of the image to its top.
    """
    a, e, r = np.radians([azimuth, elevation, roll])
    about_y = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(e), np.sin(e)], [0, -np.sin(e), np.cos(e)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


def angles(vector: ArrayLike) -> tuple[float, float]:
    """Azimuth and elevation of a unit vector `[3]`, degrees."""
    x, y, z = np.asarray(vector, float)
    return float(np.degrees(np.arctan2(-x, z))), float(np.degrees(np.arcsin(np.clip(y, -1, 1))))


def angular_degrees(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """Angles between vectors `[..., 3]` of any length above 0: `[...]` degrees."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    # The arc tangent stays precise for small angles, where the arc cosine loses half its digits.
    sine = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.degrees(np.arctan2(sine, np.sum(a * b, axis=-1)))
