"""How much memory requests may take, all together."""

from __future__ import annotations

import contextlib

from tfrelight.serving.server.refusal import Refusal

__all__ = ["Room"]


class Room:
    """Bytes of messages and arrays, from a request's arrival to its answer.

    Args:
      most: bytes at a time. A request that is alone always has room.
    """

    def __init__(self, most):
        self._most = most
        self._taken = 0

    @contextlib.contextmanager
    def taken(self, size, more_of=0):
        """Takes room until the end of the block.

        Args:
          size: bytes.
          more_of: bytes that the same request has taken before.

        Raises:
          Refusal: there is not as much.
        """
        others = self._taken - more_of
        if others and self._taken + size > self._most:
            raise Refusal("UNAVAILABLE", "Requests that are not answered yet take all the memory")
        self._taken += size
        try:
            yield
        finally:
            self._taken -= size
