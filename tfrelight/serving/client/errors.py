"""What may go wrong between a client and a server, as exceptions with names."""

from __future__ import annotations

__all__ = [
    "DeadlineExceeded",
    "InvalidRequest",
    "NotServed",
    "ResourceExhausted",
    "ServingError",
    "Unavailable",
    "of_code",
]


class ServingError(OSError):
    """A request that a server did not answer.

    Args:
      code: name of the gRPC status code.
      details: the server's text.
      server: its address.
    """

    def __init__(self, code, details, server):
        super().__init__(f"{server} answers {code}: {details}")
        self.code = code
        self.details = details
        self.server = server


class InvalidRequest(ServingError):
    """INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE: sent again, it fails again."""


class NotServed(ServingError):
    """NOT_FOUND: no such model, or no such version of it."""


class Unavailable(ServingError, ConnectionError):
    """UNAVAILABLE: no server there, or a full one, and so after every attempt."""


class DeadlineExceeded(ServingError, TimeoutError):
    """DEADLINE_EXCEEDED: no answer in the time given."""


class ResourceExhausted(ServingError):
    """RESOURCE_EXHAUSTED: a message larger than one side takes, or too many requests."""


_KINDS = {
    "INVALID_ARGUMENT": InvalidRequest,
    "FAILED_PRECONDITION": InvalidRequest,
    "OUT_OF_RANGE": InvalidRequest,
    "NOT_FOUND": NotServed,
    "UNAVAILABLE": Unavailable,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
    "RESOURCE_EXHAUSTED": ResourceExhausted,
}


def of_code(code, details, server):
    """The exception for a gRPC status."""
    return _KINDS.get(code, ServingError)(code, details, server)
