"""Distribution of training over devices and machines."""

from __future__ import annotations

import json
import os
import socket
import time
from typing import NamedTuple

import keras
import tensorflow as tf

from tfrelight.errors import InputError

__all__ = ["NAMES", "Place", "agree", "create", "lost", "place", "reason"]

NAMES = {
    "default": tf.distribute.get_strategy,
    "mirrored": tf.distribute.MirroredStrategy,
    "multi_worker": tf.distribute.MultiWorkerMirroredStrategy,
}

# Seconds in which all workers must have started.
_PATIENCE = 60
_EXAMPLE = (
    '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
)


class Place(NamedTuple):
    """The place of this process among the workers.

    Attributes:
      number: 0 for the chief, who writes the run folder, and for a single machine.
      workers: their number.
    """

    number: int
    workers: int


def create(name: str) -> tf.distribute.Strategy:
    """Creates a distribution strategy.

    Call it before any other use of TensorFlow: `multi_worker` connects the machines, which
    TensorFlow allows only at its start.

    Args:
      name: `default` (one device), `mirrored` (all GPUs of this machine) or `multi_worker` (the
        machines in the environment variable TF_CONFIG).

    Raises:
      InputError: no such strategy, Keras 3 for several machines, TF_CONFIG cannot be used, or a
        worker does not come.
    """
    if name not in NAMES:
        raise InputError(
            f"Invalid `strategy`. Expected one of: {', '.join(NAMES)}. Received: {name!r}."
        )
    if name == "multi_worker":
        if not keras.__version__.startswith("2."):
            raise InputError(
                "`strategy=multi_worker` needs Keras 2, which Python 3.10 and 3.11 have: the `fit` "
                f"of Keras {keras.__version__} cannot average the losses of several workers."
            )
        _wait_for_peers(*_addresses())
    try:
        return NAMES[name]()
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise InputError(f"`strategy` {name} cannot start: {error}") from error


def _addresses():
    """The addresses of all workers, the chief's first, and the number of this one."""
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        addresses = [*cluster.get("chief", []), *cluster["worker"]]
        number = int(task["index"])
        if task["type"] == "worker":
            number += len(cluster.get("chief", []))
        elif task["type"] != "chief":
            raise ValueError(task["type"])
        for address in addresses:
            int(address.rpartition(":")[2])
        addresses[number]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise InputError(
            "`strategy=multi_worker` needs the environment variable TF_CONFIG on every worker. "
            f"Expected {_EXAMPLE}. Received: {text or 'nothing'}."
        ) from error
    return addresses, number


def _wait_for_peers(addresses, number):
    """Waits until every worker has opened its port: TensorFlow would wait for hours, in silence."""
    deadline = time.monotonic() + _PATIENCE
    port = int(addresses[number].rpartition(":")[2])
    try:
        # Whoever looks for this worker before TensorFlow takes the port over meets this socket.
        own = socket.create_server(("", port), backlog=len(addresses))
    except OSError as error:
        raise InputError(
            f"Cannot open the port {port} of worker {number} ({error.strerror}). Give it another "
            "in TF_CONFIG."
        ) from error
    with own:
        for other, address in enumerate(addresses):
            while other != number and not _answers(address):
                if time.monotonic() > deadline:
                    raise InputError(
                        f"Worker {other} at {address} did not come within {_PATIENCE} seconds. "
                        "Start every worker with the same command and TF_CONFIG, except `index`."
                    )
                time.sleep(0.1)


def _answers(address):
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def place(strategy: tf.distribute.Strategy) -> Place:
    """The place of this process among several machines, or alone."""
    if strategy.cluster_resolver is None or not strategy.cluster_resolver.cluster_spec():
        return Place(0, 1)
    addresses, number = _addresses()
    return Place(number, len(addresses))


def agree(strategy: tf.distribute.Strategy, number: int) -> bool:
    """Waits for all workers; says whether all called it with the same number."""

    @tf.function
    def means():
        values = strategy.run(lambda: tf.constant([number, number**2], tf.float64))
        return strategy.reduce(tf.distribute.ReduceOp.MEAN, values, axis=None)

    mean, square = means().numpy()
    # Numbers with this mean and this mean of squares have no variance.
    return mean == number and square == number**2


# What collective operations raise when a worker is gone.
_GONE = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


def lost(error: tf.errors.OpError) -> bool:
    """Whether an error says that another worker is gone.

    An internal error does so in the words of collective operations; others are this machine's own,
    such as those of CUDA.
    """
    if isinstance(error, tf.errors.InternalError):
        return "Collective ops is aborted by" in error.message
    return isinstance(error, _GONE)


def reason(error: tf.errors.OpError) -> str:
    """The line of TensorFlow's message that says what happened, without where in the graph."""
    where = ("Graph execution error", "Detected at node", "<stack traces", " ", "\t")
    lines = [line for line in error.message.splitlines() if line and not line.startswith(where)]
    return lines[0] if lines else type(error).__name__
