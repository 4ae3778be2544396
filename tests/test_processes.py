"""Work in processes."""

import os
import signal
import threading

import pytest

from tfrelight import processes, threads
from tfrelight.errors import InputError


def tenfold(number):
    return 10 * number, os.getpid(), threads.count(), signal.getsignal(signal.SIGINT)


def die(number):
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(number):
    raise InputError(f"Not {number}.")


def test_results_come_in_order_from_several_quiet_processes():
    taken = []

    def numbers():
        for number in range(20):
            taken.append(number)
            yield number

    found = processes.each(tenfold, numbers(), 2)
    first = next(found)
    assert len(taken) < 10, "a slow reader must not fill memory"
    values, ids, shares, interrupts = zip(first, *found)
    assert values == tuple(range(0, 200, 10))
    assert os.getpid() not in ids and 1 <= len(set(ids)) <= 2
    # They share the processors, and leave Ctrl-C to their parent.
    assert set(shares) == {1} and set(interrupts) == {signal.SIG_IGN}


def test_one_process_is_this_one():
    found = list(processes.each(lambda number: (number, threading.get_ident()), range(3), 1))
    assert found == [(number, threading.get_ident()) for number in range(3)]


def test_errors_arrive_and_a_killed_process_is_one_line():
    with pytest.raises(InputError, match=r"^Not 0\.$"):
        list(processes.each(refuse, range(3), 2))
    with pytest.raises(processes.KilledError, match=r"^One of 2 processes ended abruptly[^\n]*$"):
        list(processes.each(die, range(3), 2))
