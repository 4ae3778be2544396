"""A network's estimate of a still person's surface: the prior for stereo under unknown lights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tfrelight import color
from tfrelight.data import images

__all__ = ["surface_prior"]

# The network's input size.
_SIZE = 128


def surface_prior(
    photos: np.ndarray, predict: Callable[[np.ndarray], dict[str, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Averages a network's estimates over aligned photos of one person.

    The network sees the photos' central square. Outside it the normals are (0, 0, 1), the albedo
    is 1 and no pixel belongs to the head.

    Args:
      photos: `[K, H, W, 3]` linear RGB in [0, 1], pixel-aligned.
      predict: function from `[N, 128, 128, 3]` sRGB-encoded photos to a network's outputs.

    Returns:
      For `stereo.uncalibrated.solve`: unit normals `[H, W, 3]`, linear albedo `[H, W]` (mean of the
      channels), and the head `[H, W]` bool.
    """
    height, width = photos.shape[1:3]
    side = min(height, width)
    # Whole pixels, because the estimate is written back to them.
    top, left = (height - side) // 2, (width - side) // 2
    box = (left, top, left + side, top + side)
    small = np.stack([images.resize(photo, _SIZE, box) for photo in photos])
    outputs = predict(color.to_srgb_numpy(small))
    normals = np.zeros((height, width, 3), np.float32) + np.array([0, 0, 1], np.float32)
    albedo, head = np.ones((height, width), np.float32), np.zeros((height, width), bool)
    square = slice(top, top + side), slice(left, left + side)
    mean = images.resize(outputs["normals"].mean(axis=0), side)
    normals[square] = mean / np.maximum(np.linalg.norm(mean, axis=-1, keepdims=True), 1e-6)
    albedo[square] = images.resize(outputs["albedo"].mean(axis=(0, 3)), side)
    head[square] = images.resize(outputs["mask"].mean(axis=0)[..., 0], side) > 0.5
    return normals, albedo, head
