"""Work in threads."""

import threading

import pytest
import threadpoolctl

from tfrelight import threads


def test_results_come_in_order_from_several_threads(monkeypatch):
    monkeypatch.setattr(threads, "available", lambda: 3)
    together = threading.Barrier(3, timeout=10)

    def work(number, factor):
        if number < 3:
            together.wait()
        return number * factor

    assert list(threads.each(work, range(7), [2] * 7)) == [0, 2, 4, 6, 8, 10, 12]


@pytest.mark.parametrize("calls,at_once,processors", [(1, 4, 4), (5, 1, 4), (5, 4, 1)])
def test_alone_nothing_leaves_this_thread(monkeypatch, calls, at_once, processors):
    monkeypatch.setattr(threads, "available", lambda: processors)
    found = threads.each(lambda _: threading.get_ident(), range(calls), at_once=at_once)
    assert set(found) == {threading.get_ident()}


def test_processors_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {1, 3, 4}, raising=False)
    assert threads.available() == threads.count() == 3
    # macOS and Windows do not tell.
    monkeypatch.delattr("os.sched_getaffinity")
    assert threads.available() == 8
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert threads.available() == 1


def test_no_calls_no_results():
    assert list(threads.each(print)) == list(threads.each(print, [])) == []


def test_an_error_ends_what_has_not_begun(monkeypatch):
    monkeypatch.setattr(threads, "available", lambda: 2)
    begun = []

    def work(number):
        begun.append(number)
        if number == 0:
            raise ValueError("first")
        threading.Event().wait(0.05)

    with pytest.raises(ValueError, match="first"):
        list(threads.each(work, range(100)))
    assert len(begun) < 50


def test_processors_are_shared_with_those_who_work_beside(monkeypatch):
    monkeypatch.setattr(threads, "available", lambda: 8)

    def work(_):
        here = threads.count()
        # Four work, and each may use two of eight.
        inner = list(threads.each(lambda _: (threading.get_ident(), threads.count()), range(4)))
        alone = threading.get_ident() in dict(inner)
        return here, {number for _, number in inner}, alone

    assert threads.count() == 8
    assert list(threads.each(work, range(6))) == [(2, {1}, False)] * 6
    monkeypatch.setattr(threads, "available", lambda: 2)
    found = list(threads.each(work, range(6)))
    # One processor is no reason for further threads.
    assert found == [(1, {1}, True)] * 6 and threads.count() == 2


def blas_threads():
    """Of numpy's library; those that others have loaded since do not matter."""
    libraries = threadpoolctl.threadpool_info()
    return [one["num_threads"] for one in libraries if "numpy" in one["filepath"]]


def test_blas_has_one_thread_while_anyone_is_inside():
    with threadpoolctl.threadpool_limits(2, "blas"):
        outside = blas_threads()
        if outside != [2]:
            pytest.skip(f"this BLAS does not take two threads: {threadpoolctl.threadpool_info()}")
        entered, left = threading.Barrier(2, timeout=10), threading.Event()

        def stay():
            with threads.single_blas:
                entered.wait()
                left.wait(10)

        other = threading.Thread(target=stay)
        with threads.single_blas:
            other.start()
            entered.wait()
            # Nested as well, and as a decorator.
            assert threads.single_blas(blas_threads)() == [1]
        assert blas_threads() == [1]
        left.set()
        other.join()
        assert blas_threads() == [2]
