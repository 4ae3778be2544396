"""The folder that holds everything about a run."""

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
from pathlib import Path

import tfrelight
from tfrelight import files
from tfrelight.errors import InputError

__all__ = ["RunFolder", "flag_text"]

_PACKAGES = ("tensorflow", "keras", "tensorflow-addons", "tensorflow-graphics", "numpy", "pillow")


class RunFolder:
    """Paths and small files of a run.

    Args:
      path: the folder; made if it is not there.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.flags = self.path / "flags.txt"
        self.metrics = self.path / "metrics.json"
        self.samples = self.path / "samples.png"
        self.logs = self.path / "logs"
        self.checkpoints = self.path / "checkpoints"
        self.weights = self.path / "weights"

    def check(self, settings):
        """Refuses the folder unless it is free for a run with these settings, or holds that run.

        Args:
          settings: dict of flag names to values: everything that changes the numbers.

        Raises:
          InputError: the folder holds a run with other settings, or files of something else.
        """
        if not self.flags.exists():
            if self.path.exists() and any(self.path.iterdir()):
                raise InputError(
                    f"{self.path} is not empty and holds no run. Give --workdir a new folder."
                )
            return
        different = self.different(settings)
        if different:
            raise InputError(
                f"{self.path} holds a run with other settings: {different}. Give --workdir a new "
                f"folder, or --flagfile={self.flags} to go on with that run."
            )

    def different(self, settings):
        """How the settings of the run that the folder holds differ from these; "" if not at all."""
        old = dict(_split(self.flags.read_text().splitlines()))
        old.pop("workdir", None)
        new = {name: flag_text(value) for name, value in settings.items()}
        names = [name for name in sorted(set(old) | set(new)) if old.get(name) != new.get(name)]
        if not names:
            return ""
        name = names[0]
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return f"--{name} was {old.get(name)!r}, now {new.get(name)!r}{more}"

    def create(self, settings, precision):
        """Makes the folder of a run that `check` let pass; does nothing to one that is there.

        Args:
          settings: as for `check`.
          precision: the Keras policy that the run's precision came to on this machine.
        """
        if self.flags.exists():
            return
        # The flags come first: they are what makes a folder a run.
        self.path.mkdir(parents=True, exist_ok=True)
        lines = {**settings, "workdir": self.path}
        files.write_text(
            self.flags,
            "".join(f"--{name}={flag_text(value)}\n" for name, value in sorted(lines.items())),
        )
        self.weights.mkdir(exist_ok=True)
        files.write_json(self.path / "environment.json", {**_environment(), "precision": precision})

    def history(self):
        """The logs of the epochs so far: a list of dicts."""
        if not self.metrics.exists():
            return []
        return json.loads(self.metrics.read_text())["epochs"]


def flag_text(value):
    """A flag's value as `--NAME=` takes it."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def _split(lines):
    return (line.lstrip("-").partition("=")[::2] for line in lines if line.strip())


def _git_revision():
    """Of the checkout that the package runs from; None for an installed package."""
    git, package = shutil.which("git"), Path(tfrelight.__file__).resolve().parent
    if git is None or not (package.parent / ".git").exists():
        return None
    command = [git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    return subprocess.run(
        command, cwd=package, capture_output=True, text=True, check=False
    ).stdout.strip()


def _environment():
    return {
        "tfrelight": tfrelight.__version__,
        "git_revision": _git_revision(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
    }
