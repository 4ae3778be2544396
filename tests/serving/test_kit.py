"""The kit with the local server in place of TensorFlow Serving: labels across releases."""

import inspect
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request

import grpc
import numpy as np
import pytest
from google.protobuf import text_format

from tests.conftest import ROOT
from tests.export import kit
from tests.export.test_monitoring import LABELS, QUERIES
from tests.serving.local import Raw, config_of, copy_version, serving
from tfrelight.serving import client, defaults, remote, warm_up

IMAGES = np.zeros((1, 8, 8, 3), np.float32)
# For commands that run outside the checkout and still import the package from it.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}


def models_config(base):
    """The kit's models.config, for versions in another folder."""
    from tensorflow_serving.config import model_server_config_pb2

    text = (kit.KIT / "models.config").read_text(encoding="utf-8")
    text = text.replace(f'"/models/{defaults.MODEL_NAME}"', f'"{base}"')
    return text_format.Parse(text, model_server_config_pb2.ModelServerConfig())


def version_of(raw, label):
    """The version that answers a request for a label, or the error code."""
    try:
        response = raw.predict(outputs=["light"], label=label, images=IMAGES)
    except grpc.RpcError as error:
        return error.code().name
    return response.model_spec.version.value


def until(expected, look):
    """Waits until a poll of the folder brings the expected value."""
    deadline = time.monotonic() + 30
    while look() != expected:
        assert time.monotonic() < deadline, f"{look()} is not {expected}"
        time.sleep(0.05)


def reload(raw, config):
    """Gives a server a configuration, like its poll of the file."""
    from tensorflow_serving.apis import model_management_pb2

    request = model_management_pb2.ReloadConfigRequest(config=config)
    raw.model.HandleReloadConfigRequest(request, timeout=30)


def test_a_new_version_as_in_the_readme(exported, tmp_path):
    base = tmp_path / "tfrelight"
    copy_version(exported, base, 1)
    config = models_config(base)
    _, flags = next(kit.server_flags())
    early = flags["allow_version_labels_for_unavailable_models"] == "true"
    with serving(config, early_labels=early, metrics_port=None) as server, Raw(server.port) as raw:
        # One export: it is stable, and there is no canary.
        assert (version_of(raw, "stable"), version_of(raw, "canary")) == (1, "NOT_FOUND")

        # 1. The second export becomes the canary without an edit.
        copy_version(exported, base, 2)
        until(2, lambda: version_of(raw, "canary"))
        assert version_of(raw, "stable") == 1

        # An edit that adds a version and moves a label to it is refused.
        (model,) = config.model_config_list.config
        model.model_version_policy.specific.versions.append(3)
        model.version_labels["canary"] = 3
        with pytest.raises(grpc.RpcError, match="Request to assign label to version 3"):
            reload(raw, config)

        # 2. It is good.
        del model.model_version_policy.specific.versions[:]
        model.model_version_policy.specific.versions.append(2)
        del model.version_labels["canary"]
        model.version_labels["stable"] = 2
        reload(raw, config)
        assert (version_of(raw, "stable"), version_of(raw, "canary")) == (2, "INVALID_ARGUMENT")
        until("END", lambda: raw.states()[1][0])

        # 3. Before the next export: a new label may come with its version.
        model.model_version_policy.specific.versions.append(3)
        model.version_labels["canary"] = 3
        reload(raw, config)
        assert (version_of(raw, "stable"), version_of(raw, "canary")) == (2, "NOT_FOUND")
        copy_version(exported, base, 3)
        until(3, lambda: version_of(raw, "canary"))


def test_labels_of_missing_versions_need_the_flag(exported, tmp_path):
    from tfrelight.errors import InputError

    copy_version(exported, tmp_path / "tfrelight", 1)
    with pytest.raises(InputError, match="Request to assign label to version 2"):
        with serving(models_config(tmp_path / "tfrelight"), metrics_port=None):
            pass


def test_the_server_has_the_metrics_of_the_queries(exported, tmp_path):
    copy_version(exported, tmp_path / "tfrelight", 1)
    with serving(config_of(tmp_path / "tfrelight"), metrics_port=0) as server:
        with Raw(server.port) as raw:
            raw.predict(outputs=["light"], images=IMAGES)
        url = f"http://127.0.0.1:{server.metrics_port}{defaults.METRICS_PATH}"
        text = urllib.request.urlopen(url, timeout=10).read().decode()
    found = dict(re.findall(r"^(:tensorflow:[\w:]+)\{(.*)\}", text, re.MULTILINE))
    asked = {name for _, query in QUERIES for name in re.findall(r":tensorflow:serving:\w+", query)}
    # The local server has no batching session. Its other metrics have TensorFlow Serving's names
    # and labels.
    for name in asked - {":tensorflow:serving:batching_session"}:
        assert set(re.findall(r"(\w+)=", found[name])) == LABELS[name], name


def test_warm_up_and_remote_models_respect_max_batch_size():
    """TensorFlow Serving refuses larger requests, and versions with larger warm-up requests."""
    most = kit.parsed(kit.KIT / "batching.config", "BatchingParameters").max_batch_size.value
    assert remote.MAX_BATCH == most
    signatures = {"relight_bytes": ["image_bytes", "light"], "decompose": ["images"]}
    assert max(photos for _, (photos, _, _), _ in warm_up.requests(signatures)) <= most


