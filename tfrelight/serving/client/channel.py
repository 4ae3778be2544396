"""How a client reaches a server: channel options, TLS, deadlines and attempts."""

from __future__ import annotations

import dataclasses
import json
import random
import time

from tfrelight.errors import InputError
from tfrelight.serving.client import errors

__all__ = ["TLS", "Attempts", "credentials", "options", "require_grpc"]

# Seconds before the second attempt, what each wait is multiplied by, and the longest one. Lost
# connections are taken up again after the first to the last, too.
_FIRST_WAIT, _GROWTH, _LONGEST_WAIT = 0.1, 2.0, 5.0


@dataclasses.dataclass(frozen=True)
class TLS:
    """How to trust a server, and be trusted by it: contents of PEM files.

    ca: who signs the server's certificate; None for those that the system trusts. certificate,
    key: the client's own, where the server asks for one.
    """

    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None


def require_grpc():
    """Raises `InputError` if the packages of the extra are not there."""
    try:
        import grpc  # noqa: F401
        import tensorflow_serving.apis  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"Cannot reach a server: {error.name} is not installed. Install it with pip install "
            '"tfrelight[serving]".'
        ) from error


def credentials(tls):
    """Credentials for gRPC of a `TLS`."""
    import grpc

    return grpc.ssl_channel_credentials(tls.ca, tls.key, tls.certificate)


def options(max_message):
    """Channel options.

    Args:
      max_message: bytes of an answer. gRPC's own limit of 4 MiB is less than one float32 map of
        600x600.
    """
    return [
        ("grpc.max_receive_message_length", max_message),
        ("grpc.max_send_message_length", -1),
        # A server that is gone without a word is noticed, also behind a balancer that drops idle
        # connections. Not more often than servers allow by default: every 5 minutes when idle.
        ("grpc.keepalive_time_ms", 300_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        # A server that comes back is found in seconds; gRPC's own waits grow to two minutes.
        ("grpc.initial_reconnect_backoff_ms", round(1000 * _FIRST_WAIT)),
        ("grpc.max_reconnect_backoff_ms", round(1000 * _LONGEST_WAIT)),
        # Attempts are `Attempts`' business: two of them would multiply.
        ("grpc.enable_retries", 0),
        ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),
    ]


class Attempts:
    """Which failures are worth another attempt, and after how long.

    Only UNAVAILABLE is: nobody there, a full server, or one that left; and whatever became of the
    request, it changes nothing on a server and may be sent twice. Waits double, and are drawn at
    random below that, so that clients who were refused together do not come back together.

    Args:
      number: of attempts at most.
      seconds: for all of them together.
      server: its address, for the errors.
    """

    def __init__(self, number, seconds, server):
        self._left = number
        self._deadline = time.monotonic() + seconds
        self._wait = _FIRST_WAIT
        self._server = server

    def seconds_left(self):
        """For the next attempt."""
        return max(0.0, self._deadline - time.monotonic())

    def wait_after(self, error):
        """Seconds to wait before the next attempt.

        Args:
          error: `grpc.RpcError` of the last one.

        Raises:
          ServingError: there is no use in another, or no time for it.
        """
        code, details = error.code().name, error.details() or ""
        self._left -= 1
        wait = random.uniform(self._wait / 2, self._wait)
        self._wait = min(self._wait * _GROWTH, _LONGEST_WAIT)
        if code != "UNAVAILABLE" or self._left <= 0 or wait >= self.seconds_left():
            raise errors.of_code(code, details, self._server) from error
        return wait
