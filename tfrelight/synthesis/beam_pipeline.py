"""The set that `dataset.write` makes, by an Apache Beam job: on many machines, the same bytes."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from tfrelight import beam_jobs
from tfrelight.data import records
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
      InputError: see `beam_jobs.pipeline` and `beam_jobs.run`; or the folder cannot be written or
        holds another set.
    """
    beam = beam_jobs.imported()
    job = beam_jobs.pipeline(runner, options)
    shards = dataset.start(output_dir, settings, subjects)
    left = dataset.missing(shards)
    if left:
        render = functools.partial(_write_shard, output_dir=output_dir, settings=settings)
        # Reshuffle: else a runner may fuse the list and the work, and one worker does it all.
        _ = job | beam.Create(left) | beam.Reshuffle() | "Render" >> beam.Map(render)
        beam_jobs.run(job, runner)
    return dataset.finish(output_dir, shards)
