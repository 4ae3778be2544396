"""Cross-relighting: which photos are paired, and how a relit photo is compared."""

from __future__ import annotations

import numpy as np

from tfrelight import metrics
from tfrelight.evaluation import perceptual

__all__ = ["compare", "ordered_pairs"]


def ordered_pairs(photos, seed, count):
    """Random ordered pairs (source, reference) of two different photos of one subject.

    Args:
      photos: number of photos, at least 2.
      seed: integers; what tells the subject apart belongs to them, so that its pairs do not depend
        on who else is measured.
      count: number of pairs, no two the same; fewer where fewer are possible.

    Returns:
      `[count, 2]` indices below `photos`.
    """
    every = np.argwhere(~np.eye(photos, dtype=bool))
    chosen = np.random.default_rng(seed).choice(len(every), min(count, len(every)), replace=False)
    return every[chosen]


def compare(relit, photo, mask) -> dict:
    """A relit photo against the photo that was taken.

    Args:
      relit: `[H, W]` or `[H, W, 3]` linear.
      photo: the same shape, linear.
      mask: `[H, W]` bool.

    Returns:
      dict of `si_rmse`, `dssim`, `psnr` and, where it can be had (`perceptual`), `lpips` after the
      one best scale, and `rmse` without it.
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
