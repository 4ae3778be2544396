"""The flag of the commands that can share their work out over a Dask cluster."""

from __future__ import annotations

from absl import flags

from tfrelight.errors import InputError

__all__ = ["check", "define"]


def define() -> None:
    """Defines the flag."""
    flags.DEFINE_string(
        "dask_scheduler",
        None,
        "Address of a Dask scheduler, tcp://host:8786, whose workers do the work instead of Apache "
        "Beam's --runner. All workers must see the folders of the other flags.",
    )


def check() -> None:
    """Checks that the flags choose one engine.

    Raises:
      InputError: they choose Dask and Apache Beam.
    """
    values = flags.FLAGS
    if values.dask_scheduler is None:
        return
    for name in ("runner", "beam_options"):
        if values[name].present:
            raise InputError(
                f"--{name} is for Apache Beam. Received --dask_scheduler as well: choose one."
            )
