"""A bounded queue in front of the graph, from which free workers take whole batches.

There is no waiting for a batch to fill: a worker that is free takes what is there. So one client
waits for nobody, and many clients make large batches while the workers are busy.
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
from tfrelight.serving.server.refusal import Refusal
from tfrelight.serving.server.requests import Checked
from tfrelight.serving.server.servable import Servable

__all__ = ["Batcher"]

# TensorFlow Serving's words for it.
_FULL = "The batch scheduling queue to which this task was submitted is full"


@dataclasses.dataclass(eq=False)
class _Task:
    """rows: number of photos, or None if it cannot be joined with others. kind: equal for requests
    that can be joined."""

    model: str
    servable: Servable
    request: Checked
    answer: asyncio.Future
    rows: int | None
    kind: tuple


def _rows(inputs):
    """Photos as files can be joined: in one array their sizes do not show.

    Whatever is odd about a request is left for the graph to refuse, alone.
    """
    rows = {len(array) if array.ndim else 0 for array in inputs.values()}
    files = any(array.dtype == object for array in inputs.values())
    return rows.pop() if files and len(rows) == 1 and 0 not in rows else None


def _kind(servable, request):
    inputs = sorted(request.inputs.items())
    shapes = tuple((name, array.dtype, array.shape[1:]) for name, array in inputs)
    return servable, request.signature, request.outputs, shapes


class Batcher:
    """Runs requests, several at a time and several in one run.

    Args:
      workers: runs at a time.
      max_batch_size: photos in one run, at most; a larger request runs alone.
      max_queue: requests that wait, at most.
    """

    def __init__(self, workers, max_batch_size, max_queue):
        self._max_batch_size = max_batch_size
        self._max_queue = max_queue
        self._queue = collections.deque()
        self._running = set()
        self._arrived = asyncio.Condition()
        self._pool = concurrent.futures.ThreadPoolExecutor(workers, "graph")
        self._workers = [asyncio.create_task(self._work()) for _ in range(workers)]

    def __len__(self):
        return len(self._queue)

    def expect_room(self):
        """Raises `Refusal` if the queue is full: before a request is parsed, to be quick."""
        if len(self._queue) >= self._max_queue:
            raise Refusal("UNAVAILABLE", _FULL)

    async def run(self, model, servable, request):
        """The outputs of a checked request, by name.

        Args:
          model: its name, for the metrics.
          servable: that answers, acquired by the caller.
          request: `requests.Checked`.

        Raises:
          Refusal: the queue is full.
          tf.errors.OpError: the graph refuses the inputs.
        """
        self.expect_room()
        answer = asyncio.get_running_loop().create_future()
        rows, kind = _rows(request.inputs), _kind(servable, request)
        task = _Task(model, servable, request, answer, rows, kind)
        self._queue.append(task)
        try:
            async with self._arrived:
                self._arrived.notify()
            return await answer
        finally:
            # Its client has left before it was its turn.
            with contextlib.suppress(ValueError):
                self._queue.remove(task)

    async def close(self, seconds):
        """Ends the workers; nobody may be waiting for an answer.

        Args:
          seconds: to wait at most, for runs under way.

        Returns:
          whether all have ended.
        """
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._pool.shutdown(wait=False)
        _, left = await asyncio.to_thread(
            concurrent.futures.wait, list(self._running), timeout=seconds
        )
        return not left

    async def _work(self):
        while True:
            async with self._arrived:
                await self._arrived.wait_for(lambda: self._queue)
            batch = self._take()
            # Each request has acquired it too, but lets go when its client leaves during the run.
            servable = batch[0].servable
            servable.acquire()
            try:
                running = self._pool.submit(_run_batch, batch)
                self._running.add(running)
                running.add_done_callback(self._running.discard)
                found = await asyncio.wrap_future(running)
            except Exception as error:
                # Of whatever kind: the worker goes on, and the handlers report it.
                found = [error] * len(batch)
            finally:
                servable.release()
            for task, answer in zip(batch, found):
                # Its client may have left meanwhile.
                if task.answer.done():
                    continue
                if isinstance(answer, Exception):
                    task.answer.set_exception(answer)
                else:
                    task.answer.set_result(answer)

    def _take(self):
        """The oldest request, and those that can be joined with it."""
        first = self._queue.popleft()
        batch, rows = [first], first.rows
        for task in list(self._queue) if rows else ():
            if task.kind == first.kind and task.rows and rows + task.rows <= self._max_batch_size:
                self._queue.remove(task)
                batch.append(task)
                rows += task.rows
        return batch


def _run(tasks):
    """One run for requests that go together; a list of dicts of arrays."""
    first, counts = tasks[0], [task.rows for task in tasks]
    inputs = first.request.inputs
    if len(tasks) > 1:
        inputs = {
            name: np.concatenate([task.request.inputs[name] for task in tasks]) for name in inputs
        }
    names = first.request.outputs
    with metrics.running(first.model, sum(counts) if len(tasks) > 1 else counts[0] or 1):
        values = first.servable.run(first.request.signature, inputs, names)
    if len(tasks) == 1:
        return [dict(zip(names, values))]
    ends = np.cumsum(counts)
    if any(len(value) != ends[-1] for value in values):
        # Not a signature of ours: its outputs are not one for each photo.
        return [_run([task])[0] for task in tasks]
    parts = [np.split(value, ends[:-1]) for value in values]
    return [dict(zip(names, row)) for row in zip(*parts)]


def _run_batch(tasks):
    """The answer to each request, or the `tf.errors.OpError` that it gets."""
    try:
        return _run(tasks)
    except tf.errors.OpError as error:
        # One photo that cannot be decoded fails the run for all. Alone, only its own client is
        # told. Any other failure is nobody's fault, and would come again.
        if len(tasks) == 1 or not isinstance(error, tf.errors.InvalidArgumentError):
            return [error] * len(tasks)
    return [answer for task in tasks for answer in _run_batch([task])]
