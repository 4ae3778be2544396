"""Relights many photos as a job on Apache Beam or Dask that can be interrupted and started again.

    relight_job.relight("photos/*.jpg", "out", factory, settings)

writes

    out/settings.json           the settings that determine the pictures; first
    out/relit/anna.jpg          each picture, under its photo's path below the pattern's fixed part
    out/done/anna.jpg.json      its record; after the picture
    out/results.jsonl           the records of all relit photos, sorted
    out/failed.jsonl            the photos that could not be relit, sorted, each with the reason

A photo is done if its record and its picture exist and the record is not older than the photo. So
an interrupted job continues where it stopped, and failed photos are tried again. Paths are those of
`storage`. Whatever the engine and the number of workers, the files hold the same bytes.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tfrelight.beam import dask_cluster, relight_worker, storage
from tfrelight.beam.relight_worker import Relighter
from tfrelight.beam.runner import import_beam, make_pipeline, run_pipeline
from tfrelight.errors import InputError
from tfrelight.progress import Progress

__all__ = ["JobReport", "check_input", "relight"]


class JobReport(NamedTuple):
    """The result of a job.

    Attributes:
      relit, failed: numbers of photos.
      results, failures: the files that list them.
    """

    relit: int
    failed: int
    results: str
    failures: str


def check_input(pattern: str, output_dir: str) -> None:
    """Checks that a job would find photos, before a network is loaded.

    Args:
      pattern, output_dir: see `relight`.

    Raises:
      InputError: no photo matches, Apache Beam is not installed, or it knows no such file system.
    """
    import_beam()
    pattern, output_dir = storage.normalized(pattern), storage.normalized(output_dir)
    with storage.input_errors(pattern):
        if not any(_is_input(found.path, output_dir) for found in storage.matches(pattern)):
            raise InputError(
                f"No photo matches {pattern}. Expected a pattern such as photos/*.jpg, or "
                "photos/** for all files below a folder."
            )


def relight(
    pattern: str,
    output_dir: str,
    factory: Callable[[], Relighter],
    settings: Mapping[str, object],
    runner: str = "DirectRunner",
    options: Sequence[str] = (),
    scheduler: str | None = None,
) -> JobReport:
    """Relights the photos of a pattern, or the remaining ones of an interrupted job.

    A photo that cannot be relit, for whatever reason, does not stop the job.

    Args:
      pattern: of the photos: `*` and `?` within a folder's name, `**` across folders.
      output_dir: visible to all workers; created if missing.
      factory: creates, once per worker process, the function that relights one photo. That function
        takes the path of a photo and the path of the picture to write, and returns the fields of
        the photo's record. Picklable.
      settings: JSON of what determines the pictures. A job with other settings is refused in the
        same folder.
      runner: of Apache Beam: DirectRunner, FlinkRunner, SparkRunner, DataflowRunner, ...
      options: of the runner and the job, each `name=value`, or the `name` of a switch.
      scheduler: address of a Dask scheduler, tcp://host:8786, whose workers relight instead of
        Apache Beam's.

    Raises:
      InputError: see `make_pipeline`, `run_pipeline` and `dask_cluster.each`; or no photo matches,
        or the folder cannot be written or holds photos relit with other settings.
    """
    pipeline = make_pipeline(runner, options) if scheduler is None else None
    pattern, output_dir = storage.normalized(pattern), storage.normalized(output_dir)
    if scheduler is not None:
        dask_cluster.check_paths({"input": pattern, "output_dir": output_dir})
    check_input(pattern, output_dir)
    with storage.input_errors(output_dir):
        _check_settings(output_dir, settings)
        job = relight_worker.new_job(pattern, output_dir, factory)
    if scheduler is not None:
        _run_on_dask(job, scheduler)
    else:
        _run_on_beam(job, pipeline, runner)
    with storage.input_errors(output_dir):
        for name in ("relit", "done"):
            storage.remove_partial_files(storage.join(output_dir, name))
        (_, results), (_, failures) = _manifests(output_dir)
        return JobReport(_count_lines(results), _count_lines(failures), results, failures)


def _manifests(output_dir):
    """The files that list the outcomes of a job, each with the key that only its outcomes have."""
    return [
        (key, storage.join(output_dir, f"{name}.jsonl"))
        for key, name in (("relit", "results"), ("reason", "failed"))
    ]


def _line(outcome):
    return json.dumps(outcome, ensure_ascii=False)


def _has(outcome, key):
    return key in outcome


def _run_on_beam(job, pipeline, runner):
    beam = import_beam()
    from apache_beam.io import fileio

    outcomes = (
        pipeline
        | fileio.MatchFiles(job.pattern)
        | "Inputs" >> beam.Filter(lambda match: _is_input(match.path, job.output_dir))
        # Without Reshuffle a runner may fuse both steps, and one worker relights everything.
        | beam.Reshuffle()
        | "Relight" >> beam.Map(functools.partial(relight_worker.outcome, job))
    )
    for key, path in _manifests(job.output_dir):
        _ = (
            outcomes
            | f"With {key}" >> beam.Filter(_has, key)
            | f"With {key}, as lines" >> beam.Map(_line)
            | f"Write {key}" >> beam.io.WriteToText(path, num_shards=1, shard_name_template="")
        )
    run_pipeline(pipeline, runner)
    with storage.input_errors(job.output_dir):
        for _, path in _manifests(job.output_dir):
            # Beam writes them in the order in which workers finish.
            _write_sorted(path, storage.read(path).decode().split("\n")[:-1])


def _run_on_dask(job, scheduler):
    with storage.input_errors(job.pattern):
        photos = [
            photo for photo in storage.matches(job.pattern) if _is_input(photo.path, job.output_dir)
        ]
    lines: dict[str, list[str]] = {"relit": [], "reason": []}
    with Progress("Relighting", "photos", len(photos)) as bar:
        for outcome in dask_cluster.each(
            scheduler,
            functools.partial(relight_worker.outcome, job),
            photos,
            functools.partial(relight_worker.killed, job),
        ):
            lines["relit" if _has(outcome, "relit") else "reason"].append(_line(outcome))
            bar.update()
    with storage.input_errors(job.output_dir):
        for key, path in _manifests(job.output_dir):
            _write_sorted(path, lines[key])


def _write_sorted(path, lines):
    storage.write(path, "".join(f"{line}\n" for line in sorted(lines)).encode())


def _check_settings(output_dir, settings):
    path, given = storage.join(output_dir, "settings.json"), json.loads(json.dumps(settings))
    if not storage.exists(path):
        storage.write(path, (json.dumps(given) + "\n").encode())
        return
    try:
        found = json.loads(storage.read(path))
        names = [name for name in {**found, **given} if found.get(name) != given.get(name)]
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} was not written by a job. Choose another folder.") from error
    if names:
        raise InputError(
            f"{output_dir} holds photos relit with other settings ({', '.join(sorted(names))}). "
            "Choose another folder, or pass the same flags to continue that job."
        )


def _is_input(path, output_dir):
    """Whether a path is a file, and not one that the job itself wrote below the input."""
    if storage.is_local(path) and os.path.isdir(path):
        return False
    return not storage.is_below(path, output_dir)


def _count_lines(path):
    return len(storage.read(path).splitlines())
