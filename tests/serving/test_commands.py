"""From a training run to a relit photo with the commands, as an operator types them."""

import json
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from tests.conftest import ROOT
from tests.serving.conftest import file_of, picture, pixels_of
from tfrelight.serving import defaults


def module(name, *flags, timeout=240):
    return subprocess.run(
        [sys.executable, "-m", name, *map(str, flags)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def test_export_serve_and_relight(exported, tmp_path):
    base, out = tmp_path / "tfrelight", tmp_path / "out"
    # In bfloat16, so that the export compares it with float32 on synthetic portraits.
    flags = [f"--model={exported.run}", f"--output_dir={base}"]
    done = module("tfrelight.export", *flags, "--precision=bfloat16")
    assert (done.returncode, done.stdout) == (0, f"Exported {exported.run} to {base / '1'}.\n")
    manifest = json.loads((base / "1" / defaults.MANIFEST).read_text())
    assert manifest["precision"] == "bfloat16"

    config = tmp_path / "models.config"
    config.write_text(
        f"""model_config_list {{ config {{
            name: "faces" base_path: "{base}" model_platform: "tensorflow"
            version_labels {{ key: "stable" value: 1 }} }} }}"""
    )
    command = [sys.executable, "-m", "tfrelight.serve", f"--model_config_file={config}"]
    command += ["--port=0", "--metrics_port=0"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        line = server.stdout.readline()
        where = re.fullmatch(r"Serving faces on (\S+), metrics on (\S+)\n", line)
        assert where, line
        (tmp_path / "photo.png").write_bytes(file_of(picture(20, 30)))
        target = [f"--server={where[1]}", "--model=faces", "--model_label=stable"]
        photo = [tmp_path / "photo.png", "--crop", "--light=left", f"--output_dir={out}"]
        done = module("tfrelight.serving.client", *target, *photo)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"{out / 'photo.png'}\n"
        assert pixels_of((out / "photo.png").read_bytes()).shape == (20, 30, 3)
        text = urllib.request.urlopen(f"http://{where[2]}", timeout=10).read().decode()
        assert 'request_count{model_name="faces",status="OK"} 1.0' in text
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
    finally:
        server.kill()
        server.communicate()


def test_the_kit_s_labels_and_one_version(base, tmp_path):
    """`export/models.config` names two versions; a first export has one."""
    text = (ROOT / "export" / "models.config").read_text()
    (tmp_path / "models.config").write_text(text.replace("/models/tfrelight", str(base)))
    flags = [f"--model_config_file={tmp_path / 'models.config'}", "--port=0", "--metrics_port=-1"]
    done = module("tfrelight.serve", *flags)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "Request to assign label to version 2 of model tfrelight" in done.stderr
    flag = re.search(r"or pass (--\w+)\.$", done.stderr.strip())[1]
    command = [sys.executable, "-m", "tfrelight.serve", *flags, flag]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout.readline().startswith("Serving tfrelight on ")
    finally:
        server.terminate()
        server.communicate()


def test_export_writes_tensorflow_lite(exported, tmp_path):
    flags = [f"--model={exported.run}", f"--output_dir={tmp_path}", "--format=tflite"]
    done = module("tfrelight.export", *flags)
    path = tmp_path / "tfrelight.tflite"
    assert (done.returncode, done.stdout) == (0, f"Exported {exported.run} to {path}.\n")
    assert path.stat().st_size > 0
    done = module("tfrelight.export", *flags, "--nowarm_up")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: --warm_up is for --format=saved_model.\n"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_benchmark(exported, tmp_path):
    """A minute or two: `python -m pytest -m slow tests/serving/test_commands.py`."""
    command = [sys.executable, "benchmarks/serving.py", f"--model={exported.run}", "--size=32"]
    command += ["--seconds=1", "--requests=600", "--clients=4", "--overload=3"]
    command += [f"--report={tmp_path}/report.json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=800)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["memory"]["requests"] == 600
    assert report["clients_4"]["photos_per_second"] > 0
    assert report["overload"]["answers"]["OK"] > 0
