"""Relights many photos as an Apache Beam job that can be interrupted and started again.

    relight_job.relight("photos/*.jpg", "out", factory, settings)

writes

    out/settings.json           the settings that determine the pictures; first
    out/relit/anna.jpg          each picture, under its photo's path below the pattern's fixed part
    out/done/anna.jpg.json      its record; after the picture
    out/results.jsonl           the records of all relit photos
    out/failed.jsonl            the photos that could not be relit, each with the reason

A photo is done if its record and its picture exist and the record is not older than the photo. So
an interrupted job continues where it stopped, and failed photos are tried again. Paths are those of
`storage`.
"""

from __future__ import annotations

import functools
import json
import os
import re
import tempfile
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tfrelight.beam import storage
from tfrelight.beam.runner import import_beam, make_pipeline, run_pipeline
from tfrelight.errors import InputError

__all__ = ["JobReport", "check_input", "relight"]

# The formats of `photos.Photo.save`. A photo in another format becomes a PNG.
_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")

Relighter = Callable[[Path, Path], Mapping[str, object]]


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


class _Paths(NamedTuple):
    """A photo and the files that the job writes for it."""

    photo: str
    relit: str
    record: str


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
        if not any(_is_input(path, output_dir) for path in storage.matching(pattern)):
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
      runner: DirectRunner, FlinkRunner, SparkRunner, DataflowRunner, ...
      options: of the runner and the job, each `name=value`, or the `name` of a switch.

    Raises:
      InputError: see `make_pipeline` and `run_pipeline`; or no photo matches, or the folder cannot
        be written or holds photos relit with other settings.
    """
    beam = import_beam()
    from apache_beam.io import fileio

    pattern, output_dir = storage.normalized(pattern), storage.normalized(output_dir)
    job = make_pipeline(runner, options)
    check_input(pattern, output_dir)
    with storage.input_errors(output_dir):
        _check_settings(output_dir, settings)
    results, failures = (
        storage.join(output_dir, f"{name}.jsonl") for name in ("results", "failed")
    )
    outcome = functools.partial(_outcome, pattern, output_dir, factory, uuid.uuid4().hex)
    outcomes = (
        job
        | fileio.MatchFiles(pattern)
        | "Inputs" >> beam.Filter(lambda match: _is_input(match.path, output_dir))
        # Without Reshuffle a runner may fuse both steps, and one worker relights everything.
        | beam.Reshuffle()
        | "Relight" >> beam.Map(outcome)
    )
    for name, key, path in (("Results", "relit", results), ("Failures", "reason", failures)):
        _ = (
            outcomes
            | f"{name} only" >> beam.Filter(_has, key)
            | f"{name} as lines" >> beam.Map(json.dumps, ensure_ascii=False)
            | name >> beam.io.WriteToText(path, num_shards=1, shard_name_template="")
        )
    run_pipeline(job, runner)
    with storage.input_errors(output_dir):
        for name in ("relit", "done"):
            storage.remove_partial_files(storage.join(output_dir, name))
        return JobReport(_count_lines(results), _count_lines(failures), results, failures)


def _has(outcome, key):
    return key in outcome


def _outcome(pattern, output_dir, factory, job, match):
    """Relights one photo, on a worker, unless it is done. Returns its record, or its failure."""
    paths = _paths(pattern, output_dir, match.path)
    with storage.input_errors(output_dir):
        record = _finished_record(paths, match.last_updated_in_seconds)
    if record is not None:
        return record
    relighter = _relighter(factory, job)
    with tempfile.TemporaryDirectory() as folder:
        aside = Path(folder, "relit" + Path(paths.relit).suffix)
        photo = Path(paths.photo)
        try:
            if not storage.is_local(paths.photo):
                photo = Path(folder, "photo" + photo.suffix)
                photo.write_bytes(storage.read(paths.photo))
            fields = relighter(photo, aside)
        except Exception as error:
            # A broken photo may raise anything in a decoder, and must not stop the others.
            kind = "" if isinstance(error, (InputError, OSError)) else f"{type(error).__name__}: "
            reason = " ".join(str(error).replace(str(photo), paths.photo).split())
            return {"photo": paths.photo, "reason": f"{kind}{reason}"}
        record = {"photo": paths.photo, "relit": paths.relit, **fields}
        with storage.input_errors(output_dir):
            storage.write(paths.relit, aside.read_bytes())
            storage.write(paths.record, json.dumps(record, ensure_ascii=False).encode())
    return record


# The threads of a process share one relighter, with its network. It is kept for the current job
# only, because tests, notebooks and long-lived workers run several.
_lock = threading.Lock()
_relighters: dict[str, Relighter] = {}


def _relighter(factory, job):
    with _lock:
        if job not in _relighters:
            _relighters.clear()
            _relighters[job] = factory()
        return _relighters[job]


def _paths(pattern, output_dir, photo):
    fixed = re.split(r"[*?\[]", pattern)[0].rpartition("/")[0]
    name = photo[len(fixed) :].lstrip("/")
    ending = os.path.splitext(name)[1].lower()
    picture = name if ending in _ENDINGS else f"{name}.png"
    return _Paths(
        os.path.normpath(photo) if storage.is_local(photo) else photo,
        storage.join(output_dir, "relit", picture),
        storage.join(output_dir, "done", f"{name}.json"),
    )


def _finished_record(paths, changed):
    """The record of a photo that is done, or None."""
    if not (storage.exists(paths.record) and storage.exists(paths.relit)):
        return None
    if storage.last_updated(paths.record) < changed:
        return None
    try:
        return json.loads(storage.read(paths.record))
    except ValueError:
        # Truncated, on a file system that shows files while they are written.
        return None


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
