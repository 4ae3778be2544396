"""Hosts on one machine: network namespaces on a bridge, each with a share of the processor.

Needs root on Linux, the command `ip`, and control groups for the processor (version 1).
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
GROUPS = pathlib.Path("/sys/fs/cgroup/cpu")
BRIDGE, NETWORK = "tfrelight0", "10.77.0"
# Hosts 0 to 3. The group of that number is for a process of this machine.
HOSTS = 4
# Microseconds.
PERIOD = 100_000


def address(number):
    """The address of a host; this machine is the network's 254."""
    return f"{NETWORK}.{number + 1}"


def pinned(number):
    """For `preexec_fn`: puts a process into a host's control group."""

    def enter():
        (GROUPS / _name(number) / "cgroup.procs").write_text(str(os.getpid()))

    return enter


def _name(number):
    return f"tfrelight{number}host"


def _run(*command):
    subprocess.run(command, check=True)


def _check():
    """Ends the program before anything is created, if it cannot be."""
    if os.geteuid():
        raise SystemExit("Expected root, because hosts are network namespaces.")
    if not (GROUPS / "cgroup.procs").exists():
        raise SystemExit(f"Expected control groups for the processor, version 1, in {GROUPS}.")


def _remove_group(number):
    with contextlib.suppress(OSError):
        (GROUPS / _name(number)).rmdir()


class Hosts:
    """Host 0, with a whole core, and hosts 1, 2, 3 with `quota` microseconds of 100,000 each."""

    def __init__(self, quota):
        self.quota = quota
        self.processes = {}
        self._created = contextlib.ExitStack()

    def __enter__(self):
        _check()
        with contextlib.ExitStack() as created:
            # First the bridge: while another benchmark has it, nothing is touched.
            self._create_network(created)
            self._create_groups(created)
            created.callback(self._kill)
            self._created = created.pop_all()
        return self

    def __exit__(self, *_):
        self._created.close()

    def _create_network(self, created):
        def create(kind, name, *arguments):
            _run("ip", kind, "add", name, *arguments)
            created.callback(subprocess.run, ["ip", kind, "delete", name], check=False)

        create("link", BRIDGE, "type", "bridge")
        _run("ip", "address", "add", f"{NETWORK}.254/24", "dev", BRIDGE)
        _run("ip", "link", "set", BRIDGE, "up")
        for number in range(HOSTS):
            name, outside, inside = _name(number), f"tfr{number}out", f"tfr{number}in"
            create("netns", name)
            create("link", outside, "type", "veth", "peer", "name", inside)
            _run("ip", "link", "set", outside, "master", BRIDGE, "up")
            _run("ip", "link", "set", inside, "netns", name)
            within = ("ip", "-n", name)
            _run(*within, "address", "add", f"{address(number)}/24", "dev", inside)
            _run(*within, "link", "set", inside, "up")
            _run(*within, "link", "set", "lo", "up")

    def _create_groups(self, created):
        for number in range(HOSTS + 1):
            group = GROUPS / _name(number)
            group.mkdir(exist_ok=True)
            created.callback(_remove_group, number)
            (group / "cpu.cfs_period_us").write_text(str(PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(self.quota if number else PERIOD))
            # Ahead of whatever else this machine does.
            (group / "cpu.shares").write_text("16384")
        # Until the kernel has forgotten the processes.
        created.callback(time.sleep, 1)

    def _kill(self):
        for process in self.processes.values():
            process.kill()
            process.wait()

    def start(self, number, command, environment=None, log=subprocess.DEVNULL):
        """Starts a process on a host, which imports the package of this checkout."""
        self.processes[number] = subprocess.Popen(
            ["ip", "netns", "exec", _name(number), *command],
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
            cwd=ROOT,
            stdout=log,
            stderr=log,
            preexec_fn=pinned(number),
        )
        return self.processes[number]
