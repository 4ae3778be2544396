"""The server as a process: start, stop, TLS, reload and death of clients, under load."""

import asyncio
import contextlib
import datetime
import ipaddress
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.conftest import ROOT
from tests.serving import local
from tests.serving.conftest import file_of, picture
from tfrelight import Light
from tfrelight.errors import InputError
from tfrelight.serving import defaults

PNG = file_of(picture(64, 64))
RELIGHT = {"image_bytes": [PNG], "light": Light.preset("left").coefficients[None]}


@pytest.fixture
def base(exported, tmp_path):
    base = tmp_path / "tfrelight"
    local.copy_version(exported, base, 1)
    return base


@contextlib.contextmanager
def process(*flags):
    """`python -m tfrelight.serve`, once it says that it serves; gives it, and its port."""
    command = [sys.executable, "-m", "tfrelight.serve", "--port=0", "--metrics_port=-1", *flags]
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
    """Clients that send one request after the other until `stop`, or until one is refused.

    answers: of each client, in order: the version that answered, or the code.
    """

    def __init__(self, port, count):
        self.answers = [[] for _ in range(count)]
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(port, mine)) for mine in self.answers
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, port, mine):
        with local.Raw(port, **{"grpc.use_local_subchannel_pool": 1}) as raw:
            while not self._stopping.is_set():
                try:
                    response = raw.predict("relight_bytes", **RELIGHT)
                    mine.append(response.model_spec.version.value)
                except grpc.RpcError as error:
                    mine.append(error.code().name)
                    return

    def all(self):
        return [answer for mine in self.answers for answer in mine]

    def wait_for(self, condition, seconds=120):
        """Until a condition of all answers holds."""
        deadline = time.monotonic() + seconds
        while not condition(self.all()):
            assert time.monotonic() < deadline, f"{len(self.all())} answers"
            time.sleep(0.02)

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join()


def test_reload_under_load_loses_no_request_and_versions_only_go_forward(exported, base):
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
            # The last one to leave may still be closing.
            deadline = time.monotonic() + 20
            while raw.states()[3][0] != "END" and time.monotonic() < deadline:
                time.sleep(0.05)
            states = {number: state for number, (state, _, _) in raw.states().items()}
            assert states == {1: "END", 2: "END", 3: "END", 4: "AVAILABLE"}
    assert len(load.all()) >= 1000
    assert set(load.all()) == {1, 2, 3, 4}
    for mine in load.answers:
        assert mine == sorted(mine)


def test_sigterm_under_load_answers_what_is_under_way(base):
    with process(f"--model_base_path={base}") as server:
        load = Load(server.port, 8)
        try:
            load.wait_for(lambda answers: len(answers) >= 50)
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0
        finally:
            load.stop()
        assert server.stderr.read() == ""
    # Refused before they began, never broken off: each client saw nothing else before it stopped.
    for mine in load.answers:
        assert mine[-1] == "UNAVAILABLE"
        assert set(mine[:-1]) == {1}


# Without TensorFlow, whose import takes seconds.
CLIENT = """
import pathlib, sys, time
import grpc
channel = grpc.insecure_channel("127.0.0.1:" + sys.argv[1])
call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
future = call.future(pathlib.Path(sys.argv[2]).read_bytes())
print("sent", flush=True)
time.sleep(60)
"""


def test_a_client_that_is_killed_takes_nobody_along(two_versions, tmp_path):
    files = [file_of(picture(512, 512))] * 8
    light = np.repeat(Light.preset("left").coefficients[None], len(files), axis=0)
    request = local.request_for("relight_bytes", image_bytes=files, light=light)
    (tmp_path / "request").write_bytes(request.SerializeToString())
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(two_versions.port), str(tmp_path / "request")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdout.readline() == "sent\n"
    time.sleep(0.1)
    client.kill()
    client.communicate()
    with local.Raw(two_versions.port) as raw:
        for _ in range(3):
            assert raw.predict("relight_bytes", **RELIGHT).outputs


def test_health_says_when_the_server_stops(base):
    async def main():
        from tfrelight.serving.server import run

        server = run.Server(run.Settings(config=local.config_of(base), port=0))
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            first = await watch.read()
            stopping = asyncio.create_task(server.stop())
            second = await watch.read()
            watch.cancel()
            await stopping
        return first.status, second.status

    serving = health_pb2.HealthCheckResponse
    assert asyncio.run(main()) == (serving.SERVING, serving.NOT_SERVING)


