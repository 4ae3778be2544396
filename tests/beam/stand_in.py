"""A fast stand-in for relighting, without TensorFlow, that workers can import."""

import errno
import functools
import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageOps

from tfrelight.errors import InputError

SETTINGS = {"light": "mirrored"}


class Gate(NamedTuple):
    """Where the calls of all workers wait until a test has disturbed them.

    Attributes:
      folder: of what the calls note.
      free: so many calls pass; later ones wait until `open`.
    """

    folder: Path
    free: int

    def enter(self, name):
        """Notes a call, and waits."""
        _note(self.folder / "calls", name)
        if len(self.calls()) <= self.free:
            return
        _note(self.folder / "waiting", f"{os.getpid()} {name}")
        until(lambda: (self.folder / "open").exists())

    def open(self):
        (self.folder / "open").touch()

    def calls(self):
        """The names of all calls."""
        return _lines(self.folder / "calls")

    def waiting(self):
        """The process and the name of each call that has waited."""
        return [line.split() for line in _lines(self.folder / "waiting")]


def _note(path, line):
    with path.open("a") as file:
        file.write(f"{line}\n")


def _lines(path):
    return path.read_text().splitlines() if path.exists() else []


def until(condition, reason=str):
    """Waits until a condition holds; after two minutes it fails, with a reason."""
    deadline = time.monotonic() + 120
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(reason())
        time.sleep(0.02)


def number(item, gate):
    """For `dask_cluster.each`: the item, once it has passed the gate."""
    gate.enter(str(item))
    return item


def _relight(photo, output, calls, gate):
    if calls is not None:
        _note(calls, photo.name)
    if gate is not None:
        gate.enter(photo.name)
    try:
        with Image.open(photo) as image:
            mirrored = ImageOps.mirror(image.convert("RGB"))
    except Image.DecompressionBombError as error:
        raise InputError(f"{photo} is too large.") from error
    if mirrored.width == 11:
        # A photo that takes more memory than the machine has.
        os.kill(os.getpid(), signal.SIGKILL)
    if mirrored.width == 13:
        raise ZeroDivisionError("a bug that one photo triggers")
    mirrored.save(output)
    return {"width": mirrored.width, "height": mirrored.height}


def make(calls=None, gate=None):
    return functools.partial(_relight, calls=calls, gate=gate)


def factory(calls=None, gate=None):
    """For `relight_job.relight`. Appends each photo's name to the file `calls`; passes the gate."""
    return functools.partial(make, calls, gate)


def failing_factory():
    raise InputError("Expected a model. Received: nothing.")


def _full(photo, output):
    raise OSError(errno.ENOSPC, "No space left on device")


def full_disk_factory():
    """Of a relighter that finds its disk for temporary files full."""
    return _full
