"""Work in processes: threads that compute with small arrays mostly wait for Python's one lock.

A process takes half a second to start, so only work of several seconds is worth it.
"""

from __future__ import annotations

import concurrent.futures
import concurrent.futures.process
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from absl import flags

from tfrelight import native, threads
from tfrelight.errors import InputError

__all__ = ["KilledError", "Pool", "available", "each"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class KilledError(InputError):
    """A process ended abruptly."""


def available() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def each(work: Callable[[Item], Result], items: Iterable[Item], count: int) -> Iterator[Result]:
    """As `Pool.each`, with processes of its own."""
    with Pool(count) as pool:
        yield from pool.each(work, items)


class Pool:
    """Processes for several kinds of work; use it with `with`.

    Args:
      count: of processes; 1 works in this one.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: concurrent.futures.ProcessPoolExecutor | None = None
        if count > 1:
            context = multiprocessing.get_context("spawn")
            self._pool = concurrent.futures.ProcessPoolExecutor(
                count, mp_context=context, initializer=_begin
            )

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def each(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yields what `work` returns for each item, in their order, and works ahead.

        Args:
          work: a function that pickle can send, of one item.
          items: to work on; each is taken when its turn comes near.

        Raises:
          KilledError: a process was killed.
        """
        if self._pool is None:
            yield from map(work, items)
            return
        waiting: list[concurrent.futures.Future[Any]] = []
        try:
            for item in items:
                waiting.append(self._pool.submit(work, item))
                # The short queue keeps a slow reader from filling memory.
                if len(waiting) > 2 * self._count:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        except concurrent.futures.process.BrokenProcessPool as error:
            raise KilledError(
                f"One of {self._count} processes ended abruptly: killed, or out of memory. Start "
                "again; if memory was short, end other programs before."
            ) from error
        finally:
            for future in waiting:
                future.cancel()


def _begin():
    """Makes a process a quiet worker of one thread, which ends when its parent does."""
    # Its parent hears of Ctrl-C, too, and says so.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    flags.FLAGS.mark_as_parsed()
    threads.work_alone()

    def watch():
        multiprocessing.parent_process().join()
        os._exit(1)

    native.Silent(target=watch, daemon=True).start()
