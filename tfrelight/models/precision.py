"""The float type that networks compute in."""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf

__all__ = ["PRECISIONS", "policy", "set_precision"]

PRECISIONS = ("auto", "float32", "bfloat16", "float16")

# A CPU without one of these emulates bfloat16, which is slower than float32.
_BFLOAT16_FLAGS = {"amx_bf16", "avx512_bf16"}


def policy(precision: str) -> str:
    """The name of the Keras policy for a precision.

    Args:
      precision: one of `PRECISIONS`. `auto` is float16 on a GPU, bfloat16 on a CPU with
        instructions for it, else float32.
    """
    if precision == "auto":
        if tf.config.list_physical_devices("GPU"):
            precision = "float16"
        else:
            precision = "bfloat16" if _cpu_has_bfloat16() else "float32"
    return precision if precision == "float32" else f"mixed_{precision}"


def set_precision(precision: str) -> None:
    """Sets Keras' global policy, which new layers use, to `policy(precision)`."""
    keras.mixed_precision.set_global_policy(policy(precision))


def _cpu_has_bfloat16():
    information = Path("/proc/cpuinfo")
    if not information.exists():
        return False
    for line in information.read_text().splitlines():
        if line.startswith("flags"):
            return bool(_BFLOAT16_FLAGS & set(line.split()))
    return False
