"""A client whose `tls` does not suit the server says so at once."""

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

from tests.serving import local
from tfrelight.serving import client
from tfrelight.serving.client import security


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    """Files `cert.pem`, valid for localhost, and `key.pem`."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("pem")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 9"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command.split(), *names], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def servers(pem, exported, tmp_path_factory):
    """Addresses of a server without TLS, one with it, and one that asks for certificates."""
    base = tmp_path_factory.mktemp("security") / "tfrelight"
    local.copy_version(exported, base, 1)
    certificate = {"certificate": str(pem / "cert.pem"), "key": str(pem / "key.pem")}
    kinds = {
        "plain": {},
        "tls": certificate,
        "mutual": {**certificate, "client_ca": str(pem / "cert.pem")},
    }
    with contextlib.ExitStack() as stack:
        config = local.config_of(base)
        yield {
            name: f"localhost:{stack.enter_context(local.serving(config, **settings)).port}"
            for name, settings in kinds.items()
        }


def tls_of(pem, kind):
    certificate, key = ((pem / name).read_bytes() for name in ("cert.pem", "key.pem"))
    return {
        "none": None,
        "system": client.TLS(),
        "own": client.TLS(certificate),
        "broken": client.TLS(b"no certificate"),
        "identified": client.TLS(certificate, certificate, key),
    }[kind]


WRONG = [
    ("plain", "own", "does not use TLS. Connect without `tls`"),
    ("plain", "identified", "does not use TLS"),
    ("plain", "system", "does not use TLS"),
    ("tls", "none", "uses TLS. Pass `tls`, with `ca`"),
    ("tls", "system", "not trusted: self-signed certificate. Give its authority as `ca`"),
    ("mutual", "none", "uses TLS. Pass `tls`"),
    ("mutual", "own", "asks for a client's certificate. Pass `certificate` and `key`"),
]
RIGHT = [("plain", "none"), ("tls", "own"), ("tls", "identified"), ("mutual", "identified")]


@pytest.mark.parametrize("server, kind, message", WRONG)
def test_the_reason_is_said_at_once_and_for_every_call(servers, pem, server, kind, message):
    with client.Client(servers[server], tls=tls_of(pem, kind), timeout=60) as one:
        for _ in range(2):
            started = time.monotonic()
            with pytest.raises(security.TLSError) as error:
                one.status()
            # The first call may import TensorFlow; a deadline or five attempts take longer.
            assert time.monotonic() - started < 5
            assert message in str(error.value) and servers[server] in str(error.value)

    async def asynchronous():
        async with client.AsyncClient(servers[server], tls=tls_of(pem, kind)) as one:
            await one.status()

    with pytest.raises(security.TLSError, match=f"^{servers[server]} "):
        asyncio.run(asynchronous())


@pytest.mark.parametrize("server, kind", RIGHT)
def test_a_suitable_client_is_answered_and_nothing_is_checked(
    servers, pem, server, kind, monkeypatch
):
    monkeypatch.setattr(security, "PATIENCE", 10)
    monkeypatch.setattr(security, "check", lambda *_: pytest.fail("checked"))
    with client.Client(servers[server], tls=tls_of(pem, kind)) as one:
        assert one.status() == {1: "AVAILABLE"}


@pytest.mark.parametrize("server, kind", RIGHT)
def test_a_slow_answer_is_no_reason(servers, pem, server, kind, monkeypatch):
    monkeypatch.setattr(security, "PATIENCE", 0)
    with client.Client(servers[server], tls=tls_of(pem, kind)) as one:
        assert one.status() == {1: "AVAILABLE"}


def test_an_authority_that_is_none_is_named(servers, pem):
    with pytest.raises(security.TLSError, match="Expected certificates in PEM"):
        security.check(servers["tls"], tls_of(pem, "broken"), 5)


@pytest.mark.parametrize(
    "address", ["localhost:1", "[::1]:1", "no.such.host.invalid:1", "unix:/x", "dns:///localhost:1"]
)
def test_no_server_is_no_reason(pem, address):
    for kind in ("none", "own"):
        security.check(address, tls_of(pem, kind), 5)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 9])
def test_other_servers_are_no_reason(pem, answer, monkeypatch):
    monkeypatch.setattr(security, "_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.recv(100)
                        connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        for kind in ("none", "own"):
            security.check(address, tls_of(pem, kind), 5)
        listening.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def silent(context=None):
    """Address of a server that closes every connection without data, or keeps it and is silent."""
    with socket.create_server(("127.0.0.1", 0)) as listening, contextlib.ExitStack() as kept:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    if context is None:
                        kept.callback(connection.close)
                        continue
                    with contextlib.suppress(OSError):
                        encrypted = context.wrap_socket(connection, server_side=True)
                        encrypted.recv(100)
                        encrypted.close()

        threading.Thread(target=serve, daemon=True).start()
        yield f"localhost:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def test_a_server_that_closes_without_data_asks_for_no_certificate(pem):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem / "cert.pem", pem / "key.pem")
    with silent(context) as address:
        for kind in ("own", "identified"):
            security.check(address, tls_of(pem, kind), 5)


@pytest.mark.parametrize("kind", ["none", "own"])
@pytest.mark.parametrize("timeout", [0.2, 0.8, 1.2])
def test_the_reason_is_not_sought_longer_than_the_call_may_take(pem, kind, timeout):
    with silent() as address:
        with client.Client(address, tls=tls_of(pem, kind), timeout=timeout) as one:
            one._method("model", "GetModelStatus")  # Imports what the first call needs.
            started = time.monotonic()
            with pytest.raises(client.ServingError):
                one.status()
            assert time.monotonic() - started < timeout + 1


@pytest.mark.parametrize("seconds", [-1, 0, 0.3])
def test_a_check_ends_in_time(pem, seconds):
    with silent() as address:
        for kind in ("none", "own"):
            started = time.monotonic()
            security.check(address, tls_of(pem, kind), seconds)
            assert time.monotonic() - started < max(seconds, 0) + 1
