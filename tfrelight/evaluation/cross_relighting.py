"""The cross-relighting metric: pairs of photos, and errors of a relit photo.

The loss of that name is `models.losses.cross_relighting`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfrelight.evaluation import metrics, perceptual

__all__ = ["compare", "ordered_pairs"]


def ordered_pairs(photos: int, seed: Sequence[int], count: int) -> np.ndarray:
    """Draws distinct ordered pairs (source, reference) of different photos of one subject.

    Args:
      photos: number of photos, at least 2.
      seed: integers, some of them from the subject's id, so that a subject's pairs do not depend on
        which other subjects are measured.
      count: number of pairs, or all pairs if there are fewer.

    Returns:
      `[count, 2]` indices below `photos`.
    """
    every = np.argwhere(~np.eye(photos, dtype=bool))
    chosen = np.random.default_rng(seed).choice(len(every), min(count, len(every)), replace=False)
    return every[chosen]


def compare(relit: np.ndarray, photo: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Errors of a relit photo against the real photo under that light.

    Args:
      relit: `[H, W]` or `[H, W, 3]` linear.
      photo: the same shape, linear.
      mask: `[H, W]` bool.

    Returns:
      dict of `si_rmse`, `dssim`, `psnr` and, if available (`perceptual`), `lpips` after the best
      scale for the photo, and `rmse` without it.
    """
    scaled = relit * metrics.best_scale(relit, photo, mask)
    lpips = perceptual.distance(scaled, photo, mask)
    return {
        "si_rmse": metrics.rmse(scaled, photo, mask),
        "dssim": metrics.dssim(scaled, photo, mask),
        "psnr": metrics.psnr(scaled, photo, mask),
        "rmse": metrics.rmse(relit, photo, mask),
        **({} if lpips is None else {"lpips": lpips}),
    }
