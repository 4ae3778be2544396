import numpy as np
import pytest

from tfrelight.evaluation.measurements import Measurements


@pytest.fixture
def measured():
    measured = Measurements()
    for subject, values in {"a": (1.0, 3.0), "b": (5.0, 5.0)}.items():
        for value in values:
            measured.add("light", "model", subject, degrees=value, other=2 * value)
    measured.add("light", "camera", "a", degrees=7.0)
    return measured


def test_summary(measured):
    summary = measured.summary()
    assert list(summary) == ["light"] and list(summary["light"]) == ["model", "camera"]
    degrees = summary["light"]["model"]["degrees"]
    assert degrees["count"] == 4
    assert degrees["mean"] == 3.5 and degrees["median"] == 4.0
    assert degrees["std"] == pytest.approx(np.sqrt((6.25 + 0.25 + 2.25 + 2.25) / 4))
    # The extreme draws are a twice and b twice.
    assert degrees["mean_interval"] == (2.0, 5.0)
    assert degrees["median_interval"] == (2.0, 5.0)
    assert summary["light"]["model"]["other"]["mean"] == 7.0


def test_one_subject_has_no_interval(measured):
    degrees = measured.summary()["light"]["camera"]["degrees"]
    assert degrees["mean"] == 7.0
    assert np.isnan(degrees["mean_interval"]).all()


def test_by_subject(measured):
    assert measured.by_subject()["light"]["model"]["degrees"] == {"a": 2.0, "b": 5.0}


def test_ratios_are_those_of_sums():
    measured = Measurements()
    measured.add_ratios("overlap", "model", "a", eyes=(1, 2), hair=(30, 40))
    measured.add_ratios("overlap", "model", "a", eyes=(0, 0), hair=(10, 40))
    measured.add_ratios("overlap", "model", "b", eyes=(5, 6), hair=(0, 20))
    summary = measured.summary()["overlap"]["model"]
    assert summary["eyes"]["count"] == 2 and summary["hair"]["count"] == 3
    assert summary["eyes"]["mean"] == pytest.approx(6 / 8)
    assert summary["hair"]["mean"] == pytest.approx(40 / 100)
    # The extreme draws are a twice and b twice.
    assert summary["eyes"]["mean_interval"] == pytest.approx((1 / 2, 5 / 6))
    by_subject = measured.by_subject()["overlap"]["model"]
    assert by_subject["hair"] == {"a": pytest.approx(0.5), "b": 0.0}
