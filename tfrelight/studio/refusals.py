"""What the page is told when something is not possible: one sentence, and what to do."""

from __future__ import annotations

__all__ = ["Refusal"]


class Refusal(Exception):
    """A request that is not answered with what it asked for.

    Attributes:
      status: of HTTP.
      reason: a word for programs, as "no_face".
    """

    def __init__(self, status, reason, text):
        super().__init__(text)
        self.status = status
        self.reason = reason
