"""Compares a model in another format or precision with the original in float32."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from tfrelight.errors import InputError
from tfrelight.models import loading
from tfrelight.models import precision as precisions
from tfrelight.synthesis import portraits

__all__ = ["TOLERANCE", "differences", "expect", "load_network", "probes"]

# Largest difference of any value of an output, divided by the output's largest value if that is
# above 1.
TOLERANCE = 1e-2


def probes(size: int) -> np.ndarray:
    """Photos to compare on: one synthetic person under four lights.

    Returns:
      `[4, size, size, 3]` float32, sRGB-encoded in [0, 1].
    """
    images = portraits.subject(portraits.PortraitConfig(lights=4, size=size), 0)["images"]
    return np.asarray(images, np.float32) / 255.0


def differences(
    outputs: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """The largest difference of each output, scaled as for `TOLERANCE`.

    Args:
      outputs, others: arrays under the same names.

    Returns:
      differences by name; infinity where a value is not finite.
    """
    result = {}
    for name, value in outputs.items():
        value, other = np.asarray(value), np.asarray(others[name])
        # Coefficients of a light reach about 4; the other outputs have scale 1.
        scaled = np.max(np.abs(value - other)) / max(1.0, np.max(np.abs(value)))
        result[name] = float(scaled) if np.isfinite(scaled) else float("inf")
    return result


def expect(
    outputs: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray], subject: str, advice: str
) -> None:
    """Checks that outputs agree within `TOLERANCE`.

    Args:
      outputs, others: arrays under the same names; `outputs` are the float32 ones.
      subject: what gave `others`, for the error.
      advice: what to do instead, for the error.

    Raises:
      InputError: an output differs by more.
    """
    found = differences(outputs, others)
    worst = max(found, key=lambda name: found[name])
    if found[worst] > TOLERANCE:
        raise InputError(
            f"{subject} does not agree with float32: `{worst}` differs by {found[worst]:.4f}. "
            f"Expected at most {TOLERANCE}. {advice}"
        )


def load_network(model: Path | str, precision: str) -> keras.Model:
    """Loads a trained network in a precision, and checks it against float32.

    Args:
      model: what `loading.load_network` takes.
      precision: `float32` or `bfloat16`.

    Raises:
      InputError: the model does not exist, or its outputs differ by more than `TOLERANCE`.
    """
    network = loading.load_network(model)
    if precision == "float32":
        return network
    before = keras.mixed_precision.global_policy()
    precisions.set_precision(precision)
    try:
        other = loading.load_network(model)
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
