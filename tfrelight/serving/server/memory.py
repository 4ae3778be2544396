"""A limit on the memory that all pending requests take together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tfrelight.serving.server.errors import RequestError

__all__ = ["MemoryBudget"]


class MemoryBudget:
    """Bytes of messages and arrays, from a request's arrival to its response.

    Args:
      limit: bytes at a time. A request without others beside it is never refused.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._reserved = 0

    @contextlib.contextmanager
    def reserved(self, size: int, held: int = 0) -> Iterator[None]:
        """Reserves memory until the end of the block.

        Args:
          size: bytes.
          held: bytes that the same request has reserved before.

        Raises:
          RequestError: other requests leave less than `size`.
        """
        others = self._reserved - held
        if others and self._reserved + size > self._limit:
            raise RequestError("UNAVAILABLE", "Pending requests take all the memory they may")
        self._reserved += size
        try:
            yield
        finally:
            self._reserved -= size
