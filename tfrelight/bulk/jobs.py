"""Many photos relit by an Apache Beam job, which can be stopped and started again at any time.

    jobs.relight("photos/*.jpg", "out", maker, settings)

writes

    out/settings.json           what decides the pictures; first
    out/relit/anna.jpg          each photo under its own path below the pattern's fixed part
    out/done/anna.jpg.json      its line; after the picture
    out/results.jsonl           the lines of all that are relit
    out/failed.jsonl            the photos that could not be relit, each with the reason

A photo is done when its line and its picture are there and no older than the photo; so an
interrupted job goes on where it stopped, and a photo that failed is tried again. Paths are what
Beam's file systems take: local ones, gs://bucket/..., s3://bucket/...
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

from tfrelight import beam_jobs
from tfrelight.bulk import storage
from tfrelight.errors import InputError

__all__ = ["Report", "relight"]

# What `photos.Photo.save` writes. A photo in another format becomes a PNG.
_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")

Relighter = Callable[[Path, Path], Mapping[str, object]]


class Report(NamedTuple):
    """How a job ended: numbers of photos, and the files that list them."""

    relit: int
    failed: int
    results: str
    failures: str


class _Place(NamedTuple):
    """Where a photo's picture and line go."""

    photo: str
    relit: str
    line: str


def relight(
    pattern: str,
    output_dir: str,
    maker: Callable[[], Relighter],
    settings: Mapping[str, object],
    runner: str = "DirectRunner",
    options: Sequence[str] = (),
) -> Report:
    """Relights the photos of a pattern; of a job that was begun, those that are left.

    A photo that cannot be relit, whatever the reason, stops nothing.

    Args:
      pattern: of the photos: `*` and `?` within a folder's name, `**` across folders.
      output_dir: that all workers see; made if it is not there.
      maker: makes, once a worker process, the function that relights one: it takes the path of a
        photo and that of the picture to write, and returns what the photo's line is to say.
        Picklable.
      settings: JSON of what decides the pictures: another job is refused in the same folder.
      runner: DirectRunner, FlinkRunner, SparkRunner, DataflowRunner, ...
      options: of the runner and the job, each as `name=value`, or `name` of a switch.

    Raises:
      InputError: see `beam_jobs.pipeline` and `beam_jobs.run`; or no photo matches, the folder
        cannot be written or holds photos relit otherwise.
    """
    beam = beam_jobs.imported()
    from apache_beam.io import fileio

    pattern, output_dir = storage.normal(pattern), storage.normal(output_dir)
    job = beam_jobs.pipeline(runner, options)
    with storage.refused(pattern):
        if not any(_is_input(path, output_dir) for path in storage.matching(pattern)):
            raise InputError(
                f"No photo matches {pattern}. Expected a pattern such as photos/*.jpg, or "
                "photos/** for all files below a folder."
            )
    with storage.refused(output_dir):
        _check_settings(output_dir, settings)
    results, failures = (
        storage.join(output_dir, f"{name}.jsonl") for name in ("results", "failed")
    )
    outcome = functools.partial(_outcome, pattern, output_dir, maker, uuid.uuid4().hex)
    outcomes = (
        job
        | fileio.MatchFiles(pattern)
        | "Inputs" >> beam.Filter(lambda match: _is_input(match.path, output_dir))
        # Reshuffle: else a runner may fuse the list and the work, and one worker does it all.
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
    beam_jobs.run(job, runner)
    with storage.refused(output_dir):
        for name in ("relit", "done"):
            storage.sweep(storage.join(output_dir, name))
        return Report(_lines(results), _lines(failures), results, failures)


def _has(outcome, key):
    return key in outcome


def _outcome(pattern, output_dir, maker, job, match):
    """Relights one photo, on a worker, unless it is done; gives its line."""
    place = _place(pattern, output_dir, match.path)
    with storage.refused(output_dir):
        line = _done(place, match.last_updated_in_seconds)
    if line is not None:
        return line
    relighter = _made(maker, job)
    with tempfile.TemporaryDirectory() as folder:
        aside = Path(folder, "relit" + Path(place.relit).suffix)
        photo = Path(place.photo)
        try:
            if not storage.is_local(place.photo):
                photo = Path(folder, "photo" + photo.suffix)
                photo.write_bytes(storage.read(place.photo))
            facts = relighter(photo, aside)
        except Exception as error:
            # Whatever a photo of a stranger provokes in a decoder: the others are not to suffer.
            kind = "" if isinstance(error, (InputError, OSError)) else f"{type(error).__name__}: "
            reason = " ".join(str(error).replace(str(photo), place.photo).split())
            return {"photo": place.photo, "reason": f"{kind}{reason}"}
        line = {"photo": place.photo, "relit": place.relit, **facts}
        with storage.refused(output_dir):
            storage.write(place.relit, aside.read_bytes())
            storage.write(place.line, json.dumps(line, ensure_ascii=False).encode())
    return line


# One process may run many bundles at a time; all share what a maker made, such as a network. Of one
# job only: tests, notebooks and long-lived workers run several.
_lock = threading.Lock()
_relighters: dict = {}


def _made(maker, job):
    with _lock:
        if job not in _relighters:
            _relighters.clear()
            _relighters[job] = maker()
        return _relighters[job]


def _place(pattern, output_dir, photo):
    fixed = re.split(r"[*?\[]", pattern)[0].rpartition("/")[0]
    name = photo[len(fixed) :].lstrip("/")
    ending = os.path.splitext(name)[1].lower()
    picture = name if ending in _ENDINGS else f"{name}.png"
    return _Place(
        photo,
        storage.join(output_dir, "relit", picture),
        storage.join(output_dir, "done", f"{name}.json"),
    )


def _done(place, changed):
    """The line of a photo that is relit already, or None."""
    if not (storage.exists(place.line) and storage.exists(place.relit)):
        return None
    if storage.last_updated(place.line) < changed:
        return None
    try:
        return json.loads(storage.read(place.line))
    except ValueError:
        # Cut off, on a file system that shows files while they are written.
        return None


def _check_settings(output_dir, settings):
    path, wanted = storage.join(output_dir, "settings.json"), json.loads(json.dumps(settings))
    if not storage.exists(path):
        storage.write(path, (json.dumps(wanted) + "\n").encode())
        return
    try:
        found = json.loads(storage.read(path))
        names = [name for name in {**found, **wanted} if found.get(name) != wanted.get(name)]
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} is not what a job writes. Choose another folder.") from error
    if names:
        raise InputError(
            f"{output_dir} holds photos relit otherwise ({', '.join(sorted(names))}). Choose "
            "another folder, or the same flags to complete it."
        )


def _is_input(path, output_dir):
    """Not a folder; not what the job itself wrote, where the output lies below the input."""
    if storage.is_local(path) and os.path.isdir(path):
        return False
    return not path.startswith(storage.join(output_dir, ""))


def _lines(path):
    return len(storage.read(path).splitlines())
