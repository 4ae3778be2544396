"""Errors of single maps and lights against their labels, the same in every protocol."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tfrelight.data.portrait import PARTS
from tfrelight.evaluation import metrics

__all__ = ["albedo", "light", "overlap", "reconstruction"]


def albedo(estimate: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Errors of an albedo map.

    Args:
      estimate: `[H, W]` or `[H, W, 3]` linear.
      reference: the same shape, linear.
      mask: `[H, W]` bool.

    Returns:
      dict of `si_mse` and `dssim` after the best scale for the photo, `lmse` after the best scale
      for each window, and `rmse` without scaling.
    """
    scaled = estimate * metrics.best_scale(estimate, reference, mask)
    return {
        "si_mse": metrics.si_mse(estimate, reference, mask),
        "lmse": metrics.lmse(estimate, reference, mask),
        "dssim": metrics.dssim(scaled, reference, mask),
        "rmse": metrics.rmse(estimate, reference, mask),
    }


def light(estimate: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Errors of a light `[9, 3]`: `coefficient_l2`, and `si_error` after the best scale."""
    return {
        "coefficient_l2": float(metrics.coefficient_l2(estimate, reference)),
        "si_error": float(metrics.si_coefficient_error(estimate, reference)),
    }


def reconstruction(rebuilt: np.ndarray, photo: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Errors of albedo x shading against the photo: `si_rmse`, and `rmse` without scaling.

    Args:
      rebuilt: albedo x shading, `[H, W]` or `[H, W, 3]` linear.
      photo: the same shape, linear.
      mask: `[H, W]` bool.
    """
    return {
        "si_rmse": metrics.si_rmse(rebuilt, photo, mask),
        "rmse": metrics.rmse(rebuilt, photo, mask),
    }


def overlap(outputs: Mapping[str, np.ndarray], parts: np.ndarray) -> dict[str, tuple[int, int]]:
    """Intersection and union, in pixels, of what a model says of one photo with the labels.

    Args:
      outputs: of the model for one photo: `mask` `[H, W, 1]` and, if it tells parts apart, `parts`
        `[H, W, 7]`.
      parts: the true parts, `[H, W]` integers, indices into `portrait.PARTS`.

    Returns:
      dict of `person`, where the mask is at least a half, and, if the model tells parts apart, of
      each part but the background, where it is the likeliest.
    """

    def counts(estimate, truth):
        return int((estimate & truth).sum()), int((estimate | truth).sum())

    found = {"person": counts(outputs["mask"][..., 0] >= 0.5, parts > 0)}
    if "parts" in outputs:
        likeliest = outputs["parts"].argmax(-1)
        for number, name in enumerate(PARTS[1:], start=1):
            found[name] = counts(likeliest == number, parts == number)
    return found
