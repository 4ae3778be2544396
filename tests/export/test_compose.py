"""docker-compose.yml: valid, and in agreement with what export writes and the package uses."""

import contextlib
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading

import pytest

from tests.conftest import ROOT
from tests.export import kit
from tfrelight.serving import defaults


def check_schema(path):
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", path],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_compose_file_follows_the_specification(tmp_path):
    pytest.importorskip("check_jsonschema", reason='not installed: pip install ".[dev]"')
    assert check_schema(kit.KIT / "docker-compose.yml").returncode == 0
    # A misspelt key is found.
    broken = tmp_path / "docker-compose.yml"
    text = (kit.KIT / "docker-compose.yml").read_text(encoding="utf-8")
    broken.write_text(text.replace("healthcheck:", "healthcheks:"))
    assert "healthcheks" in check_schema(broken).stdout


def test_docker_accepts_the_compose_file():
    if shutil.which("docker") is None:
        pytest.skip("the Docker client is not installed")
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("the Docker client has no `docker compose`")
    for profile in ([], ["--profile", "monitoring"]):
        done = subprocess.run(
            ["docker", "compose", *profile, "config", "--quiet"],
            cwd=kit.KIT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_every_image_has_a_full_version():
    for name, service in kit.compose()["services"].items():
        image, _, tag = service["image"].partition(":")
        assert tag.lstrip("v").count(".") == 2, f"{name}: {service['image']}"
    assert kit.compose()["services"]["tfrelight"]["image"].startswith("tensorflow/serving:")


def test_the_image_has_the_release_that_export_is_tested_with():
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = (pin for pin in pins if pin.startswith("tensorflow-serving-api=="))
    # Of Python 3.10 and 3.11; that of later Pythons loads the same exports.
    (pin,) = (pin for pin in found if 'python_version < "3.12"' in pin)
    release = pin.partition("==")[2].partition(";")[0]
    images = [kit.compose()["services"]["tfrelight"]["image"]]
    for name in kit.DEPLOYMENTS:
        (container,) = kit.document(name)["spec"]["template"]["spec"]["containers"]
        images.append(container["image"])
    assert set(images) == {f"tensorflow/serving:{release}"}


def mounts(service):
    return {volume["target"]: volume for volume in service["volumes"] if isinstance(volume, dict)}


def test_models_and_configuration_are_mounted_read_only():
    service = kit.compose()["services"]["tfrelight"]
    mounted = mounts(service)
    assert set(mounted) == {"/models", "/config"}
    assert all(volume["read_only"] for volume in mounted.values())
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    limits = service["deploy"]["resources"]["limits"]
    assert limits["cpus"] and limits["memory"]


def test_the_readme_exports_to_where_models_config_looks():
    readme = (kit.KIT / "README.md").read_text(encoding="utf-8")
    (exported,) = set(re.findall(r"--output_dir=([\w/]+)", readme))
    models = mounts(kit.compose()["services"]["tfrelight"])["/models"]
    source = (kit.KIT / models["source"]).resolve()
    inside = (ROOT / exported).relative_to(source)
    assert kit.model().base_path == f"/models/{inside.as_posix()}"


@pytest.mark.parametrize("name,flags", list(kit.server_flags()), ids=lambda value: str(value)[:40])
def test_the_server_s_flags_name_the_kit_s_files(name, flags):
    assert int(flags["port"]) == defaults.GRPC_PORT
    assert int(flags["rest_api_port"]) == defaults.REST_PORT
    for flag in ("model_config_file", "batching_parameters_file", "monitoring_config_file"):
        folder, _, file = flags[flag].rpartition("/")
        assert folder == "/config"
        assert (kit.KIT / file).is_file()
    # Otherwise TensorFlow Serving refuses labels at its start, and batching parameters.
    assert flags["allow_version_labels_for_unavailable_models"] == "true"
    assert flags["enable_batching"] == "true"
    assert int(flags["model_config_file_poll_wait_seconds"]) > 0


def test_the_server_has_a_thread_per_core():
    service = kit.compose()["services"]["tfrelight"]
    flags = kit.flags(service["command"])
    cores = service["deploy"]["resources"]["limits"]["cpus"]
    assert flags["tensorflow_intra_op_parallelism"] == str(cores)
    assert flags["tensorflow_inter_op_parallelism"] == str(cores)


def test_ports_accept_this_machine_only():
    services = kit.compose()["services"]
    published = [port for service in services.values() for port in service["ports"]]
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert services["tfrelight"]["ports"] == [
        f"127.0.0.1:{port}:{port}" for port in (defaults.GRPC_PORT, defaults.REST_PORT)
    ]


@contextlib.contextmanager
def rest_server(status):
    """Answers every GET with `status`; yields its port and the list of requested paths."""
    paths = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            paths.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], paths
        finally:
            server.shutdown()
            thread.join()


def health_check(port):
    kind, *command = kit.compose()["services"]["tfrelight"]["healthcheck"]["test"]
    assert kind == "CMD"
    assert f"/127.0.0.1/{defaults.REST_PORT} " in command[-1]
    command[-1] = command[-1].replace(f"/{defaults.REST_PORT} ", f"/{port} ")
    return subprocess.run(command, capture_output=True, timeout=30).returncode


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_the_health_check_requests_the_stable_version():
    with rest_server(200) as (port, paths):
        assert health_check(port) == 0
    assert paths == [f"/v1/models/{defaults.MODEL_NAME}/labels/stable/metadata"]
    with rest_server(404) as (port, _):
        assert health_check(port) != 0
    # Nothing listens there now.
    assert health_check(port) != 0


def test_every_variable_is_documented():
    text = (kit.KIT / "docker-compose.yml").read_text(encoding="utf-8")
    header = text.partition("\nname:")[0]
    for line in text.splitlines():
        for word in line.split("${")[1:]:
            variable = word.partition(":-")[0]
            assert variable in header, f"{variable} is not documented"
            assert variable.startswith("TFRELIGHT_")
            assert variable not in os.environ
