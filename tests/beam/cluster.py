"""A Dask cluster of separate processes, as a person starts them on several machines."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys

from tests.beam import stand_in
from tests.conftest import ROOT


class Cluster:
    """A scheduler, and workers of one thread each that can be killed.

    Args:
      folder: for the scheduler's file and for logs.
    """

    def __init__(self, folder):
        self.folder = folder
        self.processes = {}
        self._port = 0

    @property
    def address(self):
        return json.loads((self.folder / "scheduler.json").read_text())["address"]

    def start_scheduler(self, path=ROOT):
        """Starts the scheduler; again, at the port that it had."""
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        # Without a port that it had, the scheduler takes a free one.
        options = ["--no-dashboard", "--host=127.0.0.1", f"--scheduler-file={file}"]
        self._start("scheduler", path, "scheduler", f"--port={self._port}", *options)
        self._until("scheduler", lambda: file.exists() and file.read_text().endswith("}"))
        self._port = int(self.address.rpartition(":")[2])

    def start_missing(self, count):
        """Starts the workers of `count` that do not run, and waits for them."""
        missing = [f"worker{n}" for n in range(count) if f"worker{n}" not in self.processes]
        for name in missing:
            self.start_worker(name)
        for name in missing:
            self.wait_for(name)

    def start_worker(self, name, path=ROOT, before=()):
        """Starts a worker; `before` comes before its command."""
        # Without a nanny: what the tests kill stays dead.
        options = ["--nthreads=1", "--no-nanny", "--no-dashboard", f"--name={name}"]
        scratch = f"--local-directory={self.folder / name}"
        self._start(name, path, "worker", self.address, *options, scratch, before=before)

    def _start(self, name, path, *arguments, before=()):
        environment = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}"}
        with (self.folder / f"{name}.log").open("w") as log:
            self.processes[name] = subprocess.Popen(
                [*before, sys.executable, "-m", "dask", *arguments],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
            )

    def wait_for(self, name):
        """Waits until a worker is known to the scheduler."""
        self._until(name, lambda: "Registered to:" in self._log(name))

    def kill(self, *names):
        for name in names:
            process = self.processes.pop(name)
            process.send_signal(signal.SIGKILL)
            process.wait()

    def close(self):
        self.kill(*self.processes)

    def _log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def _until(self, name, condition):
        """Waits for a process; if it ends, or does not come, its log is the reason."""

        def there():
            assert self.processes[name].poll() is None, self._log(name)
            return condition()

        stand_in.until(there, lambda: self._log(name))


@contextlib.contextmanager
def cluster(folder, workers=0):
    """A cluster with so many workers, which ends with the block."""
    folder.mkdir()
    started = Cluster(folder)
    try:
        started.start_scheduler()
        started.start_missing(workers)
        yield started
    finally:
        started.close()
