"""A still, and a light that turns around it."""

from __future__ import annotations

import fractions
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tfrelight.errors import InputError
from tfrelight.films import writing
from tfrelight.films.reading import Frame
from tfrelight.lights import as_light

__all__ = ["AXES", "RATE", "SECONDS", "frames", "write"]

# About what the light turns, and by which angle of `Light.rotated`.
AXES = {"camera": "roll", "vertical": "azimuth"}
SECONDS, RATE = 6.0, 25
# Longer side of the film, pixels: what every player can show, and what a GIF can hold.
_LONGEST = {True: 480, False: 1080}


def write(decomposed, light, path, overwrite=False, **settings):
    """Writes a film of a photo under a light that turns around it once, to the right over the top.

    Where the turning light makes the face brightest, it is as bright as in the photo. Photos of
    more than 1080 pixels (480 for GIF and WebP) are made smaller.

    Args:
      decomposed: what `tfrelight.decompose(photo)` gives.
      light: what `lights.as_light` takes: where the turn begins.
      path: of the film, as `writing.SUFFIXES` end.
      overwrite: whether the file may be there.
      **settings: axis, seconds, rate, strength, exposure and background, see `frames`.

    Raises:
      InputError: a path that cannot be written, another axis, or no frames.
    """
    writing.check(path, overwrite)
    writing.write(path, *frames(decomposed, light, Path(path).suffix.lower(), **settings))


def frames(
    decomposed,
    light,
    suffix,
    axis="camera",
    seconds=SECONDS,
    rate=RATE,
    strength=1.0,
    exposure=0.0,
    background=False,
):
    """The pictures of such a film, made one by one: an iterator of `reading.Frame`, and the rate.

    Args:
      decomposed, light: see `write`.
      suffix: of the film, which says how large it may be.
      axis: "camera": the light goes around the line to the camera, as a hand of a clock;
        "vertical": around the head, behind it as well.
      seconds: for one turn.
      rate: frames a second.
      strength, exposure, background: see `tfrelight.relight`.

    Raises:
      InputError: another axis, or no frames.
    """
    if axis not in AXES:
        raise InputError(f"Unknown axis {axis!r}. Expected one of: {', '.join(AXES)}.")
    rate = fractions.Fraction(rate).limit_denominator(1001)
    count = round(seconds * rate) if np.isfinite(seconds) else 0
    if rate <= 0 or count < 2:
        raise InputError(
            f"Expected two frames or more. Received: {seconds} seconds of {rate} frames."
        )
    small = decomposed.shrunk(_LONGEST[suffix in writing.PICTURES])
    light = as_light(light)
    turned = [light.rotated(**{AXES[axis]: -360 * k / count}) for k in range(count)]
    # One factor for the whole turn: the light itself does not change while it moves.
    eighths = turned[:: max(1, count // 8)]
    factor = 1.0
    if exposure is not None:
        factor = min(small.exposure(one) for one in eighths) * 2.0**exposure
    progress = tqdm(turned, unit="frame", disable=None)
    made = (
        Frame(small.relight(one * factor, strength, None, background).pixels, k / rate)
        for k, one in enumerate(progress)
    )
    return made, rate
