"""A local server in a thread of the test process, and raw requests to it."""

import asyncio
import contextlib
import shutil
import threading

import grpc
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2

from tfrelight.serving.server import run, servable


def copy_version(exported, base, number, warm_up=False):
    """Copies the exported version into a folder, and renames it to a number when complete."""
    base.mkdir(parents=True, exist_ok=True)
    aside = base / f".copy-{number}"
    shutil.copytree(exported.path, aside)
    if not warm_up:
        shutil.rmtree(aside / "assets.extra")
    return aside.rename(base / str(number))


def config_of(base, text="", name="tfrelight"):
    """The configuration of one model; `text` is added to its `config` block."""
    return text_format.Parse(
        f"""model_config_list {{ config {{
            name: "{name}" base_path: "{base}" model_platform: "tensorflow" {text}
        }} }}""",
        model_server_config_pb2.ModelServerConfig(),
    )


@contextlib.contextmanager
def serving(config, **settings):
    """Yields a `Server` that runs until the block ends."""
    settings = {"port": 0, "poll_seconds": 0.05, "grace_seconds": 20.0, **settings}
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def call(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(120)

    try:
        server = run.Server(run.ServerConfig(config=config, **settings))
        call(server.start())
        try:
            yield server
        finally:
            call(server.stop())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextlib.contextmanager
def held_runs(monkeypatch):
    """Holds every run of a graph until the block ends; yields the event that one has begun."""
    begun, gate, real = threading.Event(), threading.Event(), servable.Servable.run

    def held(*arguments):
        begun.set()
        assert gate.wait(60)
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(servable.Servable, "run", held)
        try:
            yield begun
        finally:
            gate.set()


class Raw:
    """Stubs of both services on one channel."""

    def __init__(self, port, **options):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", list(options.items()))
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.model = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def predict(self, signature=None, outputs=(), timeout=60, version=None, label=None, **inputs):
        """The response to a well-formed request."""
        request = request_for(signature, outputs, version, label, **inputs)
        return self.prediction.Predict(request, timeout=timeout)

    def states(self, name="tfrelight"):
        """Version to (state, code, text)."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = name
        names = get_model_status_pb2.ModelVersionStatus.State
        return {
            one.version: (names.Name(one.state), one.status.error_code, one.status.error_message)
            for one in self.model.GetModelStatus(request, timeout=10).model_version_status
        }


def request_for(signature=None, outputs=(), version=None, label=None, name="tfrelight", **inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    if signature:
        request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    if label is not None:
        request.model_spec.version_label = label
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    request.output_filter.extend(outputs)
    return request
