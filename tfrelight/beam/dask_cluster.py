"""Runs a function over many items on the workers of a Dask cluster, with failures in one line.

Needs `pip install "tfrelight[dask]"`, here, on the scheduler and on the workers. Apache Beam has a
runner for Dask, too, which is not used: it computes the last step of a pipeline only, so that one
of a job's two manifests is missing, and it leaves a list of files to a single worker.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import math
import os
import pydoc
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, TypeVar

from tfrelight.errors import InputError
from tfrelight.version import __version__

__all__ = ["check_paths", "each"]

Item = TypeVar("Item")

# Seconds until a scheduler has answered, and until the first or another worker is there.
_CONNECT, _WORKERS = 10, 60
# Seconds for the results of a task that has ended. A worker that was killed takes them with it.
_FETCH = 5
# Tasks for each thread of the workers that the scheduler knows at a time.
_AHEAD = 3


def check_paths(paths: Mapping[str, str | None]) -> None:
    """Checks that paths mean the same on every worker.

    Args:
      paths: by the names of their arguments.

    Raises:
      InputError: one is relative.
    """
    for name, path in paths.items():
        if path is not None and "://" not in path and not os.path.isabs(path):
            raise InputError(
                f"Expected an absolute path for `{name}`, because Dask's workers run in folders of "
                f"their own. Received: {path}."
            )


def each(
    scheduler: str,
    function: Callable[[Item], Any],
    items: Sequence[Item],
    killed: Callable[[Item], Any] | None = None,
    most: int = 8,
) -> Iterator[Any]:
    """Calls a function with every item on the workers; yields the results in any order.

    An item whose worker is killed goes to another one. Workers may come and go. (Dask ends a worker
    that cannot import the function, and gives its tasks to others.)

    Args:
      scheduler: address of Dask's scheduler, tcp://host:8786.
      function: picklable. An InputError that it raises ends the job.
      items: picklable.
      killed: gives the result of an item on which one worker after the other was killed; None ends
        the job there.
      most: items of a task, all of which are done again when its worker is killed. A scheduler
        manages a few hundred tasks a second; items that take minutes are worth a task each.

    Raises:
      InputError: Dask is not installed; the scheduler does not answer, or no more; there is no
        worker for a minute; or a worker has another version of the package, or none.
    """
    distributed = _import_distributed()
    with _quiet(), _connected(distributed, scheduler) as client:
        with _answering(distributed, scheduler):
            workers = _checked(client, {})
        size = min(most, max(1, math.ceil(len(items) / (4 * _threads(workers)))))
        waiting = collections.deque(items[i : i + size] for i in range(0, len(items), size))
        running: dict[Any, Sequence[Item]] = {}
        attended = time.monotonic()
        while waiting or running:
            with _answering(distributed, scheduler):
                workers = _checked(client, workers)
                if workers:
                    attended = time.monotonic()
                elif time.monotonic() - attended > _WORKERS:
                    raise _no_worker(client)
                while waiting and len(running) < _AHEAD * _threads(workers):
                    group = waiting.popleft()
                    arguments = (_call, __version__, function, group)
                    running[client.submit(*arguments, pure=False)] = group
                ended = _ended(distributed, client, list(running))
            while ended:
                future, (results, error) = ended.popitem()
                group = running.pop(future)
                # Dask computes again what somebody refers to when its worker is killed.
                del future
                if error is None:
                    yield from results
                elif not isinstance(error, distributed.scheduler.KilledWorker):
                    raise error
                elif len(group) > 1:
                    waiting.extendleft([item] for item in group)
                elif killed is None:
                    raise InputError(
                        "One worker after the other was killed at the same work. Give the workers "
                        "more memory, and repeat the command; finished work is kept."
                    )
                else:
                    yield killed(*group)


def _threads(workers):
    return max(1, sum(workers.values()))


def _call(version, function, group):
    """Works on a worker, which may have come after those that `_checked` asked."""
    if version != __version__:
        raise _other_version(f"worker on {socket.gethostname()}", __version__, version)
    return [function(item) for item in group]


@contextlib.contextmanager
def _answering(distributed, scheduler):
    """Raises InputError when the scheduler is lost, in place of Dask's exceptions for that."""
    try:
        yield
    except (OSError, distributed.CancelledError) as error:
        raise InputError(
            f"Lost the Dask scheduler at {scheduler}. Start it and its workers again, and repeat "
            "the command; finished work is kept."
        ) from error


def _ended(distributed, client, futures):
    """The results, or the error, of each task that has ended. Waits for a second at most."""
    timeouts = (TimeoutError, distributed.TimeoutError)
    try:
        with client.as_current():
            done = distributed.wait(futures, 1, return_when="FIRST_COMPLETED").done
    except timeouts:
        return {}
    ended = {}
    for future in done:
        try:
            ended[future] = future.result(timeout=_FETCH), None
        except Exception as error:
            if future.status == "error":
                # Of the task. Dask's own errors leave the future in another state.
                ended[future] = None, future.exception(timeout=_FETCH)
            elif not isinstance(error, timeouts):
                raise
            # Otherwise the worker that held the results is gone, and another computes them again.
    return ended


def _no_worker(client):
    address = client.scheduler.address
    return InputError(
        f"The Dask scheduler at {address} has had no worker for {_WORKERS} seconds. Start workers "
        f"with dask worker {address}, and repeat the command; finished work is kept."
    )


@contextlib.contextmanager
def _connected(distributed, scheduler):
    try:
        client = distributed.Client(
            scheduler, timeout=_CONNECT, set_as_default=False, name="tfrelight"
        )
    except (OSError, ValueError) as error:
        raise InputError(
            f"No Dask scheduler answers at {scheduler}. Expected the address that dask scheduler "
            "prints, such as tcp://host:8786."
        ) from error
    with contextlib.closing(client):
        with _answering(distributed, scheduler):
            try:
                client.wait_for_workers(1, timeout=_WORKERS)
            except (TimeoutError, distributed.TimeoutError) as error:
                raise _no_worker(client) from error
        yield client


def _checked(client, known):
    """The number of threads of each worker. Checks the package of those that are not `known`.

    Raises:
      InputError: one of them, or the scheduler, has another version, or none.
    """
    workers = client.nthreads()
    new = workers.keys() - known.keys()
    if not new:
        return workers
    arguments = (pydoc.locate, "tfrelight.version.__version__")
    found = {"scheduler": client.run_on_scheduler(*arguments)}
    for address, version in client.run(*arguments, workers=list(new), on_error="return").items():
        found[f"worker {address}"] = version
    for where, version in found.items():
        # A worker that went away meanwhile gives an OSError.
        if version != __version__ and not isinstance(version, OSError):
            raise _other_version(where, version, __version__)
    return workers


def _other_version(where, found, expected):
    return InputError(
        f"The Dask {where} has tfrelight {found if isinstance(found, str) else '(none)'}. Expected "
        f"{expected}, as here: install it there, start it again, and repeat the command."
    )


def _import_distributed() -> ModuleType:
    try:
        import distributed
    except ImportError as error:
        raise InputError(
            'Dask is not installed. Install it with pip install "tfrelight[dask]".'
        ) from error
    return distributed


@contextlib.contextmanager
def _quiet():
    """Silences Dask's log for the job: every failure is one line already."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)
