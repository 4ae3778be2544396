"""Photometric stereo under unknown lights, for photos of one distant lamp each in a dark room.

The brightness of a matte surface, `I_kp = l_k . b_p`, determines lights `l_k` and surface `b_p` up
to a 3x3 matrix A: `(l A^-1) . (A b)` is the same (Hayakawa, "Photometric stereo under a light
source with arbitrary motion", 1994). A network's albedo and normals determine A, because they are
right on the whole even where single pixels are wrong: `A b_p` should have the albedo's length and
the normals' direction. The length counts more, because networks know the albedo of skin better.

Other light than single lamps breaks the model without a poor fit. So photos are refused that are
bright on the side away from the lamp or have no such side, and surfaces that are far from the
network's. docs/DATASETS.md, "Unknown lights", has the accuracy.
"""

from __future__ import annotations

import numpy as np

from tfrelight.errors import InputError
from tfrelight.lights import directions as light_directions
from tfrelight.stereo import calibrated
from tfrelight.stereo.calibrated import DROP_DARKEST, MAXIMUM, MINIMUM

__all__ = ["MIN_PHOTOS", "solve"]

# Normals from five or six photos are no better than the network's.
MIN_PHOTOS = 8

# Pixels from which the lights are estimated.
_PIXELS = 4096
_ITERATIONS, _MATRIX_ITERATIONS = 30, 20
# Below these an L1 weight 1 / |residual| only amplifies rounding: residuals of brightness, of the
# length |A b|, and of A b, where the median of the network's albedo is 1.
_MIN_RESIDUAL, _MIN_LENGTH, _MIN_VECTOR = 2e-3, 0.02, 0.05
# Weight of A b relative to its length: labels the training people of Extended Yale B best.
_VECTOR_WEIGHT = 0.15
# Cosines between normal and lamp: below the first a pixel should be dark, above the second bright.
_AWAY, _TOWARDS = -0.1, 0.3
# Smallest share of dark pixels, and their largest brightness relative to the bright ones. Flashes
# on Extended Yale B and rendered ones reach 0.17 and seldom fall below 2 %; rendered rooms and
# skies reach 0.2 or have hardly any dark pixel.
_MIN_DARK, _MAX_BRIGHTNESS = 0.02, 0.2
# Largest mean angle to the network's normals over the head, degrees. Among the training people of
# Extended Yale B, with all their photos, the one wrong surface has 26 and all others at most 17.
_MAX_FROM_PRIOR = 22.0


