"""Reports of an evaluation: tables for the terminal and in Markdown, and a JSON file."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from tfrelight import files
from tfrelight.errors import InputError
from tfrelight.evaluation import perceptual
from tfrelight.evaluation.measurements import Measurements
from tfrelight.version import __version__

__all__ = ["document", "markdown", "tables", "writable", "write", "write_markdown"]


def document(
    protocol: dict[str, Any], measurements: Measurements, settings: dict[str, Any]
) -> dict[str, Any]:
    """The report as a JSON-serialisable dict.

    Args:
      protocol: the protocol's name and parameters.
      measurements: the measurements.
      settings: the flags of `tfrelight.evaluate` by name; `seed` also seeds the intervals.

    Returns:
      dict with `tfrelight` (version), `protocol`, `settings`, `left_out` (reasons why something
      was not measured), `results` (`Measurements.summary`) and `subjects`
      (`Measurements.by_subject`). `run.run` adds `comparison.differences` as `against`.
    """
    reasons = [perceptual.left_out()]
    return {
        "tfrelight": __version__,
        "protocol": protocol,
        "settings": settings,
        "left_out": [reason for reason in reasons if reason],
        "results": measurements.summary(settings["seed"]),
        "subjects": measurements.by_subject(),
    }


def tables(report: dict[str, Any]) -> str:
    """The results as text tables, with 95 % intervals over subjects in brackets.

    A column shows the mean of its metric; angles have a second column with the median. Differences
    from another report (this one minus the other) come last.

    Args:
      report: from `document`.
    """
    return "\n\n".join([*map(_aligned, _grids(report, _cell)), *report["left_out"]])


def markdown(report: dict[str, Any]) -> str:
    """The results as a Markdown page: mean ± standard deviation [95 % interval over subjects].

    Args:
      report: from `document`.
    """
    settings, protocol = report["settings"], report["protocol"]
    people = protocol["subjects"]
    lines = [
        f"# {settings['model']} on {protocol['name']}",
        "",
        "Mean ± standard deviation [95 % bootstrap interval over subjects].",
        "",
    ]
    for name, value in protocol.items():
        shown = f"{len(people)}: {', '.join(people)}" if value is people and people else value
        lines.append(f"- {name}: {shown}")
    for grid in _grids(report, _full_cell):
        head, *rows = ([cell.strip().replace("|", "/") for cell in line] for line in grid)
        lines += ["", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        lines += ["| " + " | ".join(row) + " |" for row in rows]
    for reason in report["left_out"]:
        lines += ["", reason]
    return "\n".join(lines) + "\n"


def _grids(report, cell):
    """The tables, as lists of lines of cells; the first line holds the titles."""
    for name, rows in report["results"].items():
        columns = []
        for metric in dict.fromkeys(metric for by_metric in rows.values() for metric in by_metric):
            columns.append((metric, metric, "mean"))
            if metric == "degrees":
                columns.append(("median", metric, "median"))
        lines = [[name.replace("_", " "), *(title for title, _, _ in columns)]]
        for method, by_metric in rows.items():
            cells = [cell(by_metric.get(metric), statistic) for _, metric, statistic in columns]
            lines.append([f"  {method}", *cells])
        yield lines
    if "against" in report:
        yield from _differences(report["against"])


def _differences(against):
    """One table with a line for each metric; methods without a difference are left out."""
    title = f"difference from {against['model']}"
    lines = [[title, "difference", "relative", "subjects"]]
    for name, rows in against["results"].items():
        for method, by_metric in rows.items():
            if not any(found["difference"] for found in by_metric.values()):
                continue
            for metric, found in by_metric.items():
                relative = found["relative"]
                lines.append(
                    [
                        f"  {name.replace('_', ' ')}, {method}: {metric}",
                        _number(found["difference"]) + _interval(found["interval"]),
                        "" if relative is None else f"{100 * relative:+.1f} %",
                        str(found["subjects"]),
                    ]
                )
    yield lines if len(lines) > 1 else [[f"{title}: none"]]


def _aligned(lines):
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines
    )


def _interval(interval):
    low, high = interval
    return "" if math.isnan(low) else f" [{_number(low)}, {_number(high)}]"


def _cell(statistics, statistic):
    if statistics is None:
        return ""
    return _number(statistics[statistic]) + _interval(statistics[f"{statistic}_interval"])


def _full_cell(statistics, statistic):
    if statistics is None:
        return ""
    shown = statistic == "mean" and math.isfinite(statistics["std"])
    deviation = f" ± {_number(statistics['std'])}" if shown else ""
    interval = _interval(statistics[f"{statistic}_interval"])
    return _number(statistics[statistic]) + deviation + interval


def _number(value):
    # Three or four significant digits, for errors of 0.05 and for angles of 25 degrees.
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.4f}"


def writable(path: Path | str) -> None:
    """Checks that a file can be written, before the work starts.

    Raises:
      InputError: the folder is missing or cannot be written, or a folder has the file's name.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(
            f"No such folder: {path.parent}. Create it, or choose another folder for {path.name}."
        )
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(f"Cannot write {path}. Expected a file name in a writable folder.")


def write(path: Path | str, report: dict[str, Any]) -> None:
    """Writes the report as JSON, aside and renamed; values that are not finite become null."""
    files.write_json(path, _finite(report), allow_nan=False)


def write_markdown(path: Path | str, report: dict[str, Any]) -> None:
    """Writes the report as Markdown, aside and renamed."""
    files.write_text(path, markdown(report))


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
