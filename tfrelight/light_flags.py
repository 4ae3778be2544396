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

_SOURCES = ("light", "azimuth", "elevation", "environment", "light_file")
_OF_PHOTO = ("reference", "flatten", "match_background")
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
    flags.DEFINE_float("intensity", 1.0, "Factor of its brightness.", lower_bound=0)
    flags.DEFINE_float(
        "ambient",
        None,
        f"Light from everywhere, added to it (default: 0; {_FILL} with a lamp).",
        lower_bound=0,
    )
    flags.DEFINE_string("color", None, "Tint: 1,0.8,0.5 (linear), orange or #ffe0b0 (sRGB).")
    flags.DEFINE_float(
        "temperature", None, "Tint in kelvin: 2700 a bulb, 6500 white, 10000 open shade."
    )


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What the flags ask for.

    source: the lights that do not depend on the photo, added up; None without any.
    match_background: whether the scene behind the person lights, too. rotate, intensity, ambient,
    tint `[3]`: what is done to the sum. strength: 0 the photo's own light, 1 all of this.
    """

    source: Light | None
    match_background: bool
    rotate: float
    intensity: float
    ambient: float
    tint: np.ndarray
    strength: float

    def light(self, own=None, background=None) -> Light:
        """The light for one photo.

        Args:
          own: the photo's own light, `[9, 3]`, wanted where the flags only change it, and for
            --match_background, which keeps its exposure.
          background: for --match_background, a function that gives what
            `Light.from_background` takes: the photo `[H, W, 3]` in linear RGB, and the person's
            mask `[H, W]`.

        Raises:
          InputError: hardly any background is visible.
        """
        parts = [] if self.source is None else [self.source]
        if self.match_background:
            parts.append(Light.from_background(*background()).exposed(as_light(own).exposure))
        total = sum(parts) if parts else as_light(own)
        if self.rotate:
            total = total.rotated(azimuth=self.rotate)
        return (total * self.intensity + Light.even(self.ambient)) * self.tint


def wanted(estimate=None) -> Wanted:
    """Reads the flags, and the files they name.

    Named lights, a lamp, an environment and other tools' numbers, whose brightness means nothing
    here, are added up and then scaled to exposure 1 (`Light.exposure`). A light file of tfrelight
    and a reference photo are as bright as they are.

    Args:
      estimate: a function from a path to the light of that photo, for --reference.

    Raises:
      InputError: no light is asked for, two flags exclude each other, or a flag's value or file
        cannot be used.
    """
    given = {name: flags.FLAGS[name].value for name in _all_names()}
    for name, value in given.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"Invalid --{name}={value}. Expected a finite number.")
    sources = [name for name in _SOURCES if given[name] not in (None, [])]
    of_photo = [name for name in _OF_PHOTO if given.get(name)]
    changed = [name for name in _CHANGES if flags.FLAGS[name].value != flags.FLAGS[name].default]
    if not (sources or of_photo or changed):
        raise InputError(
            "Which light? Expected --light=NAME, --azimuth and --elevation, --environment, "
            "--light_file or another of the flags that --help lists."
        )
    if given["light_order"] is not None and given["light_file"] is None:
        raise InputError("--light_order says how to read --light_file. Received no --light_file.")
    if given.get("flatten") and (sources or len(of_photo) > 1):
        other = [name for name in sources + of_photo if name != "flatten"][0]
        raise InputError(f"--flatten takes the light away. Received --{other} as well: choose one.")
    authored, measured = _sources(given)
    if given.get("flatten"):
        measured.append(Light.even())
    if given.get("reference"):
        measured.append(as_light(estimate(given["reference"])))
    parts = measured if not authored else [sum(authored).exposed(), *measured]
    lamp = given["azimuth"] is not None or given["elevation"] is not None
    ambient = given["ambient"]
    tint = np.ones(3, np.float32) if given["color"] is None else colors.named(given["color"])
    if given["temperature"] is not None:
        tint = tint * colors.of_temperature(given["temperature"])
    return Wanted(
        sum(parts) if parts else None,
        bool(given.get("match_background")),
        given["rotate"],
        given["intensity"],
        (_FILL if lamp else 0.0) if ambient is None else ambient,
        tint,
        given.get("strength", 1.0),
    )


def _all_names():
    names = {flag.name for flag in flags.FLAGS.get_flags_for_module(__name__)}
    return sorted(names)


def _sources(given):
    """Lights whose brightness means nothing, and lights whose brightness is known."""
    authored, measured = [_named(text) for text in given["light"]], []
    if given["azimuth"] is not None or given["elevation"] is not None:
        authored.append(Light.from_direction(given["azimuth"] or 0.0, given["elevation"] or 0.0))
    if given["environment"] is not None:
        authored.append(Light.from_environment(given["environment"]).exposed())
    if given["light_file"] is not None:
        light = Light.from_file(given["light_file"], given["light_order"])
        if given["light_order"] in (None, "tfrelight"):
            measured.append(light)
        else:
            authored.append(light.exposed())
    return authored, measured


def _named(text):
    """A light from "NAME" or "0.5*NAME"."""
    factor, name = re.fullmatch(r"(?:\s*([^*]*)\*)?\s*(.*?)\s*", text).groups()
    try:
        return Light.preset(name) * (1.0 if factor is None else float(factor))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"Invalid --light={text}. Expected NAME or NUMBER*NAME.") from None
