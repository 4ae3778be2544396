"""Starts the local server, keeps its models up to date, and stops it when told to."""

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
from pathlib import Path

import grpc

from tfrelight.errors import InputError
from tfrelight.serving.server import metrics, models
from tfrelight.serving.server.batching import Batcher
from tfrelight.serving.server.health import Health
from tfrelight.serving.server.refusal import Refusal
from tfrelight.serving.server.room import Room
from tfrelight.serving.server.services import Services

__all__ = ["Server", "Settings", "address_of", "serve"]

# After the time of grace: for answers on their way out, and for what is broken off to end.
_LAST_SECONDS = 1.0

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to serve.

    config: `ModelServerConfig`. host, port, metrics_port: to bind to; port 0 is any that is free,
    metrics_port None is none. workers, max_batch_size, max_queue: see `Batcher`. max_message:
    bytes of a request, and of the tensors in it. max_pending: bytes of all requests that are not
    answered yet. poll_seconds: between looks for new versions.
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
    # gRPC says nothing of what is wrong with them.
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
        name and Path(name).read_bytes() for name in (certificate, key, authority)
    )
    return grpc.ssl_server_credentials(
        [(key, certificate)],
        root_certificates=authority,
        require_client_auth=authority is not None,
    )


def address_of(host, port):
    """`host:port`, with brackets around an address of IPv6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _may_reload(settings):
    """Whether whoever reaches the server is trusted to change what it serves."""
    if settings.client_ca or settings.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        return False


class Server:
    """A running server: `await start()`, then `await stop()`.

    port, metrics_port: what it listens on, once started. busy: whether, once stopped, a thread
    still loads or runs something that nobody waits for.

    Args:
      settings: `Settings`.
    """

    def __init__(self, settings):
        self._settings = settings
        # What `stop` does, the last first.
        self._closing = contextlib.AsyncExitStack()
        self.port = None
        self.metrics_port = None
        self.busy = False

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
        """Refuses new requests, answers those under way for `grace_seconds`, and ends."""
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
        batcher = Batcher(settings.workers, settings.max_batch_size, settings.max_queue)
        closing.push_async_callback(self._end, served, batcher)
        try:
            await asyncio.to_thread(served.apply, settings.config)
        except Refusal as refusal:
            raise InputError(f"Cannot serve: {refusal}") from refusal
        metrics.watch_queue(batcher)
        room = Room(settings.max_pending)
        largest, reload = settings.max_message, _may_reload(settings)
        services = Services(served, batcher, room, largest, reload)
        closing.callback(services.close)
        polling = asyncio.create_task(self._poll(served))
        closing.push_async_callback(_cancel, polling)
        server.add_generic_rpc_handlers(services.handlers())
        healthy = Health()
        await healthy.add_to(server)
        closing.push_async_callback(server.stop, _LAST_SECONDS)
        closing.callback(healthy.end)
        closing.push_async_callback(services.drain, settings.grace_seconds)
        closing.push_async_callback(healthy.enter_graceful_shutdown)
        await server.start()

    async def _end(self, served, batcher):
        unloaded = await asyncio.to_thread(served.close, _LAST_SECONDS)
        self.busy = not (await batcher.close(_LAST_SECONDS) and unloaded)

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
        address = address_of(settings.host, settings.port)
        try:
            if credentials is None:
                self.port = server.add_insecure_port(address)
            else:
                self.port = server.add_secure_port(address, credentials)
        except RuntimeError as error:
            text = "Is the port in use, or the host not one of this machine's?"
            raise InputError(f"Cannot listen on {address}. {text}") from error
        return server

    def _bind_metrics(self):
        host, port = self._settings.host, self._settings.metrics_port
        try:
            endpoint = metrics.Endpoint(host, port)
        except OSError as error:
            where = address_of(host, port)
            text = f"Cannot listen on {where} for metrics: {error.strerror}."
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
    if server.busy:
        _log.warning("Left before a load or a run of the graph had ended.")
        # Python would wait for the thread.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
