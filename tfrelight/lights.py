"""Lights: from a direction, by name, or from other tools' files; and their direction.

Every light is `[9, 3]` float32: spherical harmonics of the incoming radiance, linear RGB, in the
order and frame of `tfrelight.shading`. Azimuth is positive towards the left of the image, elevation
towards its top, both in degrees, (0, 0) at the camera: the convention of Extended Yale B.
"""

import numpy as np

from tfrelight import shading
from tfrelight.errors import InputError

__all__ = [
    "PRESETS",
    "ambient",
    "direction",
    "direction_vector",
    "from_direction",
    "from_dpr",
    "from_sfsnet",
    "preset",
    "to_dpr",
    "to_sfsnet",
]

# Integral of Y_00 over the sphere: a white environment of radiance 1 has this one coefficient.
_WHITE = float(np.sqrt(4.0 * np.pi))

# SfSNet's order 1, z, x, y, 3z²-1, xz, yz, x²-y², xy as indices into ours.
_SFSNET_ORDER = np.array([0, 2, 3, 1, 6, 7, 5, 8, 4])

# DPR's frame is x right, y into the scene, z up: (x, y, z) ours = (X, Z, -Y) DPR.
_DPR_TO_OURS = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]], np.float32)


def direction_vector(azimuth, elevation):
    """Unit vector towards a light, L = (-cos E sin A, sin E, cos E cos A).

    Args:
      azimuth: degrees, positive to the left of the image; a number or an array `[...]`.
      elevation: degrees, positive to the top of the image; the same shape.

    Returns:
      `[..., 3]` float32.
    """
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.stack([-np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)], -1).astype(
        np.float32
    )


def ambient(intensity=1.0, color=(1.0, 1.0, 1.0)):
    """The same light from everywhere, `[9, 3]`: shading is `intensity * color` on every normal."""
    light = np.zeros((9, 3), np.float32)
    light[0] = _WHITE * intensity * np.asarray(color, np.float32)
    return light


def from_direction(azimuth, elevation, intensity=1.0, ambient=0.0, color=(1.0, 1.0, 1.0)):
    """A distant lamp, and the same light from everywhere added to it.

    The lamp is a delta of radiance, projected on the harmonics: L_lm = pi I Y_lm(d). A matte
    surface that faces it would have shading I under the true lamp; the second-order light gives it
    1.06 I, because the projection keeps three bands only.

    Args:
      azimuth: degrees, positive to the left of the image.
      elevation: degrees, positive to the top of the image.
      intensity: shading that the lamp gives a surface that faces it, at least 0.
      ambient: shading that the light from everywhere adds, at least 0.
      color: linear RGB, multiplies both.

    Returns:
      `[9, 3]` float32.

    Raises:
      InputError: a number is not finite, or an intensity is negative.
    """
    numbers = [azimuth, elevation, intensity, ambient, *color]
    if not np.all(np.isfinite(numbers)) or intensity < 0 or ambient < 0:
        raise InputError(
            "Invalid light. Expected finite numbers, `intensity` and `ambient` at least 0. "
            f"Received: azimuth={azimuth}, elevation={elevation}, intensity={intensity}, "
            f"ambient={ambient}, color={tuple(color)}."
        )
    harmonics = np.pi * intensity * shading.basis_numpy(direction_vector(azimuth, elevation))
    harmonics[0] += _WHITE * ambient
    return (harmonics[:, None] * np.asarray(color, np.float32)).astype(np.float32)


def direction(light):
    """Unit vector towards the dominant direction of a light.

    The first-order coefficients, averaged over channels, are proportional to the radiance-weighted
    mean direction.

    Args:
      light: `[..., 9, 3]`.

    Returns:
      `[..., 3]`; (0, 0, 1), the camera, for a light without a direction.
    """
    first = np.asarray(light, np.float32)[..., 1:4, :].mean(axis=-1)
    vector = first[..., [2, 0, 1]]
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    # 1e-6: a coefficient of a light one sees is 0.01 and more.
    return np.where(length > 1e-6, vector / np.maximum(length, 1e-6), np.float32([0, 0, 1]))


def from_sfsnet(numbers):
    """SfSNet's 27 numbers (planar R, G, B; pi folded into the attenuation) as our light.

    Their shading multiplies values as stored in the files (sRGB-encoded), ours linear ones: the
    direction carries over, contrast does not.

    Raises:
      InputError: not 27 finite numbers.
    """
    numbers = _numbers(numbers, 27, "SfSNet")
    light = np.zeros((9, 3), np.float32)
    light[_SFSNET_ORDER] = np.pi * numbers.reshape(3, 9).T
    return light


def to_sfsnet(light):
    """Our light `[9, 3]` as SfSNet's 27 numbers."""
    return (np.asarray(light, np.float32)[_SFSNET_ORDER] / np.pi).T.reshape(27)


def from_dpr(numbers):
    """DPR's nine numbers (x right, y into the scene, z up; pi folded in) as our light, grey.

    Raises:
      InputError: not 9 finite numbers.
    """
    numbers = np.repeat(np.pi * _numbers(numbers, 9, "DPR")[:, None], 3, axis=1)
    return shading.rotate(numbers, _DPR_TO_OURS).numpy()


def to_dpr(light):
    """Our light `[9, 3]`, channels averaged, as DPR's nine numbers."""
    return shading.rotate(light, _DPR_TO_OURS.T).numpy().mean(axis=-1) / np.float32(np.pi)


def _numbers(numbers, count, kind):
    array = np.asarray(numbers, np.float32).reshape(-1)
    if array.size != count or not np.all(np.isfinite(array)):
        raise InputError(
            f"Invalid {kind} light. Expected {count} finite numbers. Received: {array.size} numbers"
            f"{'' if np.all(np.isfinite(array)) else ', not all finite'}."
        )
    return array


# What `from_direction` makes each of: azimuth, elevation, intensity, ambient, linear RGB.
PRESETS = {
    "front": dict(azimuth=0, elevation=10, intensity=0.8, ambient=0.2),
    "left": dict(azimuth=60, elevation=15, intensity=1.0, ambient=0.12),
    "right": dict(azimuth=-60, elevation=15, intensity=1.0, ambient=0.12),
    "top": dict(azimuth=0, elevation=65, intensity=1.0, ambient=0.15),
    "under": dict(azimuth=0, elevation=-55, intensity=0.9, ambient=0.12),
    "rembrandt": dict(azimuth=45, elevation=40, intensity=1.1, ambient=0.1),
    "sunset": dict(azimuth=-55, elevation=8, intensity=1.0, ambient=0.15, color=(1.0, 0.62, 0.35)),
    "overcast": dict(azimuth=0, elevation=70, intensity=0.35, ambient=0.6, color=(0.95, 0.98, 1.0)),
}


def preset(name):
    """A light by name, `[9, 3]`.

    Raises:
      InputError: no such name; the message lists those there are.
    """
    if name not in PRESETS:
        raise InputError(f"Unknown light {name!r}. Expected one of: {', '.join(PRESETS)}.")
    return from_direction(**PRESETS[name])
