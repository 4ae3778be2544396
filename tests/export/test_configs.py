"""The kit's configuration files parse as TensorFlow Serving's messages, and agree."""

import shutil
import subprocess
import threading

import pytest
from google.protobuf import text_format

from tests.export import kit
from tfrelight.serving import defaults

pytest.importorskip("tensorflow_serving", reason='not installed: pip install ".[serving]"')

MODELS = ("models.config", "kubernetes/canary/models.config")


@pytest.mark.parametrize("name", MODELS)
def test_models_config_agrees_with_what_export_writes(name):
    model = kit.model(name)
    assert model.name == defaults.MODEL_NAME
    assert model.base_path == f"/models/{defaults.MODEL_NAME}"
    assert model.model_platform == "tensorflow"
    # The policy keeps the version of every label loaded.
    assert model.model_version_policy.WhichOneof("policy_choice") == "specific"
    assert set(model.version_labels) == set(defaults.LABELS)
    assert set(model.version_labels.values()) == set(model.model_version_policy.specific.versions)


def test_the_first_export_is_stable_and_the_second_is_the_canary():
    assert dict(kit.model("models.config").version_labels) == {"stable": 1, "canary": 2}


def test_canary_pods_serve_the_canary_under_both_labels():
    canary = kit.model("models.config").version_labels["canary"]
    pods = kit.model("kubernetes/canary/models.config")
    assert set(pods.version_labels.values()) == {canary}


def test_batching_config_is_consistent():
    batching = kit.parsed(kit.KIT / "batching.config", "BatchingParameters")
    assert batching.max_batch_size.value > 1
    assert batching.max_enqueued_batches.value >= 1
    # TensorFlow Serving requires increasing sizes up to max_batch_size.
    sizes = list(batching.allowed_batch_sizes)
    assert sizes == sorted(set(sizes)) and sizes[-1:] in ([], [batching.max_batch_size.value])
    # Padding would be visible in the photos.
    assert not batching.pad_variable_length_inputs
    cores = int(kit.compose()["services"]["tfrelight"]["deploy"]["resources"]["limits"]["cpus"])
    assert batching.num_batch_threads.value == cores


def test_monitoring_config_has_the_metrics_path():
    prometheus = kit.parsed(kit.KIT / "monitoring.config", "MonitoringConfig").prometheus_config
    assert prometheus.enable
    assert prometheus.path == defaults.METRICS_PATH


@pytest.mark.parametrize(
    "name,message,wrong",
    [
        ("batching.config", "BatchingParameters", "max_batch { value: 8 }"),
        ("batching.config", "BatchingParameters", "max_batch_size: 8"),
        ("monitoring.config", "MonitoringConfig", "prometheus { enable: true }"),
    ],
)
def test_unknown_fields_are_refused(tmp_path, name, message, wrong):
    path = tmp_path / name
    path.write_text((kit.KIT / name).read_text(encoding="utf-8") + wrong)
    with pytest.raises(text_format.ParseError):
        kit.parsed(path, message)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A copy of the TLS folder after the script has run for `localhost`."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("kit") / "tls"
    shutil.copytree(kit.KIT / "tls", folder, ignore=shutil.ignore_patterns("*.crt", "*.key"))
    script = folder / "make_certificates.sh"
    subprocess.run([script, "localhost"], check=True, capture_output=True, timeout=60)
    return folder


def test_ssl_config_holds_the_contents_of_the_files(tls):
    config = kit.parsed(tls / "ssl.config", "SSLConfig")
    assert config.server_key == (tls / "server.key").read_text()
    assert config.server_cert == (tls / "server.crt").read_text()
    assert not config.client_verify


def test_keys_are_private_and_ignored_by_git(tls):
    assert not (tls / "ca.key").exists()
    written = {path.name for path in tls.iterdir()} - {".gitignore", "make_certificates.sh"}
    assert written == {"ca.crt", "server.crt", "server.key", "ssl.config"}
    for name in written:
        assert (tls / name).stat().st_mode & 0o077 == 0
    ignored = subprocess.run(
        ["git", "check-ignore", *(f"export/tls/{name}" for name in written)],
        cwd=kit.ROOT,
        capture_output=True,
        text=True,
    )
    assert len(ignored.stdout.split()) == len(written)


def test_the_script_requires_a_name(tls):
    done = subprocess.run([tls / "make_certificates.sh"], capture_output=True, text=True)
    assert done.returncode == 2 and "expected the names" in done.stderr


def test_an_existing_certificate_is_kept(tls):
    before = (tls / "server.crt").read_text()
    subprocess.run([tls / "make_certificates.sh", "other"], check=True, capture_output=True)
    assert (tls / "server.crt").read_text() == before
    assert kit.parsed(tls / "ssl.config", "SSLConfig").server_cert == before


def test_a_server_with_ssl_config_accepts_clients_that_trust_the_authority(tls):
    grpc = pytest.importorskip("grpc")
    from concurrent import futures

    config = kit.parsed(tls / "ssl.config", "SSLConfig")
    # Like TensorFlow Serving (model_servers/server.cc).
    credentials = grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())]
    )
    server = grpc.server(futures.ThreadPoolExecutor(1))
    port = server.add_secure_port("localhost:0", credentials)
    server.start()
    try:
        trusted = grpc.ssl_channel_credentials((tls / "ca.crt").read_bytes())
        with grpc.secure_channel(f"localhost:{port}", trusted) as channel:
            grpc.channel_ready_future(channel).result(timeout=20)
        states, failed = [], threading.Event()

        def watch(state):
            states.append(state)
            if state is grpc.ChannelConnectivity.TRANSIENT_FAILURE:
                failed.set()

        # A client that trusts only other authorities cannot connect.
        with grpc.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials()) as channel:
            channel.subscribe(watch, try_to_connect=True)
            assert failed.wait(timeout=20)
            channel.unsubscribe(watch)
        assert grpc.ChannelConnectivity.READY not in states
    finally:
        server.stop(None)
