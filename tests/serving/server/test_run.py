"""The server as a process, under load: start, stop, TLS, reload, killed clients."""

import asyncio
import concurrent.futures
import contextlib
import datetime
import ipaddress
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import model_service_pb2_grpc

from tests.conftest import ROOT
from tests.serving import local
from tests.serving.conftest import file_of, picture
from tfrelight import Light
from tfrelight.errors import InputError
from tfrelight.serving import defaults
from tfrelight.serving.server import run

PNG = file_of(picture(64, 64))
RELIGHT = {"image_bytes": [PNG], "light": Light.preset("left").coefficients[None]}


@contextlib.contextmanager
def process(*flags, start=("-m", "tfrelight.serve")):
    """Yields `python -m tfrelight.serve` once it listens, with its port as an attribute."""
    command = [sys.executable, *start, "--port=0", "--metrics_port=-1", *flags]
    running = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        line = running.stdout.readline()
        assert line.startswith("Serving tfrelight on 127.0.0.1:"), line + running.stderr.read()
        running.port = int(line.split(":")[1].split(",")[0])
        yield running
    finally:
        running.kill()
        running.communicate()


class Load:
    """Clients that send one request after another until `stop`, or until one is refused.

    Attributes:
      answers: of each client, in order: the version that answered, or the error code.
    """

    def __init__(self, port, count):
        self.answers = [[] for _ in range(count)]
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(port, answers)) for answers in self.answers
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, port, answers):
        with local.Raw(port, **{"grpc.use_local_subchannel_pool": 1}) as raw:
            while not self._stopping.is_set():
                try:
                    response = raw.predict("relight_bytes", **RELIGHT)
                    answers.append(response.model_spec.version.value)
                except grpc.RpcError as error:
                    answers.append(error.code().name)
                    return

    def all(self):
        return [answer for answers in self.answers for answer in answers]

    def wait_for(self, condition, seconds=120):
        """Waits until a condition on all answers holds."""
        wait_until(lambda: condition(self.all()), seconds)

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join()


def test_a_new_version_under_load_loses_no_request_and_versions_never_go_back(exported, base):
    with local.serving(local.config_of(base), max_batch_size=16) as server:
        load = Load(server.port, 16)
        try:
            for number in (1, 2, 3, 4):
                if number > 1:
                    local.copy_version(exported, base, number)
                load.wait_for(lambda answers, number=number: answers.count(number) >= 200)
            load.wait_for(lambda answers: len(answers) >= 1000)
        finally:
            load.stop()
        with local.Raw(server.port) as raw:
            # The last version to be unloaded may still be closing.
            wait_until(lambda: raw.states()[3][0] == "END")
            states = {number: state for number, (state, _, _) in raw.states().items()}
            assert states == {1: "END", 2: "END", 3: "END", 4: "AVAILABLE"}
    assert len(load.all()) >= 1000
    assert set(load.all()) == {1, 2, 3, 4}
    for answers in load.answers:
        assert answers == sorted(answers)


def test_sigterm_under_load_finishes_current_requests(base):
    with process(f"--model_base_path={base}") as server:
        load = Load(server.port, 8)
        try:
            load.wait_for(lambda answers: len(answers) >= 50)
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0
        finally:
            load.stop()
        assert server.stderr.read() == ""
    # Each client stops at its first error: none was cut off, all were refused before they started.
    for answers in load.answers:
        assert answers[-1] == "UNAVAILABLE"
        assert set(answers[:-1]) == {1}


# Does not import TensorFlow, which takes seconds.
CLIENT = """
import pathlib, sys, time
import grpc
channel = grpc.insecure_channel("127.0.0.1:" + sys.argv[1])
call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
future = call.future(pathlib.Path(sys.argv[2]).read_bytes())
time.sleep(60)
"""


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def figures(server):
    """The metrics: name, with labels, to value."""
    url = f"http://127.0.0.1:{server.metrics_port}{defaults.METRICS_PATH}"
    lines = urllib.request.urlopen(url, timeout=9).read().decode().splitlines()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    }


