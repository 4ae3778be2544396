"""Photometric stereo under unknown lights, for photos of one distant lamp each, in the dark.

The brightness of a matte surface, `I_kp = l_k . b_p`, tells lights `l_k` and surface `b_p` up to a
3x3 matrix: `(l A^-1) . (A b)` is the same (Hayakawa, "Photometric stereo under a light source with
arbitrary motion", 1994). A network's albedo and normals, wrong as they are one by one, are right on
the whole, and fix it: the `A b_p` should have the albedo's length, and the normals' direction. The
length counts more, for skin has nearly the same albedo everywhere and networks know it better.

How good that is, in degrees, on the six test people of Extended Yale B, with the package's own
network and against calibrated stereo from all their photos
(`python tools/measure_uncalibrated.py --data_dir=CroppedYale`):

| photos | the network's normals | these normals | these lights, median |
|---|---|---|---|
| all, about 50 | 12.5 | 6.0 | 10.6 |
| 16 | 12.5 | 7.2 | 9.7 |
| 8 | 12.7 | 9.8 | 11.1 |

Fewer than eight are refused: five or six make normals no better than the network's.

Light from everywhere, rooms and skies break the model, and the fit alone does not show it. What
does is the side that a lamp leaves dark: photos that are bright there, or have no such side, are
refused. So is a surface that is far from the network's, which an albedo gives that changes slowly
over the head and that the network does not see.
"""

from __future__ import annotations

import numpy as np

from tfrelight import color, metrics
from tfrelight.data import images, photometric_stereo
from tfrelight.data.photometric_stereo import DROP_DARKEST, MAXIMUM, MINIMUM
from tfrelight.errors import InputError

__all__ = ["MIN_PHOTOS", "prior", "solve"]

MIN_PHOTOS = 8

# Size at which a network is asked.
_NETWORK = 128
# Pixels that the lights are told from.
_PIXELS = 4096
_ITERATIONS, _MATRIX_ITERATIONS = 30, 20
# Below, an L1 weight 1 / |residual| only amplifies rounding; of brightness, and of |A b| and A b
# where the median of the network's albedo is 1.
_MIN_RESIDUAL, _MIN_LENGTH, _MIN_VECTOR = 2e-3, 0.02, 0.05
# Weight of A b beside that of its length: what labels the training people of Extended Yale B best.
_VECTOR_WEIGHT = 0.15
# Pixels that should be dark: facing this far away from the lamp, of all pixels of all photos at
# least the first share, with at most the second share of the brightness of those that face it.
# Flashes on Extended Yale B and rendered ones reach 0.17 and seldom fall below 2 %; rendered rooms
# and skies reach 0.2 or have hardly such a pixel.
_AWAY, _TOWARDS = -0.1, 0.3
_MIN_DARK, _MAX_BRIGHTNESS = 0.02, 0.2
# Degrees from the network's normals, on average over the head. With all photos of a training person
# of Extended Yale B the one surface that is wrong is 26 degrees away, all others are 17 at most.
_MAX_FROM_PRIOR = 22.0


def prior(photos, predict):
    """What a network says of a person.

    Args:
      photos: `[K, H, W, 3]` linear RGB in [0, 1], pixel-aligned.
      predict: function of `[N, 128, 128, 3]` sRGB photos to a network's dict of numpy arrays.

    Returns:
      `normals` `[H, W, 3]`, `albedo` `[H, W]` and `where` `[H, W]`, for `solve`: means over the
      photos, of their central square.
    """
    height, width = photos.shape[1:3]
    side = min(height, width)
    # In whole pixels, for the answer is written back.
    top, left = (height - side) // 2, (width - side) // 2
    box = (left, top, left + side, top + side)
    small = np.stack([images.resize(photo, _NETWORK, box) for photo in photos])
    outputs = predict(color.to_srgb_numpy(small))
    normals = np.zeros((height, width, 3), np.float32) + np.float32([0, 0, 1])
    albedo, head = np.ones((height, width), np.float32), np.zeros((height, width), bool)
    square = slice(top, top + side), slice(left, left + side)
    mean = images.resize(outputs["normals"].mean(axis=0), side)
    normals[square] = mean / np.maximum(np.linalg.norm(mean, axis=-1, keepdims=True), 1e-6)
    albedo[square] = images.resize(outputs["albedo"].mean(axis=(0, 3)), side)
    head[square] = images.resize(outputs["mask"].mean(axis=0)[..., 0], side) > 0.5
    return normals, albedo, head


