"""Serves an exported model on this machine, without Docker: TensorFlow Serving's gRPC.

`python -m tfrelight.serve --model_base_path=models/tfrelight` answers on 127.0.0.1:8500 with
TensorFlow Serving's codes and texts; docs/SERVING.md lists what is otherwise. New versions in the
folder are loaded, and old ones left, while it runs; SIGTERM ends it when what is under way is
answered.
"""

from absl import flags

from tfrelight import cli
from tfrelight.serving import defaults

flags.DEFINE_string("model_base_path", None, "Folder of numbered versions, as tfrelight.export's.")
flags.DEFINE_string("model_name", defaults.MODEL_NAME, "Name under which clients ask for it.")
flags.DEFINE_string(
    "model_config_file",
    None,
    "In place of --model_base_path, TensorFlow Serving's file of models, policies and labels.",
)
flags.DEFINE_bool(
    "allow_version_labels_for_unavailable_models",
    False,
    "Whether a new label in --model_config_file may be for a version that is not there yet.",
)
flags.DEFINE_string(
    "host",
    "127.0.0.1",
    "Address to bind to, of metrics too; 0.0.0.0 lets other machines in, who may not reload then.",
)
flags.DEFINE_integer("port", defaults.GRPC_PORT, "For gRPC; 0: any that is free.", lower_bound=0)
flags.DEFINE_integer(
    "metrics_port",
    defaults.REST_PORT,
    f"For Prometheus, {defaults.METRICS_PATH}; 0: any that is free, -1: none.",
    lower_bound=-1,
)
flags.DEFINE_integer("workers", 2, "Runs of the graph at a time.", lower_bound=1)
flags.DEFINE_integer(
    "max_batch_size", 8, "Photos of several requests in one run.", 1, defaults.MAX_PHOTOS
)
flags.DEFINE_integer("max_queue", 64, "Requests that wait; more are refused.", lower_bound=1)
flags.DEFINE_integer("max_message_mb", 64, "Size of a request, MiB.", lower_bound=1)
flags.DEFINE_integer(
    "max_pending_mb", 512, "Of requests that are not answered yet, MiB; more are refused.", 1
)
flags.DEFINE_float("poll_seconds", 1.0, "Between looks for new versions.", lower_bound=0.01)
flags.DEFINE_float(
    "grace_seconds", 30.0, "For requests under way, when told to stop.", lower_bound=0
)
flags.DEFINE_string("tls_certificate", None, "PEM file: with --tls_key, clients must use TLS.")
flags.DEFINE_string("tls_key", None, "PEM file of the certificate's key.")
flags.DEFINE_string(
    "tls_client_ca", None, "PEM file of who signs clients' certificates, then required."
)


def main():
    """Serves as the flags say."""
    import asyncio
    from pathlib import Path

    from tfrelight.errors import InputError

    values = flags.FLAGS
    if bool(values.model_base_path) == bool(values.model_config_file):
        raise InputError("Expected either --model_base_path or --model_config_file.")
    # Before TensorFlow is imported, which takes seconds.
    text = None
    if values.model_config_file:
        text = Path(values.model_config_file).read_text(encoding="utf-8")
    elif not Path(values.model_base_path).is_dir():
        raise InputError(f"No such folder: {values.model_base_path}.")
    try:
        import tensorflow as tf

        from tfrelight.serving.server import models, run
    except ImportError as error:
        raise InputError(
            f"Cannot serve: {error.name} is not installed. Install it with pip install "
            '"tfrelight[serving]".'
        ) from error
    # Its loader for sessions says that there is a newer one, which is not what is served.
    tf.get_logger().setLevel("ERROR")
    if text is not None:
        config = models.parse_config(text, values.model_config_file)
    else:
        config = models.one_model(values.model_name, values.model_base_path)
    settings = run.Settings(
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
        where = run.address_of(values.host, server.port)
        if server.metrics_port is not None:
            metrics = run.address_of(values.host, server.metrics_port)
            where += f", metrics on {metrics}{defaults.METRICS_PATH}"
        names = ", ".join(model.name for model in config.model_config_list.config)
        print(f"Serving {names} on {where}", flush=True)

    asyncio.run(run.serve(settings, started))


if __name__ == "__main__":
    cli.run(main)
