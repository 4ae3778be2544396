"""PredictionService and ModelService, as asynchronous gRPC handlers."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import time

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from tfrelight.serving.server import metrics, requests, tensors
from tfrelight.serving.server.refusal import Refusal, of_failure

__all__ = ["Services"]

# Seconds of a drain: between looks; without an arrival, until clients are taken to have noticed;
# and of waiting for that at most, because some come back for ever.
_LOOK, _NOTICE, _LONGEST_NOTICE = 0.02, 0.3, 2.0

_log = logging.getLogger(__name__)


def _parsed(kind, data):
    try:
        return kind.FromString(data)
    except DecodeError as error:
        # What gRPC itself says of a message that is none.
        raise Refusal("INTERNAL", "Exception deserializing request!") from error


def _spec(request):
    if not request.HasField("model_spec"):
        raise Refusal("INVALID_ARGUMENT", "Missing ModelSpec")
    return request.model_spec


class Services:
    """The handlers.

    Messages arrive as bytes and are parsed in threads, so that a large one does not keep the small
    ones waiting.

    Args:
      models: `Models`.
      batcher: `Batcher`.
      room: `Room`.
      largest: bytes that the tensors of a request may take.
      reload: whether clients may change what is served.
    """

    def __init__(self, models, batcher, room, largest, reload):
        self._models = models
        self._batcher = batcher
        self._room = room
        self._largest = largest
        self._reload_allowed = reload
        self._pool = concurrent.futures.ThreadPoolExecutor(2, "messages")
        self._draining = False
        self._running = 0
        self._last_arrival = 0.0

    def handlers(self):
        """What `grpc.aio.Server.add_generic_rpc_handlers` takes."""
        services = {
            "PredictionService": {
                "Predict": self._predict,
                "Classify": self._classify,
                "Regress": self._regress,
                "MultiInference": self._multi_inference,
                "GetModelMetadata": self._metadata,
            },
            "ModelService": {
                "GetModelStatus": self._status,
                "HandleReloadConfigRequest": self._reload,
            },
        }
        return [
            grpc.method_handlers_generic_handler(
                f"tensorflow.serving.{service}",
                {
                    name: grpc.unary_unary_rpc_method_handler(self._handler(name, method))
                    for name, method in methods.items()
                },
            )
            for service, methods in services.items()
        ]

    async def drain(self, seconds):
        """Refuses new requests until those under way are answered and clients have taken notice.

        gRPC's own stop breaks off what has arrived and is not yet begun.

        Args:
          seconds: at most, for those under way.
        """
        self._draining = True
        self._last_arrival = time.monotonic()
        deadline = self._last_arrival + seconds
        while self._running and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK)
        if self._running:
            _log.warning("Requests broken off after %g seconds: %d", seconds, self._running)
        # Who was just answered sends the next request now, and is told to go elsewhere.
        deadline = min(deadline, time.monotonic() + _LONGEST_NOTICE)
        while time.monotonic() < deadline and time.monotonic() < self._last_arrival + _NOTICE:
            await asyncio.sleep(_LOOK)

    def close(self):
        """Lets the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _handler(self, name, method):
        """A handler from bytes to bytes, from a method that may raise `Refusal`."""

        async def handle(data, context):
            # Filled by the method, as soon as the request says it.
            told = {"model": ""}
            started = time.monotonic()
            self._running += 1
            self._last_arrival = started
            try:
                if self._draining:
                    raise Refusal("UNAVAILABLE", "The server is shutting down")
                answer = await method(data, told)
            except Exception as error:
                refusal = self._refusal(error, name)
                # `abort` tells the client, who finds it counted.
                metrics.answered(told["model"], refusal.code.name, name, started)
                await context.abort(refusal.code, refusal.text)
            except asyncio.CancelledError:
                # The client's time is up, or it is gone.
                metrics.answered(told["model"], "CANCELLED", name, started)
                raise
            else:
                metrics.answered(told["model"], "OK", name, started)
                return answer
            finally:
                self._running -= 1

        return handle

    @staticmethod
    def _refusal(error, name):
        if not isinstance(error, (Refusal, tf.errors.OpError)):
            _log.error("%s failed", name, exc_info=error)
        return of_failure(error, f"{type(error).__name__} while the request was answered")

    def _in_thread(self, function, *arguments):
        return asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    @contextlib.contextmanager
    def _acquired(self, spec, told):
        number, servable = self._models.acquire(spec)
        told["model"] = spec.name
        try:
            yield number, servable
        finally:
            servable.release()

    async def _predict(self, data, told):
        self._batcher.expect_room()
        with self._room.taken(len(data)):
            request = await self._in_thread(_parsed, predict_pb2.PredictRequest, data)
            spec = _spec(request)
            with self._acquired(spec, told) as (number, servable):
                checked = await self._in_thread(
                    requests.check, request, servable.signatures, self._largest
                )
                # A message of a few bytes may be of a large tensor.
                with self._room.taken(checked.size, more_of=len(data)):
                    outputs = await self._batcher.run(spec.name, servable, checked)
                answer = (spec.name, number, checked.signature, outputs)
                return await self._in_thread(_answer, *answer)

    async def _classify(self, data, told):
        self._other_method(classification_pb2.ClassificationRequest, data, told, "classification")

    async def _regress(self, data, told):
        self._other_method(regression_pb2.RegressionRequest, data, told, "regression")

    def _other_method(self, kind, data, told, name):
        spec = _spec(_parsed(kind, data))
        with self._acquired(spec, told) as (_, servable):
            requests.check_method(spec, servable.signatures, name)
        raise Refusal("UNIMPLEMENTED", f"This server has no {name}.")

    async def _multi_inference(self, data, told):
        tasks = _parsed(inference_pb2.MultiInferenceRequest, data).tasks
        if not tasks:
            raise Refusal("INVALID_ARGUMENT", "ModelSpec has no name specified.")
        with self._acquired(tasks[0].model_spec, told):
            text = f"Unsupported signature method_name: {tasks[0].method_name}"
        raise Refusal("UNIMPLEMENTED", text)

    async def _metadata(self, data, told):
        request = _parsed(get_model_metadata_pb2.GetModelMetadataRequest, data)
        spec = _spec(request)
        if not request.metadata_field:
            raise Refusal(
                "INVALID_ARGUMENT",
                "GetModelMetadataRequest must specify at least one metadata_field",
            )
        for field in request.metadata_field:
            if field != "signature_def":
                raise Refusal("INVALID_ARGUMENT", f"Metadata field {field} is not supported")
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        with self._acquired(spec, told) as (number, servable):
            response.model_spec.name = spec.name
            response.model_spec.version.value = number
            signatures = get_model_metadata_pb2.SignatureDefMap()
            for name, signature in servable.signatures.items():
                signatures.signature_def[name].CopyFrom(signature)
        response.metadata["signature_def"].Pack(signatures)
        return response.SerializeToString()

    async def _status(self, data, told):
        spec = _spec(_parsed(get_model_status_pb2.GetModelStatusRequest, data))
        response = get_model_status_pb2.GetModelStatusResponse()
        for version, state in sorted(self._models.states(spec).items(), reverse=True):
            response.model_version_status.append(state.proto(version))
        told["model"] = spec.name
        return response.SerializeToString()

    async def _reload(self, data, told):
        if not self._reload_allowed:
            raise Refusal(
                "PERMISSION_DENIED",
                "HandleReloadConfigRequest is for clients on this machine alone, unless the server "
                "asks for certificates (--tls_client_ca)",
            )
        config = _parsed(model_management_pb2.ReloadConfigRequest, data).config
        # Loading takes seconds, which other requests do not wait for.
        await asyncio.get_running_loop().run_in_executor(None, self._models.apply, config)
        return model_management_pb2.ReloadConfigResponse().SerializeToString()


def _answer(model, version, signature, outputs):
    response = predict_pb2.PredictResponse()
    response.model_spec.name = model
    response.model_spec.version.value = version
    response.model_spec.signature_name = signature
    for name, array in outputs.items():
        response.outputs[name].CopyFrom(tensors.proto_of(array))
    return response.SerializeToString()
