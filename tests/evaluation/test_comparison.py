"""Paired differences: by hand, and what cannot be compared."""

import json

import numpy as np
import pytest

from tfrelight.errors import InputError
from tfrelight.evaluation import comparison


def report(values, **protocol):
    return {
        "protocol": {"name": "yale_b", "seed": 0, "subjects": sorted(values), **protocol},
        "settings": {"model": "runs/other"},
        "subjects": {"normals": {"model": {"degrees": values}}},
    }


def difference(ours, theirs):
    found = comparison.differences(report(ours), report(theirs))
    return found["results"]["normals"]["model"]["degrees"]


def test_differences_by_hand():
    found = comparison.differences(report({"a": 1.0, "b": 4.0}), report({"a": 2.0, "b": 8.0}))
    assert found["model"] == "runs/other"
    found = found["results"]["normals"]["model"]["degrees"]
    # -1 and -4, of a mean of 5.
    assert found["difference"] == -2.5 and found["relative"] == -0.5 and found["subjects"] == 2
    assert found["interval"] == (-4.0, -1.0)


def test_pairing_sees_what_is_within_the_spread_of_people():
    rng = np.random.default_rng(0)
    people = {f"{number}": value for number, value in enumerate(rng.normal(20, 5, 30))}
    better = {name: value - 1 + rng.normal(0, 0.1) for name, value in people.items()}
    found = difference(better, people)
    assert found["difference"] == pytest.approx(-1, abs=0.1)
    assert -1.1 < found["interval"][0] < found["interval"][1] < -0.9


def test_only_what_both_have_is_compared():
    found = difference({"a": 1.0, "b": 4.0, "c": float("inf")}, {"b": 5.0, "c": 1.0, "d": 9.0})
    assert found["difference"] == -1 and found["subjects"] == 1
    # In a report, null replaces values that are not finite.
    assert difference({"a": 1.0, "b": 4.0}, {"a": None, "b": 4.0})["subjects"] == 1
    with pytest.raises(InputError, match="no subject in common"):
        difference({"a": 1.0}, {"b": 1.0})


def test_other_protocols_are_refused():
    with pytest.raises(InputError, match="seed is 0 here and 1 in the other"):
        comparison.differences(report({"a": 1.0}), report({"a": 1.0}, seed=1))
    # JSON turns a tuple into a list.
    comparison.differences(report({"a": 1.0}, axes=(1, 2)), report({"a": 1.0}, axes=[1, 2]))


@pytest.mark.parametrize("text", ["", "[]", '{"protocol": {}}', '{"a": 1}', "null"])
def test_what_is_no_report_is_refused(text, tmp_path):
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(InputError, match="is not a report"):
        comparison.load(path)
    with pytest.raises(InputError, match="No such report"):
        comparison.load(tmp_path / "other.json")


def test_load_gives_it_back(tmp_path):
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report({"a": 1.0})))
    assert comparison.load(path) == report({"a": 1.0})
