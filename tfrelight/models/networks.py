"""The networks by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras

from tfrelight.errors import InputError
from tfrelight.models.compact import compact
from tfrelight.models.sfsnet import sfsnet

__all__ = ["NETWORKS", "build"]

NETWORKS: dict[str, Callable[..., keras.Model]] = {"compact": compact, "sfsnet": sfsnet}


def build(network: str, **arguments: Any) -> keras.Model:
    """Builds a network by name.

        network = networks.build("compact", size=128)

    Args:
      network: one of `NETWORKS`.
      **arguments: arguments of its function.

    Returns:
      Functional model from `[B, size, size, 3]` sRGB-encoded photos in [0, 1] to the outputs of
      `layers.heads`.

    Raises:
      InputError: no such network, or it does not take these arguments.
    """
    if network not in NETWORKS:
        raise InputError(f"Unknown network {network!r}. Expected one of: {', '.join(NETWORKS)}.")
    try:
        inspect.signature(NETWORKS[network]).bind(**arguments)
    except TypeError as error:
        raise InputError(f"Invalid arguments for network {network!r}: {error}.") from error
    return NETWORKS[network](**arguments)
