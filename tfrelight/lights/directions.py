"""Directions of lights, in the convention of Extended Yale B.

Azimuth is positive towards the left of the image, elevation towards its top, both in degrees;
(0, 0) is at the camera.
"""

from __future__ import annotations

import numpy as np

__all__ = ["angles", "direction", "direction_vector", "rotation_matrix"]


def direction_vector(azimuth, elevation) -> np.ndarray:
    """Unit vector towards a light, L = (-cos E sin A, sin E, cos E cos A).

    Args:
      azimuth: degrees, positive to the left of the image; a number or an array `[...]`.
      elevation: degrees, positive to the top of the image; the same shape.

    Returns:
      `[..., 3]`.
    """
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.stack([-np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)], -1)


def direction(light) -> np.ndarray:
    """Unit vector towards the dominant direction of a light.

    The first-order coefficients, averaged over channels, are proportional to the radiance-weighted
    mean direction.

    Args:
      light: `[..., 9, 3]`.

    Returns:
      `[..., 3]` float32; (0, 0, 1), the camera, for a light without a direction.
    """
    first = np.asarray(light, np.float32)[..., 1:4, :].mean(axis=-1)
    vector = first[..., [2, 0, 1]]
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    # 1e-6: a coefficient of a light one sees is 0.01 and more.
    return np.where(length > 1e-6, vector / np.maximum(length, 1e-6), np.float32([0, 0, 1]))


def rotation_matrix(azimuth=0.0, elevation=0.0, roll=0.0) -> np.ndarray:
    """The rotation `[3, 3]` that takes a light at the camera to (azimuth, elevation).

    Args:
      azimuth: degrees about the vertical, positive to the left of the image; done last.
      elevation: degrees about the image's horizontal, positive to its top.
      roll: degrees about the line to the camera, positive from the right of the image to its top;
        done first.
    """
    a, e, r = np.radians([azimuth, elevation, roll])
    about_y = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(e), np.sin(e)], [0, -np.sin(e), np.cos(e)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


def angles(vector):
    """Azimuth and elevation in degrees of a unit vector `[3]`."""
    x, y, z = np.asarray(vector, float)
    return float(np.degrees(np.arctan2(-x, z))), float(np.degrees(np.arcsin(np.clip(y, -1, 1))))
