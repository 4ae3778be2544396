"""Serves an exported model on this machine without Docker, over TensorFlow Serving's gRPC.

`python -m tfrelight.serve --model_base_path=models/tfrelight` listens on 127.0.0.1:8500 and returns
TensorFlow Serving's codes and texts; docs/SERVING.md lists the differences. While it runs, it loads
new versions from the folder and unloads old ones. On SIGTERM it finishes current requests and
exits.
"""

from __future__ import annotations

from absl import flags

from tfrelight.commands import app
from tfrelight.serving import defaults, folders

__all__ = ["main"]

flags.DEFINE_string("model_base_path", None, "Folder of numbered versions from tfrelight.export.")
flags.DEFINE_string("model_name", defaults.MODEL_NAME, "Name by which clients request the model.")
flags.DEFINE_string(
    "model_config_file",
    None,
    "TensorFlow Serving's file of models, policies and labels, in place of --model_base_path.",
)
flags.DEFINE_bool(
    "allow_version_labels_for_unavailable_models",
    False,
    "Allow new labels in --model_config_file to point to versions that do not exist yet.",
)
flags.DEFINE_string(
    "host",
    "127.0.0.1",
    "Address to bind to, for metrics too. 0.0.0.0 admits other machines, and disables reloads "
    "unless --tls_client_ca is given.",
)
flags.DEFINE_integer("port", defaults.GRPC_PORT, "gRPC port; 0: a free one.", lower_bound=0)
flags.DEFINE_integer(
    "metrics_port",
    defaults.REST_PORT,
    f"HTTP port for Prometheus, at {defaults.METRICS_PATH}; 0: a free one, -1: no metrics.",
    lower_bound=-1,
)
flags.DEFINE_integer("workers", 2, "Concurrent runs of the graph.", lower_bound=1)
flags.DEFINE_integer(
    "max_batch_size", 8, "Photos per run, from several requests.", 1, defaults.MAX_PHOTOS
)
flags.DEFINE_integer("max_queue", 64, "Waiting requests; more are refused.", lower_bound=1)
flags.DEFINE_integer("max_message_mb", 64, "Largest request, MiB.", lower_bound=1)
flags.DEFINE_integer(
    "max_pending_mb", 512, "Memory of all pending requests, MiB; more are refused.", 1
)
flags.DEFINE_float("poll_seconds", 1.0, "Seconds between looks for new versions.", lower_bound=0.01)
flags.DEFINE_float(
    "grace_seconds", 30.0, "Seconds for current requests after SIGTERM.", lower_bound=0
)
flags.DEFINE_string(
    "tls_certificate", None, "PEM file of the server's certificate, to require TLS."
)
flags.DEFINE_string("tls_key", None, "PEM file of its key.")
flags.DEFINE_string(
    "tls_client_ca", None, "PEM file of the authority of clients' certificates, to require them."
)


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    import asyncio
    import re
    from pathlib import Path

    from tfrelight.errors import InputError

    values = flags.FLAGS
    if bool(values.model_base_path) == bool(values.model_config_file):
        raise InputError("Expected either --model_base_path or --model_config_file.")
    # Before TensorFlow is imported, which takes seconds.
    text = None
    if values.model_config_file:
        text = Path(values.model_config_file).read_text(encoding="utf-8")
        for folder in re.findall(r'^[^#\n]*\bbase_path\s*:\s*["\']([^"\':]+)["\']', text, re.M):
            if not Path(folder).is_dir():
                raise InputError(
                    f"No such folder: {folder}, a base_path in {values.model_config_file}. Correct "
                    "it there, or serve one model with --model_base_path in place of the file."
                )
    elif not Path(values.model_base_path).is_dir():
        raise InputError(f"No such folder: {values.model_base_path}.")
    elif not folders.versions(values.model_base_path):
        raise InputError(
            f"No version in {values.model_base_path}. Expected a numbered folder: write one with "
            f"python -m tfrelight.export --output_dir={values.model_base_path}."
        )
    for name in ("tls_certificate", "tls_key", "tls_client_ca"):
        path = values[name].value
        if path and not Path(path).is_file():
            raise InputError(f"No such file: {path}. Expected that of --{name}.")
    try:
        import tensorflow as tf

        from tfrelight.serving.server import models, run
    except ImportError as error:
        raise InputError(
            f"Cannot serve: {error.name} is not installed. Install it with pip install "
            '"tfrelight[serving]".'
        ) from error
    # The loader for sessions warns that it is deprecated.
    tf.get_logger().setLevel("ERROR")
    if text is not None:
        config = models.parse_config(text, values.model_config_file)
    else:
        config = models.one_model(values.model_name, values.model_base_path)
    settings = run.ServerConfig(
        config=config,
        host=values.host,
        port=values.port,
        metrics_port=None if values.metrics_port < 0 else values.metrics_port,
        workers=values.workers,
        max_batch_size=values.max_batch_size,
        max_queue=values.max_queue,
        max_message=values.max_message_mb * 2**20,
        max_pending=values.max_pending_mb * 2**20,
        poll_seconds=values.poll_seconds,
        early_labels=values.allow_version_labels_for_unavailable_models,
        grace_seconds=values.grace_seconds,
        certificate=values.tls_certificate,
        key=values.tls_key,
        client_ca=values.tls_client_ca,
    )

    def started(server):
        addresses = run.address_of(values.host, server.port)
        if server.metrics_port is not None:
            metrics = run.address_of(values.host, server.metrics_port)
            addresses += f", metrics on {metrics}{defaults.METRICS_PATH}"
        names = ", ".join(model.name for model in config.model_config_list.config)
        print(f"Serving {names} on {addresses}", flush=True)

    asyncio.run(run.serve(settings, started))


if __name__ == "__main__":
    app.run(main)
