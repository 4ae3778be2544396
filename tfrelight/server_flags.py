"""The flags of commands that may use the network of a server; without TensorFlow."""

from __future__ import annotations

from pathlib import Path

from absl import flags

from tfrelight.errors import InputError
from tfrelight.serving import defaults

__all__ = ["define", "options"]


def define():
    """Defines the flags."""
    flags.DEFINE_string("server", None, "Use the network of a server, host:port, not --model.")
    flags.DEFINE_string("server_model", defaults.MODEL_NAME, "Name of the model there.")
    flags.DEFINE_string("server_label", None, "Label of its version; default: the highest version.")
    flags.DEFINE_bool("tls", False, "Encrypt the connection to --server.")
    flags.DEFINE_string("tls_ca", None, "PEM file of who signs the server's certificate.")


def options() -> dict:
    """The arguments of `remote.RemoteModel` but for the address.

    Raises:
      InputError: --model is given as well.
    """
    from tfrelight.serving import client

    values = flags.FLAGS
    if values["model"].present:
        raise InputError("--server brings its own network. Received --model as well: choose one.")
    tls = None
    if values.tls or values.tls_ca:
        tls = client.TLS(values.tls_ca and Path(values.tls_ca).read_bytes())
    return {"name": values.server_model, "label": values.server_label, "tls": tls}
