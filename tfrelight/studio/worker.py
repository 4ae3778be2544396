"""One thread that does all the heavy work, so that memory and time are those of one photo."""

from __future__ import annotations

import asyncio
import concurrent.futures

from tfrelight.studio.refusals import Refusal

__all__ = ["Worker"]


class Worker:
    """Runs functions one after the other, in a thread of its own.

    Args:
      most: functions that wait, at most; more are refused.
      seconds: that one may wait before it is refused.
    """

    def __init__(self, most=64, seconds=60.0):
        self._pool = concurrent.futures.ThreadPoolExecutor(1, "studio")
        self._most, self._seconds = most, seconds
        self._waiting = 0

    async def run(self, function, *arguments):
        """What `function(*arguments)` returns.

        Raises:
          Refusal: too many wait, or it waited too long to begin.
        """
        if self._waiting >= self._most:
            raise Refusal(503, "busy", f"{self._most} photos wait already. Try again in a minute.")
        loop, begun = asyncio.get_running_loop(), asyncio.Event()

        def work():
            loop.call_soon_threadsafe(begun.set)
            return function(*arguments)

        self._waiting += 1
        future = self._pool.submit(work)
        try:
            await asyncio.wait_for(begun.wait(), self._seconds)
        except asyncio.TimeoutError:
            if future.cancel():
                raise Refusal(
                    503,
                    "busy",
                    f"Others were before this for {self._seconds:g} seconds. Try again.",
                ) from None
        finally:
            self._waiting -= 1
            if not begun.is_set():
                future.cancel()
        return await asyncio.wrap_future(future)

    def close(self):
        """Ends the thread once what runs is done."""
        self._pool.shutdown(wait=False, cancel_futures=True)
