"""Colours of lights, from a temperature or a name."""

from __future__ import annotations

import numpy as np
from PIL import ImageColor

from tfrelight import color
from tfrelight.errors import InputError

__all__ = ["COOLEST", "WARMEST", "named", "of_temperature"]

# Range of Krystek's formula, kelvin.
WARMEST, COOLEST = 1000.0, 15000.0

# CIE XYZ to linear RGB with sRGB's primaries and its white, D65 (IEC 61966-2-1).
_XYZ_TO_RGB = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)


def of_temperature(kelvin: float) -> np.ndarray:
    """Colour of a black body, `[3]` linear RGB of luminance 1.

    Chromaticity: Krystek, "An algorithm to calculate correlated colour temperature", Color Research
    & Application 10 (1985), 38-40, within 1e-4 of the Planckian locus in CIE 1960 (u, v). As a
    camera balanced for daylight sees it: about 6500 K is white, candle light (1900 K) orange, open
    shade (10000 K) blue. Colours outside sRGB's gamut (below about 1900 K) are clipped.

    Args:
      kelvin: 1000 to 15000, the range of the formula.

    Raises:
      InputError: a temperature out of that range.
    """
    t = float(kelvin)
    if not WARMEST <= t <= COOLEST:
        raise InputError(
            f"Invalid colour temperature. Expected {WARMEST:.0f} to {COOLEST:.0f} kelvin. "
            f"Received: {kelvin}."
        )
    u = (0.860117757 + 1.54118254e-4 * t + 1.28641212e-7 * t * t) / (
        1 + 8.42420235e-4 * t + 7.08145163e-7 * t * t
    )
    v = (0.317398726 + 4.22806245e-5 * t + 4.20481691e-8 * t * t) / (
        1 - 2.89741816e-5 * t + 1.61456053e-7 * t * t
    )
    # CIE 1960 (u, v) to (x, y), then to XYZ.
    x, y = np.array([3 * u, 2 * v]) / (2 * u - 8 * v + 4)
    rgb = np.maximum(_XYZ_TO_RGB @ [x / y, 1.0, (1 - x - y) / y], 0.0)
    return (rgb / (rgb @ color.LUMINANCE)).astype(np.float32)


def named(text: str) -> np.ndarray:
    """A colour from its name, code or numbers: `[3]` linear RGB.

    Args:
      text: three linear numbers of at least 0, as "1,0.8,0.5"; or an sRGB colour of
        `PIL.ImageColor`, as "#ffe0b0" or "orange".

    Raises:
      InputError: another text.
    """
    rgb: np.ndarray
    try:
        if "," in text and "(" not in text:
            rgb = np.array([float(part) for part in text.split(",")], np.float32)
        else:
            rgb = color.to_linear_numpy(np.array(ImageColor.getrgb(text)[:3]) / 255.0)
    except ValueError:
        rgb = np.empty(0)
    if rgb.shape != (3,) or not np.isfinite(rgb).all() or (rgb < 0).any():
        raise InputError(
            f"Invalid colour {text!r}. Expected three linear numbers of at least 0, as 1,0.8,0.5, "
            "or an sRGB name or code, as orange or #ffe0b0."
        )
    return rgb
