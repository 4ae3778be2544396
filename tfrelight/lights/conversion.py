"""A light from anything that describes one: a name, a file, coefficients."""

from __future__ import annotations

import pathlib

from numpy.typing import ArrayLike

from tfrelight.errors import InputError
from tfrelight.lights import maps
from tfrelight.lights.light import Light

__all__ = ["LightLike", "as_light"]

# What `as_light` takes.
LightLike = Light | ArrayLike | str | pathlib.Path


def as_light(value: LightLike) -> Light:
    """A `Light` from anything that describes one.

    Args:
      value: a `Light`; coefficients `[9, 3]`; the name of a preset; the path of an environment map
        (.exr, .hdr), which is scaled to exposure 1, or of a light file (.json, .txt).

    Raises:
      InputError: another value, or a file that holds something else.
      OSError: the file cannot be read.
    """
    if isinstance(value, Light):
        return value
    if not isinstance(value, (str, pathlib.Path)):
        return Light(value)
    suffix = pathlib.Path(value).suffix.lower()
    if suffix in maps.SUFFIXES:
        return Light.from_environment(value).exposed()
    if suffix in (".json", ".txt"):
        return Light.from_file(value)
    if suffix:
        raise InputError(
            f"Unknown light {str(value)!r}. Expected a name such as 'left', or a file that ends in "
            f"{', '.join(maps.SUFFIXES)}, .json or .txt."
        )
    return Light.preset(str(value))
