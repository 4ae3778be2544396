"""How single maps and lights are compared with their labels, the same in every protocol."""

from __future__ import annotations

from tfrelight import metrics

__all__ = ["albedo", "light", "reconstruction"]


def albedo(estimate, reference, mask) -> dict:
    """Errors of an albedo map.

    Args:
      estimate: `[H, W]` or `[H, W, 3]` linear.
      reference: the same shape, linear.
      mask: `[H, W]` bool.

    Returns:
      dict of `si_mse` and `dssim` after the one best scale, `lmse` with one of each window, and
      `rmse` without any.
    """
    scaled = estimate * metrics.best_scale(estimate, reference, mask)
    return {
        "si_mse": metrics.si_mse(estimate, reference, mask),
        "lmse": metrics.lmse(estimate, reference, mask),
        "dssim": metrics.dssim(scaled, reference, mask),
        "rmse": metrics.rmse(estimate, reference, mask),
    }


def light(estimate, reference) -> dict:
    """Errors of a light, two `[9, 3]`: `coefficient_l2`, and `si_error` after the best scale."""
    return {
        "coefficient_l2": metrics.coefficient_l2(estimate, reference),
        "si_error": metrics.si_coefficient_error(estimate, reference),
    }


def reconstruction(rebuilt, photo, mask) -> dict:
    """Errors of albedo x shading against the photo itself, both linear; see `albedo`."""
    return {
        "si_rmse": metrics.si_rmse(rebuilt, photo, mask),
        "rmse": metrics.rmse(rebuilt, photo, mask),
    }
