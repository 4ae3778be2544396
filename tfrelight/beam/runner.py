"""Builds and runs Apache Beam jobs, with failures in one line.

Needs `pip install "tfrelight[beam]"`, here and on the workers.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import logging
import re
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from tfrelight.errors import InputError

if TYPE_CHECKING:
    import apache_beam

__all__ = ["import_beam", "make_pipeline", "run_pipeline"]


def import_beam() -> ModuleType:
    """Imports `apache_beam`.

    Raises:
      InputError: it is not installed.
    """
    disabled = logging.root.manager.disable
    try:
        # Beam warns at import about Google's clients that are not installed.
        logging.disable(logging.WARNING)
        import apache_beam
    except ImportError as error:
        raise InputError(
            'Apache Beam is not installed. Install it with pip install "tfrelight[beam]".'
        ) from error
    finally:
        logging.disable(disabled)
    return apache_beam


def make_pipeline(runner: str, options: Sequence[str] = ()) -> apache_beam.Pipeline:
    """Creates a pipeline without steps.

    Args:
      runner: DirectRunner, FlinkRunner, SparkRunner, DataflowRunner, ...
      options: of the runner and the job, each `name=value`, or the `name` of a switch.

    Raises:
      InputError: Apache Beam is not installed, knows no such runner or option, or its runner cannot
        do a job.
    """
    beam = import_beam()
    if runner.endswith("DaskRunner"):
        raise InputError(
            "Apache Beam's DaskRunner computes the last step of a pipeline only. Use the cluster "
            "without it: --dask_scheduler=tcp://host:8786."
        )
    arguments = _pipeline_options(runner, options)
    try:
        return beam.Pipeline(options=arguments)
    except ValueError as error:
        raise InputError(f"Apache Beam refuses the runner: {error}") from error


def _pipeline_options(runner, options):
    """The options as Apache Beam's own. Checks their names: Beam silently drops unknown ones."""
    from apache_beam.options.pipeline_options import PipelineOptions

    given = [option.lstrip("-") for option in options if option.strip("-")]
    arguments = PipelineOptions([f"--{option}" for option in (f"runner={runner}", *given)])
    stderr = io.StringIO()
    try:
        with contextlib.redirect_stderr(stderr):
            parsed = arguments.get_all_options(retain_unknown_options=True)
    except SystemExit as error:
        # argparse prints its usage and the error, and exits.
        reason = stderr.getvalue().rpartition("error: ")[2]
        raise InputError(f"Apache Beam refuses the options: {reason}") from error
    known = PipelineOptions([]).get_all_options()
    for name in parsed:
        if name not in known:
            matches = difflib.get_close_matches(name, known, 1)
            advice = f"Did you mean {matches[0]}?" if matches else "Expected one of its Python SDK."
            raise InputError(f"Apache Beam knows no option {name}. {advice}")
    return arguments


@contextlib.contextmanager
def _errors_only():
    """Silences Beam's warnings about what a job does on purpose, such as replacing a file."""
    logger = logging.getLogger("apache_beam")
    if logger.level != logging.NOTSET:
        # The user has chosen a level.
        yield
        return
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(logging.NOTSET)


def run_pipeline(pipeline: apache_beam.Pipeline, runner: str) -> None:
    """Runs a pipeline to its end.

    Args:
      pipeline: from `make_pipeline`.
      runner: its name, for the error.

    Raises:
      InputError: a worker raised one, or the runner cannot be reached or gives up.
    """
    import grpc

    try:
        with _errors_only():
            pipeline.run().wait_until_finish()
    except Exception as error:
        # A worker's exception comes back with a suffix, and from another process as text.
        text = f"InputError: {error}" if isinstance(error, InputError) else str(error)
        found = re.search(r"InputError: (.+?)(?: \[while running|\\n|\n|$)", text)
        if found:
            raise InputError(found[1]) from error
        # The types that Beam's servers and clients raise when they cannot reach workers.
        unreachable = (OSError, RuntimeError, grpc.RpcError, grpc.FutureTimeoutError)
        if not isinstance(error, unreachable) or "[while running" in text:
            raise
        raise InputError(
            f"The runner {runner} could not do the job: {text or 'no answer'}. Check that it runs "
            "where --beam_options says; finished work is kept."
        ) from error
