"""Work in processes."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import threadpoolctl

from tests.conftest import ROOT
from tfrelight import processes, threads
from tfrelight.errors import InputError


def tenfold(number):
    time.sleep(0.2)
    return 10 * number, os.getpid(), threads.count(), signal.getsignal(signal.SIGINT)


def die(number):
    os.kill(os.getpid(), signal.SIGKILL)


def blas_threads(_):
    libraries = threadpoolctl.threadpool_info()
    return [one["num_threads"] for one in libraries if "numpy" in one["filepath"]]


def test_their_products_of_matrices_have_one_thread():
    if not blas_threads(None):
        pytest.skip("numpy's BLAS is not one whose threads are known")
    assert list(processes.each(blas_threads, range(4), 2)) == [[1]] * 4


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
    assert os.getpid() not in ids and len(set(ids)) == 2
    # They share the processors, and leave Ctrl-C to their parent.
    assert set(shares) == {max(1, threads.available() // 2)}
    assert set(interrupts) == {signal.SIG_IGN}


def test_a_reader_that_stops_early_ends_the_processes():
    with processes.Pool(2) as pool:
        found = pool.each(tenfold, range(100))
        assert next(found)[0] == 0
        assert len(multiprocessing.active_children()) == 2
        found.close()
    assert multiprocessing.active_children() == []


def test_memory_and_processors_bound_their_number(monkeypatch):
    monkeypatch.setattr(threads, "available", lambda: 12)
    assert processes.affordable(0) == 12
    assert processes.affordable(600 << 20) == 5
    assert processes.affordable(1 << 40) == 1


CTRL_C = """
import multiprocessing, os, signal, threading, time
from tfrelight import processes

if __name__ == "__main__":
    # As a terminal sends it, to all, while the processes begin.
    threading.Timer(0.15, lambda: os.killpg(0, signal.SIGINT)).start()
    try:
        for _ in processes.each(time.sleep, [0.3] * 40, 2):
            pass
    except KeyboardInterrupt:
        print("interrupted", len(multiprocessing.active_children()))
"""


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="a POSIX signal to a group")
def test_ctrl_c_is_heard_by_the_parent_alone(tmp_path):
    (tmp_path / "script.py").write_text(CTRL_C)
    done = subprocess.run(
        [sys.executable, "script.py"],
        **{"cwd": tmp_path, "capture_output": True, "text": True, "check": False},
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("interrupted 0\n", "")


def test_one_process_is_this_one():
    found = list(processes.each(lambda number: (number, threading.get_ident()), range(3), 1))
    assert found == [(number, threading.get_ident()) for number in range(3)]


def test_errors_arrive_and_a_killed_process_is_one_line():
    with pytest.raises(InputError, match=r"^Not 0\.$"):
        list(processes.each(refuse, range(3), 2))
    with pytest.raises(processes.KilledError, match=r"^One of 2 processes ended abruptly[^\n]*$"):
        list(processes.each(die, range(3), 2))
