"""Flags from the fields of a configuration."""

import dataclasses
import re
import typing

import pytest
from absl import flags
from absl.testing import flagsaver

from tfrelight import train  # noqa: F401 - defines the flags
from tfrelight.commands import app, config_flags
from tfrelight.errors import InputError
from tfrelight.training.config import TrainConfig


def read(*arguments):
    with flagsaver.flagsaver():
        flags.FLAGS(["train", *arguments])
        return config_flags.read(TrainConfig)


def test_no_flag_is_the_default():
    assert read() == TrainConfig()


def test_every_kind_of_value():
    assert read(
        "--workdir=x",
        "--epochs=3",
        "--learning_rate=0.5",
        "--strict",
        "--learning_rate_drops=2,4",
        "--warmup_steps=0",
        "--rendered_targets=",
        "--yale_b_dir=yale",
        "--yale_b_subjects=01,02",
    ) == TrainConfig(
        workdir="x",
        epochs=3,
        learning_rate=0.5,
        strict=True,
        learning_rate_drops=(2, 4),
        warmup_steps=0,
        rendered_targets=(),
        yale_b_dir="yale",
        yale_b_subjects=("01", "02"),
    )


def test_every_field_has_a_flag_with_its_help_and_bounds():
    for field in dataclasses.fields(TrainConfig):
        flag = flags.FLAGS[field.name]
        assert flag.help.startswith(field.metadata["help"][:20])
        if typing.get_type_hints(TrainConfig)[field.name] in (int, float):
            assert flag.parser.lower_bound == field.metadata["low"]
            assert flag.parser.upper_bound == field.metadata["high"]


@pytest.mark.parametrize(
    "argument, expected",
    [
        ("--learning_rate=0", "Invalid --learning_rate. Expected above 0"),
        ("--learning_rate_drops=x", "Invalid --learning_rate_drops. Expected numbers .*: x"),
        ("--learning_rate_drops=5", "Expected --warmup_steps 0"),
        ("--yale_b_subjects=01", "Give --yale_b_dir too"),
    ],
)
def test_errors_name_flags(argument, expected):
    with pytest.raises(InputError) as error:
        read(argument)
    assert re.search(expected, app.named_as_flags(str(error.value)))