def test_who_takes_too_long_is_broken_off(base):
    """Requests that run longer than --grace_seconds do not keep the server alive."""
    photos = [file_of(picture(1500, 1500))] * 6
    light = np.repeat(Light.preset("left").coefficients[None], len(photos), axis=0)
    with local.serving(local.config_of(base), grace_seconds=0.1) as server:
        with local.Raw(server.port) as raw:
            raw.predict("relight_bytes", **RELIGHT)
            request = local.request_for("relight_bytes", image_bytes=photos, light=light)
            future = raw.prediction.Predict.future(request)
            time.sleep(0.3)
            server_stopped = time.monotonic()
    assert time.monotonic() - server_stopped < 30
    assert future.code() in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE)


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


def test_tls_is_needed_where_it_is_asked_for(base, pems):
    from tfrelight.serving import client

    ca = (pems / "ca.pem").read_bytes()
    with local.serving(local.config_of(base), **tls_settings(pems)) as server:
        address = f"127.0.0.1:{server.port}"
        with client.Client(address, tls=client.TLS(ca=ca)) as secure:
            assert secure.status() == {1: "AVAILABLE"}
        for tls in (None, client.TLS()):
            with client.Client(address, attempts=1, timeout=5, tls=tls) as refused:
                with pytest.raises(client.Unavailable):
                    refused.status()


def test_clients_show_a_certificate_where_it_is_asked_for(base, pems):
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
            with pytest.raises(client.Unavailable):
                unknown.status()


def test_metrics_count_what_was_asked(two_versions, raw):
    def figures():
        url = f"http://127.0.0.1:{two_versions.metrics_port}{defaults.METRICS_PATH}"
        lines = urllib.request.urlopen(url, timeout=9).read().decode().splitlines()
        return {
            name: float(value)
            for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        }

    answered = ':tensorflow:serving:request_count{model_name="tfrelight",status="OK"}'
    unknown = ':tensorflow:serving:request_count{model_name="",status="NOT_FOUND"}'
    latency = (
        ":tensorflow:serving:request_latency_count"
        '{API="Predict",entrypoint="GRPC",model_name="tfrelight"}'
    )
    raw.predict("relight_bytes", **RELIGHT)
    before = figures()
    for _ in range(3):
        raw.predict("relight_bytes", **RELIGHT)
    for name in ("nope", "nope2"):
        with pytest.raises(grpc.RpcError):
            raw.prediction.Predict(local.request_for(name=name))
    after = figures()
    assert after[answered] - before[answered] == 3
    assert after[latency] - before[latency] == 3
    assert after[unknown] - before.get(unknown, 0) == 2
    # A name that anybody may make up is no label.
    assert not [name for name in after if "nope" in name]
    assert after[":tfrelight:serving:queue_length"] == 0
    assert after["process_resident_memory_bytes"] > 2**20


@pytest.mark.parametrize(
    "flags,message",
    [
        ([], "Expected either --model_base_path or --model_config_file."),
        (["--model_base_path=nowhere"], "No such folder: nowhere"),
        (["--model_config_file=nowhere"], "No such file or directory: nowhere"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line_at_once(flags, message):
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "tfrelight.serve", *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    # Importing TensorFlow takes 5 seconds and more.
    assert time.monotonic() - started < 4
    assert done.returncode == 1
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert done.stderr.startswith(f"error: {message}")


@pytest.mark.parametrize("which", ["port", "metrics_port"])
def test_a_port_that_is_taken(base, two_versions, which):
    taken = {which: getattr(two_versions, which)}
    with pytest.raises(InputError, match="Cannot listen on 127.0.0.1:"):
        with local.serving(local.config_of(base), **taken):
            pass


@pytest.mark.parametrize(
    "tls,message",
    [({"key": "k"}, "both a certificate and its key"), ({"certificate": "c"}, "both")],
)
def test_half_a_tls(base, tls, message):
    with pytest.raises(InputError, match=message):
        with local.serving(local.config_of(base), **tls):
            pass


def test_two_photos_and_no_light_of_the_other(two_versions):
    """Requests that are joined in one run keep their own light."""
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
