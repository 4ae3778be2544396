"""Trains and measures the runs of an ablation in separate processes, and resumes after a stop.

OUTPUT_DIR/runs/NAME           the run folder of `tfrelight.train`
OUTPUT_DIR/reports/NAME.json   the report of `tfrelight.evaluate`, which completes a run
OUTPUT_DIR/logs/NAME.log       the output of both
OUTPUT_DIR/results.{json,md}   the tables, rewritten after every run
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tfrelight import files
from tfrelight.errors import InputError
from tfrelight.evaluation import comparison
from tfrelight.evaluation.ablation import table
from tfrelight.evaluation.ablation.plan import Run
from tfrelight.training.config import TrainConfig
from tfrelight.training.run_folder import RunFolder, flag_text

__all__ = ["Ablation", "call"]

# Lowest --max_minutes to pass on; 0 would mean no limit.
_LEAST_MINUTES = 0.01


class Ablation:
    """The runs of an ablation and their folder.

    Args:
      output_dir: folder of all results.
      runs: the runs, from `plan.runs`.
      base: the configuration that all runs share.
      test_subjects: people of Extended Yale B to measure.
      defaults: configuration of `tfrelight.train` without flags.

    Raises:
      InputError: the folder holds runs with other settings.
    """

    def __init__(
        self,
        output_dir: Path | str,
        runs: Sequence[Run],
        base: TrainConfig,
        test_subjects: Sequence[str],
        defaults: TrainConfig | None = None,
    ) -> None:
        self.path = Path(output_dir)
        self.runs, self.base = runs, base
        self.defaults = (defaults or TrainConfig()).settings()
        self.test_subjects = list(test_subjects)
        for run in runs:
            folder = self.folder(run)
            different = folder.flags.exists() and folder.different(run.config(base).settings())
            if different:
                raise InputError(
                    f"{folder.path} holds a run with other settings: {different}. Give "
                    "--output_dir a new folder, or use the previous settings."
                )

    def folder(self, run: Run) -> RunFolder:
        """The run's folder."""
        return RunFolder(self.path / "runs" / run.name)

    def report(self, run: Run) -> Path:
        """Path of the run's report, which exists once the run is measured."""
        return self.path / "reports" / f"{run.name}.json"

    def commands(self, run: Run) -> dict[str, list[str]]:
        """Arguments of `tfrelight.train` and `tfrelight.evaluate` that train and measure a run."""
        changed = {
            name: value
            for name, value in run.config(self.base).settings().items()
            if flag_text(value) != flag_text(self.defaults[name])
        }
        return {
            "train": _flags({"workdir": self.folder(run).path, **changed}),
            "evaluate": _flags(
                {
                    "model": self.folder(run).path,
                    "dataset": "yale_b",
                    "data_dir": self.base.yale_b_dir,
                    "subjects": self.test_subjects,
                    "report": self.report(run),
                }
            ),
        }

    def shown(self, run: Run) -> list[str]:
        """The run's commands as shell lines."""
        return [
            shlex.join(["python", "-m", f"tfrelight.{name}", *arguments])
            for name, arguments in self.commands(run).items()
        ]

    def epochs(self, run: Run) -> int:
        """Number of finished epochs of the run."""
        return len(self.folder(run).history())

    def done(self, run: Run) -> bool:
        """Whether the run is trained, and measured on the test subjects."""
        path = self.report(run)
        return path.exists() and comparison.load(path)["settings"]["subjects"] == self.test_subjects

    def overview(self) -> str:
        """Lines for people: the runs, their state, and the time left."""
        total = self.base.epochs
        steps = total * self.base.steps_per_epoch
        done = [run for run in self.runs if self.done(run)]
        paces = [epoch["seconds"] for run in self.runs for epoch in self.folder(run).history()]
        left = sum(total - self.epochs(run) for run in self.runs if run not in done)
        text = (
            f"{len(self.runs)} runs of {steps:,} steps of {self.base.batch_size} pairs: "
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

    def go_on(self, max_minutes: float = 0) -> list[str]:
        """Trains and measures the remaining runs, and writes the tables after each.

        Failures are reported and the other runs continue. The next call retries failed runs.

        Args:
          max_minutes: stop training after this time; 0 for no limit.

        Returns:
          Names of the runs that failed.

        Raises:
          InputError: another process works in the folder.
        """
        for part in ("runs", "reports", "logs"):
            (self.path / part).mkdir(parents=True, exist_ok=True)
        with _lock(self.path):
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
            problem = self._train_and_measure(run, left if max_minutes else 0)
            if problem:
                failed.append(run.name)
                print(f"{run.name} failed: {problem}", flush=True)
            elif not self.done(run):
                # The time ran out during this run.
                break
            self.write()
        self.write()
        return failed

    def _train_and_measure(self, run, minutes):
        """Trains and measures a run; returns the reason if that fails."""
        commands, log = self.commands(run), self.path / "logs" / f"{run.name}.log"
        if self.epochs(run) < self.base.epochs:
            limit = [f"--max_minutes={max(minutes, _LEAST_MINUTES):.2f}"] if minutes else []
            status = call("train", [*commands["train"], *limit], log)
            if status:
                return _reason(status, log)
            if self.epochs(run) < self.base.epochs:
                return None
        status = call("evaluate", commands["evaluate"], log)
        return _reason(status, log) if status else None

    def write(self) -> None:
        """Writes the tables of the finished runs."""
        reports = {run: comparison.load(self.report(run)) for run in self.runs if self.done(run)}
        result = {
            "steps": self.base.epochs * self.base.steps_per_epoch,
            "pairs_a_step": self.base.batch_size,
            "test_subjects": self.test_subjects,
            "rows": table.rows(reports),
            "commands": {run.name: self.shown(run) for run in reports},
        }
        files.write_json(self.path / "results.json", result)
        files.write_text(self.path / "results.md", table.markdown(result))


def _flags(values):
    return [f"--{name}={flag_text(value)}" for name, value in values.items()]


@contextlib.contextmanager
def _lock(folder):
    """Locks a folder. Started processes keep the lock if this process is killed."""
    with open(folder / "lock", "w") as lock:
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"Another process works in {folder}. Wait until it ends, or stop it."
            ) from error
        yield


def call(command: str, arguments: Sequence[str], log: Path) -> int:
    """Runs `python -m tfrelight.COMMAND`, appends its output to a file, returns its exit status."""
    with open(log, "a", encoding="utf-8") as output:
        return subprocess.run(
            [sys.executable, "-m", f"tfrelight.{command}", *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            # Passes the lock on; no other open file is inheritable.
            close_fds=False,
            check=False,
        ).returncode


def _reason(status, log):
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.exists() else []
    last = next((line for line in reversed(lines) if line.strip()), "")
    return f"exit status {status}. {last.strip()} See {log}."
