"""Tables of an ablation: the results of each run, and differences paired by person and seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfrelight.evaluation.ablation.plan import BASELINE, Run

__all__ = ["COLUMNS", "markdown", "rows"]

# Draws of the bootstrap.
_RESAMPLES = 1000

# Title -> table and metric of a report, row `model`. Lower is better in all of them.
COLUMNS = {
    "normals, degrees": ("normals", "degrees"),
    "cross-relighting, si-RMSE": ("cross_relighting", "si_rmse"),
    "cross-relighting, DSSIM": ("cross_relighting", "dssim"),
    "light, degrees": ("light_direction", "degrees"),
    "albedo, LMSE": ("albedo", "lmse"),
    "albedo across lights": ("consistency", "albedo"),
    "normals across lights, degrees": ("consistency", "normals_degrees"),
    "reconstruction, si-RMSE": ("reconstruction", "si_rmse"),
}


def _values(reports, column):
    """The mean of each person by seed, `[seeds, people]`; people are sorted."""
    name, metric = COLUMNS[column]
    by_seed = [report["subjects"][name]["model"][metric] for report in reports]
    people = sorted(set.intersection(*map(set, by_seed)))
    return np.array([[means[person] for person in people] for means in by_seed])


def rows(reports: Mapping[Run, dict[str, Any]]) -> list[dict[str, Any]]:
    """Summarises reports as rows, one for each setting, number of labelled people and variant.

    Args:
      reports: dict from runs to their reports.

    Returns:
      list of dicts: `setting`, `labels`, `variant`, `seeds`, and `results`: title of `COLUMNS` ->
      dict of `mean` and `interval` (95 %, over seeds and people), `seed_std` (standard deviation of
      the seeds' means; None for one seed). If the setting's baseline is measured too, the dict also
      holds the `difference` from it, its `difference_interval` (paired by person and seed, over
      common seeds) and `relative`.
    """
    grouped: dict[tuple[str, int, str], dict[int, dict[str, Any]]] = {}
    for run, report in reports.items():
        grouped.setdefault(run.row, {})[run.seed] = report
    found = []
    for (setting, labels, variant), by_seed in grouped.items():
        baseline = {} if variant == BASELINE else grouped.get((setting, labels, BASELINE), {})
        found.append(
            {
                "setting": setting,
                "labels": labels,
                "variant": variant,
                "seeds": sorted(by_seed),
                "results": {title: _result(title, by_seed, baseline) for title in COLUMNS},
            }
        )
    return found


def _result(title, by_seed, baseline):
    values = _values([by_seed[seed] for seed in sorted(by_seed)], title)
    result = {
        "mean": float(values.mean()),
        "interval": _interval(values),
        "seed_std": float(values.mean(axis=1).std(ddof=1)) if len(values) > 1 else None,
    }
    common = sorted(set(by_seed) & set(baseline))
    if common:
        ours, theirs = (_values([of[seed] for seed in common], title) for of in (by_seed, baseline))
        difference = ours - theirs
        result.update(
            difference=float(difference.mean()),
            difference_interval=_interval(difference),
            relative=float(difference.mean() / theirs.mean()),
        )
    return result


def _interval(values):
    """95 % interval of the mean of values `[seeds, people]`; None for a single person.

    Each resample draws seeds and people with replacement, independently of each other (Owen, "The
    pigeonhole bootstrap", 2007). A single seed stays: the interval then does not cover what another
    one would give.
    """
    seeds, people = values.shape
    if people == 1:
        return None
    rng = np.random.default_rng(0)
    of_seeds = rng.integers(seeds, size=(_RESAMPLES, seeds, 1))
    of_people = rng.integers(people, size=(_RESAMPLES, 1, people))
    low, high = np.percentile(values[of_seeds, of_people].mean(axis=(1, 2)), [2.5, 97.5])
    return float(low), float(high)


def markdown(result: dict[str, Any]) -> str:
    """The tables as Markdown.

    Args:
      result: dict of `steps`, `pairs_a_step`, `test_subjects`, `rows` (from `rows`), and
        `commands`: name of the run -> lines.
    """
    titles = list(COLUMNS)
    lines = [
        "# What the multi-lit losses bring",
        "",
        f"{result['steps']:,} steps of {result['pairs_a_step']} pairs in each run, measured on "
        f"{len(result['test_subjects'])} people of Extended Yale B "
        f"({', '.join(result['test_subjects'])}). Means over people and seeds, with 95 % bootstrap "
        "intervals over both in brackets; lower is better.",
        "",
        *_head(["setting", "labelled people", "losses", "seeds", *titles]),
    ]
    for row in result["rows"]:
        cells = [_mean(row["results"][title]) for title in titles]
        seeds = ", ".join(map(str, row["seeds"]))
        lines.append(_line([*_names(row), seeds, *cells]))
    lines += [
        "",
        f"Difference from `{BASELINE}` in the same setting, paired by person and seed:",
        "",
        *_head(["setting", "labelled people", "losses", *titles]),
    ]
    for row in result["rows"]:
        if "difference" in row["results"][titles[0]]:
            cells = [_difference(row["results"][title]) for title in titles]
            lines.append(_line([*_names(row), *cells]))
    lines += ["", "## Commands", "", "```bash"]
    lines += [line for commands in result["commands"].values() for line in commands]
    return "\n".join([*lines, "```", ""])


def _names(row):
    labels = str(row["labels"]) if row["setting"] == "limited" else "synthetic"
    return [row["setting"], labels, row["variant"].replace("_", " ")]


def _line(cells):
    return "| " + " | ".join(cells) + " |"


def _head(titles):
    return [_line(titles), "|" + "---|" * len(titles)]


def _brackets(interval, digits):
    return f" [{', '.join(f'{value:{digits}}' for value in interval)}]" if interval else ""


def _digits(result):
    return ".2f" if abs(result["mean"]) >= 1 else ".4f"


def _mean(result):
    digits = _digits(result)
    return f"{result['mean']:{digits}}" + _brackets(result["interval"], digits)


def _difference(result):
    digits = f"+{_digits(result)}"
    interval = _brackets(result["difference_interval"], digits)
    return f"{result['difference']:{digits}}{interval} ({100 * result['relative']:+.0f} %)"
