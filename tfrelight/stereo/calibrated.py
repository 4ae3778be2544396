"""Calibrated photometric stereo: normals and albedo from photos under known directional lights.

A matte (Lambertian) surface with normal `n` and albedo `a` under a distant lamp of unit direction
`d` and intensity `s` has the linear brightness `s * a * max(0, n . d)` (Woodham, "Photometric
method for determining surface orientation from multiple images", 1980). Real photos also have cast
shadows, highlights and saturated pixels. Most are excluded by rank and by value, and an L1 fit
limits the effect of the rest. Four lights are too few for that; there the sign of the residual
tells which photo does not agree with the others (after Coleman and Jain, "Obtaining 3-dimensional
shape of textured and specular surfaces using four-source photometry", 1982).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfrelight.errors import InputError

__all__ = ["DROP_DARKEST", "MAXIMUM", "MINIMUM", "PhotometricStereo", "solve"]

# Share of a pixel's photos that count as shadow. This and the two bounds give clean normals on
# Extended Yale B.
DROP_DARKEST = 0.35
MINIMUM = 0.04  # 10 of 255: darker is shadow, or too close to the noise
MAXIMUM = 0.97  # 247 of 255: brighter is saturated

_MIN_LIGHTS, _MAX_LIGHTS = 3, 64
# Smallest share of the photos that must remain at a pixel. If fewer remain of many, they are
# highlights on something dark, such as pupils and hair.
_MIN_SHARE = 1 / 8
# Smallest eigenvalue of the mean of d d^T over the lights that remain at a pixel. Below it they are
# nearly coplanar, and the normal across their plane is noise. Three lights around an axis, each 5
# degrees off it, have 0.004.
_MIN_SPREAD = 1e-3
# Four photos of a matte surface satisfy one linear equation. If its residual exceeds the first
# share of its terms, which 8-bit rounding does not, one photo is excluded: a shadow if it is below
# the second share of the pixel's second brightest value, else a highlight. Of 0.3, 0.5 and 0.7 the
# last is best on twelve rendered heads, matte and glossy, in rings of 18 and 30 degrees.
_FOUR_LIGHTS_TOLERANCE, _FOUR_LIGHTS_SHADOW = 0.01, 0.7
# A quarter of an 8-bit step: below it an L1 weight 1 / |residual| only amplifies rounding.
_MIN_RESIDUAL = 1e-3
_ITERATIONS = 20
# Pixels from which intensities are estimated.
_INTENSITY_PIXELS = 4096
# Smallest share of the pixels that must use a light for an estimate of its intensity.
_MIN_SEEN = 0.02
# Strength of the pull towards equal intensities. Without it a slow gradient of intensity over
# direction is confused with a tilt of the whole face. On six training people of Extended Yale B
# (01, 05, 10, 16, 22, 27) this value makes normals from one half of the lights agree best with
# those from the other half; 0.001 to 0.01 change little.
_RIDGE = 3e-3
_BLOCK = 1 << 15  # pixels solved at once: 64 lights x 32,768 x 4 bytes = 8 MiB an array


class PhotometricStereo(NamedTuple):
    """What `solve` returns.

    Attributes:
      normals: `[H, W, 3]` float32 unit vectors; (0, 0, 1) where not valid.
      albedo: `[H, W]`, or `[H, W, 3]` of colour photos, float32 linear, at least 0: brightness of
        the surface facing a light of intensity 1; 0 where not valid.
      valid: `[H, W]` bool: the fit is determined and its normal faces the camera.
      intensity: `[K]` float32, of each light: 1, or estimates with median 1.
    """

    normals: np.ndarray
    albedo: np.ndarray
    valid: np.ndarray
    intensity: np.ndarray


def solve(
    images: np.ndarray, directions: np.ndarray, estimate_intensity: bool = False
) -> PhotometricStereo:
    """Fits a normal and an albedo to every pixel.

    Each pixel drops its darkest 35 % of photos (but keeps three; of four photos it drops the one
    that does not agree with the others), and all values below 0.04 or above 0.97. Iteratively
    reweighted least squares fit the rest in the L1 norm. A pixel is valid if it keeps three photos
    and an eighth of all, from directions that span space.

    Args:
      images: `[K, H, W]` linear brightness in [0, 1], or `[K, H, W, 3]` linear RGB, pixel-aligned,
        3 <= K <= 64. The normals of colour photos are fitted to the mean of the channels.
      directions: `[K, 3]` vectors to the lights (x right, y up, z to the camera), of any length but
        0.
      estimate_intensity: also estimate each light's intensity, for lamps that are not calibrated.
        Only tens of lights tell a weak lamp from a shadow; with few, estimates stay close to 1.

    Raises:
      InputError: shapes that do not match, fewer than 3 or more than 64 lights, values that are not
        finite, or coplanar lights.
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
    normals = np.zeros_like(vectors) + np.array([0, 0, 1], np.float32)
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
    """`[K, P]` bool: neither black, saturated nor among the pixel's darkest; four photos agree."""
    count = len(values)
    inside = (values >= MINIMUM) & (values <= MAXIMUM)
    if count == 4:
        # If one photo is black or saturated, it is the outlier, and the other three fit exactly.
        return inside & (_agree(values, directions) | ~inside.all(axis=0))
    dropped = min(int(DROP_DARKEST * count), count - _MIN_LIGHTS)
    return inside & (values >= np.partition(values, dropped, axis=0)[dropped])


def _agree(values, directions):
    """`[4, P]` bool: False for the photo of a pixel that does not agree with the other three.

    The brightnesses I of a matte surface are `directions @ b`, so `w . I = 0` for the vector w
    orthogonal to the columns of `directions`. If the sum is not 0, either a photo whose w has the
    same sign is too bright, or one of the opposite sign is too dark.
    """
    w = np.linalg.svd(directions.T)[2][-1]
    terms = w[:, None] * values
    surplus = terms.sum(axis=0)
    too_dark = w[:, None] * surplus < 0
    darkest = np.where(too_dark, values, np.inf)
    brightest = np.where(too_dark, -np.inf, values)
    second = np.partition(values, 2, axis=0)[2]
    in_shadow = darkest.min(axis=0) < _FOUR_LIGHTS_SHADOW * second
    outlier = np.where(in_shadow, darkest.argmin(axis=0), brightest.argmax(axis=0))
    disagree = np.abs(surplus) > _FOUR_LIGHTS_TOLERANCE * np.abs(terms).sum(axis=0)
    return ~(disagree & (np.arange(4)[:, None] == outlier))


def _determined(used, directions):
    """`[P]` bool: enough photos remain at the pixel, from directions that span space."""
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
    """Weights `[P, K]` with which the next least-squares fit minimises |residual|."""
    return used / np.maximum(np.abs(values - vectors @ lights.T), _MIN_RESIDUAL)


def _fit(values, used, lights):
    """L1 fit of `lights @ b = values` by iteratively reweighted least squares.

    Returns:
      b `[P, 3]`, and the final weights `[P, K]` of the photos.
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
    """Intensities `[K]` of the lights, median 1; 1 for a light that hardly any pixel uses.

    With t = 1 / intensity, t_k I_pk = d_k . b_p is linear in t and b together. Eliminating every
    b_p from the least squares leaves t^T M t + ridge |t - 1|², whose minimum has a closed form;
    alternating fits of t and b converge slowly. The L1 reweighting is that of `_fit`.
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
    # float64, because M is the small difference of two large sums.
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
