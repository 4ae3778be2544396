"""Opens the studio: a page on which users drag the light of a photo.

`python -m tfrelight.studio` prints the page's address. Photos stay on this machine, in memory.
"""

from __future__ import annotations

from absl import flags

from tfrelight.commands import app, photo_flags, server_flags

flags.DEFINE_string(
    "host",
    "127.0.0.1",
    "Address to bind to. 0.0.0.0 admits other machines, which need the token.",
)
flags.DEFINE_integer("port", 8080, "Port of the page; 0: a free one.", 0, 65535)
flags.DEFINE_string(
    "token", None, "Secret in the page's address; default: none on 127.0.0.1, else a new one."
)
photo_flags.define_model()
server_flags.define()
for module in (photo_flags, server_flags):
    flags.adopt_module_key_flags(module)
flags.DEFINE_integer("max_upload_mb", 40, "Largest file, MiB.", lower_bound=1)
flags.DEFINE_float("max_megapixels", 50, "Largest photo, megapixels.", lower_bound=0.01)
flags.DEFINE_integer("max_photos", 64, "Photos open at a time.", lower_bound=1)
flags.DEFINE_integer("max_memory_mb", 2048, "Memory of all open photos, MiB.", lower_bound=64)
flags.DEFINE_float(
    "idle_minutes", 30, "Minutes until an unused photo is forgotten.", lower_bound=0.01
)
flags.DEFINE_float(
    "max_seconds", 120, "Seconds for an upload, and for a photo to wait its turn.", lower_bound=0.1
)

_LOCAL = ("127.0.0.1", "localhost", "::1")
# Seconds for responses to finish when the studio is told to stop.
_GRACE = 2.0


def _settings(values):
    """The application's settings from the flags."""
    import re
    import secrets

    from tfrelight.errors import InputError
    from tfrelight.studio import app

    token = values.token
    if token is None and values.host not in _LOCAL:
        token = secrets.token_urlsafe(24)
    # Characters that addresses need not escape. An empty token, as from an unset variable, would
    # protect nothing.
    if token is not None and not re.fullmatch(r"[\w.~-]+", token, re.ASCII):
        raise InputError(
            f"Expected a --token of one or more letters, digits and -._~. Received: {token!r}."
        )
    return app.StudioConfig(
        upload=values.max_upload_mb * 2**20,
        pixels=int(values.max_megapixels * 1e6),
        photos=values.max_photos,
        memory=values.max_memory_mb * 2**20,
        idle=values.idle_minutes * 60,
        seconds=values.max_seconds,
        # Other machines, or a proxy, may use any name for this one; the token protects it.
        hosts=_LOCAL if token is None else None,
        token=token,
    )


def _loader(values):
    """A function that returns the network, ready for a photo."""
    if values.server is not None:
        from tfrelight.serving.remote import RemoteModel

        # Two attempts, because a person waits for the result.
        model = RemoteModel(values.server, attempts=2, **server_flags.options())
        return lambda: model

    def load():
        import numpy as np

        from tfrelight.models import engines
        from tfrelight.relighting import pipeline

        model = pipeline.loaded(values.model, values.engine)
        size = engines.size_of(model)
        # The first call is slow.
        model.predict_on_batch(np.zeros((4, size, size, 3), np.float32))
        return model

    return load


def main() -> None:
    """Serves the page until it is interrupted."""
    import socket

    from tfrelight.errors import InputError
    from tfrelight.faces import find
    from tfrelight.models import engines, locating

    values = flags.FLAGS
    try:
        import uvicorn

        from tfrelight.studio import app
    except ImportError as error:
        raise InputError(
            f"Cannot open the studio: {error.name} is not installed. Install it with pip install "
            '"tfrelight[studio]".'
        ) from error
    settings = _settings(values)
    if values.server is None:
        locating.locate(values.model)
        # Before there are other threads.
        engines.start()
    find.load()
    family = socket.AF_INET6 if ":" in values.host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((values.host, values.port))
        # Listens before the address is printed, so that its readers can connect at once.
        bound.listen(128)
    except OSError as error:
        raise InputError(
            f"Cannot open the studio on {values.host}, port {values.port}: {error.strerror}. "
            "Choose another --port."
        ) from error
    port = bound.getsockname()[1]
    host = socket.gethostname() if values.host in ("0.0.0.0", "::") else values.host
    host = f"[{host}]" if ":" in host else host
    query = "" if settings.token is None else f"?token={settings.token}"
    config = uvicorn.Config(
        app.application(_loader(values), settings),
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_keep_alive=20,
        limit_concurrency=256,
        ws="none",
    )
    print(f"Studio on http://{host}:{port}/{query} (Ctrl+C ends it)", flush=True)
    server = uvicorn.Server(config)
    # Uvicorn installs this method as its signal handler.
    server.handle_exit = lambda *_: _stop(server)  # type: ignore[method-assign]
    with bound:
        server.run(sockets=[bound])


def _stop(server):
    """Stops the server gracefully, or after `_GRACE` seconds at once."""
    import os
    import threading

    server.should_exit = True
    # Python waits for every thread, and a film may occupy the worker for minutes. Photos are in
    # memory only, so nothing else is lost.
    timer = threading.Timer(_GRACE, os._exit, [0])
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    app.run(main)
