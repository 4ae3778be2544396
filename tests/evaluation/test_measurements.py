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
    # Draws of a and a, or of b and b, are the extremes.
    assert degrees["mean_interval"] == (2.0, 5.0)
    assert degrees["median_interval"] == (2.0, 5.0)
    assert summary["light"]["model"]["other"]["mean"] == 7.0


def test_one_subject_has_no_interval(measured):
    degrees = measured.summary()["light"]["camera"]["degrees"]
    assert degrees["mean"] == 7.0
    assert np.isnan(degrees["mean_interval"]).all()


def test_by_subject(measured):
    assert measured.by_subject()["light"]["model"]["degrees"] == {"a": 2.0, "b": 5.0}
