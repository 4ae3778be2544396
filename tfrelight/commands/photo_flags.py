"""Flags of the commands on photos, without TensorFlow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from absl import flags

from tfrelight.models import engines

if TYPE_CHECKING:
    from tfrelight.relighting.inference import Network

__all__ = ["define", "define_model", "network"]


def define_model() -> None:
    """Defines --model and --engine."""
    flags.DEFINE_string(
        "model", "compact-128", "Preset, .tflite file, or folder of a training run."
    )
    flags.DEFINE_enum(
        "engine",
        "auto",
        engines.ENGINES,
        "What runs the network; auto: LiteRT for presets and .tflite files, else TensorFlow.",
    )


def network() -> Network:
    """Loads the network that --model and --engine ask for, and what finds faces for it.

    Raises:
      InputError: see `engines.load`.
    """
    from tfrelight.faces import find
    from tfrelight.relighting import pipeline

    if not flags.FLAGS.whole_image:
        find.load()
    return pipeline.loaded(flags.FLAGS.model, flags.FLAGS.engine)


def define(overwrite: bool = True, mark: bool = False) -> None:
    """Defines the flags.

    Args:
      overwrite: also --overwrite, for commands that write to given paths.
      mark: also --mark, for commands that write relit photos.
    """
    define_model()
    flags.DEFINE_string("faces", "all", "Which faces: all, largest, or a number of the largest.")
    flags.register_validator(
        "faces",
        lambda faces: bool(re.fullmatch(r"all|largest|0*[1-9]\d*", faces)),
        "Expected all, largest or a number from 1.",
    )
    flags.DEFINE_bool(
        "whole_image", False, "Expect a crop of one face in each photo; do not detect faces."
    )
    flags.DEFINE_enum(
        "what", "person", ("person", "head", "face"), "Part of each person to relight."
    )
    if overwrite:
        flags.DEFINE_bool("overwrite", False, "Overwrite existing files.")
    if mark:
        flags.DEFINE_bool(
            "mark",
            True,
            "Say in the photos' metadata (IPTC's Digital Source Type) that a trained model edited "
            "them.",
        )
