"""Nearest-class accuracy by hand."""

import numpy as np
import pytest

from tfrelight.evaluation import lamps
from tfrelight.evaluation.measurements import Measurements


def light(*numbers):
    coefficients = np.zeros((9, 3))
    coefficients[: len(numbers), 0] = numbers
    return coefficients


def measured(people):
    rig, found = lamps.Rig(), Measurements()
    for person, photos in people.items():
        rig.add(person, list(photos), np.stack(list(photos.values())))
    rig.measure(found)
    return found.by_subject().get("light_class")


def test_the_nearest_mean_of_the_others_decides():
    found = measured(
        {
            "a": {"left": light(1, 0), "right": light(0, 1)},
            # Twice as strong, and both nearer to the left.
            "b": {"left": light(2, 0), "right": light(2, 1)},
        }
    )
    # What b calls right is between, yet nearer to a's right than b's left is.
    assert found["model"]["accuracy"] == {"a": 1.0, "b": 0.5}
    assert found["chance"]["accuracy"] == {"a": 0.5, "b": 0.5}


def test_a_persons_own_lights_are_not_in_the_means():
    """Two people who see the lamps the other way round: each fits to themselves alone."""
    people = {
        "a": {"left": light(1, 0), "right": light(0, 1)},
        "b": {"left": light(0, 1), "right": light(1, 0)},
    }
    assert measured(people)["model"]["accuracy"] == {"a": 0.0, "b": 0.0}


def test_a_lamp_that_lit_nobody_else_does_not_count():
    people = {
        "a": {"left": light(1, 0), "top": light(0, 0, 1)},
        "b": {"left": light(1, 0), "right": light(0, 1)},
        "c": {"right": light(0, 1)},
    }
    found = measured(people)
    assert found["model"]["accuracy"] == {"a": 1.0, "b": 1.0, "c": 1.0}
    assert found["chance"]["accuracy"]["c"] == pytest.approx(1 / 3)
    assert measured({"a": {"left": light(1)}}) is None
