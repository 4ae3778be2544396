"""The set that `dataset.write` makes, by an Apache Beam job: on many machines, the same bytes.

Needs `pip install "tfrelight[beam]"`, here and on the workers.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import io
import re
from collections.abc import Sequence

from tfrelight.data import records
from tfrelight.errors import InputError
from tfrelight.synthesis import dataset, portraits

__all__ = ["write"]


def _write_shard(shard: dataset.Shard, output_dir, settings):
    """Renders one shard, on a worker. Twice, as runners may, writes the same bytes twice."""
    people = [portraits.subject(settings, index) for index in shard.indices]
    with dataset.refused(output_dir):
        records.write_shard(shard.path, people)


def write(
    output_dir,
    settings: portraits.Settings,
    subjects: int,
    runner: str,
    options: Sequence[str] = (),
) -> str:
    """Renders a set of portraits as a Beam job; of one that was begun, what is missing.

    Args:
      output_dir: that all workers see: on a shared disk, or gs://bucket/folder.
      settings: of the portraits; the folders that they name must be seen by all workers too.
      subjects: see `dataset.write`.
      runner: DirectRunner, FlinkRunner, SparkRunner, DataflowRunner, ...
      options: of the runner and the job, each as `name=value`, or `name` of a switch.

    Returns:
      The folder that holds the set, when the job has ended.

    Raises:
      InputError: Apache Beam is not installed, it knows no such runner or option, the runner cannot
        be reached, the folder cannot be written or holds another set, or a worker could not read or
        write its files.
    """
    try:
        import apache_beam as beam
    except ImportError as error:
        raise InputError(
            f"Cannot use the runner {runner}: Apache Beam is not installed. Install it with pip "
            'install "tfrelight[beam]".'
        ) from error
    arguments = _pipeline_options(runner, options)
    shards = dataset.start(output_dir, settings, subjects)
    left = dataset.missing(shards)
    if left:
        try:
            pipeline = beam.Pipeline(options=arguments)
        except ValueError as error:
            raise InputError(f"Apache Beam refuses the runner: {error}") from error
        render = functools.partial(_write_shard, output_dir=output_dir, settings=settings)
        # Reshuffle: else a runner may fuse the list and the work, and one worker does it all.
        _ = pipeline | beam.Create(left) | beam.Reshuffle() | "Render" >> beam.Map(render)
        _run(pipeline, runner)
    return dataset.finish(output_dir, shards)


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


def _run(pipeline, runner):
    """Runs a pipeline to its end."""
    import grpc

    try:
        pipeline.run().wait_until_finish()
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
