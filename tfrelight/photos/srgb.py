"""The pixels of a photo as linear RGB, and back, by tables."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from tfrelight import color

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

__all__ = ["decode", "encode"]


@functools.cache
def _decoding(dtype):
    most = np.iinfo(dtype).max
    return color.to_linear_numpy(np.arange(most + 1) / most)


@functools.lru_cache(maxsize=1)
def _encoding():
    # 65536 linear steps, between which the 8-bit value changes by at most 0.05.
    return np.uint8(np.round(color.to_srgb_numpy(np.arange(65536) / 65535.0) * 255.0))


def decode(pixels: np.ndarray) -> np.ndarray:
    """Pixels of a `Photo`, uint8, uint16 or float32, as linear RGB, float32."""
    if pixels.dtype == np.float32:
        return color.to_linear_numpy(pixels)
    return _decoding(pixels.dtype)[pixels]


def encode(linear: np.ndarray, dtype: DTypeLike) -> np.ndarray:
    """Linear RGB, clipped to [0, 1], as sRGB-encoded pixels of a `Photo` with a type."""
    if dtype == np.uint8:
        steps = (np.clip(linear, 0.0, 1.0) * 65535.0 + 0.5).astype(np.uint16)
        return _encoding()[steps]
    encoded = color.to_srgb_numpy(linear)
    return encoded if dtype == np.float32 else np.round(encoded * 65535.0).astype(np.uint16)
