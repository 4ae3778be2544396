"""CMYK to sRGB and back, through the photo's colour profile if it has one.

A profile is applied with 8 bits a channel, because Pillow has no CMYK with more.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageCms

from tfrelight.photos import profiles

__all__ = ["from_rgb", "to_rgb"]

# 65535 / 255.
_STEP = 257


def to_rgb(inks: np.ndarray, icc_profile: bytes | None) -> np.ndarray:
    """CMYK inks `[H, W, 4]` as sRGB-encoded `[H, W, 3]`, both uint8 or both uint16."""
    if inks.dtype == np.uint16:
        if profiles.read(icc_profile, "CMYK") is not None:
            return to_rgb(_eight_bits(inks), icc_profile).astype(np.uint16) * _STEP
        left = 1.0 - inks.astype(np.float32) / 65535.0
        return np.round(left[..., :3] * left[..., 3:] * 65535.0).astype(np.uint16)
    image, profile = Image.fromarray(inks, "CMYK"), profiles.read(icc_profile, "CMYK")
    if profile is None:
        return np.asarray(image.convert("RGB"))
    srgb = ImageCms.createProfile("sRGB")
    return np.asarray(ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB"))


def from_rgb(pixels: np.ndarray, icc_profile: bytes | None) -> np.ndarray:
    """sRGB-encoded pixels `[H, W, 3]` as CMYK inks `[H, W, 4]`, both uint8 or both uint16."""
    profile = profiles.read(icc_profile, "CMYK")
    if profile is not None:
        if pixels.dtype == np.uint16:
            return from_rgb(_eight_bits(pixels), icc_profile).astype(np.uint16) * _STEP
        image, srgb = Image.fromarray(pixels), ImageCms.createProfile("sRGB")
        return np.asarray(ImageCms.profileToProfile(image, srgb, profile, outputMode="CMYK"))
    # Pillow's own conversion uses no black; here the ink common to all three becomes black.
    most = np.iinfo(pixels.dtype).max
    inks = most - pixels
    black = inks.min(-1, keepdims=True)
    scale = most / np.maximum(most - black.astype(np.float32), 1)
    return np.dstack([np.round((inks - black) * scale).astype(pixels.dtype), black])


def _eight_bits(values):
    return np.round(values / np.float32(_STEP)).astype(np.uint8)
