"""Starts the local server, keeps its models up to date, and stops it when told to."""

from __future__ import annotations

import asyncio
import contextlib
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

_LAST_SECONDS = 1.0

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
    max_batch_size: int = 8
    max_queue: int = 64
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

    port, metrics_port: what it listens on, once started.

    Args:
      settings: `Settings`.
    """

    def __init__(self, settings):
        self._settings = settings
        # What `stop` does, the last first.
        self._closing = contextlib.AsyncExitStack()
        self.port = None
        self.metrics_port = None

    async def start(self):
        """Loads the models and answers requests from then on.

        Raises:
          InputError: a model cannot be served, or a port or TLS file cannot be used.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self):
        """Refuses new requests, answers those under way, and ends."""
        await self._closing.aclose()

    async def _start(self):
        settings, closing = self._settings, self._closing
        # Ports first: whether they are free shows at once, loading takes seconds.
        server = self._bind()
        closing.push_async_callback(server.stop, None)
        if settings.metrics_port is not None:
            endpoint = self._bind_metrics()
            closing.push_async_callback(asyncio.to_thread, endpoint.close)
        served = models.Models(settings.max_message, settings.early_labels)
        closing.push_async_callback(asyncio.to_thread, served.close)
        try:
            await asyncio.to_thread(served.apply, settings.config)
        except Refusal as refusal:
            raise InputError(f"Cannot serve: {refusal}") from refusal
        batcher = Batcher(settings.workers, settings.max_batch_size, settings.max_queue)
        closing.push_async_callback(batcher.close)
        metrics.watch_queue(batcher)
        services = Services(served, batcher, settings.max_message)
        closing.callback(services.close)
        polling = asyncio.create_task(self._poll(served))
        closing.push_async_callback(_cancel, polling)
        server.add_generic_rpc_handlers(services.handlers())
        healthy = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
        for name in _HEALTH:
            await healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
        # Answers on their way out take a moment.
        closing.push_async_callback(server.stop, _LAST_SECONDS)
        closing.push_async_callback(services.drain, settings.grace_seconds)
        closing.push_async_callback(healthy.enter_graceful_shutdown)
        await server.start()

    def _bind(self):
        settings = self._settings
        credentials = _credentials(settings)
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", settings.max_message),
                ("grpc.max_send_message_length", -1),
                # Or a second server would share the port, and the requests, without a word.
                ("grpc.so_reuseport", 0),
            ]
        )
        address = f"{settings.host}:{settings.port}"
        try:
            if credentials is None:
                self.port = server.add_insecure_port(address)
            else:
                self.port = server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise InputError(f"Cannot listen on {address}: is the port in use?") from error
        return server

    def _bind_metrics(self):
        host, port = self._settings.host, self._settings.metrics_port
        try:
            endpoint = metrics.Endpoint(host, port)
        except OSError as error:
            text = f"Cannot listen on {host}:{port} for metrics: {error.strerror}."
            raise InputError(text) from error
        self.metrics_port = endpoint.port
        return endpoint

    async def _poll(self, served):
        while True:
            await asyncio.sleep(self._settings.poll_seconds)
            try:
                await asyncio.to_thread(served.update)
            except Exception:
                # Whatever it is, what is served goes on being served, and is looked at again.
                _log.exception("Cannot look for new versions")


async def _cancel(task):
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


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
