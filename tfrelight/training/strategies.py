"""Distribution of training over devices and machines."""

from __future__ import annotations

import tensorflow as tf

from tfrelight.errors import InputError

__all__ = ["NAMES", "create", "worker"]

NAMES = {
    "default": tf.distribute.get_strategy,
    "mirrored": tf.distribute.MirroredStrategy,
    "multi_worker": tf.distribute.MultiWorkerMirroredStrategy,
}


def create(name: str) -> tf.distribute.Strategy:
    """Creates a distribution strategy.

    Call it before any other use of TensorFlow: `multi_worker` connects the machines, which
    TensorFlow allows only at its start.

    Args:
      name: `default` (one device), `mirrored` (all GPUs of this machine) or `multi_worker` (the
        machines in the environment variable TF_CONFIG).

    Raises:
      InputError: no such strategy, or TF_CONFIG cannot be used.
    """
    if name not in NAMES:
        raise InputError(
            f"Invalid `strategy`. Expected one of: {', '.join(NAMES)}. Received: {name!r}."
        )
    try:
        return NAMES[name]()
    except (ValueError, RuntimeError) as error:
        raise InputError(f"`strategy` {name} cannot start: {error}") from error


def worker(strategy: tf.distribute.Strategy) -> int:
    """Number of this worker among several machines; 0 for the chief or a single machine."""
    return strategy.cluster_resolver.task_id or 0 if strategy.cluster_resolver else 0
