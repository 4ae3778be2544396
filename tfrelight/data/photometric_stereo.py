"""Calibrated photometric stereo: normals and albedo from photos under known directional lights.

A matte (Lambertian) surface with normal `n` and albedo `a`, lit by a distant lamp of unit direction
`d` and intensity `s`, has the linear brightness `s * a * max(0, n . d)` (Woodham, "Photometric
method for determining surface orientation from multiple images", 1980). Photos of real faces also
hold cast shadows, highlights and saturated pixels; these are left out by rank and by value, and
what slips through is held down by an L1 fit. Four lights leave too little residual for that; there
the photo that does not agree with the others is told by the sign of the disagreement (the idea of
Coleman and Jain, "Obtaining 3-dimensional shape of textured and specular surfaces using four-source
photometry", 1982).
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
# Four photos of a matte surface fulfil one linear equation. Where it is off by more than the first
# share of its terms (8-bit rounding stays below), a photo is left out: as a shadow if it is below
# the second share of the pixel's second brightest, else as a highlight. Of 0.3, 0.5 and 0.7 that
# is the best on twelve rendered heads, matte and glossy, in rings of 18 and 30 degrees.
_FOUR_LIGHTS_TOLERANCE, _FOUR_LIGHTS_SHADOW = 0.01, 0.7
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
      albedo: `[H, W]`, of colour photos `[H, W, 3]`, float32 linear, at least 0: brightness of the
        surface when it faces a light of intensity 1; 0 where not valid.
      valid: `[H, W]` bool: the fit is determined and its normal faces the camera.
      intensity: `[K]` float32, of each light: 1, or the estimate, whose median is 1.
    """

    normals: np.ndarray
    albedo: np.ndarray
    valid: np.ndarray
    intensity: np.ndarray


def solve(images, directions, estimate_intensity: bool = False) -> PhotometricStereo:
    """Fits a normal and an albedo to every pixel.

    At each pixel the darkest 35 % of its photos are dropped (three at least stay; of four photos
    the one that does not agree with the others, if any), and every value below 0.04 or above 0.97.
    What is left is fitted in the L1 sense by iteratively reweighted least squares. A pixel is valid
    where three photos and an eighth of all are left, from directions that span space.

    Args:
      images: `[K, H, W]` linear brightness in [0, 1], or `[K, H, W, 3]` linear RGB, pixel-aligned,
        3 <= K <= 64. Of colour, normals are fitted to the mean of the channels.
      directions: `[K, 3]` towards the lights (x right, y up, z to the camera), of any length but 0.
      estimate_intensity: tell each light's intensity too, for lamps that were not calibrated. It
        takes tens of lights to tell a weak lamp from a shadow, so few ones stay close to 1.

    Raises:
      InputError: shapes that do not fit, fewer than 3 or more than 64 lights, values that are not
        finite, or lights that lie in one plane.
    """
    images, directions = _checked(images, directions)
    count, height, width = images.shape[:3]
    channels = images.reshape(count, height * width, -1)
    values = channels.mean(axis=-1)
    used = _usable(values, directions) & (channels.max(axis=-1) <= MAXIMUM)
    determined = _determined(used, directions)
    intensity = np.ones(count, np.float32)
    if estimate_intensity:
        intensity = _intensities(values, used, directions)
    lights = directions * intensity[:, None]
    vectors = np.zeros((values.shape[1], 3), np.float32)
    albedo = np.zeros(channels.shape[1:], np.float32)
    for block in np.array_split(np.flatnonzero(determined), -(-values.shape[1] // _BLOCK)):
        vectors[block], weights = _fit(values[:, block].T, used[:, block].T, lights)
        albedo[block] = _albedo(channels[:, block], weights, lights, vectors[block])
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    valid = (length[:, 0] > 0) & (vectors[:, 2] > 0)
    normals = np.zeros_like(vectors) + np.float32([0, 0, 1])
    normals[valid] = vectors[valid] / length[valid]
    albedo[~valid] = 0
    return PhotometricStereo(
        normals.reshape(height, width, 3),
        albedo.reshape(images.shape[1:]),
        valid.reshape(height, width),
        intensity,
    )


def _checked(images, directions):
    images = np.asarray(images, np.float32)
    directions = np.asarray(directions, np.float32)
    if images.ndim not in (3, 4) or images.shape[3:] not in ((), (3,)):
        raise InputError(
            "Invalid photos. Expected images [K, H, W] or [K, H, W, 3]. "
            f"Received: {list(images.shape)}."
        )
    if directions.shape != (len(images), 3):
        raise InputError(
            f"Invalid lights. Expected directions [K, 3] for images {list(images.shape)}. "
            f"Received: {list(directions.shape)}."
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


def _usable(values, directions):
    """`[K, P]` bool: not among the pixel's darkest, not black, not saturated; of four, in line."""
    count = len(values)
    inside = (values >= MINIMUM) & (values <= MAXIMUM)
    if count == 4:
        # Three that are left fit exactly: a fourth that is black or saturated was the odd one.
        return inside & (_agree(values, directions) | ~inside.all(axis=0))
    dropped = min(int(DROP_DARKEST * count), count - _MIN_LIGHTS)
    return inside & (values >= np.partition(values, dropped, axis=0)[dropped])


def _agree(values, directions):
    """`[4, P]` bool: False for the one photo of a pixel that does not agree with the other three.

    The four brightnesses of a matte surface are `directions @ b`, so `w . I = 0` for the vector w
    orthogonal to the directions' columns. Off zero, either a photo with w of the same sign is too
    bright or one of the other sign too dark.
    """
    w = np.linalg.svd(directions.T)[2][-1]
    terms = w[:, None] * values
    surplus = terms.sum(axis=0)
    too_dark = w[:, None] * surplus < 0
    darkest = np.where(too_dark, values, np.inf)
    brightest = np.where(too_dark, -np.inf, values)
    second = np.partition(values, 2, axis=0)[2]
    in_shadow = darkest.min(axis=0) < _FOUR_LIGHTS_SHADOW * second
    odd = np.where(in_shadow, darkest.argmin(axis=0), brightest.argmax(axis=0))
    off = np.abs(surplus) > _FOUR_LIGHTS_TOLERANCE * np.abs(terms).sum(axis=0)
    return ~(off & (np.arange(4)[:, None] == odd))


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
    """L1 fit of `lights @ b = values` by iteratively reweighted least squares: b `[P, 3]`.

    Also returns the weights `[P, K]` of the photos in the end.
    """
    weights = used.astype(np.float32)
    for _ in range(_ITERATIONS):
        vectors = _least_squares(values, weights, lights)
        weights = _l1_weights(values, used, lights, vectors)
    return vectors, weights


def _albedo(channels, weights, lights, vectors):
    """Albedo `[P, C]` from brightness `[K, P, C]`, given the normals: weighted least squares."""
    normals = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    shading = np.maximum(normals @ lights.T, 0)
    moment = np.einsum("pk,kpc->pc", weights * shading, channels)
    return moment / np.maximum((weights * shading**2).sum(axis=1), 1e-9)[:, None]


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
