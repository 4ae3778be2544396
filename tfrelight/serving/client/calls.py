"""Settings and requests that the blocking and the asynchronous client share."""

from __future__ import annotations

from typing import Any

from tfrelight.errors import InputError
from tfrelight.serving import defaults
from tfrelight.serving.client import channel, messages

__all__ = ["Calls"]


class Calls:
    """Settings of a client, and its calls as (service, method, request, response parser).

    Args:
      server: `host:port`.
      model: name of the model.
      version: number of the version; None for the latest.
      label: label of the version, such as `stable`, in place of its number.
      timeout: seconds for a call, all attempts together.
      attempts: per call, 1 to 5. A call is tried again only after UNAVAILABLE, while there is time.
      max_message: bytes of a response, at most.
      tls: `TLS`, or None for a plain connection.

    Raises:
      InputError: the extra is not installed, both a version and a label are given, or `attempts`
        is out of range. A first call that gets no answer raises it, as `security.TLSError`, if
        `tls` does not suit the server.
    """

    _asynchronous = False

    def __init__(
        self,
        server: str = f"localhost:{defaults.GRPC_PORT}",
        model: str = defaults.MODEL_NAME,
        version: int | None = None,
        label: str | None = None,
        timeout: float = 30.0,
        attempts: int = channel.MAX_ATTEMPTS,
        max_message: int = 256 * 2**20,
        tls: channel.TLS | None = None,
    ) -> None:
        if version is not None and label is not None:
            raise InputError(f"Expected a version or a label. Received: {version} and {label!r}.")
        if not 1 <= attempts <= channel.MAX_ATTEMPTS:
            raise InputError(
                f"Expected attempts of 1 to {channel.MAX_ATTEMPTS}. Received: {attempts}."
            )
        channel.require_grpc()
        self.server = server
        self.timeout = timeout
        self._tls = tls
        # Whether the server has answered, or `security.check` has found nothing.
        self._reached = False
        self._target = (model, version, label)
        self._channel = channel.open_channel(server, tls, max_message, attempts, self._asynchronous)
        self._stubs = self._make_stubs()

    def _make_stubs(self):
        from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

        return {
            "prediction": prediction_service_pb2_grpc.PredictionServiceStub(self._channel),
            "model": model_service_pb2_grpc.ModelServiceStub(self._channel),
        }

    def _method(self, service: str, name: str) -> Any:
        return getattr(self._stubs[service], name)

    def _predict(self, inputs, signature, outputs):
        request = messages.predict_request(self._target, signature, inputs, outputs)
        return "prediction", "Predict", request, messages.outputs

    def _relight(self, photos, light):
        messages.check_photos(photos)
        signature, lit = messages.relighting(light, len(photos))
        inputs = {"image_bytes": photos, **lit}
        service, method, request, parse = self._predict(inputs, signature, None)
        return service, method, request, lambda response: parse(response)["relit_png_bytes"]

    def _decompose(self, photos, outputs):
        messages.check_photos(photos)
        return self._predict({"image_bytes": photos}, "decompose_bytes", outputs)

    def _status(self):
        request = messages.status_request(self._target)
        return "model", "GetModelStatus", request, messages.status

    def _metadata(self):
        request = messages.metadata_request(self._target)
        return "prediction", "GetModelMetadata", request, messages.metadata
