"""Compares two reports of one protocol: differences paired by subject."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from tfrelight.errors import InputError
from tfrelight.evaluation import metrics

__all__ = ["differences", "load"]

# Comparable reports may differ in these. Only common subjects are compared.
_FREE = ("subjects",)


def load(path: Path | str) -> dict[str, Any]:
    """Loads a report that `tfrelight.evaluate --report` wrote.

    Raises:
      InputError: the file is missing or is not a report.
    """
    try:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        report["protocol"]["name"], report["subjects"], report["settings"]["model"]
    except FileNotFoundError as error:
        raise InputError(f"No such report: {path}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not a report. Expected a JSON file that --report wrote."
        ) from error
    return report


def differences(report: dict[str, Any], other: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    """Subtracts another report from a report, subject by subject.

    It leaves out subjects that only one report has, and values that are not finite.

    Args:
      report: from `report.document`.
      other: from `load`.
      seed: of the bootstrap.

    Returns:
      dict of `model`, the other's; and `results`: table -> method -> metric -> dict of `subjects`
      (their number), `difference` (mean over subjects), `interval` (95 %, over subjects) and
      `relative`, the difference over the other's mean (None if that is 0).

    Raises:
      InputError: the protocols differ, or no subject is in both reports.
    """
    ours, theirs = (json.loads(json.dumps(part["protocol"])) for part in (report, other))
    for name in sorted({*ours, *theirs} - {*_FREE}):
        if ours.get(name) != theirs.get(name):
            raise InputError(
                f"The reports have different protocols: {name} is {ours.get(name)!r} here and "
                f"{theirs.get(name)!r} in the other. Compare reports of one protocol."
            )
    results: dict[str, Any] = {}
    for table, by_method in report["subjects"].items():
        for method, by_metric in by_method.items():
            for metric, values in by_metric.items():
                before = other["subjects"].get(table, {}).get(method, {}).get(metric, {})
                found = _difference(values, before, seed)
                if found:
                    results.setdefault(table, {}).setdefault(method, {})[metric] = found
    if not results:
        raise InputError("The reports have no subject in common.")
    return {"model": other["settings"]["model"], "results": results}


def _difference(values, before, seed):
    common = [
        subject
        for subject, value in values.items()
        if math.isfinite(value) and before.get(subject) is not None
    ]
    if not common:
        return None
    paired = [values[subject] - before[subject] for subject in common]
    mean = sum(paired) / len(paired)
    reference = sum(before[subject] for subject in common) / len(common)
    return {
        "subjects": len(common),
        "difference": mean,
        "interval": metrics.bootstrap_interval(paired, common, seed),
        "relative": mean / reference if reference else None,
    }
