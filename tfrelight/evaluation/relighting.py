"""Cross-relighting: which photos are paired, and how a relit photo is compared."""

from __future__ import annotations

import numpy as np

from tfrelight import metrics

__all__ = ["compare", "ordered_pairs"]


def ordered_pairs(photos, subject, seed, count):
    """Random ordered pairs (source, reference) of two different photos of one subject.

    Args:
      photos: number of photos, at least 2.
      subject: id; with the seed it decides the pairs, whoever else is measured.
      seed: of the draws.
      count: number of pairs; the same one may come twice.

    Returns:
      `[count, 2]` indices below `photos`.
    """
    rng = np.random.default_rng([seed, *subject.encode()])
    return np.stack([rng.choice(photos, 2, replace=False) for _ in range(count)])


def compare(relit, photo, mask) -> dict:
    """A relit photo against the photo that was taken.

    Args:
      relit: `[H, W]` or `[H, W, 3]` linear.
      photo: the same shape, linear.
      mask: `[H, W]` bool.

    Returns:
      dict of `si_rmse`, `dssim` and `psnr` after the one best scale, and `rmse` without it.
    """
    scaled = relit * metrics.best_scale(relit, photo, mask)
    return {
        "si_rmse": metrics.rmse(scaled, photo, mask),
        "dssim": metrics.dssim(scaled, photo, mask),
        "psnr": metrics.psnr(scaled, photo, mask),
        "rmse": metrics.rmse(relit, photo, mask),
    }