def test_a_killed_client_does_not_affect_the_others(two_versions, tmp_path, monkeypatch):
    request = local.request_for("relight_bytes", **RELIGHT)
    (tmp_path / "request").write_bytes(request.SerializeToString())
    gone = ':tensorflow:serving:request_count{model_name="tfrelight",status="CANCELLED"}'
    before = figures(two_versions).get(gone, 0)
    with local.Raw(two_versions.port) as raw:
        with local.held_runs(monkeypatch) as begun:
            client = subprocess.Popen(
                [sys.executable, "-c", CLIENT, str(two_versions.port), str(tmp_path / "request")]
            )
            try:
                assert begun.wait(60)
                # In the queue behind it, or in the worker beside it.
                others = [raw.prediction.Predict.future(request, timeout=60) for _ in range(3)]
            finally:
                client.kill()
                client.wait()
            wait_until(lambda: figures(two_versions).get(gone, 0) > before)
        for other in others:
            assert other.result().outputs


def test_health_reports_that_the_server_stops(base):
    """Watches, which never end by themselves, do not keep the server running."""

    async def main():
        server = run.Server(
            run.ServerConfig(config=local.config_of(base), port=0, grace_seconds=60)
        )
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            watches = [stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(2)]
            found = [(await watch.read()).status for watch in watches]
            started = time.monotonic()
            stopping = asyncio.create_task(server.stop())
            found += [(await watch.read()).status for watch in watches]
            await stopping
            seconds = time.monotonic() - started
            for watch in watches:
                with pytest.raises(grpc.aio.AioRpcError, match="UNAVAILABLE"):
                    await watch.read()
        return found, seconds

    serving = health_pb2.HealthCheckResponse
    found, seconds = asyncio.run(main())
    assert found == [serving.SERVING] * 2 + [serving.NOT_SERVING] * 2
    assert seconds < 20


def test_a_run_that_takes_too_long_is_cancelled(exported):
    """Closing its session ends the graph after the current operation."""
    from tfrelight.serving.server.servable import Servable

    loaded = Servable(exported.path)
    photos = np.array([file_of(picture(1500, 1500))] * 8, object)
    light = np.repeat(RELIGHT["light"], 8, axis=0)
    inputs, outputs = {"image_bytes": photos, "light": light}, ("relit_png_bytes",)
    loaded.acquire()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = pool.submit(loaded.run, "relight_bytes", inputs, outputs)
        time.sleep(0.1)
        loaded.close(seconds=0)
        with pytest.raises(tf.errors.CancelledError):
            running.result(60)


# A server whose graph never ends.
STUCK = """
import time
from tfrelight import serve
from tfrelight.commands import app
from tfrelight.serving.server import servable
def run(*arguments):
    print("begun", flush=True)
    time.sleep(600)
servable.Servable.run = run
app.run(serve.main)
"""


def test_requests_are_dropped_after_the_grace_period(base):
    flags = [f"--model_base_path={base}", "--grace_seconds=0.1"]
    with process(*flags, start=("-c", STUCK)) as server, local.Raw(server.port) as raw:
        request = local.request_for("relight_bytes", **RELIGHT)
        future = raw.prediction.Predict.future(request)
        assert server.stdout.readline() == "begun\n"
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
        log = server.stderr.read()
        assert "Requests dropped after 0.1 seconds: 1" in log
        assert "Exited before a load or a run of the graph had ended." in log
        assert future.code() in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE)


def test_the_memory_of_pending_requests_is_limited(base, monkeypatch):
    """Padding behind the end of a PNG stands for a large photo."""
    large = PNG + b"\0" * 2**20
    request = local.request_for("relight_bytes", image_bytes=[large], light=RELIGHT["light"])
    with local.serving(local.config_of(base), max_pending=5 * 2**20) as server:
        with local.Raw(server.port) as raw:
            with local.held_runs(monkeypatch) as begun:
                futures = [raw.prediction.Predict.future(request, timeout=60) for _ in range(8)]
                assert begun.wait(20)
                # A message and its array take 2 MiB.
                wait_until(lambda: sum(future.done() for future in futures) == 6)
                refused = [future for future in futures if future.done()]
                assert {future.code().name for future in refused} == {"UNAVAILABLE"}
                assert "take all the memory" in refused[0].details()
            answered = [future for future in futures if future not in refused]
            for future in answered:
                assert future.result().outputs
            # The memory is free again.
            assert raw.prediction.Predict(request, timeout=60).outputs


