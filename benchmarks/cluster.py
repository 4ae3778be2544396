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
import contextlib
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

ROOT = pathlib.Path(__file__).resolve().parent.parent
GROUPS = pathlib.Path("/sys/fs/cgroup/cpu")
BRIDGE, NETWORK = "tfrelight0", "10.77.0"
# Of a host, in microseconds of 100,000.
QUOTA = 33_333


def _relight(photo, output, seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
    shutil.copyfile(photo, output)
    return {"width": 16, "height": 16}


def make(seconds):
    return functools.partial(_relight, seconds=seconds)


def run(*command):
    subprocess.run(command, check=True)


def name_of(number):
    return f"tfrelight{number}host"


class Hosts:
    """Hosts 0 (scheduler), 1, 2, 3 (workers) on one bridge, and this machine as x.x.x.254."""

    def __enter__(self):
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "address", "add", f"{NETWORK}.254/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        for number in range(4):
            name, outside, inside = name_of(number), f"tfr{number}out", f"tfr{number}in"
            run("ip", "netns", "add", name)
            run("ip", "link", "add", outside, "type", "veth", "peer", "name", inside)
            run("ip", "link", "set", outside, "master", BRIDGE, "up")
            run("ip", "link", "set", inside, "netns", name)
            within = ("ip", "-n", name)
            run(*within, "address", "add", f"{NETWORK}.{number + 1}/24", "dev", inside)
            run(*within, "link", "set", inside, "up")
            run(*within, "link", "set", "lo", "up")
        for number in range(5):
            self._group(number)
        self.processes = {}
        return self

    @staticmethod
    def _group(number):
        group = GROUPS / name_of(number)
        group.mkdir(exist_ok=True)
        (group / "cpu.cfs_period_us").write_text("100000")
        (group / "cpu.cfs_quota_us").write_text(str(QUOTA if number else 100_000))
        # Ahead of whatever else this machine does.
        (group / "cpu.shares").write_text("16384")

    def __exit__(self, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()
        for number in range(4):
            subprocess.run(["ip", "netns", "delete", name_of(number)], check=False)
        subprocess.run(["ip", "link", "delete", BRIDGE], check=False)
        time.sleep(1)
        for number in range(5):
            with contextlib.suppress(OSError):
                (GROUPS / name_of(number)).rmdir()

    @staticmethod
    def pinned(number):
        """For `preexec_fn`: puts a process into a host's control group."""

        def enter():
            (GROUPS / name_of(number) / "cgroup.procs").write_text(str(os.getpid()))

        return enter

    def start(self, number, *arguments):
        """Starts a Dask process on a host."""
        self.processes[number] = subprocess.Popen(
            ["ip", "netns", "exec", name_of(number), sys.executable, "-m", "dask", *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=self.pinned(number),
        )

    def start_worker(self, number):
        scratch = tempfile.mkdtemp()
        options = ["--nthreads=1", "--no-nanny", "--no-dashboard", f"--local-directory={scratch}"]
        self.start(number, "worker", f"tcp://{NETWORK}.1:8786", *options)


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
        preexec_fn=Hosts.pinned(4),
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
    with Hosts() as hosts:
        direct = one_process(folder, arguments)
        print(f"one process, DirectRunner: {direct:.0f} s", flush=True)
        hosts.start(0, "scheduler", f"--host={NETWORK}.1", "--port=8786", "--no-dashboard")
        scheduler = f"tcp://{NETWORK}.1:8786"
        with distributed.Client(scheduler, timeout=60) as client:
            for workers in (1, 3):
                for number in range(len(hosts.processes), workers + 1):
                    hosts.start_worker(number)
                wait_for(client, workers)
                took = timed(folder, f"hosts{workers}", seconds, scheduler)
                alike = same(folder, "direct", f"hosts{workers}")
                print(
                    f"{workers} hosts: {took:.0f} s, 1/{direct / took:.2f}; same bytes: {alike}",
                    flush=True,
                )
        done = folder / "killed" / "done"
        killer = threading.Thread(target=kill_half_way, args=(hosts, done, arguments.photos))
        killer.start()
        took = timed(folder, "killed", seconds, scheduler)
        killer.join()
        alike = same(folder, "direct", "killed")
        print(f"3 hosts, one killed half way: {took:.0f} s; same bytes: {alike}")
    shutil.rmtree(folder)


def kill_half_way(hosts, done, photos):
    while not done.exists() or len(os.listdir(done)) < photos // 2:
        time.sleep(0.2)
    hosts.processes[2].send_signal(signal.SIGKILL)


if __name__ == "__main__":
    main()
