"""Calibrated photometric stereo: normals and albedo from photos under known directional lights.

A matte (Lambertian) surface with normal `n` and albedo `a` lit by a distant source of unit direction `d` and
intensity `s` has the linear brightness `s * a * max(0, n . d)` (Woodham 1980, "Photometric method for determining
surface orientation from multiple images"). Photos of real faces also hold cast shadows, highlights and saturated
pixels; these are left out by rank and by value, and what slips through is held down by an L1 fit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfrelight.errors import InputError

__all__ = ["DROP_DARKEST", "MINIMUM", "MAXIMUM", "PhotometricStereo", "solve"]

DROP_DARKEST = 0.35  # share of a pixel's photos taken to be in shadow; found to give clean normals on Extended Yale B
MINIMUM = 0.04  # below: shadow, or too near the sensor's noise floor (10 of 255)
MAXIMUM = 0.97  # above: saturated (248 of 255)

_MIN_LIGHTS, _MAX_LIGHTS = 3, 64
# Smallest eigenvalue of the mean of d d^T over the lights left at a pixel. Below it they lie close to one plane
# through the surface point, and the normal's component across that plane is noise. Three lights 25 degrees off a
# common axis, the narrowest rig in use, have 0.09.
_MIN_SPREAD = 1e-3
_MIN_RESIDUAL = 1e-3  # a quarter of an 8-bit step: below it an L1 weight 1/|residual| only amplifies rounding
_ITERATIONS = 20
_INTENSITY_ROUNDS = 5
_BLOCK = 1 << 15  # pixels solved at once: 64 lights x 32,768 x 4 bytes = 8 MiB an array


class PhotometricStereo(NamedTuple):
    """What `solve` returns.

    Attributes:
      normals: `[H, W, 3]` float32 unit vectors; (0, 0, 1) where not valid.
      albedo: `[H, W]` float32 linear, at least 0, in units of the photos' brightness per light intensity; 0 where
        not valid.
      valid: `[H, W]` bool, where the fit is determined and its normal faces the camera.
      intensity: `[K]` float32, each light's intensity: 1, or the estimate (median 1).
    """

    normals: np.ndarray
    albedo: np.ndarray
    valid: np.ndarray
    intensity: np.ndarray


def solve(images, directions, estimate_intensity: bool = False) -> PhotometricStereo:
    """Fits a normal and an albedo to every pixel.

    For each pixel the darkest 35 % of its photos are dropped, and every value below 0.04 or above 0.97; at least
    three photos stay where so many are bright enough. What is left is fitted in the L1 sense by iteratively
    reweighted least squares.

    Args:
      images: `[K, H, W]` linear brightness in [0, 1], pixel-aligned, 3 <= K <= 64.
      directions: `[K, 3]` towards each light (x right, y up, z to the camera), of any length above 0.
      estimate_intensity: fit one intensity a light as well, in turns with the surface. With directions known and
        not all in one plane this leaves no ambiguity but a common factor, which is fixed by a median of 1. For
        uncalibrated flashes; it needs some tens of lights to say more than it guesses.

    Returns:
      A `PhotometricStereo`.

    Raises:
      InputError: for shapes that do not fit, fewer than 3 or more than 64 lights, values that are not finite, or
        lights that lie in one plane.
    """
    images, directions = _checked(images, directions)
    count, height, width = images.shape
    values = images.reshape(count, -1)
    used = _usable(values)
    intensity = np.ones(count, np.float32)
    vectors, determined = _fit(values, used, directions)
    if estimate_intensity:
        for _ in range(_INTENSITY_ROUNDS):
            intensity = _intensities(values, used, directions, vectors, determined)
            vectors, determined = _fit(values, used, directions * intensity[:, None])

    albedo = np.linalg.norm(vectors, axis=-1)
    valid = determined & (albedo > 0) & (vectors[:, 2] > 0)
    normals = np.where(valid[:, None], vectors / np.maximum(albedo, 1e-12)[:, None], [0.0, 0.0, 1.0])
    return PhotometricStereo(
        normals.astype(np.float32).reshape(height, width, 3),
        np.where(valid, albedo, 0).astype(np.float32).reshape(height, width),
        valid.reshape(height, width),
        intensity,
    )


def _checked(images, directions):
    images = np.asarray(images, np.float32)
    directions = np.asarray(directions, np.float32)
    if images.ndim != 3 or directions.shape != (len(images), 3):
        raise InputError(
            "Photometric stereo needs images [K, H, W] and directions [K, 3]. "
            f"Received: images {list(images.shape)}, directions {list(directions.shape)}."
        )
    if not _MIN_LIGHTS <= len(images) <= _MAX_LIGHTS:
        raise InputError(
            f"Photometric stereo needs {_MIN_LIGHTS} to {_MAX_LIGHTS} lights. Received: {len(images)}."
        )
    if not (np.isfinite(images).all() and np.isfinite(directions).all()):
        raise InputError("Photometric stereo needs finite images and directions. Received NaN or infinity.")
    length = np.linalg.norm(directions, axis=-1, keepdims=True)
    if (length == 0).any():
        raise InputError("Photometric stereo needs directions of a length above 0. Received: (0, 0, 0).")
    directions = directions / length
    if np.linalg.eigvalsh(directions.T @ directions / len(directions))[0] < _MIN_SPREAD:
        raise InputError("Photometric stereo needs lights that do not all lie in one plane. Move one light.")
    return images, directions


def _usable(values):
    """`[K, P]` bool: bright enough, not saturated, and not among the pixel's darkest."""
    count = len(values)
    dropped = min(int(DROP_DARKEST * count), count - _MIN_LIGHTS)
    rank = np.argsort(np.argsort(values, axis=0, kind="stable"), axis=0, kind="stable")
    return (rank >= dropped) & (values >= MINIMUM) & (values <= MAXIMUM)


