"""Trains a network on pairs of photos: `python -m tfrelight.train --flagfile=configs/mixed.flags`.

The folder --workdir holds everything about the run. The same command again resumes an interrupted
run and reaches the numbers of an uninterrupted one.
"""

from __future__ import annotations

from absl import flags

from tfrelight.commands import app, config_flags
from tfrelight.training.config import TrainConfig

__all__ = ["main"]

config_flags.define(TrainConfig)
flags.adopt_module_key_flags(config_flags)


def main() -> None:
    """Trains as the flags say."""
    config = config_flags.read(TrainConfig)
    config.check_files()
    from tfrelight.training import run

    run.train(config)


if __name__ == "__main__":
    app.run(main)
