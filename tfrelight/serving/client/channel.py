"""How a client reaches a server: channel options, retries and TLS."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from tfrelight.errors import InputError

__all__ = ["MAX_ATTEMPTS", "TLS", "open_channel", "require_grpc"]

# gRPC's own limit; it lowers a higher number to this one.
MAX_ATTEMPTS = 5

# UNAVAILABLE means that the server is gone, full or shutting down. Every request may be sent twice:
# none changes anything on a server.
_RETRY_POLICY = {
    "initialBackoff": "0.1s",
    "maxBackoff": "5s",
    # 0.1, 0.4, 1.6 and 5 s: a server that restarts is back before the last of five attempts.
    "backoffMultiplier": 4,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


@dataclasses.dataclass(frozen=True)
class TLS:
    """Contents of PEM files that server and client identify each other with.

    Attributes:
      ca: the authority that signed the server's certificate; None for the system's authorities.
      certificate, key: the client's own, for a server that asks for one.
    """

    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None


def require_grpc() -> None:
    """Checks that the packages of the extra `serving` are installed.

    Raises:
      InputError: one is missing.
    """
    try:
        import grpc  # noqa: F401

        # Before gRPC starts threads: `native.quiet` hides TensorFlow's greeting only without any.
        import tensorflow  # noqa: F401
        import tensorflow_serving.apis  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"Cannot reach a server: {error.name} is not installed. Install it with pip install "
            '"tfrelight[serving]".'
        ) from error


def open_channel(
    server: str, tls: TLS | None, max_message: int, attempts: int, asynchronous: bool
) -> Any:
    """Opens a channel, which connects at the first call.

    Args:
      server: `host:port`.
      tls: None for a plain connection.
      max_message: bytes of a response, at most.
      attempts: per call, 1 to `MAX_ATTEMPTS`.
      asynchronous: whether to open a `grpc.aio.Channel` rather than a `grpc.Channel`.
    """
    import grpc

    api = grpc.aio if asynchronous else grpc
    options = _options(max_message, attempts)
    if tls is None:
        return api.insecure_channel(server, options)
    credentials = grpc.ssl_channel_credentials(tls.ca, tls.key, tls.certificate)
    return api.secure_channel(server, credentials, options)


def _options(max_message, attempts):
    config = {"loadBalancingConfig": [{"round_robin": {}}]}
    if attempts > 1:
        policy = {"maxAttempts": attempts, **_RETRY_POLICY}
        config["methodConfig"] = [{"name": [{}], "retryPolicy": policy}]
    return [
        # gRPC's default of 4 MiB is less than one float32 map of 600x600.
        ("grpc.max_receive_message_length", max_message),
        ("grpc.max_send_message_length", -1),
        # Detects a server that vanished, also behind a balancer that drops idle connections. Five
        # minutes is the shortest interval that servers allow by default.
        ("grpc.keepalive_time_ms", 300_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        # Finds a restarted server within seconds; gRPC's default waits grow to two minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 5_000),
        ("grpc.enable_retries", int(attempts > 1)),
        # gRPC does not retry a request larger than this; its default of 256 KiB is less than most
        # photos.
        ("grpc.per_rpc_retry_buffer_size", 2**31 - 1),
        ("grpc.service_config", json.dumps(config)),
    ]
