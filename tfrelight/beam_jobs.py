"""Apache Beam jobs: runners and options as people give them, and failures in one line.

Needs `pip install "tfrelight[beam]"`, here and on the workers.
"""

from __future__ import annotations

import contextlib
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
      options: of the runner and the job, each as `name=value`.

    Raises:
      InputError: Apache Beam is not installed, or knows no such runner or option.
    """
    beam = imported()
    from apache_beam.options.pipeline_options import PipelineOptions

    arguments = PipelineOptions([f"--runner={runner}", *(f"--{option}" for option in options)])
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            arguments.get_all_options()
        return beam.Pipeline(options=arguments)
    except SystemExit as error:
        # argparse exits, behind a page of usage.
        reason = told.getvalue().rpartition("error: ")[2]
        raise InputError(f"Apache Beam refuses the options: {reason}") from error
    except ValueError as error:
        raise InputError(f"Apache Beam refuses the runner: {error}") from error


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


def run(job):
    """Runs a pipeline to its end.

    Raises:
      InputError: a worker raised one.
    """
    try:
        with _errors_only():
            job.run().wait_until_finish()
    except Exception as error:
        # What a worker raised comes back with a remark, from other processes as text.
        text = f"InputError: {error}" if isinstance(error, InputError) else str(error)
        found = re.search(r"InputError: (.+?)(?: \[while running|\\n|\n|$)", text)
        if found:
            raise InputError(found[1]) from error
        raise
