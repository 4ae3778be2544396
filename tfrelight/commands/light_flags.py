"""The flags that choose a light, without TensorFlow.

A command calls `define()` beside its own flags and passes this module to
`flags.adopt_module_key_flags`. Its `main` calls `requested(...)` once, and
`LightRequest.light(...)` for each photo.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from tfrelight.errors import InputError
from tfrelight.lights import PRESETS, Light, as_light, colors, formats

if TYPE_CHECKING:
    from tfrelight.lights import LightLike
    from tfrelight.photos import Photo
    from tfrelight.relighting.decomposition import Decomposition

__all__ = ["LightRequest", "define", "requested"]

# Default --ambient of a single lamp: without it the far cheek is black, as on the moon.
_FILL = 0.1

_SOURCES = (
    *("light", "azimuth", "elevation", "environment", "light_file", "reference"),
    *("match_background", "flatten"),
)
_CHANGES = ("intensity", "ambient", "color", "temperature", "rotate")


def define(photo: bool = True) -> None:
    """Defines the flags.

    Args:
      photo: also those that need a photo: --reference, --flatten, --match_background, --strength,
        --white_balance, --shadows, --highlights, --softness.
    """
    flags.DEFINE_list(
        "light",
        [],
        f"Lights to add up, as left,0.5*rim: {', '.join(PRESETS)}. "
        "`python -m tfrelight.lights --list` draws them.",
    )
    flags.DEFINE_float("azimuth", None, "Lamp: degrees towards the image's left (default: 0).")
    flags.DEFINE_float("elevation", None, "Lamp: degrees towards the image's top (default: 0).")
    flags.DEFINE_string(
        "environment", None, "EXR or Radiance HDR environment map; the person faces its middle."
    )
    flags.DEFINE_string("light_file", None, "JSON of tfrelight, or text with 9 or 27 numbers.")
    flags.DEFINE_enum(
        "light_order",
        None,
        formats.ORDERS,
        "Convention of the numbers in --light_file (default: tfrelight).",
    )
    if photo:
        flags.DEFINE_string("reference", None, "Photo to take the light from.")
        flags.DEFINE_bool("flatten", False, "Replace the light by even light from everywhere.")
        flags.DEFINE_bool(
            "match_background", False, "Estimate the light from the scene behind the person."
        )
        flags.DEFINE_float("strength", 1.0, "Blend from the old light, 0, to the new, 1.", 0.0, 1.0)
        flags.DEFINE_enum(
            "white_balance",
            "keep",
            ("keep", "neutral"),
            "keep: a white light keeps the photo's colours; neutral: it takes the tint of the old "
            "light away.",
        )
        flags.DEFINE_float(
            "shadows", 1.0, "Share of the shadows that the face casts on itself.", 0.0, 1.0
        )
        flags.DEFINE_float("highlights", 1.0, "Share of the highlights of skin.", 0.0, 1.0)
        flags.DEFINE_float(
            "softness", 0.0, "Least angular radius of the lamps, degrees.", 0.0, 90.0
        )
    change = " Without a light flag it turns the photo's own." if photo else ""
    flags.DEFINE_float("rotate", 0.0, f"Degrees to turn the light to the left.{change}")
    flags.DEFINE_float(
        "intensity", 1.0, "Brightness factor of the portrait; 1 keeps it.", lower_bound=1 / 64
    )
    flags.DEFINE_float(
        "ambient",
        None,
        f"Even light to add, relative to the rest (default: 0; {_FILL} with a lamp).",
        lower_bound=0,
    )
    flags.DEFINE_string("color", None, "Tint: 1,0.8,0.5 (linear), orange or #ffe0b0 (sRGB).")
    flags.DEFINE_float(
        "temperature", None, "Tint in kelvin: 2700 a bulb, 6500 white, 10000 open shade."
    )


@dataclasses.dataclass(frozen=True)
class LightRequest:
    """The light that the flags ask for.

    The absolute brightness of a light is not used, because nobody knows the exposure of a reference
    photo or the unit of an environment map. Each light is scaled to exposure 1 before they are
    added up; only --intensity changes the brightness of the portrait.

    Attributes:
      source: the sum of the lights that do not depend on the photo; None without any.
      match_background: whether the scene behind the person is a light too.
      rotate: degrees by which to turn the sum to the left.
      ambient: even light to add to the sum.
      tint: `[3]` linear RGB by which to multiply it.
      strength: from the photo's own light, 0, to this one, 1.
      exposure: stops by which to brighten the portrait.
      white_balance: "keep" or "neutral" (`Decomposition.relight`).
      shadows, highlights, softness: see `Decomposition.relight`.
    """

    source: Light | None
    match_background: bool
    rotate: float
    ambient: float
    tint: np.ndarray
    strength: float
    exposure: float
    white_balance: str = "keep"
    shadows: float = 1.0
    highlights: float = 1.0
    softness: float = 0.0

    @property
    def is_constant(self) -> bool:
        """Whether the light is the same for all photos."""
        return self.source is not None and not self.match_background

    @property
    def drawing(self) -> dict[str, float]:
        """The arguments of `Decomposition.relight` that say how lamps are drawn."""
        names = ("shadows", "highlights", "softness")
        return {name: getattr(self, name) for name in names}

    def light(
        self,
        own: LightLike | None = None,
        background: Callable[[], tuple[np.ndarray, np.ndarray]] | None = None,
    ) -> Light:
        """The light for one photo.

        Args:
          own: the photo's own light, which the other flags change if none names a light.
          background: gives the arguments of `Light.from_background`, for --match_background: the
            photo `[H, W, 3]`, linear RGB, and the person's mask `[H, W]`.

        Raises:
          InputError: hardly any background is visible, or a needed argument is missing.
        """
        parts = [] if self.source is None else [self.source]
        if self.match_background:
            if background is None:
                raise InputError("Expected a photo for --match_background. Received none.")
            parts.append(Light.from_background(*background()).exposed())
        if parts:
            total = sum(parts[1:], parts[0])
        elif own is not None:
            total = as_light(own)
        else:
            raise InputError("Expected a photo whose light to change. Received none.")
        # Each of `parts` has exposure 1; the photo's own light may have any.
        ambient = self.ambient if parts else self.ambient * total.exposure
        if self.rotate:
            total = total.rotated(azimuth=self.rotate)
        return (total + Light.even(ambient)) * self.tint

    def light_on(self, decomposed: Decomposition) -> Light:
        """The light for a decomposed photo; see `light`."""
        return self.light(decomposed.light, decomposed.background)

    def relit(self, decomposed: Decomposition, background: bool = False) -> Photo:
        """A decomposed photo under this light; `background`: see `Decomposition.relight`.

        Raises:
          InputError: see `light` and `Decomposition.relight`.
        """
        return decomposed.relight(
            self.light_on(decomposed),
            self.strength,
            self.exposure,
            background,
            self.white_balance,
            **self.drawing,
        )


def requested(
    estimate: Callable[[str], LightLike] | None = None, default: str | None = None
) -> LightRequest:
    """Reads the flags, and the files they name.

    Args:
      estimate: gives the light of the photo at a path, for --reference.
      default: name of the light to use if no flag asks for one; None makes that an error.

    Raises:
      InputError: no flag asks for a light, two flags exclude each other, or a flag's value or file
        is invalid.
    """
    given: dict[str, Any] = {name: flags.FLAGS[name].value for name in _names()}
    for name, value in given.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"Invalid --{name}={value}. Expected a finite number.")
    sources = [name for name in _SOURCES if given.get(name) not in (None, [], False)]
    changes = [name for name in _CHANGES if given[name] != flags.FLAGS[name].default]
    if not sources and default is not None:
        given["light"] = [default]
    elif not sources + changes:
        raise InputError(
            "No light given. Expected --light=NAME, --azimuth and --elevation, --environment, "
            "--light_file or another light flag; --help lists them."
        )
    if given["light_order"] is not None and given["light_file"] is None:
        raise InputError("--light_order is for --light_file. Received no --light_file.")
    if "flatten" in sources and len(sources) > 1:
        raise InputError(
            f"--flatten replaces every other light. Received --{sources[0]} as well: choose one."
        )
    lamp = "azimuth" in sources or "elevation" in sources
    tint = np.ones(3, np.float32) if given["color"] is None else colors.named(given["color"])
    if given["temperature"] is not None:
        tint = tint * colors.of_temperature(given["temperature"])
    # Last, because the estimate of a reference photo's light is slow.
    parts = list(_lights(given, estimate))
    return LightRequest(
        sum(parts[1:], parts[0]) if parts else None,
        "match_background" in sources,
        given["rotate"],
        (_FILL if lamp else 0.0) if given["ambient"] is None else given["ambient"],
        tint,
        given.get("strength", 1.0),
        float(np.log2(given["intensity"])),
        given.get("white_balance", "keep"),
        given.get("shadows", 1.0),
        given.get("highlights", 1.0),
        given.get("softness", 0.0),
    )


def _names():
    return sorted({flag.name for flag in flags.FLAGS.get_flags_for_module(__name__)})


def _lights(given, estimate):
    """Yields each light that the flags name and that does not depend on the photo."""
    for text in given["light"]:
        yield _named(text)
    if given["azimuth"] is not None or given["elevation"] is not None:
        # Not exposed: a lamp behind the head lights hardly any of it and must not be turned up.
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
