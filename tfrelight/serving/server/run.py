"""Starts the local server, keeps its models up to date, and stops it when told to."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import signal
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from tfrelight.errors import InputError
from tfrelight.serving.server import metrics, models
from tfrelight.serving.server.batching import Batcher
from tfrelight.serving.server.refusal import Refusal
from tfrelight.serving.server.services import Services

__all__ = ["Server", "Settings", "serve"]

# TensorFlow Serving's short names, and the server as a whole.
_HEALTH = ("", "PredictionService", "ModelService")

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to serve.

    config: `ModelServerConfig`. host, port, metrics_port: to bind to; port 0 is any that is free,
    metrics_port None is none. workers, max_batch_size, max_queue: see `Batcher`. max_message:
    bytes of a request, and of one tensor in it. poll_seconds: between looks for new versions.
    early_labels: see `models.Models`. grace_seconds: for requests under way when the server is
    told to stop. certificate, key: PEM files, for TLS; client_ca: PEM file of who signs clients'
    certificates, which are then required.
    """

    config: object
    host: str = "127.0.0.1"
    port: int = 8500
    metrics_port: int | None = None
    workers: int = 2
    max_batch_size: int = 32
    max_queue: int = 256
    max_message: int = 64 * 2**20
    poll_seconds: float = 1.0
    early_labels: bool = False
    grace_seconds: float = 30.0
    certificate: str | None = None
    key: str | None = None
    client_ca: str | None = None


def _credentials(settings):
    given = [settings.certificate, settings.key, settings.client_ca]
    if not any(given):
        return None
    if not settings.certificate or not settings.key:
        raise InputError("TLS needs both a certificate and its key, as PEM files.")
    certificate, key, authority = (name and Path(name).read_bytes() for name in given)
    return grpc.ssl_server_credentials(
        [(key, certificate)],
        root_certificates=authority,
        require_client_auth=authority is not None,
    )


class Server:
    """A running server: `await start()`, then `await stop()`.

    Args:
      settings: `Settings`.
    """

    def __init__(self, settings):
        self._settings = settings
        self._models = models.Models(settings.max_message, settings.early_labels)
        self._endpoint = None
        self.port = None
        self.metrics_port = None

    async def start(self):
        """Loads the models and answers requests from then on.

        Raises:
          InputError: a model cannot be served, or a port or TLS file cannot be used.
        """
        settings = self._settings
        credentials = _credentials(settings)
        try:
            await asyncio.to_thread(self._models.apply, settings.config)
        except Refusal as refusal:
            raise InputError(f"Cannot serve: {refusal}") from refusal
        self._batcher = Batcher(settings.workers, settings.max_batch_size, settings.max_queue)
        self._services = Services(self._models, self._batcher, settings.max_message)
        self._health = health.aio.HealthServicer()
        self._grpc = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", settings.max_message),
                ("grpc.max_send_message_length", -1),
                # Or a second server would share the port, and the requests, without a word.
                ("grpc.so_reuseport", 0),
            ]
        )
        self._grpc.add_generic_rpc_handlers(self._services.handlers())
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        self.port = self._bind(credentials)
        if settings.metrics_port is not None:
            self._endpoint = self._metrics()
            self.metrics_port = self._endpoint.port
        await self._grpc.start()
        for name in _HEALTH:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        self._polling = asyncio.create_task(self._poll())

    def _bind(self, credentials):
        address = f"{self._settings.host}:{self._settings.port}"
        try:
            if credentials is None:
                return self._grpc.add_insecure_port(address)
            return self._grpc.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise InputError(f"Cannot listen on {address}: is the port in use?") from error

    def _metrics(self):
        host, port = self._settings.host, self._settings.metrics_port
        try:
            return metrics.Endpoint(host, port, self._batcher)
        except OSError as error:
            text = f"Cannot listen on {host}:{port} for metrics: {error.strerror}."
            raise InputError(text) from error

    async def _poll(self):
        while True:
            await asyncio.sleep(self._settings.poll_seconds)
            await asyncio.to_thread(self._models.update)

    async def stop(self):
        """Refuses new requests, answers those under way, and ends."""
        await self._health.enter_graceful_shutdown()
        await self._grpc.stop(self._settings.grace_seconds)
        self._polling.cancel()
        await asyncio.gather(self._polling, return_exceptions=True)
        await self._batcher.close()
        self._services.close()
        if self._endpoint is not None:
            await asyncio.to_thread(self._endpoint.close)
        await asyncio.to_thread(self._models.close)


async def serve(settings, started):
    """Serves until SIGTERM or SIGINT.

    Args:
      settings: `Settings`.
      started: called with the `Server` once it answers.

    Raises:
      InputError: see `Server.start`.
    """
    told = asyncio.Event()
    server = Server(settings)
    await server.start()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    started(server)
    await told.wait()
    await server.stop()
