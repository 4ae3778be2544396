"""Which float type to compute in."""

from pathlib import Path

import keras
import tensorflow as tf

__all__ = ["PRECISIONS", "policy", "set_precision"]

PRECISIONS = ("auto", "float32", "bfloat16", "float16")

# Without one of these a CPU emulates bfloat16, which is slower than float32.
_BFLOAT16_FLAGS = {"amx_bf16", "avx512_bf16"}


def policy(precision):
    """The Keras policy of a precision.

    Args:
      precision: one of `PRECISIONS`. `auto` is float16 on a GPU, bfloat16 on a CPU that computes
        in it, else float32.
    """
    if precision == "auto":
        if tf.config.list_physical_devices("GPU"):
            precision = "float16"
        else:
            precision = "bfloat16" if _cpu_has_bfloat16() else "float32"
    return precision if precision == "float32" else f"mixed_{precision}"


def set_precision(precision):
    """Makes `policy(precision)` the one that new layers use."""
    keras.mixed_precision.set_global_policy(policy(precision))


def _cpu_has_bfloat16():
    information = Path("/proc/cpuinfo")
    if not information.exists():
        return False
    for line in information.read_text().splitlines():
        if line.startswith("flags"):
            return bool(_BFLOAT16_FLAGS & set(line.split()))
    return False
