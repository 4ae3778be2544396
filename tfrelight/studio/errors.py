"""The studio's error, which the page shows to its user."""

from __future__ import annotations

__all__ = ["StudioError"]


class StudioError(Exception):
    """A request that the studio refuses.

    Args:
      status: of HTTP.
      reason: code for programs, such as "no_face".
      text: one or two sentences: what is wrong, and what to do.
    """

    def __init__(self, status: int, reason: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason
