"""Opens the studio: a page on which one drags the light of a photo.

`python -m tfrelight.studio` prints the page's address. Photos stay on this machine, in memory.
"""

from __future__ import annotations

from absl import flags

from tfrelight import cli, server_flags

flags.DEFINE_string(
    "host", "127.0.0.1", "Address to bind to; 0.0.0.0 lets other machines in, who need a token."
)
flags.DEFINE_integer("port", 8080, "Of the page; 0: any that is free.", 0, 65535)
flags.DEFINE_string("token", None, "Secret of the address; default: none on 127.0.0.1, else new.")
flags.DEFINE_string("model", "compact-128", "Preset, or folder of a training run.")
server_flags.define()
flags.adopt_module_key_flags(server_flags)
flags.DEFINE_integer("max_upload_mb", 40, "Size of a file.", lower_bound=1)
flags.DEFINE_float("max_megapixels", 50, "Size of a photo.", lower_bound=0.01)
flags.DEFINE_integer("max_photos", 64, "Open at a time.", lower_bound=1)
flags.DEFINE_integer("max_memory_mb", 2048, "Of the photos that are open.", lower_bound=64)
flags.DEFINE_float("idle_minutes", 30, "Until an unused photo is forgotten.", lower_bound=0.01)
flags.DEFINE_float(
    "max_seconds", 120, "For an upload, and to wait for others' photos.", lower_bound=0.1
)

_LOCAL = ("127.0.0.1", "localhost", "::1")
# Seconds that answers may still take once the studio is told to end.
_GRACE = 2.0


def _settings(values):
    """What the application needs to know."""
    import re
    import secrets

    from tfrelight.errors import InputError
    from tfrelight.studio import app

    token = values.token
    if token is None and values.host not in _LOCAL:
        token = secrets.token_urlsafe(24)
    # What needs no escape in an address; an empty one, as of a variable that is not set, is none.
    if token is not None and not re.fullmatch(r"[\w.~-]+", token, re.ASCII):
        raise InputError(
            "Expected a --token of letters, digits and -._~ only, one or more. "
            f"Received: {token!r}."
        )
    return app.Settings(
        upload=values.max_upload_mb * 2**20,
        pixels=int(values.max_megapixels * 1e6),
        photos=values.max_photos,
        memory=values.max_memory_mb * 2**20,
        idle=values.idle_minutes * 60,
        seconds=values.max_seconds,
        # Other machines, or a proxy, may know this one by any name; they must know the token.
        hosts=_LOCAL if token is None else None,
        token=token,
    )


def _loader(values):
    """A function that gives the network, ready to answer at once."""
    if values.server is not None:
        from tfrelight.serving.remote import RemoteModel

        # A person waits: no more than one more attempt.
        model = RemoteModel(values.server, attempts=2, **server_flags.options())
        return lambda: model

    def load():
        import numpy as np

        from tfrelight import api
        from tfrelight.errors import InputError
        from tfrelight.faces import find
        from tfrelight.models import presets

        model = api.loaded(values.model)
        size = presets.size_of(model)
        try:
            # What is compiled and loaded at first use is then there when a photo comes.
            find.find(np.zeros((size, size, 3), np.uint8))
        except InputError:
            pass  # each photo says that the extra is missing
        model.predict_on_batch(np.zeros((4, size, size, 3), np.float32))
        return model

    return load


def main():
    """Serves the page as the flags say."""
    import socket

    from tfrelight.errors import InputError

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
    family = socket.AF_INET6 if ":" in values.host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((values.host, values.port))
        # Who reads the address may ask at once.
        bound.listen(128)
    except OSError as error:
        raise InputError(
            f"Cannot open the studio on {values.host}, port {values.port}: {error.strerror}. "
            "Choose another --port."
        ) from error
    port = bound.getsockname()[1]
    shown = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(
        values.host, values.host
    )
    shown = f"[{shown}]" if ":" in shown else shown
    secret = "" if settings.token is None else f"?token={settings.token}"
    config = uvicorn.Config(
        app.application(_loader(values), settings),
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_keep_alive=20,
        limit_concurrency=256,
        ws="none",
    )
    print(f"Studio on http://{shown}:{port}/{secret} (Ctrl+C ends it)", flush=True)
    server = uvicorn.Server(config)
    server.handle_exit = lambda *_: _end(server)
    with bound:
        server.run(sockets=[bound])


def _end(server):
    """Ends the server: in order where that is quick, else all the same."""
    import os
    import threading

    server.should_exit = True
    # Python waits for every thread, and a film may take the worker's minutes. What is lost is in
    # memory only.
    timer = threading.Timer(_GRACE, os._exit, [0])
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    cli.run(main)
