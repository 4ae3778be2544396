"""Apache Beam jobs: runners and options as people give them, and failures in one line.

Needs `pip install "tfrelight[beam]"`, here and on the workers.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import logging
import re
from collections.abc import Sequence

from tfrelight.errors import InputError

__all__ = ["imported", "pipeline", "run"]


def imported():
    """The package `apache_beam`.

    Raises:
      InputError: it is not installed.
    """
    disabled = logging.root.manager.disable
    try:
        # Beam warns at import of clients of Google's that are not installed.
        logging.disable(logging.WARNING)
        import apache_beam
    except ImportError as error:
        raise InputError(
            'Apache Beam is not installed. Install it with pip install "tfrelight[beam]".'
        ) from error
    finally:
        logging.disable(disabled)
    return apache_beam


def pipeline(runner: str, options: Sequence[str] = ()):
    """A pipeline to add steps to.

    Args:
      runner: DirectRunner, FlinkRunner, SparkRunner, DataflowRunner, ...
      options: of the runner and the job, each as `name=value`, or `name` of a switch.

    Raises:
      InputError: Apache Beam is not installed, or knows no such runner or option.
    """
    beam = imported()
    arguments = _pipeline_options(runner, options)
    try:
        return beam.Pipeline(options=arguments)
    except ValueError as error:
        raise InputError(f"Apache Beam refuses the runner: {error}") from error


def _pipeline_options(runner, options):
    """The options as Apache Beam's own; it drops in silence what it does not know."""
    from apache_beam.options.pipeline_options import PipelineOptions

    given = [option.lstrip("-") for option in options if option.strip("-")]
    arguments = PipelineOptions([f"--{option}" for option in (f"runner={runner}", *given)])
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            taken = arguments.get_all_options(retain_unknown_options=True)
    except SystemExit as error:
        # argparse exits, behind a page of usage.
        reason = told.getvalue().rpartition("error: ")[2]
        raise InputError(f"Apache Beam refuses the options: {reason}") from error
    known = PipelineOptions([]).get_all_options()
    for name in taken:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            advice = f"Did you mean {near[0]}?" if near else "Expected one of its Python SDK."
            raise InputError(f"Apache Beam knows no option {name}. {advice}")
    return arguments


@contextlib.contextmanager
def _errors_only():
    """Beam warns of what a job means to do, such as to write a file anew."""
    logger = logging.getLogger("apache_beam")
    if logger.level != logging.NOTSET:
        # Somebody wants to know.
        yield
        return
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(logging.NOTSET)


def run(job, runner: str):
    """Runs a pipeline to its end.

    Args:
      job: what `pipeline` gave.
      runner: its name, for people.

    Raises:
      InputError: a worker raised one, or the runner cannot be reached or gives up.
    """
    import grpc

    try:
        with _errors_only():
            job.run().wait_until_finish()
    except Exception as error:
        # What a worker raised comes back with a remark, from other processes as text.
        text = f"InputError: {error}" if isinstance(error, InputError) else str(error)
        found = re.search(r"InputError: (.+?)(?: \[while running|\\n|\n|$)", text)
        if found:
            raise InputError(found[1]) from error
        # Beam's servers and clients, on the way to the workers, raise these.
        refused = (OSError, RuntimeError, grpc.RpcError, grpc.FutureTimeoutError)
        if not isinstance(error, refused) or "[while running" in text:
            raise
        raise InputError(
            f"The runner {runner} could not do the job: {text or 'no answer'}. Check that it runs "
            "where --beam_options says; what is finished is kept."
        ) from error