def test_deadlines_and_alerts_agree():
    default = inspect.signature(client.Client).parameters["timeout"].default
    (slow,) = (query for name, query in QUERIES if name == "TfrelightSlow")
    assert float(slow.rpartition(">")[2]) == 1e6 * default / 2
    for name in kit.DEPLOYMENTS:
        pod = kit.document(name)["spec"]["template"]["spec"]
        stop = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
        assert int(stop[1]) >= default


def sizing():
    """Memory of a version in MiB, and the rows of the README's table: column to text."""
    text = (kit.KIT / "README.md").read_text(encoding="utf-8")
    table = text.partition("<!-- sizing: begin -->")[2].partition("<!-- sizing: end -->")[0]
    header, _, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line.startswith("|")
    )
    (version,) = re.findall(r"takes (\d+) MiB", table)
    return int(version), [dict(zip(header, row)) for row in rows]


def test_the_memory_limit_exceeds_what_was_measured():
    """For two versions, and a run of the largest batch of the largest photos in each thread."""
    batching = kit.parsed(kit.KIT / "batching.config", "BatchingParameters")
    version, rows = sizing()
    most = batching.max_batch_size.value
    runs = [int(r["memory of a run, MiB"]) for r in rows if int(r["photos in a run"]) == most]
    needed = 2 * version + batching.num_batch_threads.value * max(runs)
    limits = [kit.compose()["services"]["tfrelight"]["deploy"]["resources"]["limits"]["memory"]]
    for name in kit.DEPLOYMENTS:
        (server,) = kit.document(name)["spec"]["template"]["spec"]["containers"]
        limits.append(server["resources"]["limits"]["memory"])
    assert {limit.rstrip("i") for limit in limits} == {limits[0]}
    assert needed < 1024 * int(limits[0].rstrip("G"))


def test_a_full_queue_is_done_within_the_clients_timeout():
    """For photos of one megapixel, on the server's two cores."""
    batching = kit.parsed(kit.KIT / "batching.config", "BatchingParameters")
    waiting = batching.max_enqueued_batches.value * batching.max_batch_size.value
    _, rows = sizing()
    costs = [float(r["CPU seconds a photo"]) for r in rows if r["photo"] == "1024x1024"]
    default = inspect.signature(client.Client).parameters["timeout"].default
    assert waiting * max(costs) / batching.num_batch_threads.value < default


def test_the_benchmark_fills_the_table(exported, tmp_path):
    document = tmp_path / "README.md"
    document.write_text("before\n<!-- sizing: begin -->\nold\n<!-- sizing: end -->\nafter\n")
    command = [sys.executable, "benchmarks/sizing.py", f"--version_dir={exported.path}"]
    command += [f"--document={document}", "--sizes=64x48", "--batches=2", "--seconds=0.01"]
    done = subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=240
    )
    assert (done.returncode, done.stderr) == (0, "")
    text = document.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    row = re.search(r"^\| 64x48 \| 2 \|(.*)\|$", text, re.MULTILINE).group(1)
    assert all(float(cell) >= 0 for cell in row.split("|"))
    document.write_text("no markers")
    done = subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1 and "does not have the lines" in done.stderr
    assert document.read_text() == "no markers"


def first_answer():
    text = (kit.KIT / "README.md").read_text(encoding="utf-8")
    section = text.partition("## First answer")[2]
    block = re.search(r"^```bash\n(.*?)^```$", section, re.DOTALL | re.MULTILINE).group(1)
    return block.splitlines()


def test_the_first_answer_takes_at_most_five_commands():
    commands = first_answer()
    assert len(commands) <= 5
    assert [command for command in commands if command.startswith("docker compose")]
    extras = (ROOT / "setup.py").read_text(encoding="utf-8")
    (named,) = re.findall(r'-e "\.\[([\w,]+)\]"', commands[0])
    for extra in named.split(","):
        assert f'    "{extra}": [' in extras


def all_commands():
    text = "\n".join(path.read_text(encoding="utf-8") for path in kit.KIT.rglob("*.md"))
    found = re.findall(r"^(?:\d\. `)?python -m (tfrelight[\w.]*)((?: [^\n`]+)?)", text, re.M)
    return sorted({(module, tuple(re.findall(r"--(\w+)", rest))) for module, rest in found})


@pytest.mark.parametrize("module,flags", all_commands(), ids=lambda value: str(value))
def test_the_readme_s_flags_exist(module, flags):
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True
    )
    for flag in flags:
        assert re.search(rf"--(?:\[no\])?{flag}:", done.stdout + "--flagfile:"), flag


def test_the_client_command_of_the_first_answer_works(exported, tmp_path):
    base = tmp_path / "models" / "tfrelight"
    copy_version(exported, base, 1)
    shutil.copy(ROOT / "docs" / "astronaut.jpg", tmp_path / "photo.jpg")
    command = first_answer()[-1].split()[2:]
    with serving(models_config(base), early_labels=True, metrics_port=None) as server:
        command = [word.replace(":8500", f":{server.port}") for word in command]
        done = subprocess.run(
            [sys.executable, "-m", *command, f"--output_dir={tmp_path}/out"],
            cwd=tmp_path,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "photo.jpg").stat().st_size > 0
