"""What an evaluation found: a table for the terminal and a JSON file."""

from __future__ import annotations

import math
import os
from pathlib import Path

import tfrelight
from tfrelight import files
from tfrelight.errors import InputError

__all__ = ["document", "tables", "writable", "write"]


def document(protocol, measurements, settings):
    """The report as a JSON-serialisable dict.

    Args:
      protocol: dict, the protocol's name and its parameters.
      measurements: `evaluation.measurements.Measurements`.
      settings: the flags of `tfrelight.evaluate` by name; `seed` is that of the intervals too.

    Returns:
      dict with `tfrelight` (version), `protocol`, `settings`, `results` (`Measurements.summary`)
      and `subjects` (`Measurements.by_subject`).
    """
    return {
        "tfrelight": tfrelight.__version__,
        "protocol": protocol,
        "settings": settings,
        "results": measurements.summary(settings["seed"]),
        "subjects": measurements.by_subject(),
    }


def tables(report) -> str:
    """The results as text: a table each, with 95 % intervals over subjects in brackets.

    A column is the mean of its metric; angles have a second column with the median.
    """
    return "\n\n".join(_table(name, rows) for name, rows in report["results"].items())


def _table(name, rows):
    columns = []
    for metric in dict.fromkeys(metric for of_metric in rows.values() for metric in of_metric):
        columns.append((metric, metric, "mean"))
        if metric == "degrees":
            columns.append(("median", metric, "median"))
    lines = [[name.replace("_", " "), *(title for title, _, _ in columns)]]
    for method, of_metric in rows.items():
        cells = [_cell(of_metric.get(metric), statistic) for _, metric, statistic in columns]
        lines.append([f"  {method}", *cells])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines
    )


def _cell(statistics, statistic):
    if statistics is None:
        return ""
    low, high = statistics[f"{statistic}_interval"]
    interval = "" if math.isnan(low) else f" [{_number(low)}, {_number(high)}]"
    return _number(statistics[statistic]) + interval


def _number(value):
    # Three or four digits that count, for errors of 0.05 as for angles of 25 degrees.
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.4f}"


def writable(path):
    """Checks before the work starts that a file can be put where it is wanted.

    Raises:
      InputError: the folder is not there or cannot be written, or a folder has the file's name.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"No such folder: {path.parent}. Make it, or choose another for {path}.")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(f"Cannot write {path}. Expected a file name in a folder one may write.")


def write(path, report):
    """Writes the report as JSON, aside and renamed; what is not a number becomes null."""
    files.write_json(path, _finite(report), allow_nan=False)


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
