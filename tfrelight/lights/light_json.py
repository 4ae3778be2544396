"""Lights as JSON: lamps, environment maps and harmonics.

Version 2 holds all three. Files without a version hold harmonics alone, in `coefficients` and
`relative`. Those two are in every file: of version 2 they are the projection of the whole light,
for programs that read nothing else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfrelight.errors import InputError
from tfrelight.lights.environment import Environment
from tfrelight.lights.lamp import Lamp

__all__ = ["VERSION", "describe", "parse", "parse_lamps"]

VERSION = 2

# What reading a light out of arbitrary JSON may raise.
_MALFORMED = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
_BASIS = (
    "real orthonormal spherical harmonics of the incoming radiance, linear RGB, x right, y up, z "
    "to the camera: 1, y, z, x, xy, yz, 3zz-1, xz, xx-yy"
)


def describe(
    projection: tuple[np.ndarray, np.ndarray],
    harmonics: tuple[np.ndarray, np.ndarray],
    lamps: Sequence[Lamp],
    environments: Sequence[Environment],
) -> str:
    """The JSON text of a light, for `parse`.

    Args:
      projection: `coefficients` and `relative` of a `Light`.
      harmonics: its `harmonics` and `relative_harmonics`.
      lamps, environments: its other parts.
    """
    described = {
        "version": VERSION,
        "basis": _BASIS,
        "coefficients": _rows(projection[0]),
        "relative": _rows(projection[1]),
        "harmonics": _rows(harmonics[0]),
        "relative_harmonics": _rows(harmonics[1]),
        "lamps": [_lamp(lamp) for lamp in lamps],
        "environments": [_environment(one) for one in environments],
    }
    return json.dumps(described, indent=2) + "\n"


def parse(text: str) -> dict[str, Any]:
    """The arguments of `Light` that a JSON text describes.

    Raises:
      InputError: it describes no light, or one of a later version. The caller adds the file's name.
    """
    try:
        fields = json.loads(text)
        version = fields.get("version", 1)
        if version == 1:
            relative = fields.get("relative")
            return {
                "coefficients": _array(fields["coefficients"]),
                "relative": None if relative is None else _array(relative),
            }
        if version != VERSION:
            raise InputError(
                f"Expected JSON of version 1 to {VERSION}. Received: version {version!r}, which "
                "needs a newer tfrelight."
            )
        return {
            "coefficients": _array(fields["harmonics"]),
            "relative": _array(fields["relative_harmonics"]),
            "lamps": parse_lamps(fields["lamps"]),
            "environments": tuple(map(_parsed_environment, fields["environments"])),
        }
    except InputError:
        raise
    except _MALFORMED as error:
        reason = " ".join(str(error).split())
        raise InputError(f"Expected JSON with `coefficients` [9, 3]. Received: {reason}.") from None


def parse_lamps(described: Sequence[Any]) -> tuple[Lamp, ...]:
    """Lamps from what `describe` writes of them.

    Raises:
      InputError, KeyError, TypeError, ValueError: it describes something else.
    """
    return tuple(map(_parsed_lamp, described))


def _rows(values):
    return np.asarray(values, float).tolist()


def _array(rows):
    array = np.array(rows, np.float32)
    if array.shape != (9, 3):
        raise InputError(
            f"Expected JSON with `coefficients` [9, 3]. Received: shape {list(array.shape)}."
        )
    return array


def _lamp(lamp):
    return {
        "direction": _rows(lamp.direction),
        "radius": float(lamp.radius),
        "color": _rows(lamp.color),
        # JSON has no infinity.
        "distance": float(lamp.distance) if np.isfinite(lamp.distance) else None,
        "relative": lamp.relative,
    }


def _parsed_lamp(fields):
    distance = fields["distance"]
    return Lamp(
        np.array(fields["direction"], float),
        float(fields["radius"]),
        np.array(fields["color"], np.float32),
        np.inf if distance is None else float(distance),
        bool(fields["relative"]),
    )


def _environment(environment):
    height = len(environment.radiance)
    packed = base64.b64encode(environment.radiance.astype("<f4").tobytes()).decode("ascii")
    return {
        "height": height,
        "radiance": packed,
        "gain": _rows(environment.gain),
        "rotation": _rows(environment.rotation),
        "relative": environment.relative,
    }


def _parsed_environment(fields):
    height = int(fields["height"])
    values = np.frombuffer(base64.b64decode(fields["radiance"], validate=True), "<f4")
    radiance = values.reshape(height, 2 * height, 3)
    gain = np.array(fields["gain"], np.float32).reshape(3)
    rotation = np.array(fields["rotation"], float).reshape(3, 3)
    if not (np.isfinite(radiance).all() and np.isfinite(gain).all() and radiance.min() >= 0):
        raise ValueError("an environment that is not finite and at least 0")
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3:
        raise ValueError("a rotation that is not orthogonal")
    made = Environment.of(radiance, bool(fields["relative"]))
    return made.turned(rotation).scaled(gain)
