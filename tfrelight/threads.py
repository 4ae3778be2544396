"""Work in threads: numpy, Pillow and the engines let go of Python's lock while they compute."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import importlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import threadpoolctl

__all__ = ["available", "count", "each", "share", "single_blas"]

_MOST = 4

Result = TypeVar("Result")


def each(
    work: Callable[..., Result], *arguments: Iterable[Any], at_once: int = _MOST
) -> Iterator[Result]:
    """Yields what `work` returns, as `map` does, and works ahead in threads.

    There is one for each processor that this thread may use, and four at most; each may use as many
    as are left for it. A single call is made in this thread.

    Args:
      work: may be called from any thread, several at a time.
      arguments: one iterable for each argument of `work`, of the same length.
      at_once: most calls at a time.
    """
    calls = list(zip(*arguments, strict=True))
    number = min(at_once, len(calls), _MOST, count())
    if number <= 1:
        yield from (work(*call) for call in calls)
        return
    with concurrent.futures.ThreadPoolExecutor(
        number, initializer=share, initargs=(count() // number,)
    ) as pool:
        yield from pool.map(lambda call: work(*call), calls)


# Of each thread: the processors that it may use, if others work beside it.
_here = threading.local()


def share(processors: int) -> None:
    """Leaves this thread a part of the processors, because others work beside it.

    Args:
      processors: that it may use, at least 1.
    """
    _here.processors = max(1, processors)


def available() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def count() -> int:
    """The number of processors that this thread may use."""
    return getattr(_here, "processors", None) or available()


class _SingleBlas(contextlib.ContextDecorator):
    """Keeps numpy's products of matrices in the thread that asks for them, while anyone is inside.

    BLAS would share even a small product among all processors, whose threads then wait for the
    next one as busily as they compute. For a photo that took as much time as everything else. The
    setting belongs to the whole process, which gets it back when the last thread has left.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._inside = 0
        self._limited = None

    def __enter__(self):
        with self._lock:
            if not self._inside:
                with _any_thread():
                    self._limited = _libraries().limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_):
        with self._lock:
            self._inside -= 1
            if not self._inside:
                with _any_thread():
                    self._limited.restore_original_limits()


single_blas = _SingleBlas()


@contextlib.contextmanager
def _any_thread():
    """Lets this thread set limits: the first to do so would be the only one that can."""
    threadpoolctl.OpenBLASController.clear_controlling_thread(force=True)
    yield
    threadpoolctl.OpenBLASController.clear_controlling_thread(force=True)


@functools.lru_cache(maxsize=1)
def _libraries():
    # Only libraries that are loaded are found, and a process may begin without numpy.
    importlib.import_module("numpy")
    return threadpoolctl.ThreadpoolController()
