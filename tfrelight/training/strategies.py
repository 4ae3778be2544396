"""How training is spread over devices and machines."""

import tensorflow as tf

from tfrelight.errors import InputError

__all__ = ["NAMES", "create", "worker"]

NAMES = {
    "default": tf.distribute.get_strategy,
    "mirrored": tf.distribute.MirroredStrategy,
    "multi_worker": tf.distribute.MultiWorkerMirroredStrategy,
}


def create(name):
    """A distribution strategy.

    Call it before anything else of TensorFlow runs: `multi_worker` sets up the connections between
    machines, which TensorFlow allows at its start only.

    Args:
      name: `default` (one device), `mirrored` (all GPUs of this machine) or `multi_worker` (the
        machines in the environment variable TF_CONFIG).

    Raises:
      InputError: no such strategy, or TF_CONFIG cannot be used.
    """
    if name not in NAMES:
        raise InputError(
            f"Invalid --strategy. Expected one of: {', '.join(NAMES)}. Received: {name!r}."
        )
    try:
        return NAMES[name]()
    except (ValueError, RuntimeError) as error:
        raise InputError(f"--strategy={name} cannot start: {error}") from error


def worker(strategy):
    """Number of this worker among several machines; 0 is the chief, and whoever is alone."""
    return strategy.cluster_resolver.task_id or 0 if strategy.cluster_resolver else 0
