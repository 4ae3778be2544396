"""Work in threads."""

import threading

import pytest

from tfrelight import threads


def test_results_come_in_order_from_several_threads(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    together = threading.Barrier(3, timeout=10)

    def work(number, factor):
        if number < 3:
            together.wait()
        return number * factor

    assert list(threads.each(work, range(7), [2] * 7)) == [0, 2, 4, 6, 8, 10, 12]


@pytest.mark.parametrize(
    "calls,at_once,processors", [(1, 4, 4), (5, 1, 4), (5, 4, 1), (5, 4, None)]
)
def test_alone_nothing_leaves_this_thread(monkeypatch, calls, at_once, processors):
    monkeypatch.setattr("os.cpu_count", lambda: processors)
    found = threads.each(lambda _: threading.get_ident(), range(calls), at_once=at_once)
    assert set(found) == {threading.get_ident()}


def test_no_calls_no_results():
    assert list(threads.each(print)) == list(threads.each(print, [])) == []


def test_an_error_ends_what_has_not_begun(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    begun = []

    def work(number):
        begun.append(number)
        if number == 0:
            raise ValueError("first")
        threading.Event().wait(0.05)

    with pytest.raises(ValueError, match="first"):
        list(threads.each(work, range(100)))
    assert len(begun) < 50
