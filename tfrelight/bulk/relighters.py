"""What a job does to each photo: the relighting of `tfrelight.relight`, here or with a server."""

from __future__ import annotations

import dataclasses
import functools
import threading
from pathlib import Path

import numpy as np

from tfrelight import light_flags
from tfrelight.lights import Light

__all__ = ["How", "local", "remote"]

# The interpreters that find faces run one photo at a time; so processes, not threads, share work.
_lock = threading.Lock()


@dataclasses.dataclass(frozen=True)
class How:
    """How photos are to be relit; see `tfrelight.relight` for the last three."""

    wanted: light_flags.Wanted
    faces: str = "all"
    whole_image: bool = False
    background: bool = False

    def described(self) -> dict:
        """All of it as JSON, for the settings of a job."""

        def plain(value):
            if isinstance(value, Light):
                value = value.coefficients
            if isinstance(value, np.ndarray):
                return [float(f"{number:.6g}") for number in value.ravel()]
            return value

        parts = dataclasses.fields(self.wanted), dataclasses.fields(self)[1:]
        return {
            field.name: plain(getattr(owner, field.name))
            for owner, fields in zip((self.wanted, self), parts)
            for field in fields
        }


def local(model, how: How):
    """A relighter for `jobs.relight` with a network in the worker's process.

    Args:
      model: what `tfrelight.load_model` takes; None for its default.
      how: see `How`.

    Raises:
      InputError: there is no such model.
    """
    from tfrelight import api

    return functools.partial(_relight, api.loaded(model), how)


def remote(server: str, options: dict, how: How):
    """The same with the network of a server.

    Args:
      server: gRPC address, host:port.
      options: of `remote.RemoteModel`.
      how: see `How`.
    """
    from tfrelight.serving.remote import RemoteModel

    return functools.partial(_relight, RemoteModel(server, **options), how)


def _relight(model, how, photo: Path, output: Path):
    from tfrelight import api

    def write(decomposed, _):
        wanted = how.wanted
        light = wanted.light(decomposed.light, decomposed.background)
        relit = decomposed.relight(light, wanted.strength, wanted.exposure, how.background)
        relit.save(output)
        height, width = decomposed.photo.size
        return {"width": width, "height": height, "faces": len(decomposed.faces)}

    with _lock:
        return api.each(photo, write, model, how.faces, how.whole_image)
