"""Starts the local server, keeps its models up to date, and stops it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import ipaddress
import logging
import os
import signal
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.config import model_server_config_pb2

from tfrelight.errors import InputError
from tfrelight.serving import defaults
from tfrelight.serving.server import metrics, models
from tfrelight.serving.server.batching import Batcher
from tfrelight.serving.server.errors import RequestError
from tfrelight.serving.server.memory import MemoryBudget
from tfrelight.serving.server.services import Services

__all__ = ["Server", "ServerConfig", "address_of", "serve"]

# After `grace_seconds`: for responses to leave, and for cancelled requests and watches to end.
_LAST_SECONDS = 1.0

# The names by which TensorFlow Serving reports health, and the server as a whole.
_HEALTH_NAMES = ("", "PredictionService", "ModelService")

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class ServerConfig:
    """Settings of a server.

    Attributes:
      config: the models to serve.
      host: to bind to, for metrics too.
      port: for gRPC; 0 for a free one.
      metrics_port: for Prometheus; 0 for a free one, None for no metrics.
      workers, max_batch_size, max_queue: see `Batcher`.
      max_message: bytes of a request, and of its tensors.
      max_pending: bytes of all pending requests.
      poll_seconds: between looks for new versions.
      early_labels: see `models.Models`.
      grace_seconds: for current requests when the server stops.
      certificate, key: PEM files for TLS.
      client_ca: PEM file of the authority of clients' certificates, which are then required.
    """

    config: model_server_config_pb2.ModelServerConfig
    host: str = "127.0.0.1"
    port: int = defaults.GRPC_PORT
    metrics_port: int | None = None
    workers: int = 2
    max_batch_size: int = 8
    max_queue: int = 64
    max_message: int = 64 * 2**20
    max_pending: int = 512 * 2**20
    poll_seconds: float = 1.0
    early_labels: bool = False
    grace_seconds: float = 30.0
    certificate: str | None = None
    key: str | None = None
    client_ca: str | None = None


def _credentials(settings):
    certificate, key, authority = settings.certificate, settings.key, settings.client_ca
    if not any((certificate, key, authority)):
        return None
    if not certificate or not key:
        raise InputError("TLS needs both a certificate and its key, as PEM files.")
    # Only to check the files: gRPC does not say what is wrong with them.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError as error:
        text = f"{certificate} and {key} are not a certificate and its key, unencrypted, in PEM"
        raise InputError(f"{text}: {error}") from error
    try:
        if authority:
            context.load_verify_locations(authority)
    except ssl.SSLError as error:
        raise InputError(f"{authority} holds no certificates in PEM: {error}") from error
    certificate, key, authority = (
        path and Path(path).read_bytes() for path in (certificate, key, authority)
    )
    return grpc.ssl_server_credentials(
        [(key, certificate)],
        root_certificates=authority,
        require_client_auth=authority is not None,
    )


def address_of(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _may_reload(settings):
    """Whether every client that can connect is trusted to change the served models."""
    if settings.client_ca or settings.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        return False


class Server:
    """A running server: `await start()`, then `await stop()`.

    Attributes:
      port, metrics_port: what it listens on, once started.
      busy: whether a thread still loads or runs something after `stop`.

    Args:
      settings: see `ServerConfig`.
    """

    def __init__(self, settings: ServerConfig) -> None:
        self._settings = settings
        # What `stop` does, last first.
        self._closing = contextlib.AsyncExitStack()
        self.port: int | None = None
        self.metrics_port: int | None = None
        self.busy = False

    async def start(self) -> None:
        """Loads the models and starts to listen.

        Raises:
          InputError: a model cannot be served, or a port or TLS file cannot be used.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Refuses new requests, finishes current ones within `grace_seconds`, and shuts down."""
        await self._closing.aclose()

    async def _start(self):
        settings, closing = self._settings, self._closing
        # Ports first: a port in use is known at once, loading takes seconds.
        server = self._bind()
        closing.push_async_callback(server.stop, None)
        if settings.metrics_port is not None:
            endpoint = self._bind_metrics()
            closing.push_async_callback(asyncio.to_thread, endpoint.close)
        served = models.Models(settings.max_message, settings.early_labels)
        batcher = Batcher(settings.workers, settings.max_batch_size, settings.max_queue)
        closing.push_async_callback(self._unload, served, batcher)
        try:
            await asyncio.to_thread(served.apply, settings.config)
        except RequestError as error:
            advice = ""
            if error.code is grpc.StatusCode.FAILED_PRECONDITION:
                advice = (
                    ". Export that version, remove its label from the configuration, or pass "
                    "`allow_version_labels_for_unavailable_models=True`."
                )
            raise InputError(f"Cannot serve: {error}{advice}") from error
        metrics.watch_queue(batcher)
        memory = MemoryBudget(settings.max_pending)
        services = Services(served, batcher, memory, settings.max_message, _may_reload(settings))
        closing.callback(services.close)
        polling = asyncio.create_task(self._poll(served))
        closing.push_async_callback(_cancel, polling)
        server.add_generic_rpc_handlers(services.handlers())
        healthy = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
        for name in _HEALTH_NAMES:
            await healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
        closing.push_async_callback(server.stop, _LAST_SECONDS)
        closing.push_async_callback(services.drain, settings.grace_seconds)
        closing.push_async_callback(healthy.enter_graceful_shutdown)
        await server.start()

    async def _unload(self, served, batcher):
        unloaded = await asyncio.to_thread(served.close, _LAST_SECONDS)
        self.busy = not (await batcher.close(_LAST_SECONDS) and unloaded)

    def _bind(self):
        settings = self._settings
        credentials = _credentials(settings)
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", settings.max_message),
                ("grpc.max_send_message_length", -1),
                # Otherwise a second server would silently share the port and its requests.
                ("grpc.so_reuseport", 0),
            ]
        )
        address = address_of(settings.host, settings.port)
        try:
            if credentials is None:
                self.port = server.add_insecure_port(address)
            else:
                self.port = server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise InputError(
                f"Cannot listen on {address}: the port is in use, or the host is not an address of "
                "this machine."
            ) from error
        return server

    def _bind_metrics(self):
        host, port = self._settings.host, self._settings.metrics_port
        try:
            endpoint = metrics.Endpoint(host, port)
        except OSError as error:
            address = address_of(host, port)
            text = f"Cannot listen on {address} for metrics: {error.strerror}."
            raise InputError(text) from error
        self.metrics_port = endpoint.port
        return endpoint

    async def _poll(self, served):
        while True:
            await asyncio.sleep(self._settings.poll_seconds)
            await asyncio.to_thread(served.update)


async def _cancel(task):
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def serve(settings: ServerConfig, started: Callable[[Server], None]) -> None:
    """Serves until SIGTERM or SIGINT.

    Args:
      settings: see `ServerConfig`.
      started: called once the server listens.

    Raises:
      InputError: see `Server.start`.
    """
    signalled = asyncio.Event()
    server = Server(settings)
    await server.start()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled.set)
    started(server)
    await signalled.wait()
    await server.stop()
    if server.busy:
        _log.warning("Exited before a load or a run of the graph had ended.")
        # Python would wait for the thread.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