def solve(
    photos: np.ndarray, normals: np.ndarray, albedo: np.ndarray, where: np.ndarray
) -> tuple[calibrated.PhotometricStereo, np.ndarray]:
    """Estimates normals, albedo and lights.

    Args:
      photos: `[K, H, W]` linear brightness in [0, 1] or `[K, H, W, 3]` linear RGB, pixel-aligned,
        of one distant lamp each; 8 <= K <= 64.
      normals: `[H, W, 3]` unit vectors of a network.
      albedo: `[H, W]` of a network, linear, at least 0, of any scale.
      where: `[H, W]` bool: the head.

    Returns:
      `calibrated.PhotometricStereo`, whose `intensity` has the median 1, and the directions
      `[K, 3]` to the lamps.

    Raises:
      InputError: fewer than eight photos, no head, photos that single lamps do not explain, or a
        surface far from the network's. The message names no folder; the caller does.
    """
    photos = np.asarray(photos, np.float32)
    if len(photos) < MIN_PHOTOS:
        raise InputError(
            f"{len(photos)} photos, expected {MIN_PHOTOS} or more if the lights are unknown"
        )
    grey = photos if photos.ndim == 3 else photos.mean(axis=-1)
    brightest = photos if photos.ndim == 3 else photos.max(axis=-1)
    values = grey[:, where].astype(np.float64)
    if not values.size:
        raise InputError("no head in the photos")
    used = _usable(values) & (brightest[:, where] <= MAXIMUM)
    # One photo more than unknowns: with as many, every surface fits.
    seen = np.flatnonzero(used.sum(axis=0) >= max(4, len(values) / 8))
    if len(seen) < 100:
        raise InputError("hardly any pixel of the head is lit in enough photos")
    seen = seen[:: -(-len(seen) // _PIXELS)]
    values, used = values[:, seen], used[:, seen]
    if not np.median(albedo[where][seen]) > 0:
        raise InputError("the network's albedo is black, expected one above 0")
    try:
        vectors, surface = _factorize(values, used)
        change = _matrix(surface, normals[where][seen], albedo[where][seen])
        vectors = (vectors @ np.linalg.inv(change)).astype(np.float32)
    except np.linalg.LinAlgError:
        raise InputError("the photos do not determine the lights: too few of them differ") from None
    intensity = np.linalg.norm(vectors, axis=-1)
    weakest, median = intensity.min(), np.median(intensity)
    if not weakest > 0:
        raise InputError("the photos do not determine the lights: one of them is black")
    directions = vectors / intensity[:, None]
    # Calibrated stereo with these lights handles shadows and highlights at every pixel. Scaling all
    # photos to the intensity of the weakest lamp keeps them in [0, 1].
    scale = (weakest / intensity).reshape([-1] + [1] * (photos.ndim - 1))
    solved = calibrated.solve(photos * scale, directions)
    known = solved.valid & where
    if not known.any():
        raise InputError("photometric stereo found no surface")
    _check_dark_sides(grey, solved, directions, known)
    _check_near(solved, normals, known)
    return solved._replace(
        albedo=solved.albedo * np.float32(median / weakest),
        intensity=(intensity / median).astype(np.float32),
    ), directions


def _check_dark_sides(grey, solved, directions, known):
    facing = solved.normals[known] @ directions.T
    brightness = grey[:, known].T
    away = facing < _AWAY
    if away.mean() < _MIN_DARK:
        raise InputError(
            "the photos may not be of single lamps in the dark: in hardly any of them does a side "
            "of the head face away from the light"
        )
    share = brightness[away].mean() / brightness[facing > _TOWARDS].mean()
    if not share < _MAX_BRIGHTNESS:
        raise InputError(
            "single lamps in the dark do not explain these photos: where the head faces away from "
            f"the light they have {100 * share:.0f} % of the brightness"
        )


def _check_near(solved, normals, known):
    degrees = light_directions.angular_degrees(solved.normals[known], normals[known]).mean()
    if not degrees <= _MAX_FROM_PRIOR:
        raise InputError(
            f"the surface that explains these photos is {degrees:.0f} degrees from the network's, "
            f"expected at most {_MAX_FROM_PRIOR:.0f}"
        )


def _usable(values):
    """`[K, P]` bool: probably lit, and neither black nor saturated.

    Lit are the values that are not among their pixel's darkest, and the brightest tenth of each
    photo, because all of a weak lamp's photo may be among the darkest.
    """
    dropped = min(int(DROP_DARKEST * len(values)), len(values) - 4)
    darkest_kept = np.partition(values, dropped, axis=0)[dropped]
    brightest = np.percentile(values, 90, axis=1, keepdims=True)
    lit = (values >= darkest_kept) | (values >= brightest)
    return lit & (values >= MINIMUM) & (values <= MAXIMUM)


def _factorize(values, used):
    """L1 fit of `values = vectors @ surface.T` where used: `[K, 3]` and `[P, 3]`."""
    left, strength, right = np.linalg.svd(values, full_matrices=False)
    vectors, surface = left[:, :3] * strength[:3], right[:3].T
    weights = used.astype(np.float64)
    for _ in range(_ITERATIONS):
        surface = _least_squares(weights, values, vectors)
        vectors = _least_squares(weights.T, values.T, surface)
        residual = np.abs(values - vectors @ surface.T)
        weights = used / np.maximum(residual, _MIN_RESIDUAL)
    return vectors, surface


def _least_squares(weights, values, known):
    """Weighted fit of `known @ x = values`: `[K, P]`, `[K, P]` and `[K, 3]` to x `[P, 3]`."""
    gram = np.einsum("kp,ki,kj->pij", weights, known, known, optimize=True)
    # The ridge is for photos with hardly any lit pixel, which determine nothing.
    ridge = 1e-9 * np.trace(gram, axis1=1, axis2=2).mean()
    moment = (weights * values).T @ known
    return np.linalg.solve(gram + ridge * np.eye(3), moment[..., None])[..., 0]


def _matrix(surface, normals, albedo):
    """The matrix A `[3, 3]` that maps `surface` `[P, 3]` to about `normals` x `albedo`.

    An L1 fit of |A b| to the albedo and, with less weight, of A b to the vectors. It starts from
    the least-squares fit of the vectors and takes Gauss-Newton steps with weights 1 / |residual|.
    """
    surface = surface / np.median(np.linalg.norm(surface, axis=-1))
    length = albedo / np.median(albedo)
    goal = length[:, None] * normals
    matrix = np.linalg.lstsq(surface, goal, rcond=None)[0].T
    for _ in range(_MATRIX_ITERATIONS):
        vectors = surface @ matrix.T
        found = np.maximum(np.linalg.norm(vectors, axis=-1), 1e-9)
        slopes = (vectors[:, :, None] * surface[:, None] / found[:, None, None]).reshape(-1, 9)
        weighted = slopes / np.maximum(np.abs(found - length), _MIN_LENGTH)[:, None]
        off = vectors - goal
        weights = _VECTOR_WEIGHT / np.maximum(np.linalg.norm(off, axis=-1), _MIN_VECTOR)
        squares = weighted.T @ slopes + np.kron(np.eye(3), (surface * weights[:, None]).T @ surface)
        moment = weighted.T @ (found - length) + ((off * weights[:, None]).T @ surface).ravel()
        matrix = matrix - np.linalg.solve(squares, moment).reshape(3, 3)
    return matrix
