"""Work in threads: numpy, Pillow and the engines let go of Python's lock while they compute."""

from __future__ import annotations

import concurrent.futures
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

__all__ = ["each"]

_MOST = 4

Result = TypeVar("Result")


def each(
    work: Callable[..., Result], *arguments: Iterable[Any], at_once: int = _MOST
) -> Iterator[Result]:
    """Yields what `work` returns, as `map` does, and works ahead in threads.

    There is one for each processor, and four at most. A single call is made in this thread.

    Args:
      work: may be called from any thread, several at a time.
      arguments: one iterable for each argument of `work`, of the same length.
      at_once: most calls at a time.
    """
    calls = list(zip(*arguments, strict=True))
    count = min(at_once, len(calls), _MOST, os.cpu_count() or 1)
    if count <= 1:
        yield from (work(*call) for call in calls)
        return
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        yield from pool.map(lambda call: work(*call), calls)
