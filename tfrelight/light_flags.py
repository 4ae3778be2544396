"""The flags with which commands are told what light to use; without TensorFlow.

A command calls `define()` where it defines its own flags, `flags.adopt_module_key_flags` with this
module, and in its `main`, once, `wanted(...)`; then `Wanted.light(...)` for each photo.
"""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
from absl import flags

from tfrelight.errors import InputError
from tfrelight.lights import PRESETS, Light, as_light, colors, formats

__all__ = ["Wanted", "define", "wanted"]

# What a bare lamp gets for company: without it the far cheek is black, as on the moon.
_FILL = 0.1

_SOURCES = (
    *("light", "azimuth", "elevation", "environment", "light_file", "reference"),
    *("match_background", "flatten"),
)
_CHANGES = ("intensity", "ambient", "color", "temperature", "rotate")


def define(photo=True):
    """Defines the flags.

    Args:
      photo: also those that mean something for a photo only: --reference, --flatten,
        --match_background, --strength.
    """
    flags.DEFINE_list(
        "light",
        [],
        f"Names, added up; 0.5*NAME for a weaker one: {', '.join(PRESETS)}. "
        "`python -m tfrelight.lights --list` draws them.",
    )
    flags.DEFINE_float("azimuth", None, "A lamp: degrees to the left of the image (default: 0).")
    flags.DEFINE_float("elevation", None, "A lamp: degrees to its top (default: 0).")
    flags.DEFINE_string(
        "environment",
        None,
        "An EXR or Radiance HDR map; the person looks at its middle.",
    )
    flags.DEFINE_string("light_file", None, "JSON of tfrelight, or text with 9 or 27 numbers.")
    flags.DEFINE_enum(
        "light_order", None, formats.ORDERS, "Whose order they are in (default: tfrelight)."
    )
    if photo:
        flags.DEFINE_string("reference", None, "Another photo, whose light to take.")
        flags.DEFINE_bool("flatten", False, "Take the light away: the same from everywhere.")
        flags.DEFINE_bool(
            "match_background",
            False,
            "Take the light from the scene seen behind the person.",
        )
        flags.DEFINE_float(
            "strength", 1.0, "From the old light, 0, to the new, 1.", lower_bound=0, upper_bound=1
        )
    change = "" if not photo else " With no light named, the photo's own is changed."
    flags.DEFINE_float("rotate", 0.0, f"Degrees to turn the light to the left.{change}")
    flags.DEFINE_float(
        "intensity", 1.0, "Brightness of the portrait; 1: as it is.", lower_bound=1 / 64
    )
    flags.DEFINE_float(
        "ambient",
        None,
        f"Light from everywhere for 1 of the rest (default: 0; {_FILL} with a lamp).",
        lower_bound=0,
    )
    flags.DEFINE_string("color", None, "Tint: 1,0.8,0.5 (linear), orange or #ffe0b0 (sRGB).")
    flags.DEFINE_float(
        "temperature", None, "Tint in kelvin: 2700 a bulb, 6500 white, 10000 open shade."
    )


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What the flags ask for.

    How bright a light is in itself means little here: nobody knows how long a reference photo was
    exposed, or in what unit an environment map is. So each is brought to exposure 1 before they are
    added up, and the portrait is then as bright as the photo, but for --intensity.

    source: the lights that do not depend on the photo, added up; None without any.
    match_background: whether the scene behind the person lights, too. rotate, ambient, tint `[3]`:
    what is done to the sum. strength: 0 the photo's own light, 1 all of this. exposure: stops by
    which the portrait shall become brighter.
    """

    source: Light | None
    match_background: bool
    rotate: float
    ambient: float
    tint: np.ndarray
    strength: float
    exposure: float

    def light(self, own=None, background=None) -> Light:
        """The light for one photo.

        Args:
          own: the photo's own light, `[9, 3]`, which the flags change if they name none.
          background: for --match_background, a function that gives what
            `Light.from_background` takes: the photo `[H, W, 3]` in linear RGB, and the person's
            mask `[H, W]`.

        Raises:
          InputError: hardly any background is visible.
        """
        parts = [] if self.source is None else [self.source]
        if self.match_background:
            parts.append(Light.from_background(*background()).exposed())
        total = sum(parts) if parts else as_light(own)
        # The others have exposure 1; the photo's own has that of the photo.
        ambient = self.ambient if parts else self.ambient * total.exposure
        if self.rotate:
            total = total.rotated(azimuth=self.rotate)
        return (total + Light.even(ambient)) * self.tint


def wanted(estimate=None, default=None) -> Wanted:
    """Reads the flags, and the files they name.

    Args:
      estimate: a function from a path to the light of that photo, for --reference.
      default: name of the light where none is asked for; else that is an error.

    Raises:
      InputError: no light is asked for, two flags exclude each other, or a flag's value or file
        cannot be used.
    """
    given = {name: flags.FLAGS[name].value for name in _names()}
    for name, value in given.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"Invalid --{name}={value}. Expected a finite number.")
    sources = [name for name in _SOURCES if given.get(name) not in (None, [], False)]
    changes = [name for name in _CHANGES if given[name] != flags.FLAGS[name].default]
    if not sources and default is not None:
        given["light"] = [default]
    elif not sources + changes:
        raise InputError(
            "Which light? Expected --light=NAME, --azimuth and --elevation, --environment, "
            "--light_file or another of the flags that --help lists."
        )
    if given["light_order"] is not None and given["light_file"] is None:
        raise InputError("--light_order says how to read --light_file. Received no --light_file.")
    if "flatten" in sources and len(sources) > 1:
        raise InputError(
            f"--flatten takes the light away. Received --{sources[0]} as well: choose one."
        )
    parts = list(_lights(given, estimate))
    lamp = "azimuth" in sources or "elevation" in sources
    tint = np.ones(3, np.float32) if given["color"] is None else colors.named(given["color"])
    if given["temperature"] is not None:
        tint = tint * colors.of_temperature(given["temperature"])
    return Wanted(
        sum(parts) if parts else None,
        "match_background" in sources,
        given["rotate"],
        (_FILL if lamp else 0.0) if given["ambient"] is None else given["ambient"],
        tint,
        given.get("strength", 1.0),
        float(np.log2(given["intensity"])),
    )


def _names():
    return sorted({flag.name for flag in flags.FLAGS.get_flags_for_module(__name__)})


def _lights(given, estimate):
    """Each light that the flags name and that does not depend on the photo."""
    for text in given["light"]:
        yield _named(text)
    if given["azimuth"] is not None or given["elevation"] is not None:
        # As it is: a lamp behind the head lights none of it, and must not be turned up for that.
        yield Light.from_direction(given["azimuth"] or 0.0, given["elevation"] or 0.0)
    if given["environment"] is not None:
        yield Light.from_environment(given["environment"]).exposed()
    if given["light_file"] is not None:
        yield Light.from_file(given["light_file"], given["light_order"]).exposed()
    if given.get("reference"):
        yield as_light(estimate(given["reference"])).exposed()
    if given.get("flatten"):
        yield Light.even()


def _named(text):
    """A light from "NAME" or "0.5*NAME"."""
    factor, name = re.fullmatch(r"(?:\s*([^*]*)\*)?\s*(.*?)\s*", text).groups()
    try:
        return Light.preset(name) * (1.0 if factor is None else float(factor))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"Invalid --light={text}. Expected NAME or NUMBER*NAME.") from None
