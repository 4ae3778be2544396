"""A fast stand-in for relighting, without TensorFlow, that workers can import."""

import errno
import functools
import os
import signal
import time
from pathlib import Path

from PIL import Image, ImageOps

from tfrelight.errors import InputError

SETTINGS = {"light": "mirrored"}


def _relight(photo, output, seconds, calls):
    if calls is not None:
        with Path(calls).open("a") as file:
            file.write(f"{photo.name}\n")
    time.sleep(seconds)
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


def make(seconds=0.0, calls=None):
    return functools.partial(_relight, seconds=seconds, calls=calls)


def factory(seconds=0.0, calls=None):
    """For `relight_job.relight`. Sleeps for each photo and appends its name to the file `calls`."""
    return functools.partial(make, seconds, None if calls is None else str(calls))


def failing_factory():
    raise InputError("Expected a model. Received: nothing.")


def _full(photo, output):
    raise OSError(errno.ENOSPC, "No space left on device")


def full_disk_factory():
    """Of a relighter that finds its disk for temporary files full."""
    return _full
