"""One loaded version of a model: its graph in a session, as in TensorFlow Serving.

`tf.saved_model.load(...).signatures` would check inputs in Python, which the C++ server does not.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

__all__ = ["Servable"]


class Servable:
    """A loaded SavedModel.

    Callers `acquire` it before they run it, and `release` it afterwards; `close` waits for them.

    Attributes:
      path: folder of the SavedModel.
      signatures: `SignatureDef`s by name.

    Args:
      path: folder of the SavedModel.

    Raises:
      OSError, tf.errors.OpError: it cannot be loaded.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self._users = 0
        self._released = threading.Condition()
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        try:
            with self._session.graph.as_default():
                meta = tf.compat.v1.saved_model.load(self._session, ["serve"], str(path))
        except BaseException:
            self._session.close()
            raise
        self.signatures = dict(meta.signature_def)
        # Compiled once for each signature and set of outputs; there are few.
        self._callable = functools.cache(self._make_callable)

    def acquire(self) -> None:
        """Keeps the session open until `release`."""
        with self._released:
            self._users += 1

    def release(self) -> None:
        """Ends one `acquire`."""
        with self._released:
            self._users -= 1
            self._released.notify_all()

    def run(
        self, signature: str, inputs: Mapping[str, np.ndarray], outputs: tuple[str, ...]
    ) -> list[np.ndarray]:
        """Runs the graph.

        Args:
          signature: name of one of `signatures`.
          inputs: an array for each of its inputs. Shapes and types are checked by the graph.
          outputs: names of outputs.

        Returns:
          an array for each of `outputs`.

        Raises:
          tf.errors.OpError: the graph refuses the inputs, or fails.
        """
        names = tuple(sorted(inputs))
        return self._callable(signature, names, outputs)(*(inputs[name] for name in names))

    def _make_callable(self, signature, inputs, outputs):
        definition = self.signatures[signature]
        options = config_pb2.CallableOptions(
            feed=[definition.inputs[name].name for name in inputs],
            fetch=[definition.outputs[name].name for name in outputs],
        )
        return self._session._make_callable_from_options(options)

    def close(self, seconds: float | None = None) -> None:
        """Closes the session once nobody uses it.

        Args:
          seconds: to wait for users, at most; None for no limit. Runs that still go on then fail
            after their current operation.
        """
        with self._released:
            self._released.wait_for(lambda: self._users == 0, seconds)
        self._callable.cache_clear()
        self._session.close()
