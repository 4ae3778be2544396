"""What both clients share: settings, and each call as a message and what to make of the answer."""

from __future__ import annotations

from tfrelight.errors import InputError
from tfrelight.serving import defaults
from tfrelight.serving.client import channel, messages

__all__ = ["Calls"]


class Calls:
    """Settings of a client, and its calls as (service, method, message, function of the answer).

    Args:
      server: `host:port`.
      model: name of the model.
      version: its number; None for the latest.
      label: of a version, as `stable`, in place of its number.
      timeout: seconds for a call, all attempts together.
      attempts: at most; there is another one only after UNAVAILABLE.
      max_message: bytes of an answer, at most.
      tls: `TLS`, or None for a plain connection.

    Raises:
      InputError: the extra is not installed, or both a version and a label are given.
    """

    def __init__(
        self,
        server=f"localhost:{defaults.GRPC_PORT}",
        model=defaults.MODEL_NAME,
        version=None,
        label=None,
        timeout=30.0,
        attempts=5,
        max_message=256 * 2**20,
        tls=None,
    ):
        if version is not None and label is not None:
            raise InputError(f"Expected a version or a label. Received: {version} and {label!r}.")
        channel.require_grpc()
        self.server = server
        self.timeout = timeout
        self._target = (model, version, label)
        self._attempts = attempts
        options = channel.options(max_message)
        self._channel = self._open(options, None if tls is None else channel.credentials(tls))
        self._stubs = self._make_stubs()

    def _make_stubs(self):
        from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

        return {
            "prediction": prediction_service_pb2_grpc.PredictionServiceStub(self._channel),
            "model": model_service_pb2_grpc.ModelServiceStub(self._channel),
        }

    def _method(self, service, name):
        return getattr(self._stubs[service], name)

    def _new_attempts(self):
        return channel.Attempts(self._attempts, self.timeout, self.server)

    def _predict(self, inputs, signature, outputs):
        request = messages.predict_request(self._target, signature, inputs, outputs)
        return "prediction", "Predict", request, messages.outputs

    def _relight(self, photos, light):
        messages.check_photos(photos)
        inputs = {"image_bytes": photos, "light": messages.lights_for(light, len(photos))}
        service, method, request, parse = self._predict(inputs, "relight_bytes", None)
        return service, method, request, lambda answer: parse(answer)["relit_png_bytes"]

    def _decompose(self, photos, outputs):
        messages.check_photos(photos)
        return self._predict({"image_bytes": photos}, "decompose_bytes", outputs)

    def _status(self):
        request = messages.status_request(self._target)
        return "model", "GetModelStatus", request, messages.status

    def _metadata(self):
        request = messages.metadata_request(self._target)
        return "prediction", "GetModelMetadata", request, messages.metadata
