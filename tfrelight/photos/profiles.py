"""ICC colour profiles: which colours they describe, and from them to sRGB."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

__all__ = ["colour_space", "read", "to_srgb"]


def colour_space(icc_profile: bytes) -> str:
    """The colours that a profile describes: "RGB", "GRAY", "CMYK", "Lab" ...; "" if broken."""
    # ICC.1:2022, 7.2: bytes 16 to 19 of the header.
    return icc_profile[16:20].decode("ascii", "replace").strip()


def read(icc_profile: bytes | None, space: str) -> ImageCms.ImageCmsProfile | None:
    """A profile for Pillow; None without one, or if it is broken or of another colour space."""
    if not icc_profile or colour_space(icc_profile) != space:
        return None
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
    except (ImageCms.PyCMSError, OSError):
        return None


def to_srgb(icc_profile: bytes | None) -> Callable[[np.ndarray], np.ndarray]:
    """A function from pixels under an RGB profile to sRGB, both `[H, W, 3]` uint8.

    It returns its argument if there is no such profile.
    """
    profile = read(icc_profile, "RGB")
    if profile is None:
        return lambda pixels: pixels
    try:
        transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), "RGB", "RGB")
    except (ImageCms.PyCMSError, OSError):
        return lambda pixels: pixels
    return functools.partial(_applied, transform)


def _applied(transform, pixels):
    return np.asarray(ImageCms.applyTransform(Image.fromarray(pixels), transform))
