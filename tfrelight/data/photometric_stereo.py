"""Calibrated photometric stereo: normals and albedo from photos under known directional lights.

A matte (Lambertian) surface with normal `n` and albedo `a`, lit by a distant lamp of unit direction
`d` and intensity `s`, has the linear brightness `s * a * max(0, n . d)` (Woodham, "Photometric
method for determining surface orientation from multiple images", 1980). Photos of real faces also
hold cast shadows, highlights and saturated pixels; these are left out by rank and by value, and
what slips through is held down by an L1 fit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfrelight.errors import InputError

__all__ = ["DROP_DARKEST", "MAXIMUM", "MINIMUM", "PhotometricStereo", "solve"]

# Share of a pixel's photos taken to be in shadow. This and the two bounds give clean normals on
# Extended Yale B.
DROP_DARKEST = 0.35
MINIMUM = 0.04  # below, 10 of 255: shadow, or too near the noise
MAXIMUM = 0.97  # above, 247 of 255: saturated

_MIN_LIGHTS, _MAX_LIGHTS = 3, 64
# Share of the photos that must be left at a pixel. Fewer of many are highlights on something dark,
# such as pupils and hair.
_MIN_SHARE = 1 / 8
# Smallest eigenvalue of the mean of d d^T over the lights left at a pixel. Below it they lie close
# to one plane, and the normal across that plane is noise. Three lights around an axis, each 5
# degrees off it, have 0.004.
_MIN_SPREAD = 1e-3
# A quarter of an 8-bit step: below it an L1 weight 1 / |residual| only amplifies rounding.
_MIN_RESIDUAL = 1e-3
_ITERATIONS = 20
# Intensities are told on so many pixels, for lights that this share of the pixels uses, with so
# strong a pull towards equal ones. The pull was chosen on six training people of Extended Yale B
# (01, 05, 10, 16, 22, 27; from 0.001 to 0.01 little changes): it makes normals from one half of the
# lights agree best with those from the other half. Without it a slow gradient of intensity over
# direction passes for a tilt of the whole face.
_INTENSITY_PIXELS, _MIN_SEEN, _RIDGE = 4096, 0.02, 3e-3
_BLOCK = 1 << 15  # pixels solved at once: 64 lights x 32,768 x 4 bytes = 8 MiB an array


class PhotometricStereo(NamedTuple):
    """What `solve` returns.

    Attributes:
      normals: `[H, W, 3]` float32 unit vectors; (0, 0, 1) where not valid.
      albedo: `[H, W]` float32 linear, at least 0: brightness of the surface when it faces a light
        of intensity 1; 0 where not valid.
      valid: `[H, W]` bool: the fit is determined and its normal faces the camera.
      intensity: `[K]` float32, of each light: 1, or the estimate, whose median is 1.
    """

    normals: np.ndarray
    albedo: np.ndarray
    valid: np.ndarray
    intensity: np.ndarray


def solve(images, directions, estimate_intensity: bool = False) -> PhotometricStereo:
    """Fits a normal and an albedo to every pixel.

    At each pixel the darkest 35 % of its photos are dropped (three at least stay), and every value
    below 0.04 or above 0.97. What is left is fitted in the L1 sense by iteratively reweighted least
    squares. A pixel is valid where three photos and an eighth of all are left, from directions that
    span space.

    Args:
      images: `[K, H, W]` linear brightness in [0, 1], pixel-aligned, 3 <= K <= 64.
      directions: `[K, 3]` towards the lights (x right, y up, z to the camera), of any length but 0.
      estimate_intensity: tell each light's intensity too, for lamps that were not calibrated. It
        takes tens of lights to tell a weak lamp from a shadow, so few ones stay close to 1.

    Raises:
      InputError: shapes that do not fit, fewer than 3 or more than 64 lights, values that are not
        finite, or lights that lie in one plane.
    """
    images, directions = _checked(images, directions)
    count, height, width = images.shape
    values = images.reshape(count, -1)
    used = _usable(values)
    determined = _determined(used, directions)
    intensity = np.ones(count, np.float32)
    if estimate_intensity:
        intensity = _intensities(values, used, directions)
    lights = directions * intensity[:, None]
    vectors = np.zeros((values.shape[1], 3), np.float32)
    for block in np.array_split(np.flatnonzero(determined), -(-values.shape[1] // _BLOCK)):
        vectors[block] = _fit(values[:, block].T, used[:, block].T, lights)
    albedo = np.linalg.norm(vectors, axis=-1)
    valid = (albedo > 0) & (vectors[:, 2] > 0)
    normals = np.zeros_like(vectors) + np.float32([0, 0, 1])
    normals[valid] = vectors[valid] / albedo[valid, None]
    return PhotometricStereo(
        normals.reshape(height, width, 3),
        np.where(valid, albedo, 0).reshape(height, width),
        valid.reshape(height, width),
        intensity,
    )


def _checked(images, directions):
    images = np.asarray(images, np.float32)
    directions = np.asarray(directions, np.float32)
    if images.ndim != 3 or directions.shape != (len(images), 3):
        raise InputError(
            "Invalid photos. Expected images [K, H, W] and directions [K, 3]. "
            f"Received: {list(images.shape)} and {list(directions.shape)}."
        )
    if not _MIN_LIGHTS <= len(images) <= _MAX_LIGHTS:
        raise InputError(
            f"Expected {_MIN_LIGHTS} to {_MAX_LIGHTS} lights. Received: {len(images)}."
        )
    if not (np.isfinite(images).all() and np.isfinite(directions).all()):
        raise InputError("Expected finite images and directions. Received: NaN or infinity.")
    length = np.linalg.norm(directions, axis=-1, keepdims=True)
    if not length.all():
        raise InputError("Expected directions of a length above 0. Received: (0, 0, 0).")
    directions = directions / length
    if np.linalg.eigvalsh(directions.T @ directions)[0] < _MIN_SPREAD * len(directions):
        raise InputError("Expected lights that span space. Received: lights all in one plane.")
    return images, directions


def _usable(values):
    """`[K, P]` bool: not among the pixel's darkest, not black, not saturated."""
    dropped = min(int(DROP_DARKEST * len(values)), len(values) - _MIN_LIGHTS)
    darkest_kept = np.partition(values, dropped, axis=0)[dropped]
    return (values >= np.maximum(darkest_kept, MINIMUM)) & (values <= MAXIMUM)


