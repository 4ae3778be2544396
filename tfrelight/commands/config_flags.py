"""Flags from the fields of a configuration, and a configuration from the flags.

A configuration is a dataclass whose fields have the metadata `help`, `low` and `high`, such as
`training.config.TrainConfig`.
"""

from __future__ import annotations

import dataclasses
import re
import typing
from typing import TYPE_CHECKING

from absl import flags

from tfrelight.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["define", "read"]

Config = typing.TypeVar("Config", bound="DataclassInstance")


def define(kind: type[DataclassInstance]) -> None:
    """Defines a flag for each field of a configuration."""
    types = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        about, low, high = (field.metadata[key] for key in ("help", "low", "high"))
        # Backticks mark other fields, each of which has its flag.
        about = re.sub(r"`(\w+(?:=\w+)?)`", r"--\1", about)
        default: typing.Any = field.default
        if _items(types[field.name]):
            listed = None if default is None else [str(value) for value in default]
            flags.DEFINE_list(field.name, listed, about)
        elif types[field.name] is bool:
            flags.DEFINE_bool(field.name, default, about)
        elif types[field.name] in (int, float):
            make = flags.DEFINE_integer if types[field.name] is int else flags.DEFINE_float
            make(field.name, default, about, lower_bound=low, upper_bound=high)
        else:
            flags.DEFINE_string(field.name, default, about)


def read(kind: type[Config]) -> Config:
    """The configuration that the flags describe.

    Raises:
      InputError: a list holds something that is not a number, or the configuration refuses a value.
    """
    types, values = typing.get_type_hints(kind), {}
    for field in dataclasses.fields(kind):
        value, item = flags.FLAGS[field.name].value, _items(types[field.name])
        if item and value is not None:
            try:
                value = tuple(map(item, value))
            except ValueError:
                raise InputError(
                    f"Invalid `{field.name}`. Expected numbers separated by commas. "
                    f"Received: {','.join(value)}."
                ) from None
        values[field.name] = value
    return kind(**values)


def _items(hint):
    """The type of a tuple's items, also of `tuple | None`; None for other types."""
    for option in (hint, *typing.get_args(hint)):
        if typing.get_origin(option) is tuple:
            return typing.get_args(option)[0]
    return None
