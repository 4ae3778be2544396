"""Metrics of intrinsic decomposition and relighting, in numpy.

Images are `[H, W]` or `[H, W, C]`; the caller chooses linear or encoded values. Masks are bool
`[H, W]` with at least one pixel. Pixels outside the mask never change a result.

Functions raise InputError if shapes do not match or the mask is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from tfrelight.errors import InputError
from tfrelight.lights import directions

__all__ = [
    "THRESHOLDS",
    "best_scale",
    "bootstrap_interval",
    "coefficient_l2",
    "consistency",
    "dssim",
    "lmse",
    "normals",
    "psnr",
    "rmse",
    "si_coefficient_error",
    "si_mse",
    "si_rmse",
]

# Angles, degrees, of the metrics `under_...`. Papers on surface normals report 11.25, 22.5 and 30,
# papers on portraits 20, 25 and 30.
THRESHOLDS = (11.25, 20.0, 22.5, 25.0, 30.0)

# Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004: a
# Gaussian window of 1.5 pixels, cut to 11 x 11, and constants for values in [0, 1].
_SSIM_SIGMA, _SSIM_RADIUS = 1.5, 5
_SSIM_C1, _SSIM_C2 = 0.01**2, 0.03**2


def normals(estimate: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Angular errors of one normal map.

    Args:
      estimate: `[H, W, 3]` unit vectors.
      reference: `[H, W, 3]` unit vectors.
      mask: `[H, W]` bool.

    Returns:
      dict of statistics over the mask: `degrees` (mean), `median_degrees`, and `under_11.25`, ...,
      `under_30`, shares in [0, 1].
    """
    degrees = directions.angular_degrees(*_inside(mask, estimate, reference))
    return {
        "degrees": float(degrees.mean()),
        "median_degrees": float(np.median(degrees)),
        **{f"under_{limit:g}": float(np.mean(degrees < limit)) for limit in THRESHOLDS},
    }


