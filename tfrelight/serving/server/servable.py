"""One version of a model, loaded: its graph in a session, as in TensorFlow Serving.

Not `tf.saved_model.load(...).signatures`, which checks inputs in Python as the C++ server does not.
"""

from __future__ import annotations

import functools
import threading

import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

__all__ = ["Servable"]


class Servable:
    """A loaded SavedModel.

    Who runs it has acquired it before, and releases it; `close` waits for them.

    Args:
      path: of the SavedModel's folder.

    Raises:
      OSError, tf.errors.OpError: it cannot be loaded.
    """

    def __init__(self, path):
        self.path = path
        self._users = 0
        self._left = threading.Condition()
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        try:
            with self._session.graph.as_default():
                meta = tf.compat.v1.saved_model.load(self._session, ["serve"], str(path))
        except BaseException:
            self._session.close()
            raise
        self.signatures = dict(meta.signature_def)
        # Compiled once for each signature and set of outputs, of which there are few.
        self._callable = functools.cache(self._make_callable)

    def acquire(self):
        """Keeps the session open until `release`."""
        with self._left:
            self._users += 1

    def release(self):
        """Says that one who acquired it is done."""
        with self._left:
            self._users -= 1
            self._left.notify_all()

    def run(self, signature, inputs, outputs):
        """Answers a request.

        Args:
          signature: name of one of `signatures`.
          inputs: dict of its inputs to arrays; nothing about them has been checked.
          outputs: tuple of names of its outputs.

        Returns:
          list of arrays, one for each output.

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

    def close(self, seconds=None):
        """Ends the session, once nobody uses it.

        Args:
          seconds: to wait for that at most. Runs under way then fail after their present operation.
        """
        with self._left:
            self._left.wait_for(lambda: self._users == 0, seconds)
        self._callable.cache_clear()
        self._session.close()
