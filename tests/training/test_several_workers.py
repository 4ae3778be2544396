"""Training on several workers: the numbers of one, a run folder, and what a lost worker costs."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import scenes
from tests.conftest import ROOT
from tests.training import worker
from tfrelight.errors import InputError
from tfrelight.synthesis import dataset, portraits
from tfrelight.training import strategies


def free_ports(count):
    """Ports that nobody listens on."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def tf_config(ports, index):
    addresses = [f"127.0.0.1:{port}" for port in ports]
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": addresses}, "task": task})


@contextlib.contextmanager
def workers(folder, count, seconds=0.0):
    """Processes that train together, with one log for each; none is left after the block."""
    ports = free_ports(count)
    processes = []
    with contextlib.ExitStack() as stack:
        for index in range(count):
            log = stack.enter_context((folder / f"run.{index}.log").open("w"))
            arguments = (str(folder / "people"), str(folder / "run"), "multi_worker", str(seconds))
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.training.worker", *arguments],
                cwd=ROOT,
                env={**os.environ, "TF_CONFIG": tf_config(ports, index), **THREADS},
                stdout=log,
                stderr=log,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            processes.append(process)
        yield processes


def ended(processes):
    return [process.wait(timeout=400) for process in processes]


THREADS = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


def epochs(folder):
    path = folder / "metrics.json"
    return json.loads(path.read_text())["epochs"] if path.exists() else []


@pytest.fixture
def people(tmp_path, monkeypatch):
    """A folder with a set of 120 balls."""
    monkeypatch.setattr(portraits, "subjects", scenes.balls)
    settings = portraits.PortraitConfig(lights=2, size=32, seed=3)
    dataset.write(tmp_path / "people", settings, 120)
    return tmp_path


keras_2 = pytest.mark.skipif(
    not keras.__version__.startswith("2."), reason="Keras 3 cannot train on several machines"
)


@keras_2
@pytest.mark.timeout(1200)
def test_two_workers_of_which_one_is_killed_reach_the_numbers_of_one(people):
    with workers(people, 2, seconds=0.3) as both:
        deadline = time.monotonic() + 400
        while not (people / "run" / "checkpoints" / "checkpoint").exists():
            assert time.monotonic() < deadline
            assert both[0].poll() is None, (people / "run.0.log").read_text()
            time.sleep(0.05)
        both[1].send_signal(signal.SIGKILL)
        started = time.monotonic()
        assert ended(both)[0] == 1
        assert time.monotonic() - started < 150
    log = (people / "run.0.log").read_text()
    assert re.search(
        "error: Lost another worker. Start all workers again with the same commands: the run "
        r"resumes after its last whole epoch. TensorFlow says: .*(?i:collective|socket|peer).*\n$",
        log,
    ), log[-2000:]
    assert 1 <= len(epochs(people / "run")) < 3

    with workers(people, 2) as both:
        worker.main(str(people / "people"), str(people / "one"), "default", 0.0)
        assert ended(both) == [0, 0], (people / "run.0.log").read_text()
    assert re.search(r"Resuming .*/run after epoch [12]\.", (people / "run.0.log").read_text())
    found, expected = epochs(people / "run"), epochs(people / "one")
    assert len(found) == len(expected) == 3
    for epoch, other in zip(found, expected):
        assert epoch.keys() == other.keys()
        for name in epoch.keys() - {"seconds"}:
            np.testing.assert_allclose(epoch[name], other[name], rtol=1e-4, err_msg=name)
    # One run folder, with what a run of one machine leaves.
    assert {path.name for path in people.iterdir() if path.is_dir()} == {"one", "run", "people"}
    names = [{str(p.relative_to(f)) for p in f.glob("*")} for f in (people / "one", people / "run")]
    assert names[0] == names[1]


WHERE = "Graph execution error:\n\nDetected at node one (most recent call last):\n  x.py\n"


@pytest.mark.parametrize("where", ["", WHERE])
def test_an_error_of_this_machine_is_not_another_s(where):
    cuda = tf.errors.InternalError(None, None, f"{where}CUDA: out of memory\n\t [[one]]")
    assert not strategies.lost(cuda)
    assert strategies.reason(cuda) == "CUDA: out of memory"
    text = "Collective ops is aborted by: Connection reset by peer"
    for kind in (tf.errors.InternalError, tf.errors.UnavailableError):
        gone = kind(None, None, f"{where}{text}\nThe error could be from a previous operation.")
        assert strategies.lost(gone) and strategies.reason(gone) == text
    assert not strategies.lost(tf.errors.ResourceExhaustedError(None, None, text))
    assert strategies.reason(tf.errors.AbortedError(None, None, "")) == "AbortedError"


def test_keras_3_is_refused(monkeypatch):
    monkeypatch.setattr(keras, "__version__", "3.15.1")
    with pytest.raises(InputError, match="needs Keras 2, .* the `fit` of Keras 3.15.1 cannot"):
        strategies.create("multi_worker")


@keras_2
def test_a_worker_that_does_not_come_is_named(monkeypatch):
    ports = free_ports(2)
    monkeypatch.setenv("TF_CONFIG", tf_config(ports, 0))
    monkeypatch.setattr(strategies, "_PATIENCE", 0.3)
    with pytest.raises(
        InputError, match=f"^Worker 1 at 127.0.0.1:{ports[1]} did not come within 0.3 seconds"
    ):
        strategies.create("multi_worker")


@keras_2
def test_a_port_in_use_is_named(monkeypatch):
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("TF_CONFIG", tf_config([port, 1], 0))
        with pytest.raises(InputError, match=f"^Cannot open the port {port} of worker 0"):
            strategies.create("multi_worker")


@keras_2
@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
    ],
)
def test_a_wrong_tf_config_is_refused(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match="needs the environment variable TF_CONFIG on every"):
        strategies.create("multi_worker")
