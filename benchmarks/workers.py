"""Training on one, two and three hosts: the same numbers? `python benchmarks/workers.py`, as root.

Each host is a network namespace (`hosts`). A tiny network learns from 108 drawn balls with a
batch of 6 pairs in all, in float32. It prints the largest relative difference of any figure of any
epoch from those of one process, and how long a host waits for one that never comes.
"""

from __future__ import annotations

import json
import pathlib
import shutil
import sys
import tempfile
import time

import hosts

sys.path.insert(0, str(hosts.ROOT))

THREADS = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


def write_people(folder):
    from tests import scenes
    from tfrelight.synthesis import dataset, portraits

    portraits.subjects = scenes.balls
    dataset.write(folder, portraits.PortraitConfig(lights=2, size=32, seed=3), 120)


def tf_config(workers, index):
    addresses = [f"{hosts.address(number + 1)}:2222" for number in range(workers)]
    task = {"type": "worker", "index": index}
    return {"TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": task})}


def start(found, folder, workers, index, strategy):
    command = [sys.executable, "-m", "tests.training.worker"]
    command += [str(folder / "people"), str(folder / f"run{workers}"), strategy, "0"]
    log = (folder / f"{workers}.{index}.log").open("w")
    return found.start(index + 1, command, {**tf_config(workers, index), **THREADS}, log)


def epochs(folder, workers):
    return json.loads((folder / f"run{workers}" / "metrics.json").read_text())["epochs"]


def difference(found, expected):
    return max(
        abs(epoch[name] - other[name]) / abs(other[name])
        for epoch, other in zip(found, expected)
        for name in epoch
        if name != "seconds" and other[name]
    )


def main():
    folder = pathlib.Path(tempfile.mkdtemp())
    write_people(folder / "people")
    with hosts.Hosts(hosts.PERIOD) as found:
        for workers in (1, 2, 3):
            strategy = "multi_worker" if workers > 1 else "default"
            processes = [start(found, folder, workers, i, strategy) for i in range(workers)]
            for index, process in enumerate(processes):
                if process.wait():
                    raise SystemExit((folder / f"{workers}.{index}.log").read_text())
            worst = difference(epochs(folder, workers), epochs(folder, 1))
            print(f"{workers} hosts: largest relative difference {worst:.1e}", flush=True)
        started = time.monotonic()
        lonely = start(found, folder, 4, 0, "multi_worker")
        lonely.wait()
        line = (folder / "4.0.log").read_text().splitlines()[-1]
        print(f"a host that waits for three others: {time.monotonic() - started:.0f} s, {line}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
