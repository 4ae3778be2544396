"""Checks the settings of an evaluation, before TensorFlow and the model are loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfrelight.errors import InputError
from tfrelight.evaluation import comparison, report
from tfrelight.models import locating

__all__ = ["SPLITS", "check"]

# The splits of each data set.
SPLITS = {
    "yale_b": ("train", "test", "holdout"),
    "synthetic": ("test",),
    **dict.fromkeys(("photoface", "sfsnet", "multilit"), ("train", "validation", "test")),
}


def check(settings: dict[str, Any]) -> None:
    """Checks settings as far as that needs no photo.

    Args:
      settings: see `run.run`.

    Raises:
      InputError: a setting is wrong, a folder or file that it names is missing, or a file cannot be
        written.
    """
    name, split, subjects = settings["dataset"], settings["split"], settings["subjects"]
    if name not in SPLITS:
        raise InputError(f"Unknown dataset {name!r}. Expected one of: {', '.join(SPLITS)}.")
    if name == "synthetic" and settings["data_dir"]:
        raise InputError("--dataset=synthetic is built in and takes no --data_dir.")
    if name == "synthetic" and split not in SPLITS[name]:
        raise InputError(f"--dataset=synthetic has only --split=test. Received: {split}.")
    if split not in SPLITS[name]:
        raise InputError(
            f"Unknown split {split!r} of --dataset={name}. Expected one of: "
            f"{', '.join(SPLITS[name])}."
        )
    if name != "synthetic":
        _check_folder(name, settings["data_dir"])
    if name == "synthetic":
        number = subjects or ["1"]
        if len(number) != 1 or not number[0].isdecimal() or int(number[0]) < 1:
            raise InputError(
                "Invalid --subjects. Expected one number of people for --dataset=synthetic, 1 or "
                f"more. Received: {','.join(number)}."
            )
    elif name != "yale_b" and subjects:
        raise InputError(
            f"--dataset={name} does not take --subjects. Choose people with --split and --limit."
        )
    for output in ("report", "markdown", "picture"):
        if settings[output]:
            report.writable(settings[output])
    if settings["against"]:
        other = comparison.load(settings["against"])["protocol"]["name"]
        if other != name:
            raise InputError(
                f"Cannot compare --dataset={name} with {settings['against']}, a report of {other}."
            )
    locating.locate(settings["model"])


def _check_folder(name, folder):
    if not folder:
        what = "Extended Yale B's folder CroppedYale" if name == "yale_b" else "its folder"
        raise InputError(f"--dataset={name} needs --data_dir, {what}.")
    if not Path(folder).is_dir():
        raise InputError(f"No such folder: {folder}. Expected that of --dataset={name}.")
