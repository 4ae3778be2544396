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
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    predict_pb2,
)

from tfrelight.serving.server import metrics, requests, tensors
from tfrelight.serving.server.batching import Batcher
from tfrelight.serving.server.errors import RequestError, from_exception
from tfrelight.serving.server.memory import MemoryBudget
from tfrelight.serving.server.models import Models

__all__ = ["Services"]

# Seconds of a drain: between checks; without a request until clients count as warned; and for all
# of that warning, because some clients never stop sending.
_POLL, _QUIET, _MAX_WARNING = 0.02, 0.3, 2.0

_log = logging.getLogger(__name__)


def _parsed(kind, data):
    try:
        return kind.FromString(data)
    except DecodeError as error:
        # gRPC's own text for a message that it cannot parse.
        raise RequestError("INTERNAL", "Exception deserializing request!") from error


def _spec(request):
    if not request.HasField("model_spec"):
        raise RequestError("INVALID_ARGUMENT", "Missing ModelSpec")
    return request.model_spec


class Services:
    """The handlers of both services.

    Messages arrive as bytes and are parsed in threads, so that a large one does not delay small
    ones.

    Args:
      models: to serve.
      batcher: runs the requests.
      memory: for all pending requests.
      limit: bytes that the tensors of a request may take together.
      may_reload: whether clients may change the served models.
    """

    def __init__(
        self, models: Models, batcher: Batcher, memory: MemoryBudget, limit: int, may_reload: bool
    ) -> None:
        self._models = models
        self._batcher = batcher
        self._memory = memory
        self._limit = limit
        self._may_reload = may_reload
        self._pool = concurrent.futures.ThreadPoolExecutor(2, "messages")
        self._draining = False
        self._running = 0
        self._last_arrival = 0.0

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """Handlers for `grpc.aio.Server.add_generic_rpc_handlers`."""
        services = {
            "PredictionService": {
                "Predict": self._predict,
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

    async def drain(self, seconds: float) -> None:
        """Refuses new requests, finishes the current ones, and gives clients time to notice.

        gRPC's own stop would drop requests that have arrived but not started.

        Args:
          seconds: for the current requests, at most.
        """
        self._draining = True
        self._last_arrival = time.monotonic()
        deadline = self._last_arrival + seconds
        while self._running and time.monotonic() < deadline:
            await asyncio.sleep(_POLL)
        if self._running:
            _log.warning("Requests dropped after %g seconds: %d", seconds, self._running)
        # Clients that just got a response send their next request now, and are refused.
        deadline = min(deadline, time.monotonic() + _MAX_WARNING)
        while time.monotonic() < deadline and time.monotonic() < self._last_arrival + _QUIET:
            await asyncio.sleep(_POLL)

    def close(self) -> None:
        """Lets the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _handler(self, name, method):
        """A gRPC handler for a method from bytes to bytes that may raise `RequestError`."""

        async def handle(data, context):
            # The method fills in the model once it is known to be served.
            labels = {"model": ""}
            started = time.monotonic()
            self._running += 1
            self._last_arrival = started
            try:
                if self._draining:
                    raise RequestError("UNAVAILABLE", "The server is shutting down")
                response = await method(data, labels)
            except Exception as error:
                refusal = self._refusal(error, name)
                # Before `abort` answers: a client that reads the metrics then finds itself counted.
                metrics.count_request(labels["model"], refusal.code.name, name, started)
                await context.abort(refusal.code, refusal.text)
            except asyncio.CancelledError:
                # The deadline passed, or the client left.
                metrics.count_request(labels["model"], "CANCELLED", name, started)
                raise
            else:
                metrics.count_request(labels["model"], "OK", name, started)
                return response
            finally:
                self._running -= 1

        return handle

    @staticmethod
    def _refusal(error, name):
        if not isinstance(error, (RequestError, tf.errors.OpError)):
            _log.error("%s failed", name, exc_info=error)
        return from_exception(error, f"{type(error).__name__} while the request was processed")

    def _in_thread(self, function, *arguments):
        return asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    @contextlib.contextmanager
    def _acquired(self, spec, labels):
        number, servable = self._models.acquire(spec)
        labels["model"] = spec.name
        try:
            yield number, servable
        finally:
            servable.release()

    async def _predict(self, data, labels):
        self._batcher.check_capacity()
        with self._memory.reserved(len(data)):
            request = await self._in_thread(_parsed, predict_pb2.PredictRequest, data)
            spec = _spec(request)
            with self._acquired(spec, labels) as (number, servable):
                checked = await self._in_thread(
                    requests.check, request, servable.signatures, self._limit
                )
                # A message of a few bytes may declare a large tensor.
                with self._memory.reserved(checked.size, held=len(data)):
                    outputs = await self._batcher.run(spec.name, servable, checked)
                response = (spec.name, number, checked.signature, outputs)
                return await self._in_thread(_serialized, *response)

    async def _metadata(self, data, labels):
        request = _parsed(get_model_metadata_pb2.GetModelMetadataRequest, data)
        spec = _spec(request)
        if not request.metadata_field:
            raise RequestError(
                "INVALID_ARGUMENT",
                "GetModelMetadataRequest must specify at least one metadata_field",
            )
        for field in request.metadata_field:
            if field != "signature_def":
                raise RequestError("INVALID_ARGUMENT", f"Metadata field {field} is not supported")
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        with self._acquired(spec, labels) as (number, servable):
            response.model_spec.name = spec.name
            response.model_spec.version.value = number
            signatures = get_model_metadata_pb2.SignatureDefMap()
            for name, signature in servable.signatures.items():
                signatures.signature_def[name].CopyFrom(signature)
        response.metadata["signature_def"].Pack(signatures)
        return response.SerializeToString()

    async def _status(self, data, labels):
        spec = _spec(_parsed(get_model_status_pb2.GetModelStatusRequest, data))
        response = get_model_status_pb2.GetModelStatusResponse()
        for version, state in sorted(self._models.states(spec).items(), reverse=True):
            response.model_version_status.append(state.proto(version))
        labels["model"] = spec.name
        return response.SerializeToString()

    async def _reload(self, data, labels):
        if not self._may_reload:
            raise RequestError(
                "PERMISSION_DENIED",
                "HandleReloadConfigRequest is for clients on this machine alone, unless the server "
                "asks for certificates (--tls_client_ca)",
            )
        config = _parsed(model_management_pb2.ReloadConfigRequest, data).config
        # In a thread of the loop's, because loading takes seconds.
        await asyncio.get_running_loop().run_in_executor(None, self._models.apply, config)
        return model_management_pb2.ReloadConfigResponse().SerializeToString()


def _serialized(model, version, signature, outputs):
    response = predict_pb2.PredictResponse()
    response.model_spec.name = model
    response.model_spec.version.value = version
    response.model_spec.signature_name = signature
    for name, array in outputs.items():
        response.outputs[name].CopyFrom(tensors.to_proto(array))
    return response.SerializeToString()
