"""A bounded queue in front of the graph, from which free workers take whole batches.

A free worker takes whatever waits instead of waiting for a full batch. So a single client is served
at once, and many clients form large batches while the workers are busy.
"""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import contextlib
import dataclasses

import numpy as np
import tensorflow as tf

from tfrelight.serving.server import metrics
from tfrelight.serving.server.errors import RequestError
from tfrelight.serving.server.requests import CheckedRequest
from tfrelight.serving.server.servable import Servable

__all__ = ["Batcher"]

# TensorFlow Serving's text.
_FULL = "The batch scheduling queue to which this task was submitted is full"


@dataclasses.dataclass(eq=False)
class _Task:
    """A queued request.

    Attributes:
      rows: number of photos, or None if it must run alone.
      kind: equal for requests that may share a run.
    """

    model: str
    servable: Servable
    request: CheckedRequest
    outputs: asyncio.Future
    rows: int | None
    kind: tuple


def _rows(inputs):
    """The number of photos of a request, or None if it must run alone.

    Only photos sent as files may share a run: in one array of strings their sizes may differ.
    Malformed requests run alone, for the graph to refuse.
    """
    rows = {len(array) if array.ndim else 0 for array in inputs.values()}
    files = any(array.dtype == object for array in inputs.values())
    return rows.pop() if files and len(rows) == 1 and 0 not in rows else None


def _kind(servable, request):
    inputs = sorted(request.inputs.items())
    shapes = tuple((name, array.dtype, array.shape[1:]) for name, array in inputs)
    return servable, request.signature, request.outputs, shapes


class Batcher:
    """Runs requests, several at a time and several per run. Create it inside an event loop.

    Args:
      workers: runs at a time.
      max_batch_size: photos per run, at most; a larger request runs alone.
      max_queue: waiting requests, at most.
    """

    def __init__(self, workers: int, max_batch_size: int, max_queue: int) -> None:
        self._max_batch_size = max_batch_size
        self._max_queue = max_queue
        self._queue: collections.deque[_Task] = collections.deque()
        self._running: set[concurrent.futures.Future] = set()
        self._arrived = asyncio.Condition()
        self._pool = concurrent.futures.ThreadPoolExecutor(workers, "graph")
        self._workers = [asyncio.create_task(self._work()) for _ in range(workers)]

    def __len__(self) -> int:
        return len(self._queue)

    def check_capacity(self) -> None:
        """Checks that the queue has room; cheap enough to precede the parsing of a request.

        Raises:
          RequestError: the queue is full.
        """
        if len(self._queue) >= self._max_queue:
            raise RequestError("UNAVAILABLE", _FULL)

    async def run(
        self, model: str, servable: Servable, request: CheckedRequest
    ) -> dict[str, np.ndarray]:
        """Queues a request and waits for its outputs.

        Args:
          model: its name, for the metrics.
          servable: of the model, acquired by the caller.
          request: as checked.

        Returns:
          outputs by name.

        Raises:
          RequestError: the queue is full.
          tf.errors.OpError: the graph refuses the inputs.
        """
        self.check_capacity()
        outputs: asyncio.Future = asyncio.get_running_loop().create_future()
        rows, kind = _rows(request.inputs), _kind(servable, request)
        task = _Task(model, servable, request, outputs, rows, kind)
        self._queue.append(task)
        try:
            async with self._arrived:
                self._arrived.notify()
            return await outputs
        finally:
            # Still queued if the client left before its turn.
            with contextlib.suppress(ValueError):
                self._queue.remove(task)

    async def close(self, seconds: float) -> bool:
        """Stops the workers. No request may be waiting.

        Args:
          seconds: to wait for current runs, at most.

        Returns:
          whether all runs have ended.
        """
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._pool.shutdown(wait=False)
        _, unfinished = await asyncio.to_thread(
            concurrent.futures.wait, list(self._running), timeout=seconds
        )
        return not unfinished

    async def _work(self):
        while True:
            async with self._arrived:
                await self._arrived.wait_for(lambda: self._queue)
            batch = self._take()
            # The requests hold it, too, but release it when their clients leave during the run.
            servable = batch[0].servable
            servable.acquire()
            try:
                running = self._pool.submit(_run_batch, batch)
                self._running.add(running)
                running.add_done_callback(self._running.discard)
                results = await asyncio.wrap_future(running)
            except Exception as error:
                # The handlers report it; the worker goes on.
                results = [error] * len(batch)
            finally:
                servable.release()
            for task, result in zip(batch, results):
                # Done already if the client left during the run.
                if task.outputs.done():
                    continue
                if isinstance(result, Exception):
                    task.outputs.set_exception(result)
                else:
                    task.outputs.set_result(result)

    def _take(self):
        """Takes the oldest request, and those that may share its run, from the queue."""
        first = self._queue.popleft()
        batch, rows = [first], first.rows
        for task in list(self._queue) if rows else ():
            if task.kind == first.kind and task.rows and rows + task.rows <= self._max_batch_size:
                self._queue.remove(task)
                batch.append(task)
                rows += task.rows
        return batch


def _run(tasks):
    """Runs the graph once for requests of one kind. Returns the outputs of each."""
    first, counts = tasks[0], [task.rows for task in tasks]
    inputs = first.request.inputs
    if len(tasks) > 1:
        inputs = {
            name: np.concatenate([task.request.inputs[name] for task in tasks]) for name in inputs
        }
    names = first.request.outputs
    with metrics.time_run(first.model, sum(counts) if len(tasks) > 1 else counts[0] or 1):
        values = first.servable.run(first.request.signature, inputs, names)
    if len(tasks) == 1:
        return [dict(zip(names, values))]
    ends = np.cumsum(counts)
    if any(len(value) != ends[-1] for value in values):
        # A foreign signature, whose outputs do not have one row per photo.
        return [_run([task])[0] for task in tasks]
    parts = [np.split(value, ends[:-1]) for value in values]
    return [dict(zip(names, rows)) for rows in zip(*parts)]


def _run_batch(tasks):
    """The outputs of each request, or its error."""
    try:
        return _run(tasks)
    except tf.errors.OpError as error:
        # A photo that cannot be decoded fails the whole run, so each request runs again alone and
        # fails only itself. Other errors are not a photo's fault and would recur.
        if len(tasks) == 1 or not isinstance(error, tf.errors.InvalidArgumentError):
            return [error] * len(tasks)
    return [result for task in tasks for result in _run_batch([task])]
