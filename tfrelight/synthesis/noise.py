"""Smooth random fields in space, fast at scattered points, and random numbers for grids."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

__all__ = ["cell", "field", "gradient"]

# Side of the periodic noise volume, voxels.
_SIDE = 48
# Voxels per wavelength: enough for linear interpolation to look smooth.
_WAVELENGTH = 4.0


@functools.lru_cache(maxsize=1)
def _volumes():
    """A cube of band-limited noise of unit variance, and its gradient per wavelength."""
    rng = np.random.default_rng(20230)
    frequency = np.fft.fftfreq(_SIDE)
    radius = np.sqrt(sum(f**2 for f in np.meshgrid(frequency, frequency, frequency)))
    band = np.exp(-0.5 * ((radius - 1 / _WAVELENGTH) / (0.3 / _WAVELENGTH)) ** 2)
    spectrum = np.fft.fftn(rng.normal(size=(_SIDE,) * 3)) * band
    volume = np.fft.ifftn(spectrum).real
    deviation = volume.std()
    volume = np.pad(volume / deviation, (0, 1), mode="wrap")
    wrapped = np.pad(volume[:-1, :-1, :-1], 1, mode="wrap")
    slopes = []
    for axis in range(3):
        ahead = np.take(wrapped, range(2, _SIDE + 2), axis)
        behind = np.take(wrapped, range(_SIDE), axis)
        others = tuple(slice(None) if k == axis else slice(1, -1) for k in range(3))
        slope = (ahead - behind)[others] / 2 * _WAVELENGTH
        slopes.append(np.pad(slope, (0, 1), mode="wrap").astype(np.float32))
    return volume.astype(np.float32), slopes


def cell(column: np.ndarray, row: np.ndarray | float = 0, shift: float = 0) -> np.ndarray:
    """A random number in [0, 1) for each cell of a plane grid; `shift` gives other ones.

    The fractional part of a large multiple of a sine, as shaders have it. Rows and columns are
    whole numbers and broadcast.
    """
    return np.sin(column * 12.9898 + row * 78.233 + shift) * 43758.5453 % 1


def _grid(points, wavelength, seed):
    shift = np.random.default_rng(seed).random(3) * _SIDE
    grid = points / np.asarray(wavelength, np.float32) * _WAVELENGTH + shift.astype(np.float32)
    return np.mod(grid, _SIDE).T


def field(points: np.ndarray, wavelength: float | Sequence[float], seed: int) -> np.ndarray:
    """Noise of zero mean and unit variance.

    Args:
      points: `[N, 3]` float32.
      wavelength: of the noise, in the unit of the points; one number, or one for each axis.
      seed: of the field.

    Returns:
      `[N]` float32.
    """
    return ndimage.map_coordinates(_volumes()[0], _grid(points, wavelength, seed), order=1)


def gradient(
    points: np.ndarray, wavelength: float | Sequence[float], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """`field` `[N]` and its gradient `[N, 3]`, per unit of the points."""
    grid = _grid(points, wavelength, seed)
    volume, slopes = _volumes()
    value = ndimage.map_coordinates(volume, grid, order=1)
    slope = np.stack([ndimage.map_coordinates(s, grid, order=1) for s in slopes], -1)
    return value, slope / np.asarray(wavelength, np.float32)
