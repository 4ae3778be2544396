"""What a client is told when a request cannot be answered: a gRPC code and a text."""

from __future__ import annotations

import grpc
import tensorflow as tf

__all__ = ["Refusal", "of_failure"]

# TensorFlow Serving cuts longer texts there.
_LONGEST = 1024

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class Refusal(Exception):
    """A request that is refused.

    Args:
      code: name of a gRPC status code.
      text: says why.
    """

    def __init__(self, code, text):
        super().__init__(text)
        self.code = grpc.StatusCode[code]
        self.text = text if len(text) <= _LONGEST else text[:_LONGEST] + "...TRUNCATED"


def of_failure(error: Exception, text: str) -> Refusal:
    """What a client is told of a failure.

    Args:
      error: a `Refusal` stands; of an operation of the graph, code and text do, for TensorFlow's
        codes are gRPC's; anything else is INTERNAL.
      text: for that.
    """
    if isinstance(error, Refusal):
        return error
    if isinstance(error, tf.errors.OpError):
        return Refusal(_CODES[error.error_code].name, error.message)
    return Refusal("INTERNAL", text)
