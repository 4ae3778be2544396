"""Renders the set of `dataset.write` as an Apache Beam job, with the same bytes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from tfrelight.beam.runner import import_beam, make_pipeline, run_pipeline
from tfrelight.data import records
from tfrelight.synthesis import dataset, portraits

__all__ = ["write"]


def _write_shard(shard: dataset.Shard, output_dir, settings):
    """Renders one shard, on a worker. Runners may do so twice; the bytes are the same."""
    people = [portraits.subject(settings, index) for index in shard.indices]
    with dataset.output_errors(output_dir):
        records.write_shard(shard.path, people)


def write(
    output_dir: Path | str,
    settings: portraits.PortraitConfig,
    subjects: int,
    runner: str,
    options: Sequence[str] = (),
) -> str:
    """Renders a set of portraits as a Beam job, or the missing part of an interrupted one.

    Args:
      output_dir: visible to all workers: on a shared disk, or gs://bucket/folder.
      settings: of the portraits; the folders they name must be visible to all workers, too.
      subjects: see `dataset.write`.
      runner: DirectRunner, FlinkRunner, SparkRunner, DataflowRunner, ...
      options: of the runner and the job, each `name=value`, or the `name` of a switch.

    Returns:
      the folder of the finished set.

    Raises:
      InputError: see `make_pipeline` and `run_pipeline`; or the folder cannot be written, or holds
        another set.
    """
    beam = import_beam()
    job = make_pipeline(runner, options)
    shards = dataset.start(output_dir, settings, subjects)
    missing = dataset.missing(shards)
    if missing:
        render = functools.partial(_write_shard, output_dir=output_dir, settings=settings)
        # Without Reshuffle a runner may fuse both steps, and one worker renders everything.
        _ = job | beam.Create(missing) | beam.Reshuffle() | "Render" >> beam.Map(render)
        run_pipeline(job, runner)
    return dataset.finish(output_dir, shards)
