"""How a relighting job on Dask scales over hosts: `python benchmarks/cluster.py`.

Needs root on Linux: each host is a network namespace with an address of its own, and a control
group that gives it a third of one core, so that three hosts are three times one even on two cores.
Photos are small files, and relighting is replaced by so much CPU time (`--cpu_seconds`) for each,
because the question is what the cluster costs. It prints the seconds of one process with the
DirectRunner, of one host, of three, and of three of which one is killed half way; and whether all
wrote the same bytes.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import hosts

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Microseconds of 100,000 in which the processes of a worker's host may run.
QUOTA = 33_333


def _relight(photo, output, seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
    shutil.copyfile(photo, output)
    return {"width": 16, "height": 16}


def make(seconds):
    return functools.partial(_relight, seconds=seconds)


def dask(found, number, *arguments):
    """Starts a Dask process on a host."""
    found.start(number, [sys.executable, "-m", "dask", *arguments])


def start_worker(found, number, scheduler):
    scratch = f"--local-directory={tempfile.mkdtemp()}"
    options = ["--nthreads=1", "--no-nanny", "--no-dashboard", scratch]
    dask(found, number, "worker", scheduler, *options)


def job(folder, output, seconds, scheduler):
    from tfrelight.beam import relight_job

    return relight_job.relight(
        f"{folder}/photos/*.png",
        f"{folder}/{output}",
        functools.partial(make, seconds),
        {"cpu_seconds": seconds},
        scheduler=scheduler,
    )


def timed(folder, output, seconds, scheduler):
    from tfrelight.beam import runner

    # Seconds of import, at a third of a core.
    runner.import_beam()
    started = time.monotonic()
    report = job(folder, output, seconds, scheduler)
    assert report.failed == 0
    return time.monotonic() - started


def one_process(folder, arguments):
    """Seconds of the DirectRunner in one process that has a third of a core, too."""
    done = subprocess.run(
        [sys.executable, __file__, f"--direct={folder}", f"--cpu_seconds={arguments.cpu_seconds}"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        preexec_fn=hosts.pinned(hosts.HOSTS),
    )
    return json.loads(done.stdout)


def wait_for(client, workers):
    client.wait_for_workers(workers, timeout=120)
    # The first task of a worker imports Apache Beam, at a third of a core.
    client.run(__import__, "tfrelight.beam.relight_worker")
    client.run(__import__, "apache_beam.io.filesystems")


def same(folder, one, other):
    """Whether two outputs hold the same files with the same bytes, apart from the folder's name."""

    def contents(output):
        below = folder / output
        return {
            str(path.relative_to(below)): path.read_bytes().replace(str(below).encode(), b"OUTPUT")
            for path in below.rglob("*")
            if path.is_file()
        }

    return contents(one) == contents(other)


def write_photos(folder, count):
    from PIL import Image

    (folder / "photos").mkdir()
    for number in range(count):
        color = (number % 256, number // 256, 0)
        Image.new("RGB", (16, 16), color).save(folder / "photos" / f"{number:05d}.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--cpu_seconds", type=float, default=0.02, help="Of each photo.")
    parser.add_argument("--direct", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    seconds = arguments.cpu_seconds
    if arguments.direct:
        print(json.dumps(timed(arguments.direct, "direct", seconds, None)))
        return
    import distributed

    folder = pathlib.Path(tempfile.mkdtemp())
    write_photos(folder, arguments.photos)
    with hosts.Hosts(QUOTA) as found:
        direct = one_process(folder, arguments)
        print(f"one process, DirectRunner: {direct:.0f} s", flush=True)
        host = hosts.address(0)
        dask(found, 0, "scheduler", f"--host={host}", "--port=8786", "--no-dashboard")
        scheduler = f"tcp://{host}:8786"
        with distributed.Client(scheduler, timeout=60) as client:
            for workers in (1, 3):
                for number in range(len(found.processes), workers + 1):
                    start_worker(found, number, scheduler)
                wait_for(client, workers)
                took = timed(folder, f"hosts{workers}", seconds, scheduler)
                alike = same(folder, "direct", f"hosts{workers}")
                print(
                    f"{workers} hosts: {took:.0f} s, 1/{direct / took:.2f}; same bytes: {alike}",
                    flush=True,
                )
        done = folder / "killed" / "done"
        killer = threading.Thread(
            target=kill_half_way, args=(found, done, arguments.photos), daemon=True
        )
        killer.start()
        took = timed(folder, "killed", seconds, scheduler)
        killer.join()
        alike = same(folder, "direct", "killed")
        print(f"3 hosts, one killed half way: {took:.0f} s; same bytes: {alike}")
    shutil.rmtree(folder)


def kill_half_way(found, done, photos):
    while not done.exists() or len(os.listdir(done)) < photos // 2:
        time.sleep(0.2)
    found.processes[2].send_signal(signal.SIGKILL)


if __name__ == "__main__":
    main()
