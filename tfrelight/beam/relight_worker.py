"""What a worker of a relighting job does with one photo: its picture, then its record.

Workers share nothing but the job's folders (`relight_job`), so that any of them may be killed, or
given a photo that another has already relit.
"""

from __future__ import annotations

import json
import os
import re
import socket
import tempfile
import threading
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tfrelight.beam import storage
from tfrelight.errors import InputError, unseen_folder

if TYPE_CHECKING:
    from apache_beam.io.filesystem import FileMetadata

__all__ = ["Job", "Relighter", "killed", "new_job", "outcome"]

# The formats of `photos.Photo.save`. A photo in another format becomes a PNG.
_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")

Relighter = Callable[[Path, Path], Mapping[str, object]]


class Job(NamedTuple):
    """What every worker knows of a job.

    Attributes:
      pattern, output_dir: of the photos and of everything written (`storage.normalized`).
      factory: creates, once per worker process, the function that relights one photo.
      token: a file in `output_dir` that shows a worker that it sees the job's own folder.
    """

    pattern: str
    output_dir: str
    factory: Callable[[], Relighter]
    token: str


class _Paths(NamedTuple):
    """A photo and the files that the job writes for it."""

    photo: str
    relit: str
    record: str


def new_job(pattern: str, output_dir: str, factory: Callable[[], Relighter]) -> Job:
    """Starts a job in a folder: writes the token, which `storage.remove_partial_files` removes."""
    token = storage.join(output_dir, "done", f".{uuid.uuid4().hex}.part")
    if storage.is_local(token):
        storage.write(token, b"")
    return Job(pattern, output_dir, factory, token)


def outcome(job: Job, photo: FileMetadata) -> dict[str, Any]:
    """Relights one photo unless it is done.

    Returns:
      The photo's record; or, if it cannot be relit, its `photo` and the `reason`.

    Raises:
      InputError: this worker cannot go on: it does not see the job's folders, or they are full.
    """
    paths = _paths(job, photo.path)
    with storage.input_errors(job.output_dir):
        record = _finished_record(paths, photo.last_updated_in_seconds)
    if record is not None:
        return record
    _check_output(job)
    relighter = _relighter(job)
    with tempfile.TemporaryDirectory() as folder:
        aside = Path(folder, "relit" + Path(paths.relit).suffix)
        source = Path(paths.photo)
        try:
            if not storage.is_local(paths.photo):
                source = Path(folder, "photo" + source.suffix)
                source.write_bytes(storage.read(paths.photo))
            fields = relighter(source, aside)
        except Exception as error:
            if storage.is_full(error):
                raise InputError(
                    f"The disk of {folder} on {socket.gethostname()} is full. Make room there, and "
                    "repeat the command; finished photos are kept."
                ) from error
            _check_input(paths.photo)
            # A broken photo may raise anything in a decoder, and must not stop the others.
            kind = "" if isinstance(error, (InputError, OSError)) else f"{type(error).__name__}: "
            reason = " ".join(str(error).replace(str(source), paths.photo).split())
            return {"photo": paths.photo, "reason": f"{kind}{reason}"}
        record = {"photo": paths.photo, "relit": paths.relit, **fields}
        # Again: the folder may have gone while the photo was relit.
        _check_output(job)
        with storage.input_errors(job.output_dir):
            storage.write(paths.relit, aside.read_bytes())
            storage.write(paths.record, json.dumps(record, ensure_ascii=False).encode())
    return record


def killed(job: Job, photo: FileMetadata) -> dict[str, Any]:
    """The outcome of a photo on which one worker after the other was killed."""
    return {
        "photo": _paths(job, photo.path).photo,
        "reason": "Every worker that opened it was killed. Give the workers more memory.",
    }


# The threads of a process share one relighter, with its network. It is kept for the current job
# only, because tests, notebooks and long-lived workers run several.
_lock = threading.Lock()
_relighters: dict[str, Relighter] = {}


def _relighter(job):
    with _lock:
        if job.token not in _relighters:
            _relighters.clear()
            _relighters[job.token] = job.factory()
        return _relighters[job.token]


def _fixed_folder(pattern):
    """The part of a pattern before its first wildcard, up to a folder."""
    return re.split(r"[*?\[]", pattern)[0].rpartition("/")[0]


def _check_output(job):
    """Raises InputError unless this worker sees the job's own folder.

    One that is not mounted looks like an empty one: pictures written there would be lost.
    """
    if storage.is_local(job.token) and not os.path.exists(job.token):
        raise unseen_folder(job.output_dir)


def _check_input(photo):
    """Raises InputError if a photo is missing and its folder is, too, or is empty: not mounted."""
    if not storage.is_local(photo) or os.path.exists(photo):
        return
    folder = os.path.dirname(photo)
    try:
        seen = bool(os.listdir(folder or "."))
    except OSError:
        seen = False
    if not seen:
        raise unseen_folder(folder)


def _paths(job, photo):
    name = photo[len(_fixed_folder(job.pattern)) :].lstrip("/")
    ending = os.path.splitext(name)[1].lower()
    picture = name if ending in _ENDINGS else f"{name}.png"
    return _Paths(
        os.path.normpath(photo) if storage.is_local(photo) else photo,
        storage.join(job.output_dir, "relit", picture),
        storage.join(job.output_dir, "done", f"{name}.json"),
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
