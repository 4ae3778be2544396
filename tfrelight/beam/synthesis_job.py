"""Renders the set of `dataset.write` on Apache Beam or Dask, with the same bytes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from tfrelight.beam import dask_cluster
from tfrelight.beam.runner import import_beam, make_pipeline, run_pipeline
from tfrelight.data import records
from tfrelight.progress import Progress
from tfrelight.synthesis import dataset, portraits

__all__ = ["write"]


def _write_shard(shard: dataset.Shard, output_dir, settings):
    """Renders one shard, on a worker. Runners may do so twice; the bytes are the same."""
    dataset.check_started(shard, output_dir)
    if not dataset.missing([shard]):
        # Written by a worker that was killed before it could say so.
        return
    people = [portraits.subject(settings, index) for index in shard.indices]
    with dataset.output_errors(output_dir):
        records.write_shard(shard.path, people)


def write(
    output_dir: Path | str,
    settings: portraits.PortraitConfig,
    subjects: int,
    runner: str = "DirectRunner",
    options: Sequence[str] = (),
    scheduler: str | None = None,
) -> str:
    """Renders a set of portraits as a job, or the missing part of an interrupted one.

    Args:
      output_dir: visible to all workers: on a shared disk, or gs://bucket/folder.
      settings: of the portraits; the folders they name must be visible to all workers, too.
      subjects: see `dataset.write`.
      runner: of Apache Beam: DirectRunner, FlinkRunner, SparkRunner, DataflowRunner, ...
      options: of the runner and the job, each `name=value`, or the `name` of a switch.
      scheduler: address of a Dask scheduler, tcp://host:8786, whose workers render instead of
        Apache Beam's.

    Returns:
      the folder of the finished set.

    Raises:
      InputError: see `make_pipeline`, `run_pipeline` and `dask_cluster.each`; or the folder cannot
        be written, or holds another set.
    """
    job = make_pipeline(runner, options) if scheduler is None else None
    if scheduler is not None:
        names = ("environment_dir", "skin_dir", "ict_facekit")
        paths = {name: getattr(settings, name) for name in names}
        dask_cluster.check_paths({"output_dir": str(output_dir), **paths})
    shards = dataset.start(output_dir, settings, subjects)
    missing = dataset.missing(shards)
    render = functools.partial(_write_shard, output_dir=output_dir, settings=settings)
    if missing and scheduler is not None:
        with Progress("Rendering", "shards", len(shards), len(shards) - len(missing)) as bar:
            for _ in dask_cluster.each(scheduler, render, missing, most=1):
                bar.update()
    elif missing:
        beam = import_beam()
        # Without Reshuffle a runner may fuse both steps, and one worker renders everything.
        _ = job | beam.Create(missing) | beam.Reshuffle() | "Render" >> beam.Map(render)
        run_pipeline(job, runner)
    return dataset.finish(output_dir, shards)
