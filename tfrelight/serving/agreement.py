"""Whether a model in another form, or in another precision, still answers the same."""

from __future__ import annotations

import keras
import numpy as np

from tfrelight.errors import InputError
from tfrelight.models import precision as precisions
from tfrelight.models import presets
from tfrelight.synthesis import portraits

__all__ = ["TOLERANCE", "differences", "expect", "load_network", "probes"]

# What any value of an output may differ by, over the output's largest value if that is above 1.
TOLERANCE = 1e-2


def probes(size):
    """Built-in portraits to compare on, `[4, size, size, 3]` float32 sRGB: one person, 4 lights."""
    images = portraits.subject(portraits.Settings(lights=4, size=size), 0)["images"]
    return np.asarray(images, np.float32) / 255.0


def differences(outputs, others):
    """How far each output differs at most: see `TOLERANCE`.

    Args:
      outputs, others: dicts of arrays under the same names.

    Returns:
      dict of name to float. Values that are no numbers differ by infinity.
    """
    result = {}
    for name, value in outputs.items():
        value, other = np.asarray(value), np.asarray(others[name])
        # A light's coefficients go up to about 4; all else is of scale 1.
        scaled = np.max(np.abs(value - other)) / max(1.0, np.max(np.abs(value)))
        result[name] = float(scaled) if np.isfinite(scaled) else float("inf")
    return result


def expect(outputs, others, what, advice):
    """Raises `InputError` unless the outputs agree: see `TOLERANCE`."""
    found = differences(outputs, others)
    worst = max(found, key=found.get)
    if found[worst] > TOLERANCE:
        raise InputError(
            f"{what} does not answer as float32 does: its `{worst}` differs by {found[worst]:.4f}. "
            f"Expected at most {TOLERANCE}. {advice}"
        )


def load_network(model, precision):
    """A trained network that computes in a precision, and agrees with float32.

    Args:
      model: what `presets.load_network` takes.
      precision: `float32` or `bfloat16`.

    Raises:
      InputError: there is no such model, or its outputs differ by more than `TOLERANCE`.
    """
    network = presets.load_network(model)
    if precision == "float32":
        return network
    before = keras.mixed_precision.global_policy()
    precisions.set_precision(precision)
    try:
        other = presets.load_network(model)
    finally:
        keras.mixed_precision.set_global_policy(before)
    photos = probes(network.input_shape[1])
    expect(
        network.predict(photos, verbose=0),
        other.predict(photos, verbose=0),
        f"This model in {precision}",
        "Export it with --precision=float32.",
    )
    return other