def solve(photos, normals, albedo, where):
    """Normals, albedo and lights from photos alone.

    Args:
      photos: `[K, H, W]` linear brightness in [0, 1] or `[K, H, W, 3]` linear RGB, pixel-aligned,
        of one distant lamp each; 8 to 64 of them.
      normals: `[H, W, 3]` unit vectors, right on the whole, as a network gives them.
      albedo: `[H, W]` linear, at least 0, of any scale; the same.
      where: `[H, W]` bool: the head.

    Returns:
      `photometric_stereo.PhotometricStereo` (its `intensity` has the median 1), and the directions
      of the lamps `[K, 3]`.

    Raises:
      InputError: fewer than eight photos, no head, photos that single lamps do not explain, or a
        surface that is far from the network's.
    """
    photos = np.asarray(photos, np.float32)
    if len(photos) < MIN_PHOTOS:
        raise InputError(
            f"{len(photos)} photos, expected {MIN_PHOTOS} or more where the lights are not known"
        )
    grey = photos if photos.ndim == 3 else photos.mean(axis=-1)
    brightest = photos if photos.ndim == 3 else photos.max(axis=-1)
    values = grey[:, where].astype(np.float64)
    if not values.size:
        raise InputError("no head in the photos")
    used = _usable(values) & (brightest[:, where] <= MAXIMUM)
    # One photo more than there are unknowns: with as many, any surface fits.
    seen = np.flatnonzero(used.sum(axis=0) >= max(4, len(values) / 8))
    if len(seen) < 100:
        raise InputError("hardly a pixel of the head is lit in enough photos")
    seen = seen[:: -(-len(seen) // _PIXELS)]
    values, used = values[:, seen], used[:, seen]
    if not np.median(albedo[where][seen]) > 0:
        raise InputError("the network's albedo is black, expected one above 0")
    try:
        vectors, surface = _factorize(values, used)
        change = _matrix(surface, normals[where][seen], albedo[where][seen])
        vectors = (vectors @ np.linalg.inv(change)).astype(np.float32)
    except np.linalg.LinAlgError:
        raise InputError(
            "the photos do not tell the lights: there are too few different ones"
        ) from None
    intensity = np.linalg.norm(vectors, axis=-1)
    weakest, median = intensity.min(), np.median(intensity)
    if not weakest > 0:
        raise InputError("the photos do not tell the lights: one of them is black")
    directions = vectors / intensity[:, None]
    # With the lights known, the same care for shadows and highlights as ever, at every pixel. All
    # photos are brought to the intensity of the weakest lamp, which leaves them in [0, 1].
    scale = (weakest / intensity).reshape([-1] + [1] * (photos.ndim - 1))
    solved = photometric_stereo.solve(photos * scale, directions)
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
            "the photos do not tell whether they are of single lamps in the dark: in hardly any a "
            "side of the head turns away from the light"
        )
    share = brightness[away].mean() / brightness[facing > _TOWARDS].mean()
    if not share < _MAX_BRIGHTNESS:
        raise InputError(
            "single lamps in the dark do not explain these photos: where the head turns away from "
            f"the light they have {100 * share:.0f} % of the brightness"
        )


def _check_near(solved, normals, known):
    degrees = metrics.angular_degrees(solved.normals[known], normals[known]).mean()
    if not degrees <= _MAX_FROM_PRIOR:
        raise InputError(
            f"the surface that explains these photos is {degrees:.0f} degrees from the network's, "
            f"expected at most {_MAX_FROM_PRIOR:.0f}: they tell the wrong lights"
        )


def _usable(values):
    """`[K, P]` bool: lit, as far as ranks tell, and neither black nor saturated.

    Not among the pixel's darkest; and, for lamps so weak that their photo is always among these,
    the brightest tenth of each photo.
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
    # Photos in which hardly a pixel is lit determine nothing.
    ridge = 1e-9 * np.trace(gram, axis1=1, axis2=2).mean()
    moment = (weights * values).T @ known
    return np.linalg.solve(gram + ridge * np.eye(3), moment[..., None])[..., 0]


def _matrix(surface, normals, albedo):
    """The `[3, 3]` matrix A that brings `surface` `[P, 3]` near `normals` x `albedo`.

    L1 fit of |A b| to the albedo and, with a smaller weight, of A b to the vectors: Gauss-Newton
    steps with weights 1 / |residual|, from the least squares of the second.
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
