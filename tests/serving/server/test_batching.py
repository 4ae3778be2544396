"""The queue in front of the graph: what shares a run, what runs alone, and what is refused."""

import asyncio
import threading

import numpy as np
import pytest
import tensorflow as tf

from tfrelight.serving.server.batching import Batcher
from tfrelight.serving.server.errors import RequestError
from tfrelight.serving.server.requests import CheckedRequest


class Doubler:
    """Stands in for a graph: returns `x` + `x`, records its runs, waits while `gate` is clear."""

    def __init__(self):
        self.runs = []
        self.users = 0
        self.gate = threading.Event()
        self.gate.set()

    def acquire(self):
        self.users += 1

    def release(self):
        self.users -= 1

    def run(self, signature, inputs, outputs):
        assert self.users > 0
        assert self.gate.wait(20)
        values = inputs["x"]
        self.runs.append(len(values) if np.ndim(values) else values)
        if signature == "broken":
            raise ZeroDivisionError
        if any(value == b"much" for value in np.ravel(values)):
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
        if any(value == b"bad" for value in np.ravel(values)):
            raise tf.errors.InvalidArgumentError(None, None, "bad")
        if signature == "sum":
            return [np.array([len(values)])]
        return [values + values for _ in outputs]


def files(*values):
    return CheckedRequest("double", {"x": np.array(values, object)}, ("y",))


def run(body, **settings):
    """Runs `await body(batcher, graph)` with a new batcher."""

    async def main():
        batcher = Batcher(**{"workers": 1, "max_batch_size": 8, "max_queue": 16, **settings})
        graph = Doubler()
        try:
            return await asyncio.wait_for(body(batcher, graph), 30)
        finally:
            graph.gate.set()
            assert await batcher.close(10)

    return asyncio.run(main())


async def behind_a_gate(batcher, graph, requests):
    """The results, or exceptions, of requests that all wait while a first one runs."""
    graph.gate.clear()
    first = asyncio.create_task(batcher.run("m", graph, files(b"first")))
    while len(batcher):
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)
    tasks = [asyncio.create_task(batcher.run("m", graph, request)) for request in requests]
    await asyncio.sleep(0.02)
    graph.gate.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    await first
    return answers


def test_waiting_requests_share_a_run_and_get_their_own_rows():
    async def body(batcher, graph):
        requests = [files(b"a"), files(b"b", b"c"), files(b"d")]
        answers = await behind_a_gate(batcher, graph, requests)
        assert [list(answer["y"]) for answer in answers] == [[b"aa"], [b"bb", b"cc"], [b"dd"]]
        assert graph.runs == [1, 4]

    run(body)


def test_batches_are_limited_and_large_requests_run_alone():
    async def body(batcher, graph):
        requests = [files(*[b"x"] * count) for count in (3, 4, 2, 11, 1)]
        answers = await behind_a_gate(batcher, graph, requests)
        assert [len(answer["y"]) for answer in answers] == [3, 4, 2, 11, 1]
        # The oldest is joined by those that fit, in order: 3 + 4 + 1, then 2, then 11.
        assert graph.runs == [1, 8, 2, 11]

    run(body)


@pytest.mark.parametrize(
    "other",
    [
        CheckedRequest("other", {"x": np.array([b"b"], object)}, ("y",)),
        CheckedRequest("double", {"x": np.array([b"b"], object)}, ("z",)),
        CheckedRequest("double", {"x": np.array([[b"b"]], object)}, ("y",)),
        CheckedRequest("double", {"x": np.float32([1])}, ("y",)),
        CheckedRequest("double", {"x": np.array([b"b"], object), "l": np.float32([1])}, ("y",)),
    ],
    ids=["signature", "outputs", "shape", "type", "inputs"],
)
def test_requests_of_different_kinds_run_apart(other):
    async def body(batcher, graph):
        answers = await behind_a_gate(batcher, graph, [files(b"a"), other])
        assert list(answers[0]["y"]) == [b"aa"]
        assert graph.runs == [1, 1, 1]

    run(body)


@pytest.mark.parametrize(
    "inputs",
    [
        {"x": np.float32([1.0])},
        {"x": np.array([b"a", b"b"], object), "light": np.float32([1.0])},
        {"x": np.array([], object)},
        {"x": np.array(b"a", object)},
    ],
    ids=["arrays", "unequal numbers", "none", "scalar"],
)
def test_requests_other_than_lists_of_files_run_alone(inputs):
    async def body(batcher, graph):
        request = CheckedRequest("double", inputs, ("y",))
        await behind_a_gate(batcher, graph, [request, request])
        assert len(graph.runs) == 3

    run(body)


