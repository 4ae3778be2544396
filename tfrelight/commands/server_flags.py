"""Flags of the commands that can use the network on a server, without TensorFlow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from absl import flags

from tfrelight.errors import InputError
from tfrelight.serving import defaults

__all__ = ["define", "options"]


def define() -> None:
    """Defines the flags."""
    flags.DEFINE_string(
        "server", None, "host:port of a server, whose network to use in place of --model."
    )
    flags.DEFINE_string("server_model", defaults.MODEL_NAME, "Name of the model on the server.")
    flags.DEFINE_string("server_label", None, "Version label; default: the highest version.")
    flags.DEFINE_bool("tls", False, "Encrypt the connection to --server.")
    flags.DEFINE_string(
        "tls_ca", None, "PEM file of the authority that signed the server's certificate."
    )


def options() -> dict[str, Any]:
    """The keyword arguments of `remote.RemoteModel` that the flags give, without the address.

    Raises:
      InputError: --model is given too.
    """
    # gRPC would log every attempt; the error says what is wrong.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from tfrelight.serving import client

    values = flags.FLAGS
    if values["model"].present:
        raise InputError("--server brings its own network. Received --model as well: choose one.")
    tls = None
    if values.tls or values.tls_ca:
        tls = client.TLS(values.tls_ca and Path(values.tls_ca).read_bytes())
    return {"name": values.server_model, "label": values.server_label, "tls": tls}