def _determined(used, directions):
    """`[P]` bool: enough photos are left at the pixel, from directions that span space."""
    number = used.sum(axis=0)
    gram = _gram(used.T.astype(np.float32), directions)
    spans = np.linalg.eigvalsh(gram)[:, 0] > _MIN_SPREAD * number
    return spans & (number >= max(_MIN_LIGHTS, _MIN_SHARE * len(directions)))


def _gram(weights, lights):
    """`[P, 3, 3]` float64: sum over the lights of weights `[P, K]` x light light^T."""
    outer = (lights[:, :, None] * lights[:, None, :]).reshape(-1, 9)
    return (weights @ outer).reshape(-1, 3, 3).astype(np.float64)


def _least_squares(values, weights, lights):
    """Weighted fit of `lights @ b = values`: values and weights `[P, K]` to b `[P, 3]`."""
    moment = ((weights * values) @ lights).astype(np.float64)
    return np.linalg.solve(_gram(weights, lights), moment[..., None])[..., 0].astype(np.float32)


def _l1_weights(values, used, lights, vectors):
    """Weights `[P, K]` that make the next least-squares fit one of |residual|."""
    return used / np.maximum(np.abs(values - vectors @ lights.T), _MIN_RESIDUAL)


def _fit(values, used, lights):
    """L1 fit of `lights @ b = values` by iteratively reweighted least squares: b `[P, 3]`."""
    weights = used.astype(np.float32)
    for _ in range(_ITERATIONS):
        vectors = _least_squares(values, weights, lights)
        weights = _l1_weights(values, used, lights, vectors)
    return vectors


def _intensities(values, used, directions):
    """Intensities `[K]` of the lights, median 1; 1 for those that hardly a pixel uses.

    With t = 1 / intensity, t_k I_pk = d_k . b_p is linear in t and b together. Least squares with
    every b_p eliminated leaves t^T M t + ridge |t - 1|², which has its minimum at once, where
    fitting t and b in turns creeps. Reweighted for L1 like the surface itself.
    """
    intensity = np.ones(len(directions), np.float32)
    seen = used.mean(axis=1) > _MIN_SEEN
    lights = directions[seen]
    determined = _determined(used[seen], lights)
    if seen.sum() <= _MIN_LIGHTS or not determined.any():
        return intensity
    pixels = np.flatnonzero(determined)
    pixels = pixels[:: -(-len(pixels) // _INTENSITY_PIXELS)]
    values, used = values[seen][:, pixels].T, used[seen][:, pixels].T
    # float64: M is what is left when two sums all but cancel.
    values, weights = values.astype(np.float64), used.astype(np.float64)
    for _ in range(_ITERATIONS):
        # M = sum_p diag(w I²) - (w I d) (sum_k w d d^T)^-1 (w I d)^T.
        root = np.linalg.cholesky(np.linalg.inv(_gram(weights, lights)))
        moments = ((weights * values)[:, :, None] * lights) @ root
        total = (weights * values**2).sum(axis=0)
        matrix = np.diag(total) - np.einsum("pki,pli->kl", moments, moments, optimize=True)
        ridge = _RIDGE * total.mean()
        inverse = np.linalg.solve(matrix / ridge + np.eye(len(matrix)), np.ones(len(matrix)))
        inverse /= np.median(inverse)
        vectors = _least_squares(values * inverse, weights, lights)
        weights = _l1_weights(values * inverse, used, lights, vectors)
    intensity[seen] = 1 / inverse
    return intensity / np.median(intensity)
