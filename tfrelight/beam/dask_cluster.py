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
# Items of a task: a scheduler manages a few hundred tasks a second, and what is done takes 1 ms.
_MOST = 8
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

    Raises:
      InputError: Dask is not installed; the scheduler does not answer, or no more; there is no
        worker for a minute; or a worker has another version of the package, or none.
    """
    distributed = _import_distributed()
    with _quiet(), _connected(distributed, scheduler) as client:
        workers = _checked(client, {})
        size = min(_MOST, max(1, math.ceil(len(items) / (4 * sum(workers.values())))))
        waiting = collections.deque(items[i : i + size] for i in range(0, len(items), size))
        running: dict[Any, Sequence[Item]] = {}
        while waiting or running:
            with _answering(distributed, scheduler):
                workers = _checked(client, workers)
                most = _AHEAD * max(1, sum(workers.values()))
                while waiting and len(running) < most:
                    group = waiting.popleft()
                    running[client.submit(_call, function, group, pure=False)] = group
                finished = _finished(distributed, client, running)
            for future in finished:
                group = running.pop(future)
                error = future.exception()
                if error is None:
                    with _answering(distributed, scheduler):
                        results = future.result()
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


def _call(function, group):
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


def _finished(distributed, client, running):
    """The tasks that have ended, at least one. Waits for them, and for workers to do them."""
    deadline = time.monotonic() + _WORKERS
    while True:
        with contextlib.suppress(TimeoutError, distributed.TimeoutError), client.as_current():
            return distributed.wait(list(running), 1, return_when="FIRST_COMPLETED").done
        if client.nthreads():
            deadline = time.monotonic() + _WORKERS
        elif time.monotonic() > deadline:
            raise _no_worker(client)


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
            raise InputError(
                f"The Dask {where} has tfrelight "
                f"{version if isinstance(version, str) else '(none)'}. Expected {__version__}, as "
                "here: install it there, start it again, and repeat the command."
            )
    return workers


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
