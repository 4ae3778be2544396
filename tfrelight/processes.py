"""Work in processes: threads that compute with small arrays mostly wait for Python's one lock.

A process takes half a second to start, so only work of several seconds is worth it.
"""

from __future__ import annotations

import concurrent.futures
import concurrent.futures.process
import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from absl import flags, logging

from tfrelight import native, threads
from tfrelight.errors import InputError

__all__ = ["KilledError", "Pool", "affordable", "each"]

# Bytes of all processes that share photos, of one of them without its photos, and most of them.
_MEMORY, _BYTES, _MOST = 4 << 30, 170 << 20, 16
# Most processes that Windows lets one wait for.
_MOST_OF_WINDOWS = 61

Item = TypeVar("Item")
Result = TypeVar("Result")


class KilledError(InputError):
    """A process ended abruptly."""


def affordable(size: int) -> int:
    """The number of processes that share work: one for each processor, as far as memory goes.

    Args:
      size: bytes that each of them holds of the work.
    """
    return max(1, min(threads.available(), _MOST, _MEMORY // (_BYTES + size)))


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
        self._count = count = min(count, _MOST_OF_WINDOWS)
        self._pool: concurrent.futures.ProcessPoolExecutor | None = None
        if count > 1:
            context = multiprocessing.get_context("spawn")
            self._pool = concurrent.futures.ProcessPoolExecutor(
                count,
                mp_context=context,
                initializer=_begin,
                initargs=(threads.available() // count,),
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
                with _interrupts_wait():
                    waiting.append(self._pool.submit(work, item))
                # The short queue keeps a slow reader from filling memory.
                if len(waiting) > self._count + 1:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        except concurrent.futures.process.BrokenProcessPool as error:
            raise KilledError(
                f"One of {self._count} processes ended abruptly: killed, or out of memory. If "
                "memory was short, close other programs first."
            ) from error
        finally:
            for future in waiting:
                future.cancel()


@contextlib.contextmanager
def _interrupts_wait():
    """Keeps Ctrl-C from processes that begin: only this one, when it is done here, hears of it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(processors):
    """Makes a process a quiet worker, which ends when its parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Warnings look as they do in the command.
    flags.FLAGS.mark_as_parsed()
    logging.use_absl_handler()
    logging.set_verbosity(logging.WARNING)
    threads.share(processors)
    threads.single_blas.__enter__()

    def watch():
        multiprocessing.parent_process().join()
        os._exit(1)

    native.Silent(target=watch, daemon=True).start()
