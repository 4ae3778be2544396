"""Errors that the server returns: a gRPC status code and a message."""

from __future__ import annotations

import grpc
import tensorflow as tf

__all__ = ["RequestError", "from_exception"]

# TensorFlow Serving truncates longer messages at this length.
_MAX_LENGTH = 1024

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class RequestError(Exception):
    """A request that the server refuses.

    Args:
      code: name of a gRPC status code.
      text: the reason.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = grpc.StatusCode[code]
        self.text = text if len(text) <= _MAX_LENGTH else text[:_MAX_LENGTH] + "...TRUNCATED"


def from_exception(error: Exception, text: str) -> RequestError:
    """The error to return for an exception.

    Args:
      error: a `RequestError` is returned as it is. An error of a graph operation keeps its message
        and its code, because TensorFlow's codes are gRPC's. Any other exception becomes INTERNAL.
      text: message for INTERNAL.
    """
    if isinstance(error, RequestError):
        return error
    if isinstance(error, tf.errors.OpError):
        return RequestError(_CODES[error.error_code].name, error.message)
    return RequestError("INTERNAL", text)
