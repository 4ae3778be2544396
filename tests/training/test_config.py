"""The configuration of a run: defaults, bounds, and what belongs to the numbers of a run."""

import dataclasses

import pytest

from tfrelight.errors import InputError
from tfrelight.models import losses
from tfrelight.training.config import TrainConfig


def test_every_loss_has_its_default_weight():
    assert TrainConfig().loss_weights == {
        "reconstruction": 1.0,
        "albedo": 2.0,
        "normals": 1.0,
        "light": 0.5,
        "mask": 0.2,
        "parts": 0.2,
        "cross_relighting": 3.0,
        "albedo_consistency": 2.5,
        "normals_consistency": 0.5,
    }
    assert tuple(TrainConfig().loss_weights) == losses.NAMES


def test_where_a_run_is_and_how_long_it_may_take_are_no_settings():
    changed = dataclasses.replace(TrainConfig(), workdir="elsewhere", max_minutes=5)
    assert changed.settings() == TrainConfig().settings()
    assert dataclasses.replace(TrainConfig(), seed=1).settings() != TrainConfig().settings()


@pytest.mark.parametrize(
    "values, expected",
    [
        ({"learning_rate": 0.0}, "Invalid `learning_rate`. Expected above 0. Received: 0.0"),
        ({"learning_rate": float("nan")}, "Invalid `learning_rate`"),
        ({"size": 8}, "Invalid `size`. Expected at least 16. Received: 8"),
        ({"synthetic_share": 1.5}, "Invalid `synthetic_share`. Expected 0 to 1. Received: 1.5"),
        ({"mask_weight": -1.0}, "Invalid `mask_weight`. Expected at least 0"),
        ({"learning_rate_drops": (5, 3)}, "Expected increasing numbers of steps"),
        ({"learning_rate_drops": (-5, 10), "warmup_steps": 0}, "steps above 0"),
        ({"learning_rate_drops": (0,)}, "Expected increasing numbers of steps"),
        ({"learning_rate_drops": (3,)}, "Expected `warmup_steps` 0. Received: 100"),
        ({"yale_b_subjects": ("01",)}, "Give `yale_b_dir` too"),
    ],
)
def test_wrong_values_are_refused(values, expected):
    with pytest.raises(InputError, match=expected):
        TrainConfig(**values)


def test_bounds_belong_to_what_is_allowed():
    assert TrainConfig(size=16, synthetic_share=1.0, mask_weight=0.0)