def pem_files(folder, name, authority=None):
    """A certificate for 127.0.0.1 and its key, signed by itself or by an authority."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    issuer, signer = (subject, key) if authority is None else authority
    now = datetime.datetime.now(datetime.timezone.utc)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(pem))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return subject, key


@pytest.fixture
def pems(tmp_path):
    authority = pem_files(tmp_path, "ca")
    pem_files(tmp_path, "server", authority)
    pem_files(tmp_path, "client", authority)
    return tmp_path


def tls_settings(pems, **more):
    return {
        "certificate": str(pems / "server.pem"),
        "key": str(pems / "server.key"),
        **{name: str(pems / value) for name, value in more.items()},
    }


def test_a_server_with_tls_refuses_plain_and_untrusting_clients(base, pems):
    from tfrelight.serving import client

    ca = (pems / "ca.pem").read_bytes()
    with local.serving(local.config_of(base), **tls_settings(pems)) as server:
        address = f"127.0.0.1:{server.port}"
        with client.Client(address, tls=client.TLS(ca=ca)) as secure:
            assert secure.status() == {1: "AVAILABLE"}
        for tls in (None, client.TLS()):
            with client.Client(address, attempts=1, timeout=5, tls=tls) as refused:
                with pytest.raises(client.TLSError):
                    refused.status()


def test_a_server_with_a_client_ca_refuses_clients_without_a_certificate(base, pems):
    from tfrelight.serving import client

    ca, certificate, key = (
        (pems / name).read_bytes() for name in ("ca.pem", "client.pem", "client.key")
    )
    settings = tls_settings(pems, client_ca="ca.pem")
    with local.serving(local.config_of(base), **settings) as server:
        address = f"127.0.0.1:{server.port}"
        with client.Client(address, tls=client.TLS(ca, certificate, key)) as known:
            assert known.status() == {1: "AVAILABLE"}
        with client.Client(address, attempts=1, timeout=5, tls=client.TLS(ca)) as unknown:
            with pytest.raises(client.TLSError):
                unknown.status()


def test_metrics_count_requests_by_model_and_status(two_versions, raw):
    answered = ':tensorflow:serving:request_count{model_name="tfrelight",status="OK"}'
    unknown = ':tensorflow:serving:request_count{model_name="",status="NOT_FOUND"}'
    latency = (
        ":tensorflow:serving:request_latency_count"
        '{API="Predict",entrypoint="GRPC",model_name="tfrelight"}'
    )
    raw.predict("relight_bytes", **RELIGHT)
    before = figures(two_versions)
    for _ in range(3):
        raw.predict("relight_bytes", **RELIGHT)
    for name in ("nope", "nope2"):
        with pytest.raises(grpc.RpcError):
            raw.prediction.Predict(local.request_for(name=name))
    after = figures(two_versions)
    assert after[answered] - before[answered] == 3
    assert after[latency] - before[latency] == 3
    assert after[unknown] - before.get(unknown, 0) == 2
    # Names of unknown models, which a client may invent, do not become labels.
    assert not [name for name in after if "nope" in name]
    assert after[":tfrelight:serving:queue_length"] == 0
    assert after["process_resident_memory_bytes"] > 2**20


def test_a_refusal_is_counted_before_the_client_receives_it(two_versions, raw):
    refused = ':tensorflow:serving:request_count{model_name="",status="NOT_FOUND"}'
    request = local.request_for(name="nope")
    counts = [figures(two_versions).get(refused, 0)]
    for _ in range(100):
        with pytest.raises(grpc.RpcError):
            raw.prediction.Predict(request)
        counts.append(figures(two_versions)[refused])
    assert counts == [counts[0] + number for number in range(101)]


@pytest.mark.parametrize(
    "flags,message",
    [
        ([], "Expected either --model_base_path or --model_config_file."),
        (["--model_base_path=nowhere"], "No such folder: nowhere"),
        (["--model_config_file=nowhere"], "No such file or directory: nowhere"),
    ],
)
def test_wrong_flags_are_reported_in_one_line_before_tensorflow_is_imported(flags, message):
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from tfrelight import serve; from tfrelight.commands import app; app.run(serve.main)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *flags], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert done.stderr.startswith(f"error: {message}")


@pytest.mark.parametrize(
    "files,message",
    [
        ({"certificate": "garbage", "key": "garbage"}, "are not a certificate and its key"),
        ({"certificate": "server.pem", "key": "client.key"}, "are not a certificate and its key"),
        ({"certificate": "server.pem", "key": "server.key", "client_ca": "garbage"}, "no certif"),
    ],
    ids=["no certificate", "another's key", "no authority"],
)
def test_invalid_tls_files_are_refused(base, pems, files, message):
    (pems / "garbage").write_text("garbage")
    settings = {name: str(pems / value) for name, value in files.items()}
    with pytest.raises(InputError, match=message):
        with local.serving(local.config_of(base), **settings):
            pass


def test_an_ipv6_address(base):
    assert run.address_of("::1", 8500) == "[::1]:8500"
    if not has_ipv6():
        pytest.skip("no IPv6 on this machine")
    with local.serving(local.config_of(base), host="::1", metrics_port=0) as server:
        with grpc.insecure_channel(f"[::1]:{server.port}") as channel:
            grpc.channel_ready_future(channel).result(20)
        url = f"http://[::1]:{server.metrics_port}{defaults.METRICS_PATH}"
        assert urllib.request.urlopen(url, timeout=9).status == 200


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_a_foreign_host_is_refused(base):
    with pytest.raises(InputError, match="Cannot listen on 192.0.2.1:0: .*not an address of this"):
        with local.serving(local.config_of(base), host="192.0.2.1"):
            pass


def test_only_trusted_clients_may_reload(base, pems):
    """TensorFlow Serving accepts a reload from every client."""
    from tensorflow_serving.apis import model_management_pb2

    config = local.config_of(base)
    request = model_management_pb2.ReloadConfigRequest(config=config)
    with local.serving(config, host="0.0.0.0") as server, local.Raw(server.port) as raw:
        assert raw.states()[1][0] == "AVAILABLE"
        with pytest.raises(grpc.RpcError) as caught:
            raw.model.HandleReloadConfigRequest(request, timeout=20)
        assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
    settings = tls_settings(pems, client_ca="ca.pem")
    with local.serving(config, host="0.0.0.0", **settings) as server:
        files = [(pems / name).read_bytes() for name in ("ca.pem", "client.key", "client.pem")]
        credentials = grpc.ssl_channel_credentials(*files)
        with grpc.secure_channel(f"127.0.0.1:{server.port}", credentials) as channel:
            stub = model_service_pb2_grpc.ModelServiceStub(channel)
            stub.HandleReloadConfigRequest(request, timeout=20)


@pytest.mark.parametrize("which", ["port", "metrics_port"])
def test_a_port_in_use_is_refused(base, two_versions, which):
    taken = {which: getattr(two_versions, which)}
    with pytest.raises(InputError, match="Cannot listen on 127.0.0.1:"):
        with local.serving(local.config_of(base), **taken):
            pass


@pytest.mark.parametrize(
    "tls,message",
    [({"key": "k"}, "both a certificate and its key"), ({"certificate": "c"}, "both")],
)
def test_incomplete_tls_files_are_refused(base, tls, message):
    with pytest.raises(InputError, match=message):
        with local.serving(local.config_of(base), **tls):
            pass


def test_requests_that_share_a_run_keep_their_own_light(two_versions):
    with local.Raw(two_versions.port) as raw:
        alone = {}
        for name in ("left", "right"):
            light = Light.preset(name).coefficients[None]
            response = raw.predict("relight_bytes", image_bytes=[PNG], light=light)
            alone[name] = response.outputs["relit_png_bytes"].string_val[0]
        assert alone["left"] != alone["right"]
        futures = []
        for name in ("left", "right") * 8:
            inputs = {"image_bytes": [PNG], "light": Light.preset(name).coefficients[None]}
            request = local.request_for("relight_bytes", **inputs)
            futures.append((name, raw.prediction.Predict.future(request, timeout=60)))
        for name, future in futures:
            (png,) = future.result().outputs["relit_png_bytes"].string_val
            found, expected = local_pixels(png), local_pixels(alone[name])
            assert np.max(np.abs(found - expected)) <= 1


def local_pixels(png):
    from tests.serving.conftest import pixels_of

    return pixels_of(png).astype(int)
