"""Trains and measures the runs of an ablation, one process each; goes on where it stopped.

OUTPUT_DIR/runs/NAME           the run folder of `tfrelight.train`
OUTPUT_DIR/reports/NAME.json   the report of `tfrelight.evaluate`; with it a run is done
OUTPUT_DIR/logs/NAME.log       what both printed
OUTPUT_DIR/results.{json,md}   the tables, anew after every run
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import shlex
import subprocess
import sys
import time

from tfrelight import files
from tfrelight.ablation import table
from tfrelight.errors import InputError
from tfrelight.evaluation import against
from tfrelight.training.run_folder import RunFolder, flag_text

__all__ = ["Ablation"]

# 0 would be no limit.
_LEAST_MINUTES = 0.01


class Ablation:
    """The runs of an ablation and the folder where they are.

    Args:
      output_dir: of everything.
      runs: `plan.Run`s.
      base: settings of `tfrelight.train` by flag, which all runs share.
      defaults: those that a run has without any flag.
      test_subjects: people of Extended Yale B to measure.

    Raises:
      InputError: the folder holds runs with other settings.
    """

    def __init__(self, output_dir, runs, base, defaults, test_subjects):
        self.path = pathlib.Path(output_dir)
        self.runs, self.base, self.defaults = runs, base, defaults
        self.test_subjects = list(test_subjects)
        for run in runs:
            folder = self.folder(run)
            different = folder.flags.exists() and folder.different(run.settings(base))
            if different:
                raise InputError(
                    f"{folder.path} holds a run with other settings: {different}. Give "
                    "--output_dir a new folder, or the settings of before."
                )

    def folder(self, run):
        """The run's `RunFolder`."""
        return RunFolder(self.path / "runs" / run.name)

    def report(self, run):
        """Path of the run's report; it is there when the run is done."""
        return self.path / "reports" / f"{run.name}.json"

    def commands(self, run):
        """The arguments that train and measure the run, of `tfrelight.train` and `.evaluate`."""
        changed = {
            name: value
            for name, value in run.settings(self.base).items()
            if flag_text(value) != flag_text(self.defaults[name])
        }
        return {
            "train": _flags({"workdir": self.folder(run).path, **changed}),
            "evaluate": _flags(
                {
                    "model": self.folder(run).path,
                    "dataset": "yale_b",
                    "data_dir": self.base["yale_b_dir"],
                    "subjects": self.test_subjects,
                    "report": self.report(run),
                }
            ),
        }

    def shown(self, run):
        """The run's commands as one would type them."""
        return [
            shlex.join(["python", "-m", f"tfrelight.{name}", *arguments])
            for name, arguments in self.commands(run).items()
        ]

    def epochs(self, run):
        """How many epochs of the run are done."""
        return len(self.folder(run).history())

    def done(self, run):
        """Whether the run is trained, and measured on the people to measure."""
        path = self.report(run)
        return path.exists() and against.load(path)["settings"]["subjects"] == self.test_subjects

    def overview(self):
        """How many runs there are, which are done, and how long the others may take: lines."""
        total = self.base["epochs"]
        steps = total * self.base["steps_per_epoch"]
        done = [run for run in self.runs if self.done(run)]
        paces = [epoch["seconds"] for run in self.runs for epoch in self.folder(run).history()]
        left = sum(total - self.epochs(run) for run in self.runs if run not in done)
        text = (
            f"{len(self.runs)} runs of {steps:,} steps of {self.base['batch_size']} pairs: "
            f"{len(done)} done, {len(self.runs) - len(done)} to do."
        )
        if paces and left:
            hours = left * sum(paces) / len(paces) / 3600
            text += f" Training will take about {hours:.1f} hours at the pace so far."
        lines = [text]
        for run in self.runs:
            state = "done" if run in done else f"epoch {self.epochs(run)} of {total}"
            lines.append(f"  {state:<16}{run.name}")
        return "\n".join(lines)

    def go_on(self, max_minutes=0):
        """Does what is left, run by run, and writes the tables after each.

        A run that fails is told and left; the next start tries it again.

        Args:
          max_minutes: stop training after so many; 0 for no limit.

        Returns:
          Names of the runs that failed.

        Raises:
          InputError: another process works in the folder.
        """
        for part in ("runs", "reports", "logs"):
            (self.path / part).mkdir(parents=True, exist_ok=True)
        with _alone(self.path):
            return self._go_on(max_minutes)

    def _go_on(self, max_minutes):
        started, failed = time.monotonic(), []
        for run in self.runs:
            if self.done(run):
                continue
            left = max_minutes - (time.monotonic() - started) / 60
            if max_minutes and left <= 0:
                break
            print(f"{run.name}: {' && '.join(self.shown(run))}", flush=True)
            problem = self._one(run, left if max_minutes else 0)
            if problem:
                failed.append(run.name)
                print(f"{run.name} failed: {problem}", flush=True)
            elif not self.done(run):
                # Time was up in the middle of it.
                break
            self.write()
        self.write()
        return failed

    def _one(self, run, minutes):
        """Trains and measures a run; gives the reason if that fails."""
        commands, log = self.commands(run), self.path / "logs" / f"{run.name}.log"
        if self.epochs(run) < self.base["epochs"]:
            limit = [f"--max_minutes={max(minutes, _LEAST_MINUTES):.2f}"] if minutes else []
            status = call("train", [*commands["train"], *limit], log)
            if status:
                return _reason(status, log)
            if self.epochs(run) < self.base["epochs"]:
                return None
        status = call("evaluate", commands["evaluate"], log)
        return _reason(status, log) if status else None

    def write(self):
        """Writes the tables of what is done."""
        reports = {run: against.load(self.report(run)) for run in self.runs if self.done(run)}
        result = {
            "steps": self.base["epochs"] * self.base["steps_per_epoch"],
            "pairs_a_step": self.base["batch_size"],
            "test_subjects": self.test_subjects,
            "rows": table.rows(reports),
            "commands": {run.name: self.shown(run) for run in reports},
        }
        files.write_json(self.path / "results.json", result)
        files.write_text(self.path / "results.md", table.markdown(result))


def _flags(values):
    return [f"--{name}={flag_text(value)}" for name, value in values.items()]


@contextlib.contextmanager
def _alone(folder):
    """Holds a folder's lock, which started processes keep should this one be killed."""
    with open(folder / "lock", "w") as lock:
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"Another process works in {folder}. Wait for its end, or stop it."
            ) from error
        yield


def call(command, arguments, log):
    """Runs `python -m tfrelight.COMMAND` and adds what it prints to a file; its exit status."""
    with open(log, "a", encoding="utf-8") as output:
        return subprocess.run(
            [sys.executable, "-m", f"tfrelight.{command}", *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            # For the lock: no other file of ours is inheritable.
            close_fds=False,
            check=False,
        ).returncode


def _reason(status, log):
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.exists() else []
    last = next((line for line in reversed(lines) if line.strip()), "")
    return f"exit status {status}. {last.strip()} See {log}."
