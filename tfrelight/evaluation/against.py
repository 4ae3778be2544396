"""Two reports of one protocol: differences paired by subject."""

from __future__ import annotations

import json
import math

from tfrelight import metrics
from tfrelight.errors import InputError

__all__ = ["differences", "load"]

# May differ between reports that can be compared: subjects that both have are.
_FREE = ("subjects",)


def load(path) -> dict:
    """A report that `tfrelight.evaluate --report` wrote.

    Raises:
      InputError: there is none.
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


def differences(report, other, seed=0) -> dict:
    """What a report has more than another: this mean of a subject less the other's.

    Subjects that only one of them has do not take part, nor does what is not a finite number.

    Args:
      report: `evaluation.report.document`.
      other: what `load` gives.
      seed: of the bootstrap.

    Returns:
      dict of `model`, the other's; and `results`: table -> method -> metric -> dict of `subjects`
      (their number), `difference` (mean over subjects), `interval` (95 %, over subjects) and
      `relative`, the difference over the other's mean (None where that is 0).

    Raises:
      InputError: the protocols differ, or no subject is in both reports.
    """
    ours, theirs = (json.loads(json.dumps(one["protocol"])) for one in (report, other))
    for name in sorted({*ours, *theirs} - {*_FREE}):
        if ours.get(name) != theirs.get(name):
            raise InputError(
                f"The reports are of different protocols: {name} is {ours.get(name)!r} here and "
                f"{theirs.get(name)!r} in the other. Compare reports of one protocol."
            )
    results = {}
    for table, of_method in report["subjects"].items():
        for method, of_metric in of_method.items():
            for metric, values in of_metric.items():
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
