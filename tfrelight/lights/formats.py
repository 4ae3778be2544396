"""Lights in the conventions of other tools: SfSNet's 27 numbers, DPR's 9."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from tfrelight import harmonics
from tfrelight.errors import InputError
from tfrelight.lights import light_json

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["ORDERS", "checked", "decode", "encode", "parse"]

ORDERS = ("tfrelight", "sfsnet", "dpr")

_EXPECTED = "Expected 9 or 27 numbers, or JSON of tfrelight."
_NUMBER = re.compile(r"(?i)[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan|inf(inity)?)")

# Our indices of SfSNet's order 1, z, x, y, 3z²-1, xz, yz, x²-y², xy.
_SFSNET_ORDER = np.array([0, 2, 3, 1, 6, 7, 5, 8, 4])

# DPR's frame is x right, y into the scene, z up: (x, y, z) ours = (X, Z, -Y) DPR.
_DPR_TO_OURS = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


def decode(numbers: ArrayLike, order: str = "tfrelight") -> np.ndarray:
    """A light from the numbers of another tool.

    SfSNet and DPR fold pi into the attenuation. Their shading multiplies sRGB-encoded values and
    ours linear ones, so the direction of a light carries over, but its contrast does not.

    Args:
      numbers: 27, or 9 for a grey light. "tfrelight": R, G, B of the first coefficient, then of the
        second, and so on. "sfsnet": nine of R, nine of G, nine of B. "dpr": 9 only.
      order: one of `ORDERS`.

    Returns:
      `[9, 3]` float32 coefficients of a `Light`.

    Raises:
      InputError: an unknown order, another count, or numbers that are not finite.
    """
    _check_order(order)
    array = np.asarray(numbers, np.float32).reshape(-1)
    counts = (9,) if order == "dpr" else (9, 27)
    if array.size not in counts or not np.isfinite(array).all():
        raise InputError(
            f"Invalid light in {order} order. Expected {' or '.join(map(str, counts))} "
            f"finite numbers. Received: {array.size} numbers"
            f"{'' if np.isfinite(array).all() else ', not all finite'}."
        )
    if array.size == 9:
        array = np.repeat(array[:, None], 3, axis=1)
    elif order == "sfsnet":
        array = array.reshape(3, 9).T
    else:
        array = array.reshape(9, 3)
    if order == "tfrelight":
        return array
    if order == "dpr":
        return harmonics.rotate(np.pi * array, _DPR_TO_OURS)
    light = np.empty((9, 3), np.float32)
    light[_SFSNET_ORDER] = np.pi * array
    return light


def encode(light: ArrayLike, order: str = "tfrelight") -> np.ndarray:
    """The numbers of a light `[9, 3]` in a tool's order: 27, or 9 of "dpr" (mean of the channels).

    Raises:
      InputError: an unknown order.
    """
    _check_order(order)
    light = np.asarray(light, np.float32)
    if order == "tfrelight":
        return light.reshape(27)
    if order == "dpr":
        return harmonics.rotate(light, _DPR_TO_OURS.T).mean(axis=-1) / np.float32(np.pi)
    return (light[_SFSNET_ORDER] / np.float32(np.pi)).T.reshape(27)


def checked(coefficients: ArrayLike) -> np.ndarray:
    """A light's coefficients as a new array `[9, 3]` float32, read-only.

    Raises:
      InputError: another shape, values that are not finite, or no numbers at all.
    """
    if isinstance(coefficients, (str, os.PathLike)):
        raise InputError(
            f"Invalid light. Expected [9, 3] coefficients. Received: {str(coefficients)!r}. For a "
            "name use Light.preset, for a file Light.from_file or Light.from_environment, and for "
            "either lights.as_light."
        )
    try:
        array = np.array(coefficients, np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(
            "Invalid light. Expected [9, 3] coefficients. Received: "
            f"{type(coefficients).__name__} that is no array of numbers."
        ) from error
    if array.shape != (9, 3) or not np.isfinite(array).all():
        raise InputError(
            "Invalid light. Expected [9, 3] finite coefficients. Received: shape "
            f"{list(array.shape)}{'' if np.isfinite(array).all() else ', not all finite'}."
        )
    array.flags.writeable = False
    return array


def parse(text: str, order: str | None = None) -> dict[str, Any]:
    """The arguments of `Light` that a file's text describes: our JSON, or numbers.

    Spaces, line ends, commas, semicolons and brackets separate numbers, and `#` begins a comment.

    Args:
      text: of the file.
      order: of the numbers; None means "tfrelight". JSON has no order to choose.

    Raises:
      InputError: other text, or another order for JSON. The caller adds the name of the file.
    """
    if "\0" in text or "\ufffd" in text:
        raise InputError(f"{_EXPECTED} Received: a file that is no text.")
    without_comments = _without_comments(text)
    if not without_comments.startswith("{"):
        return {"coefficients": decode(_numbers(without_comments), order or "tfrelight")}
    if order not in (None, "tfrelight"):
        raise InputError(f"Expected numbers in the order of {order}. Received: JSON of tfrelight.")
    return light_json.parse(without_comments)


def _without_comments(text):
    """The text without its lines of comments, byte order mark and leading spaces."""
    return re.sub(r"(?m)^\s*#.*$", "", text.lstrip("\ufeff")).lstrip()


def _numbers(text):
    found = []
    for line in text.splitlines():
        # Also the minus of word processors.
        for word in re.split(r"[\s,;()\[\]]+", line.partition("#")[0].replace("\u2212", "-")):
            if not word:
                continue
            if not _NUMBER.fullmatch(word):
                raise InputError(f"{_EXPECTED} Received: {word[:20]!r}.")
            found.append(float(word))
    return found


def _check_order(order):
    if order not in ORDERS:
        raise InputError(f"Unknown order {order!r}. Expected one of: {', '.join(ORDERS)}.")
