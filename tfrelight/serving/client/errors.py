"""gRPC failures as exceptions with names."""

from __future__ import annotations

from typing import Any

__all__ = [
    "DeadlineExceeded",
    "InvalidRequest",
    "NotServed",
    "ResourceExhausted",
    "ServingError",
    "Unavailable",
    "from_code",
    "from_rpc",
]


class ServingError(OSError):
    """A request that failed on the server, or on the way to it.

    Args:
      code: name of the gRPC status code.
      details: the server's text.
      server: its address.
    """

    def __init__(self, code: str, details: str, server: str) -> None:
        super().__init__(f"{server} answers {code}: {details}")
        self.code = code
        self.details = details
        self.server = server


class InvalidRequest(ServingError):
    """INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE: the same request will fail again."""


class NotServed(ServingError):
    """NOT_FOUND: the server has no such model, or no such version of it."""


class Unavailable(ServingError, ConnectionError):
    """UNAVAILABLE: no server there, or a full one, at every attempt."""


class DeadlineExceeded(ServingError, TimeoutError):
    """DEADLINE_EXCEEDED: no answer in the time given."""


class ResourceExhausted(ServingError):
    """RESOURCE_EXHAUSTED: a message larger than one side accepts, or too many requests."""


_CLASSES = {
    "INVALID_ARGUMENT": InvalidRequest,
    "FAILED_PRECONDITION": InvalidRequest,
    "OUT_OF_RANGE": InvalidRequest,
    "NOT_FOUND": NotServed,
    "UNAVAILABLE": Unavailable,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
    "RESOURCE_EXHAUSTED": ResourceExhausted,
}


def from_code(code: str, details: str, server: str) -> ServingError:
    """The exception for a gRPC status; see `ServingError`."""
    return _CLASSES.get(code, ServingError)(code, details, server)


def from_rpc(error: Any, server: str) -> ServingError:
    """The exception for a `grpc.RpcError`."""
    return from_code(error.code().name, error.details() or "", server)
