"""Says why a connection fails: TLS on one side only, or a certificate that is missing or unknown.

gRPC treats such servers like those that restart: it tries again until the time is up, and then
reports one of many attempts.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading

from tfrelight.errors import InputError
from tfrelight.serving.client.channel import TLS

__all__ = ["PATIENCE", "TLSError", "check"]

# Seconds for a client's first call, after which it looks for the reason.
PATIENCE = 0.5

# Seconds for each connection.
_SECONDS = 2.0
# How an HTTP/2 client begins (RFC 9113, section 3.4), with an empty frame of settings. A server
# answers with its own settings: a head of 9 bytes, of which the fourth is 4.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
_HEAD, _SETTINGS = 9, 4


class TLSError(InputError):
    """The client's `tls` does not suit the server, so that no attempt can succeed."""


def check(server: str, tls: TLS | None, seconds: float) -> None:
    """Connects to a server that does not answer, to find the reason.

    Args:
      server: `host:port`; other addresses of gRPC's are not checked.
      tls: of the client.
      seconds: after which it gives up.

    Raises:
      TLSError: only one side uses TLS, the server's certificate is not trusted, or it asks for the
        client's. Nothing is raised for other reasons, such as no server.
    """
    found = re.fullmatch(r"(?:\[([^]]+)\]|([^:/]+)):(\d+)", server)
    if found is None or seconds <= 0:
        return
    address = (found[1] or found[2], int(found[3]))
    reasons: list[str | None] = []
    # Names and slow servers can take longer than the limit of one connection.
    search = threading.Thread(
        target=lambda: reasons.append(_reason(address, tls)), name="tls_check", daemon=True
    )
    search.start()
    search.join(seconds)
    if reasons and reasons[0] is not None:
        raise TLSError(f"{server} {reasons[0]}")


def _reason(address, tls):
    """The end of a sentence on the server, or None."""
    try:
        if tls is not None:
            return _with_tls(address, tls)
        return None if _speaks_plainly(address) else _without_tls(address)
    except OSError:
        return None


def _speaks_plainly(address):
    """Whether a server answers without TLS."""
    with socket.create_connection(address, _SECONDS) as connection:
        try:
            connection.sendall(_PREFACE)
            answer = connection.recv(_HEAD)
        except OSError:
            return False
    return len(answer) == _HEAD and answer[3] == _SETTINGS


def _without_tls(address):
    """Why a client without TLS gets no answer."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(address, _SECONDS) as connection:
        try:
            context.wrap_socket(connection, server_hostname=address[0]).close()
        except ssl.SSLError as error:
            # An alert comes from a server that uses TLS and wants more than this.
            if "ALERT" not in (error.reason or ""):
                return None
    return "uses TLS. Pass `tls`, with `ca` if its authority is not one of the system's."


def _with_tls(address, tls):
    """Why a client with TLS gets no answer."""
    try:
        context = ssl.create_default_context(cadata=tls.ca and tls.ca.decode())
    except (ssl.SSLError, UnicodeDecodeError):
        return "cannot be trusted. Expected certificates in PEM in `ca`."
    context.set_alpn_protocols(["h2"])
    refused = "asks for a client's certificate. Pass `certificate` and `key`."
    with socket.create_connection(address, _SECONDS) as connection:
        try:
            with context.wrap_socket(connection, server_hostname=address[0]) as encrypted:
                encrypted.sendall(_PREFACE)
                answered = encrypted.recv(_HEAD)
        except ssl.SSLCertVerificationError as error:
            return (
                f"has a certificate that is not trusted: {error.verify_message}. Give its "
                "authority as `ca`, and the host by the name in the certificate."
            )
        except OSError as error:
            if "ALERT" in (getattr(error, "reason", None) or ""):
                return None if tls.certificate else refused
            if not _speaks_plainly(address):
                return None
            return "does not use TLS. Connect without `tls`, or to the port that uses it."
    if answered or tls.certificate:
        return None
    return refused if _refuses_strangers(address, context) else None


def _refuses_strangers(address, context):
    """Whether a server that closes without a word does so for want of a certificate.

    In TLS 1.3 a client's handshake ends before the server looks at its certificate, in TLS 1.2
    after it (RFC 8446, section 2; RFC 5246, section 7.3).
    """
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(address, _SECONDS) as connection:
        try:
            context.wrap_socket(connection, server_hostname=address[0]).close()
        except OSError as error:
            return "PROTOCOL_VERSION" not in (getattr(error, "reason", None) or "")
    return False