def best_scale(estimate: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> float:
    """The s that minimises the mean of (s estimate - reference)² over mask and channels."""
    return _scale(*_inside(mask, estimate, reference))


def rmse(estimate: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> float:
    """Root mean squared error over mask and channels."""
    estimate, reference = _inside(mask, estimate, reference)
    return float(np.sqrt(np.mean((estimate - reference) ** 2)))


def si_mse(estimate: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> float:
    """Scale-invariant mean squared error: after one best scale for mask and channels."""
    estimate, reference = _inside(mask, estimate, reference)
    return float(np.mean((_scale(estimate, reference) * estimate - reference) ** 2))


def si_rmse(estimate: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> float:
    """Root of `si_mse`."""
    return float(np.sqrt(si_mse(estimate, reference, mask)))


def psnr(estimate: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> float:
    """Peak signal-to-noise ratio in decibels for a peak of 1; infinite for equal images."""
    with np.errstate(divide="ignore"):
        return float(-20.0 * np.log10(rmse(estimate, reference, mask)))


def lmse(
    estimate: np.ndarray,
    reference: np.ndarray,
    mask: np.ndarray,
    window: int = 20,
    step: int = 10,
) -> float:
    """Local mean squared error: each window has its own best scale, shared by its channels.

    The sum of squared errors over all windows, divided by the sum of squared references, so that 0
    is best and an estimate of 0 gives 1 (Grosse et al., "Ground Truth Dataset and Baseline
    Evaluations for Intrinsic Image Algorithms", 2009).

    Args:
      estimate: `[H, W]` or `[H, W, C]`.
      reference: the same shape.
      mask: `[H, W]` bool; both are set to 0 outside it.
      window: side of the windows, pixels.
      step: distance between windows, pixels; the last windows end at the image's edge.
    """
    _inside(mask, estimate, reference)
    estimate, reference = _outside_is_zero(mask, estimate), _outside_is_zero(mask, reference)
    error = total = 0.0
    for top in _starts(len(reference), window, step):
        for left in _starts(reference.shape[1], window, step):
            a = estimate[top : top + window, left : left + window]
            b = reference[top : top + window, left : left + window]
            error += np.sum((_scale(a, b) * a - b) ** 2)
            total += np.sum(b**2)
    return float(error / total) if total else 0.0


def dssim(estimate: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> float:
    """Structural dissimilarity (1 - SSIM) / 2, mean over mask and channels: 0 if equal, at most 1.

    SSIM of Wang et al., 2004, with their Gaussian window, for images in [0, 1]. A window at the
    edge of the mask uses only the pixels inside.
    """
    _inside(mask, estimate, reference)
    a, b = _outside_is_zero(mask, estimate), _outside_is_zero(mask, reference)
    weight = _outside_is_zero(mask, _blur(_outside_is_zero(mask, np.ones_like(a))))

    def average(image):
        return np.divide(_blur(image), weight, out=np.zeros_like(image), where=weight > 0)

    mean_a, mean_b = average(a), average(b)
    variance_a, variance_b = average(a * a) - mean_a**2, average(b * b) - mean_b**2
    covariance = average(a * b) - mean_a * mean_b
    ssim = ((2 * mean_a * mean_b + _SSIM_C1) * (2 * covariance + _SSIM_C2)) / (
        (mean_a**2 + mean_b**2 + _SSIM_C1) * (variance_a + variance_b + _SSIM_C2)
    )
    return float((1.0 - ssim[mask].mean()) / 2.0)


def consistency(albedo: np.ndarray, normals: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Changes of one subject's maps with the light; 0 is best. It needs no labels.

    Args:
      albedo: `[K, H, W, 3]` sRGB-encoded, of K photos.
      normals: `[K, H, W, 3]` unit vectors.
      mask: `[H, W]` bool.

    Returns:
      dict of `albedo`: the standard deviation over photos of the grey albedo (mean of channels,
      scaled to a mean of 1 over the mask), averaged over the mask; and `normals_degrees`: the mean
      angle to the mean normal of the photos.
    """
    grey = np.mean(albedo, axis=-1)[:, mask]
    # 1e-6 only avoids a division by 0: an albedo of 0 everywhere is consistent.
    grey = grey / np.maximum(grey.mean(axis=1, keepdims=True), 1e-6)
    inside = np.asarray(normals)[:, mask]
    return {
        "albedo": float(grey.std(axis=0).mean()),
        "normals_degrees": float(directions.angular_degrees(inside, inside.mean(axis=0)).mean()),
    }


def coefficient_l2(estimate: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Euclidean distance `[...]` of lights `[..., 9, 3]` over their 27 coefficients."""
    difference = np.asarray(estimate, np.float64) - np.asarray(reference, np.float64)
    return np.sqrt(np.sum(difference**2, axis=(-2, -1)))


def si_coefficient_error(estimate: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Relative error `[...]` in [0, 1] of lights `[..., 9, 3]` after the best scale.

    The minimum over s >= 0 of |s a - b| / |b| over the 27 coefficients: the sine of the angle
    between a and b, and 1 beyond 90 degrees. It suits photos of unknown exposure, whose albedo is
    known only up to a factor.
    """
    a = np.asarray(estimate, np.float64).reshape(*np.shape(estimate)[:-2], 27)
    b = np.asarray(reference, np.float64).reshape(a.shape)
    size = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    # A light of 0 has no angle to another; its error is 1.
    cosine = np.divide(np.sum(a * b, axis=-1), size, out=np.zeros_like(size), where=size > 0)
    return np.sqrt(1.0 - np.clip(cosine, 0.0, 1.0) ** 2)


def bootstrap_interval(
    values: Sequence[float] | np.ndarray,
    subjects: Sequence[str] | np.ndarray,
    seed: int = 0,
    statistic: Callable[[np.ndarray], Any] = np.mean,
    resamples: int = 1000,
) -> tuple[float, float]:
    """95 % interval of a statistic over subjects, by the percentile bootstrap.

    Each resample draws whole subjects, with replacement and with all their values, because photos
    of one subject are alike.

    Args:
      values: `[N]` numbers.
      subjects: `[N]` ids; equal ids are one subject.
      seed: of the resamples.
      statistic: function from an array of numbers to a number.
      resamples: number of resamples.

    Returns:
      (low, high); both NaN for a single subject, for which there is no interval.

    Raises:
      InputError: there are no values, or the lengths of `values` and `subjects` differ.
    """
    numbers, ids = np.asarray(values, np.float64), np.asarray(subjects)
    if numbers.ndim != 1 or numbers.shape != ids.shape or not len(numbers):
        raise InputError(
            "Expected as many values as subjects, at least one. "
            f"Received: {numbers.shape} values, {ids.shape} subjects."
        )
    groups = [numbers[ids == subject] for subject in np.unique(ids)]
    if len(groups) == 1:
        return float("nan"), float("nan")
    draws = np.random.default_rng(seed).integers(len(groups), size=(resamples, len(groups)))
    results = [statistic(np.concatenate([groups[i] for i in draw])) for draw in draws]
    low, high = np.percentile(results, [2.5, 97.5])
    return float(low), float(high)


def _inside(mask, *images):
    """The images' values inside the mask, `[N, ...]` float64.

    Raises:
      InputError: shapes do not match, or the mask is empty.
    """
    images = [np.asarray(image, np.float64) for image in images]
    if any(image.shape != images[0].shape or image.shape[:2] != mask.shape for image in images):
        shapes = ", ".join(str(list(image.shape)) for image in images)
        raise InputError(
            "Expected images of one shape and a mask of their height and width. "
            f"Received: images {shapes}, mask {list(mask.shape)}."
        )
    if not mask.any():
        raise InputError("Expected a mask with at least one pixel. Received: an empty mask.")
    return [image[mask] for image in images]


def _scale(estimate, reference):
    square = np.sum(estimate**2)
    # Every scale of an estimate of 0 is equally good.
    return float(np.sum(estimate * reference) / square) if square > 0 else 0.0


def _outside_is_zero(mask, image):
    image = np.asarray(image, np.float64)
    return np.where(mask.reshape(mask.shape + (1,) * (image.ndim - 2)), image, 0.0)


def _starts(length, window, step):
    last = max(length - window, 0)
    return sorted({*range(0, last + 1, step), last})


def _blur(image):
    sigma = (_SSIM_SIGMA, _SSIM_SIGMA) + (0,) * (image.ndim - 2)
    return ndimage.gaussian_filter(image, sigma, truncate=_SSIM_RADIUS / _SSIM_SIGMA)
