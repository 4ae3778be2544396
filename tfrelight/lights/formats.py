"""Lights as other tools write them: SfSNet's 27 numbers, DPR's 9."""

from __future__ import annotations

import json

import numpy as np

from tfrelight import harmonics
from tfrelight.errors import InputError

__all__ = ["ORDERS", "decode", "encode", "parse"]

ORDERS = ("tfrelight", "sfsnet", "dpr")

# SfSNet's order 1, z, x, y, 3z²-1, xz, yz, x²-y², xy as indices into ours.
_SFSNET_ORDER = np.array([0, 2, 3, 1, 6, 7, 5, 8, 4])

# DPR's frame is x right, y into the scene, z up: (x, y, z) ours = (X, Z, -Y) DPR.
_DPR_TO_OURS = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


def decode(numbers, order="tfrelight") -> np.ndarray:
    """A light from the numbers of a tool.

    Args:
      numbers: 27, or 9 for a grey light. Of "tfrelight": R, G, B of the first coefficient, then of
        the second, and so on. Of "sfsnet": nine of R, nine of G, nine of B. Of "dpr": 9 only. Both
        of these fold pi into the attenuation, and their shading multiplies values as stored in
        files (sRGB-encoded), ours linear ones: the direction carries over, contrast does not.
      order: one of `ORDERS`.

    Returns:
      `[9, 3]` float32.

    Raises:
      InputError: an unknown order, another count, or numbers that are not finite.
    """
    _check_order(order)
    array = np.asarray(numbers, np.float32).reshape(-1)
    counts = (9,) if order == "dpr" else (9, 27)
    if array.size not in counts or not np.isfinite(array).all():
        raise InputError(
            f"Invalid light in the order of {order}. Expected {' or '.join(map(str, counts))} "
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


def encode(light, order="tfrelight") -> np.ndarray:
    """The numbers of a light `[9, 3]` for a tool: 27, of "dpr" 9 (the mean of the channels).

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


def parse(text, order=None):
    """A light `[9, 3]` from the text of a file: our JSON, or numbers between spaces or commas.

    Args:
      text: of the file.
      order: of the numbers; None stands for "tfrelight". JSON says itself what it holds.

    Raises:
      InputError: neither, or an `order` for JSON; the caller adds the name of the file.
    """
    if not text.lstrip().startswith("{"):
        try:
            found = [float(word) for word in text.replace(",", " ").split()]
        except ValueError as error:
            raise InputError(f"Expected 9 or 27 numbers. Received: {error}.") from None
        return decode(found, order or "tfrelight")
    if order not in (None, "tfrelight"):
        raise InputError(f"Expected numbers in the order of {order}. Received: JSON of tfrelight.")
    try:
        return decode(np.array(json.loads(text)["coefficients"], np.float32))
    except (ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"Expected JSON with `coefficients` [9, 3]. Received: {reason}.") from None


def _check_order(order):
    if order not in ORDERS:
        raise InputError(f"Unknown order {order!r}. Expected one of: {', '.join(ORDERS)}.")
