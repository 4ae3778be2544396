"""Runs heavy work one task at a time, so that it takes the memory and time of one photo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread

from tfrelight.studio.errors import StudioError

__all__ = ["Worker"]


class Worker:
    """Runs functions in threads, one after another, in the order they came.

    Args:
      most: functions that may wait; more are refused.
      seconds: for which one may wait before it is refused.
    """

    def __init__(self, most: int = 64, seconds: float = 60.0) -> None:
        self._lock = anyio.Lock()
        self._most, self._seconds = most, seconds

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Runs `function(*arguments)` in a thread.

        Raises:
          StudioError: too many wait already, or this one waited too long.
        """
        if self._lock.statistics().tasks_waiting >= self._most:
            raise StudioError(
                503, "busy", f"{self._most} photos wait already. Try again in a minute."
            )
        try:
            with anyio.fail_after(self._seconds):
                await self._lock.acquire()
        except TimeoutError:
            raise StudioError(
                503,
                "busy",
                f"Other photos were before this one for {self._seconds:g} seconds. Try again.",
            ) from None
        try:
            return await anyio.to_thread.run_sync(function, *arguments)
        finally:
            self._lock.release()
