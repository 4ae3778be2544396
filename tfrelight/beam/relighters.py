"""Functions that relight one photo of a job, with a network in the worker or on a server."""

from __future__ import annotations

import dataclasses
import functools
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tfrelight.commands import light_flags
from tfrelight.errors import InputError
from tfrelight.lights import Light

__all__ = ["RelightOptions", "local", "network_name", "remote"]

# The face detector's interpreters run one photo at a time. Work is shared by processes instead.
_lock = threading.Lock()


@dataclasses.dataclass(frozen=True)
class RelightOptions:
    """How to relight photos.

    Attributes:
      request: the light.
      faces, whole_image, background, what: see `tfrelight.relight`.
      mark: see `photos.Photo.save`.
    """

    request: light_flags.LightRequest
    faces: str = "all"
    whole_image: bool = False
    background: bool = False
    mark: bool = True
    what: str = "person"

    def described(self) -> dict[str, Any]:
        """All options as JSON, for the settings of a job."""

        def plain(value):
            if isinstance(value, Light):
                return json.loads(value.json())
            if isinstance(value, np.ndarray):
                return [float(f"{number:.6g}") for number in value.ravel()]
            return value

        request_fields, own_fields = dataclasses.fields(self.request), dataclasses.fields(self)[1:]
        values = {field.name: getattr(self.request, field.name) for field in request_fields}
        values.update({field.name: getattr(self, field.name) for field in own_fields})
        return {name: plain(value) for name, value in values.items()}


def network_name(model: Any) -> str:
    """What tells a loaded network from others, for the settings of a job: a SHA-256 hash."""
    found = getattr(model, "sha256", None)
    if found is None:
        from tfrelight.serving import manifest

        found = manifest.weights_hash(model)
    return found


def local(
    model: Path | str | None,
    options: RelightOptions,
    engine: str = "auto",
    expected: str | None = None,
) -> Callable[[Path, Path], dict[str, int]]:
    """A relighter for `relight_job.relight`, with a network in the worker's process.

    Args:
      model: what `tfrelight.load_model` takes; None for its default.
      options: how to relight.
      engine: what runs the model, see `engines.load`.
      expected: the `network_name` of the model where the job was started; None for any.

    Raises:
      InputError: the model does not exist here or is another one, or the engine cannot run it.
    """
    from tfrelight.relighting import pipeline

    loaded = pipeline.loaded(model, engine)
    if expected is not None and network_name(loaded) != expected:
        raise InputError(
            f"The model {model} on {socket.gethostname()} has other weights, or another engine, "
            "than where the job was started. Expected the same: copy them there, and repeat the "
            "command."
        )
    return functools.partial(_relight, loaded, options)


def remote(
    server: str, client_options: dict[str, Any], options: RelightOptions
) -> Callable[[Path, Path], dict[str, int]]:
    """A relighter for `relight_job.relight`, with the network of a server.

    Args:
      server: gRPC address, host:port.
      client_options: further arguments of `remote.RemoteModel`.
      options: how to relight.
    """
    from tfrelight.serving.remote import RemoteModel

    return functools.partial(_relight, RemoteModel(server, **client_options), options)


def _relight(model, options, photo: Path, output: Path):
    from tfrelight.relighting import pipeline

    def write(decomposed, _):
        options.request.relit(decomposed, options.background).save(output, mark=options.mark)
        height, width = decomposed.photo.size
        return {"width": width, "height": height, "faces": len(decomposed.faces)}

    with _lock:
        return pipeline.each(photo, write, model, options.faces, options.whole_image, options.what)
