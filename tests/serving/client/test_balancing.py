"""One client, three servers: requests are shared out, and none is lost when a server is killed."""

import concurrent.futures
import contextlib
import pathlib
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from tfrelight.serving import client

SERVER = pathlib.Path(__file__).with_name("counting_server.py")
IMAGES = {"images": np.zeros((1, 8, 8, 3), np.float32)}


class Servers:
    """Three servers, on ports of their own, that can be killed and started again."""

    def __init__(self, folder, stack):
        self._folder, self._stack = folder, stack
        held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        self._ports = [one.getsockname()[1] for one in held]
        for one in held:
            one.close()
        self._processes = {}
        self._hold = folder / "hold"
        for number in range(3):
            self.start(number)
        for number in range(3):
            self.wait_for(number)

    @property
    def address(self):
        """All three, as gRPC takes several addresses."""
        return "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in self._ports)

    def _log(self, number):
        return self._folder / f"{number}.log"

    def start(self, number):
        log = self._stack.enter_context(self._log(number).open("a"))
        command = [sys.executable, str(SERVER), str(self._ports[number]), str(self._hold)]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        self._processes[number] = process

    def wait_for(self, number, word="ready"):
        deadline = time.monotonic() + 60
        while word not in self._log(number).read_text():
            assert time.monotonic() < deadline, self._log(number).read_text()
            time.sleep(0.02)

    def reach_all(self, found):
        """Sends requests until all three are connected: those that are take everything before."""
        while not all(self.answered(number) for number in range(3)):
            found.predict(IMAGES)

    def hold(self):
        """Lets all servers keep their requests until one is killed."""
        self._hold.touch()

    def kill_one_that_holds(self, number):
        """Kills a server that has a request; the others answer theirs."""
        self.wait_for(number, "held")
        self.kill(number)
        self._hold.unlink()

    def kill(self, number):
        self._processes[number].send_signal(signal.SIGKILL)
        self._processes[number].wait()

    def answered(self, number):
        """For each request that a server answered, how often it had been sent before."""
        words = self._log(number).read_text().split()
        return [int(word) for word in words if word.isdigit()]


@pytest.fixture
def servers(tmp_path):
    with contextlib.ExitStack() as stack:
        yield Servers(tmp_path, stack)


def test_requests_are_shared_out_evenly(servers):
    with client.Client(servers.address) as found:
        servers.reach_all(found)
        before = [len(servers.answered(number)) for number in range(3)]
        for _ in range(30):
            found.predict(IMAGES)
    assert [len(servers.answered(number)) - before[number] for number in range(3)] == [10] * 3


@contextlib.contextmanager
def load(found, count):
    """Sends requests from twelve threads at a time; gives for each whether it was answered."""

    def one(_):
        try:
            found.predict(IMAGES)
        except client.ServingError as error:
            return error.code
        return "OK"

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        yield pool.map(one, range(count))


def test_a_server_killed_under_load_and_started_again_loses_no_request(servers):
    with client.Client(servers.address, timeout=30) as found:
        servers.reach_all(found)
        servers.hold()
        with load(found, 900) as codes:
            servers.kill_one_that_holds(1)
            alone = len(servers.answered(1))
            answered = [code for _, code in zip(range(500), codes)]
            servers.start(1)
            answered += codes
        # The server that comes back takes its part again.
        deadline = time.monotonic() + 60
        while len(servers.answered(1)) == alone:
            assert time.monotonic() < deadline
            with load(found, 12) as codes:
                answered += codes
    assert set(answered) == {"OK"} and len(answered) >= 900
    # Those that the killed server had not answered were sent again.
    again = [times for number in (0, 2) for times in servers.answered(number) if times]
    assert 1 <= len(again) <= 48


def test_without_retries_the_same_loses_requests(servers):
    with client.Client(servers.address, timeout=30, attempts=1) as found:
        servers.reach_all(found)
        servers.hold()
        with load(found, 300) as codes:
            servers.kill_one_that_holds(1)
            assert set(codes) == {"OK", "UNAVAILABLE"}
