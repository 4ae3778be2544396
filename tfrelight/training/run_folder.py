"""The folder that holds everything about a run."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from tfrelight import files, threads
from tfrelight.data import blocks
from tfrelight.errors import InputError
from tfrelight.version import __version__

__all__ = ["RunFolder", "flag_text"]

_PACKAGES = ("tensorflow", "keras", "tensorflow-addons", "tensorflow-graphics", "numpy", "pillow")


class RunFolder:
    """The paths and small files of a run.

    Args:
      path: the folder; `create` makes it.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.flags = self.path / "flags.txt"
        self.environment = self.path / "environment.json"
        self.metrics = self.path / "metrics.json"
        self.places = self.path / "places.json"
        self.samples = self.path / "samples.png"
        self.logs = self.path / "logs"
        self.checkpoints = self.path / "checkpoints"
        self.weights = self.path / "weights"

    def check(self, settings: dict[str, Any]) -> None:
        """Checks that the folder is empty or holds a run with these settings.

        Args:
          settings: dict from flag names to values: everything that changes the numbers.

        Raises:
          InputError: the folder holds a run with other settings, one that another Keras began, or
            other files.
        """
        if not self.flags.exists():
            if self.path.exists() and any(self.path.iterdir()):
                raise InputError(
                    f"{self.path} is not empty and holds no run. Give `workdir` a new folder."
                )
            return
        different = self.different(settings)
        if different:
            raise InputError(
                f"{self.path} holds a run with other settings: {different}. Give `workdir` a new "
                f"folder, or resume that run with --flagfile={self.flags}."
            )
        began = self._began_with()
        # Weights cross from Keras 2 to 3 and back, checkpoints do not.
        if began and began.partition(".")[0] != _version("keras").partition(".")[0]:
            raise InputError(
                f"{self.path} holds a run that Keras {began} began, which this Keras "
                f"{_version('keras')} cannot resume. Resume it with that, or begin a new run with "
                f"--initial_weights={self.path}."
            )

    def _began_with(self):
        """Version of Keras that began the run, or None if the run stopped before it was noted."""
        if not self.environment.exists():
            return None
        return json.loads(self.environment.read_text())["keras"]

    def different(self, settings: dict[str, Any]) -> str:
        """Describes how the settings of the folder's run differ from these; "" if they do not."""
        old = dict(_split(self.flags.read_text().splitlines()))
        old.pop("workdir", None)
        new = {name: flag_text(value) for name, value in settings.items()}
        names = [name for name in sorted(set(old) | set(new)) if old.get(name) != new.get(name)]
        if not names:
            return ""
        name = names[0]
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return f"`{name}` was {old.get(name)!r}, now {new.get(name)!r}{more}"

    def create(self, settings: dict[str, Any], precision: str) -> None:
        """Creates the folder of a new run; does nothing if it holds a run.

        Args:
          settings: as for `check`, which comes first.
          precision: the Keras policy of the run on this machine.
        """
        if self.flags.exists():
            return
        # The flags come first: they mark a folder as a run.
        self.path.mkdir(parents=True, exist_ok=True)
        lines = {**settings, "workdir": self.path}
        files.write_text(
            self.flags,
            "".join(f"--{name}={flag_text(value)}\n" for name, value in sorted(lines.items())),
        )
        self.weights.mkdir(exist_ok=True)
        files.write_json(self.environment, {**_environment(), "precision": precision})

    def appears(self, seconds: float) -> bool:
        """Waits until another machine has created the folder; False if it does not come.

        NFS remembers for half a minute that a file was not there. Listing the folders above makes
        it look again.
        """
        deadline = time.monotonic() + seconds
        while not self.flags.exists():
            if time.monotonic() > deadline:
                return False
            for folder in (self.path.parent, self.path):
                with contextlib.suppress(OSError):
                    list(os.scandir(folder))
            time.sleep(0.1)
        return True

    def history(self) -> list[dict[str, Any]]:
        """The logs of the epochs so far."""
        if not self.metrics.exists():
            return []
        return json.loads(self.metrics.read_text())["epochs"]

    def places_after(self, epoch: int) -> blocks.Places:
        """Where the records begin that come after an epoch, as far as the folder says."""
        known = json.loads(self.places.read_text()) if self.places.exists() else {}
        found = known.get(str(epoch), {})
        return blocks.Places({int(source): tuple(place) for source, place in found.items()})

    def keep_places(self, epoch: int, places: dict[int, tuple[int, int]]) -> None:
        """Writes where the records after an epoch begin, beside those of the epoch before."""
        known = json.loads(self.places.read_text()) if self.places.exists() else {}
        before = {key: value for key, value in known.items() if key == str(epoch - 1)}
        files.write_json(self.places, {**before, str(epoch): places})


def flag_text(value: Any) -> str:
    """A flag's value as text after `--NAME=`."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def _split(lines):
    return (line.lstrip("-").partition("=")[::2] for line in lines if line.strip())


def _git_revision():
    """Revision of the checkout that the package runs from; None for an installed package."""
    git, package = shutil.which("git"), Path(__file__).resolve().parents[1]
    if git is None or not (package.parent / ".git").exists():
        return None
    command = [git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    return subprocess.run(
        command, cwd=package, capture_output=True, text=True, check=False
    ).stdout.strip()


def _environment():
    return {
        "tfrelight": __version__,
        "git_revision": _git_revision(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpus": threads.available(),
        **{name: _version(name) for name in _PACKAGES},
    }


def _version(package):
    """Version of a package, or None without it, such as tensorflow-addons on Python 3.12."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
