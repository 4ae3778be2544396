"""Rows and paired differences, by hand."""

import numpy as np
import pytest

from tfrelight.evaluation.ablation import table
from tfrelight.evaluation.ablation.plan import Run


def report(values):
    """A report with these means of people everywhere."""
    subjects = {}
    for name, metric in table.COLUMNS.values():
        subjects.setdefault(name, {}).setdefault("model", {})[metric] = values
    return {"subjects": subjects}


REPORTS = {
    Run("limited", 1, "supervised", 0): report({"31": 10.0, "32": 20.0}),
    Run("limited", 1, "supervised", 1): report({"31": 12.0, "32": 22.0}),
    Run("limited", 1, "all", 0): report({"31": 8.0, "32": 17.0}),
    Run("limited", 2, "all", 0): report({"31": 8.0, "32": 17.0}),
    Run("mixed", 0, "all", 0): report({"31": 7.0}),
}


def row(setting, labels, variant, column="normals, degrees"):
    [found] = [
        found
        for found in table.rows(REPORTS)
        if (found["setting"], found["labels"], found["variant"]) == (setting, labels, variant)
    ]
    return found["seeds"], found["results"][column]


def test_means_over_people_and_seeds():
    seeds, result = row("limited", 1, "supervised")
    assert seeds == [0, 1]
    assert result["mean"] == 16
    # One person under one seed is drawn in a sixteenth of the resamples. The seeds' means are 15
    # and 17.
    assert result["interval"] == (10, 22)
    assert result["seed_std"] == pytest.approx(2**0.5)
    assert "difference" not in result


def test_differences_are_of_the_seeds_that_both_have():
    seeds, result = row("limited", 1, "all")
    assert seeds == [0] and result["seed_std"] is None
    # -2 and -3, of 15.
    assert result["difference"] == -2.5
    assert result["difference_interval"] == (-3, -2)
    assert result["relative"] == pytest.approx(-2.5 / 15)


def test_intervals_cover_seeds_as_well_as_people():
    """Means of which one factor has no part vary by the other alone."""
    of_seeds, of_people = np.arange(3.0)[:, None] + np.zeros(4), np.zeros((3, 1)) + np.arange(4.0)
    rng = np.random.default_rng(1)
    for values, others in ((of_seeds, 3), (of_people, 4)):
        draws = rng.integers(others, size=(20_000, others)).mean(axis=1)
        low, high = table._interval(values)
        assert low == pytest.approx(np.percentile(draws, 2.5), abs=0.15)
        assert high == pytest.approx(np.percentile(draws, 97.5), abs=0.15)
    assert table._interval(np.zeros((3, 1))) is None


def test_other_settings_are_no_baseline():
    for of_row in (("limited", 2, "all"), ("mixed", 0, "all")):
        assert "difference" not in row(*of_row)[1]
    # One person: no interval.
    assert row("mixed", 0, "all")[1]["interval"] is None


def test_markdown():
    text = table.markdown(
        {
            "steps": 1000,
            "pairs_a_step": 8,
            "test_subjects": ["31", "32"],
            "rows": table.rows(REPORTS),
            "commands": {"a": ["python -m tfrelight.train --seed=0"]},
        }
    )
    assert "1,000 steps of 8 pairs" in text and "(31, 32)" in text
    lines = text.splitlines()
    assert any(
        line.startswith("| limited | 1 | supervised | 0, 1 | 16.00 [10.00, 22.00] |")
        for line in lines
    )
    assert any(
        line.startswith("| limited | 1 | all | -2.50 [-3.00, -2.00] (-17 %) |") for line in lines
    )
    assert any(line.startswith("| mixed | synthetic | all | 0 | 7.00 |") for line in lines)
    assert "python -m tfrelight.train --seed=0" in lines


def test_nothing_done_is_a_table_without_rows():
    assert table.rows({}) == []