def test_a_bad_photo_fails_only_its_own_request():
    async def body(batcher, graph):
        requests = [files(b"a"), files(b"bad"), files(b"c")]
        answers = await behind_a_gate(batcher, graph, requests)
        assert list(answers[0]["y"]) == [b"aa"] and list(answers[2]["y"]) == [b"cc"]
        assert isinstance(answers[1], tf.errors.InvalidArgumentError)
        assert graph.runs == [1, 3, 1, 1, 1]

    run(body)


def test_errors_that_are_not_a_photo_s_fault_are_not_retried():
    async def body(batcher, graph):
        answers = await behind_a_gate(batcher, graph, [files(b"a"), files(b"much")])
        assert [type(answer) for answer in answers] == [tf.errors.ResourceExhaustedError] * 2
        assert graph.runs == [1, 2]

    run(body)


def test_an_unexpected_error_is_raised_and_the_worker_goes_on():
    async def body(batcher, graph):
        broken = CheckedRequest("broken", {"x": np.array([b"a"], object)}, ("y",))
        answers = await behind_a_gate(batcher, graph, [broken, broken])
        assert [type(answer) for answer in answers] == [ZeroDivisionError] * 2
        assert list((await batcher.run("m", graph, files(b"a")))["y"]) == [b"aa"]

    run(body)


def test_outputs_without_one_row_per_photo_are_not_split():
    async def body(batcher, graph):
        request = CheckedRequest("sum", {"x": np.array([b"a", b"b"], object)}, ("y",))
        answers = await behind_a_gate(batcher, graph, [request, request])
        assert [list(answer["y"]) for answer in answers] == [[2], [2]]

    run(body)


def test_a_full_queue_refuses_until_it_has_room():
    async def body(batcher, graph):
        answers = await behind_a_gate(batcher, graph, [files(b"x")] * 6)
        refused = [answer for answer in answers if isinstance(answer, RequestError)]
        assert len(refused) == 2
        assert {refusal.code.name for refusal in refused} == {"UNAVAILABLE"}
        text = "The batch scheduling queue to which this task was submitted is full"
        assert {refusal.text for refusal in refused} == {text}
        assert sum(graph.runs) == 5
        batcher.check_capacity()

    run(body, max_queue=4)


def test_a_cancelled_request_is_not_run():
    async def body(batcher, graph):
        graph.gate.clear()
        first = asyncio.create_task(batcher.run("m", graph, files(b"first")))
        await asyncio.sleep(0.02)
        left = asyncio.create_task(batcher.run("m", graph, files(b"left")))
        stays = asyncio.create_task(batcher.run("m", graph, files(b"stays")))
        await asyncio.sleep(0.02)
        left.cancel()
        await asyncio.sleep(0)
        graph.gate.set()
        assert list((await stays)["y"]) == [b"staysstays"]
        await first
        assert graph.runs == [1, 1]
        assert len(batcher) == 0

    run(body)


def test_a_request_cancelled_during_its_run_keeps_the_graph_open():
    async def body(batcher, graph):
        graph.gate.clear()
        first = asyncio.create_task(batcher.run("m", graph, files(b"first")))
        await asyncio.sleep(0.02)
        first.cancel()
        await asyncio.sleep(0.02)
        # The graph is still in use.
        assert graph.users == 1
        graph.gate.set()
        assert list((await batcher.run("m", graph, files(b"a")))["y"]) == [b"aa"]
        await asyncio.sleep(0.02)
        assert graph.users == 0

    run(body)


def test_a_cancelled_request_makes_room():
    async def body(batcher, graph):
        graph.gate.clear()
        first = asyncio.create_task(batcher.run("m", graph, files(b"first")))
        await asyncio.sleep(0.02)
        left = asyncio.create_task(batcher.run("m", graph, files(b"left")))
        await asyncio.sleep(0.02)
        with pytest.raises(RequestError):
            batcher.check_capacity()
        left.cancel()
        await asyncio.sleep(0.02)
        batcher.check_capacity()
        graph.gate.set()
        await first

    run(body, max_queue=1)


def test_close_does_not_wait_for_a_stuck_run():
    async def main():
        batcher, graph = Batcher(1, 8, 16), Doubler()
        graph.gate.clear()
        task = asyncio.create_task(batcher.run("m", graph, files(b"a")))
        await asyncio.sleep(0.05)
        task.cancel()
        assert not await batcher.close(0.05)
        graph.gate.set()
        assert await batcher.close(10)

    asyncio.run(main())


def test_workers_run_in_parallel():
    async def body(batcher, graph):
        graph.gate.clear()
        tasks = []
        for _ in range(2):
            tasks.append(asyncio.create_task(batcher.run("m", graph, files(b"a"))))
            await asyncio.sleep(0.02)
        assert len(batcher) == 0
        graph.gate.set()
        await asyncio.gather(*tasks)

    run(body, workers=2)
