"""A still photo, and a light that turns around it."""

from __future__ import annotations

import fractions
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfrelight import progress
from tfrelight.errors import InputError
from tfrelight.lights import as_light
from tfrelight.photos import profiles
from tfrelight.video import writing
from tfrelight.video.reading import Frame

if TYPE_CHECKING:
    from tfrelight.lights import LightLike
    from tfrelight.relighting.decomposition import Decomposition

__all__ = ["AXES", "RATE", "SECONDS", "frames", "write"]

# The axis about which the light turns, and the angle of `Light.rotated` for it.
AXES = {"camera": "roll", "vertical": "azimuth"}
SECONDS, RATE = 6.0, 25
# Longer side of the film, pixels: of GIF and WebP, which would become too large, and of videos,
# which every player shows up to 1080.
_LONGEST_PICTURE, _LONGEST_VIDEO = 480, 1080


def write(
    decomposed: Decomposition,
    light: LightLike,
    path: Path | str,
    overwrite: bool = False,
    mark: bool = True,
    **settings: Any,
) -> None:
    """Writes a film of a photo under a light that turns around it once, clockwise.

        from tfrelight.video import turntable

        turntable.write(tfrelight.decompose("photo.jpg"), "left", "turn.mp4")

    At its brightest the face is as bright as in the photo. Photos with a longer side above 1080
    pixels (480 for GIF and WebP) are shrunk. A video's odd side grows by a row or column, so that
    phones and televisions play it.

    Args:
      decomposed: what `tfrelight.decompose(photo)` gives.
      light: what `lights.as_light` takes; the turn starts from it.
      path: of the film; the ending is one of `writing.SUFFIXES`.
      overwrite: whether to replace an existing file.
      mark: see `writing.write`.
      **settings: axis, seconds, rate, strength, exposure, background, white_balance, shadows,
        highlights and softness of `frames`.

    Raises:
      InputError: a path that cannot be written, another axis, or fewer than two frames.
    """
    writing.check(path, overwrite)
    film, rate = frames(decomposed, light, Path(path).suffix.lower(), **settings)
    writing.write(path, film, rate, mark=mark)


def frames(
    decomposed: Decomposition,
    light: LightLike,
    suffix: str,
    axis: str = "camera",
    seconds: float = SECONDS,
    rate: float | fractions.Fraction = RATE,
    strength: float = 1.0,
    exposure: float | None = 0.0,
    background: bool = False,
    white_balance: str = "keep",
    shadows: float = 1.0,
    highlights: float = 1.0,
    softness: float = 0.0,
) -> tuple[Iterator[Frame], fractions.Fraction]:
    """The frames of the film of `write`, rendered one by one, and their rate.

    They are sRGB, whatever the photo's profile.

    Args:
      decomposed, light: see `write`.
      suffix: ending of the film, which determines its largest size.
      axis: "camera": about the optical axis, like the hand of a clock; "vertical": around the head,
        also behind it.
      seconds: of one turn.
      rate: frames a second.
      strength, exposure, background, white_balance, shadows, highlights, softness: see
        `tfrelight.relight`.

    Raises:
      InputError: another axis, or fewer than two frames.
    """
    if axis not in AXES:
        raise InputError(f"Unknown axis {axis!r}. Expected one of: {', '.join(AXES)}.")
    rate = fractions.Fraction(rate).limit_denominator(1001)
    count = round(seconds * rate) if np.isfinite(seconds) else 0
    if rate <= 0 or count < 2:
        raise InputError(
            f"Expected two frames or more. Received: {seconds} seconds at {rate} frames a second."
        )
    longest = _LONGEST_PICTURE if suffix in writing.PICTURES else _LONGEST_VIDEO
    small = decomposed.shrunk(longest)
    light = as_light(light)
    turned = [light.rotated(**{AXES[axis]: -360 * k / count}) for k in range(count)]
    # One factor for the whole turn, because the light must not change while it moves.
    eighths = turned[:: max(1, count // 8)]
    factor = 1.0
    drawing = {"shadows": shadows, "highlights": highlights, "softness": softness}
    if exposure is not None:
        factors = [small.exposure(one, white_balance, **drawing) for one in eighths]
        factor = min(factors) * 2.0**exposure
    # Neither MP4 nor GIF keeps a profile.
    to_srgb = profiles.to_srgb(decomposed.photo.rgb_profile)
    shown = progress.track(turned, "Filming", "frames", count)

    def pixels(turned_light):
        light = turned_light * factor
        relit = small.relight(light, strength, None, background, white_balance, **drawing)
        relit_pixels = to_srgb(relit.pixels)
        return relit_pixels if suffix in writing.PICTURES else _even(relit_pixels)

    return (Frame(pixels(one), k / rate) for k, one in enumerate(shown)), rate


def _even(pixels):
    height, width = pixels.shape[:2]
    return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