def _fit(values, used, lights):
    """L1 fit of `lights @ b = values` for every pixel: b `[P, 3]` and where it is determined `[P]`."""
    outer = (lights[:, :, None] * lights[:, None, :]).reshape(len(lights), 9)
    spread = outer / np.sum(lights**2, axis=-1, keepdims=True)
    vectors = np.zeros((values.shape[1], 3), np.float32)
    determined = np.zeros(values.shape[1], bool)
    for start in range(0, values.shape[1], _BLOCK):
        block = slice(start, start + _BLOCK)
        mask = used[:, block].T.astype(np.float32)
        number = mask.sum(axis=1)
        smallest = np.linalg.eigvalsh((mask @ spread).reshape(-1, 3, 3))[:, 0]
        good = (number >= _MIN_LIGHTS) & (smallest > _MIN_SPREAD * number)
        determined[block] = good
        vectors[block][good] = _reweighted(values[:, block].T[good], mask[good], lights, outer)
    return vectors, determined


def _reweighted(values, mask, lights, outer):
    """Iteratively reweighted least squares, weights 1 / |residual|: `[P, K]` values to `[P, 3]`."""
    weights = mask
    for _ in range(_ITERATIONS):
        gram = (weights @ outer).reshape(-1, 3, 3).astype(np.float64)
        moment = ((weights * values) @ lights).astype(np.float64)
        vectors = np.linalg.solve(gram, moment[..., None])[..., 0].astype(np.float32)
        residual = np.abs(values - vectors @ lights.T)
        weights = mask / np.maximum(residual, _MIN_RESIDUAL)
        # Only the ratio of the weights matters; this keeps the 3x3 systems in one range of magnitude.
        weights /= weights.sum(axis=1, keepdims=True)
    return vectors


def _intensities(values, used, directions, vectors, determined):
    """Each light's median ratio of measured to predicted brightness, over the pixels that used it."""
    predicted = directions @ vectors.T
    intensity = np.ones(len(directions), np.float32)
    for light, pixels in enumerate(used & determined & (predicted > MINIMUM / 2)):
        if pixels.any():
            intensity[light] = np.median(values[light, pixels] / predicted[light, pixels])
    return intensity / np.median(intensity)
