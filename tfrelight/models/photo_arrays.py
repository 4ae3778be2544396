"""What a network takes: sRGB-encoded float photos in [0, 1]."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfrelight.errors import InputError

__all__ = ["HIGHEST", "LOWEST", "check"]

# Resampling overshoots [0, 1] by a fifth or so. Beyond these bounds are photos in 0..255 and photos
# that were centred for another network.
LOWEST, HIGHEST = -0.5, 2.0


def check(images: Any) -> None:
    """Checks photos for a network; the network itself would take them and predict nonsense.

    Args:
      images: an array or eager tensor. What holds no numbers yet, such as a tensor in a graph or a
        `tf.data.Dataset`, is not checked.

    Raises:
      InputError: integers, another shape than `[N, H, W, 3]`, or numbers that are not in [0, 1],
        such as 0 to 255.
    """
    if hasattr(images, "numpy"):
        images = images.numpy()
    if not isinstance(images, np.ndarray):
        return
    if images.dtype.kind in "uib":
        largest = 1 if images.dtype.kind == "b" else np.iinfo(images.dtype).max
        raise InputError(
            "Expected sRGB-encoded photos as floats in [0, 1]. Received: "
            f"{images.dtype.name}. Convert them: photos.astype('float32') / {largest}."
        )
    if images.ndim != 4 or images.shape[3] != 3:
        advice = "Pass RGB photos of one size, stacked."
        if images.ndim == 3 and images.shape[2] == 3:
            advice = "Add a batch axis: photo[None]."
        raise InputError(
            f"Expected photos of shape [N, H, W, 3]. Received: {list(images.shape)}. {advice}"
        )
    if not images.size:
        return
    # NaN fails both comparisons: what a network makes of it is not finite, which callers see.
    low, high = images.min(), images.max()
    if low < LOWEST or HIGHEST < high < np.inf:
        raise InputError(
            "Expected sRGB-encoded photos in [0, 1]. Received numbers from "
            f"{low:.3g} to {high:.3g}. Divide photos in 0..255 by 255."
        )
