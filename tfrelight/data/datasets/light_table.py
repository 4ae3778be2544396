"""`lights.csv`: the directions and intensities of the lamps of a person's photos."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfrelight import files
from tfrelight.errors import InputError

__all__ = ["NAME", "read", "write"]

NAME = "lights.csv"


def read(path: Path) -> dict[str, tuple[float, float, float]]:
    """Reads a `lights.csv`: commas, or semicolons, tabs or spaces and perhaps decimal commas.

    A `#` after a space or at the beginning of a line begins a comment.

    Returns:
      dict from photo names to (azimuth, elevation, intensity), angles in degrees.

    Raises:
      InputError: a column is missing, a value is not a finite number, an intensity is not above 0,
        or a photo is listed twice.
    """
    lamps: dict[str, tuple[float, float, float]] = {}
    rows = _rows(files.read_text(path))
    _, header = next(rows, (0, []))
    columns = [name.lower() for name in header]
    if not {"photo", "azimuth", "elevation"} <= set(columns):
        raise InputError(
            f"{path.name} begins with {','.join(header) or 'nothing'}, expected "
            "photo,azimuth,elevation[,intensity]"
        )
    for number, words in rows:
        row = dict(zip(columns, words))
        name = row.get("photo", "")
        try:
            azimuth, elevation, intensity = (
                float((row.get(column) or default).replace(",", "."))
                for column, default in (("azimuth", "?"), ("elevation", "?"), ("intensity", "1"))
            )
        except ValueError:
            azimuth = elevation = intensity = np.nan
        if not np.isfinite([azimuth, elevation, intensity]).all() or intensity <= 0:
            raise InputError(f"{path.name} line {number}: no valid light for {name!r}")
        if name in lamps:
            raise InputError(f"{path.name} line {number}: {name!r} is listed twice")
        lamps[name] = azimuth, elevation, intensity
    return lamps


def _rows(text):
    """Yields number and words of each line of a table, as spreadsheets of any country write it."""
    lines = text.split("\n")
    # sep=; tells Excel the separator of the lines that follow.
    lines = [re.sub(r"(?i)^sep=.*|(^|\s)#.*", "", line) for line in lines]
    header = next((line for line in lines if line.strip()), "")
    separator = next((one for one in ";\t," if one in header), None)
    if separator is None:
        table = ((number, line.split()) for number, line in enumerate(lines, 1))
    else:
        reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
        table = ((reader.line_num, words) for words in reader)
    for number, words in table:
        words = [word.strip() for word in words]
        if any(words):
            yield number, words


def write(path: Path, names: Sequence[str], directions: np.ndarray, intensity: np.ndarray) -> None:
    """Writes a `lights.csv`.

    Args:
      path: the file.
      names: the photos' names, `[K]`.
      directions: `[K, 3]` unit vectors towards the lights.
      intensity: `[K]`, above 0.
    """
    x, y, z = np.transpose(directions)
    azimuth, elevation = np.degrees(np.arctan2(-x, z)), np.degrees(np.arcsin(np.clip(y, -1, 1)))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["photo", "azimuth", "elevation", "intensity"])
    for name, *numbers in zip(names, azimuth, elevation, intensity):
        table.writerow([name, *(f"{number:.3f}" for number in numbers)])
    files.write_text(path, text.getvalue())
