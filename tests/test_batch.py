"""`python -m tfrelight.batch`."""

import json
import os
import re
import subprocess
import sys
import types

import pytest
from PIL import Image

from tests.beam.test_relight_job import BROKEN, KINDS, lines, write_photos
from tests.conftest import ROOT
from tests.serving.conftest import run_folder

pytest.importorskip("apache_beam", reason='Apache Beam is not installed: pip install ".[beam]"')


def batch(*arguments, timeout=240):
    return subprocess.run(
        [sys.executable, "-m", "tfrelight.batch", *arguments],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A training run's folder."""
    folder = tmp_path_factory.mktemp("batch") / "run"
    run_folder(folder)
    return folder


@pytest.fixture
def flags(tmp_path):
    return [f"--input={tmp_path}/photos/*", f"--output_dir={tmp_path}/out", "--light=left"]


def test_batch_writes_pictures_records_and_reasons(flags, run, tmp_path):
    write_photos(tmp_path / "photos", 5, broken=(1, 2))
    flags = [*flags, "--whole_image", f"--model={run}"]
    done = batch(*flags)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout == (
        f"3 of 5 photos relit: {tmp_path}/out/results.jsonl\n"
        f"2 failed, with the reasons: {tmp_path}/out/failed.jsonl\n"
    )
    for line in lines(tmp_path / "out" / "results.jsonl"):
        assert line["faces"] == 1
        with Image.open(line["relit"]) as relit:
            assert relit.size == (line["width"], line["height"]) == (16, 12)
    assert {os.path.basename(line["photo"]) for line in lines(tmp_path / "out/failed.jsonl")} == {
        "001.png",
        "002.png",
    }
    for name in ("001.png", "002.png"):
        os.remove(tmp_path / "photos" / name)
    done = batch(*flags)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"3 of 3 photos relit: {tmp_path}/out/results.jsonl\n"


def test_batch_relights_with_the_bundled_weights(flags, tmp_path):
    write_photos(tmp_path / "photos", 2)
    done = batch(*flags, "--whole_image")
    assert (done.returncode, done.stderr) == (0, "")
    settings = json.loads((tmp_path / "out" / "settings.json").read_text())
    assert re.fullmatch("[0-9a-f]{64}", settings["model"])


@pytest.mark.parametrize(
    "more,message",
    [
        (["--server=127.0.0.1:1"], "127.0.0.1:1 answers UNAVAILABLE"),
        (["--server=127.0.0.1:1", "--model=nowhere"], "choose one"),
        (["--light=lft"], "Unknown light 'lft'"),
    ],
)
def test_wrong_flags_are_reported_once_before_any_work(flags, tmp_path, more, message):
    write_photos(tmp_path / "photos", 1)
    done = batch(*flags, *more)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("model", ["my.tflite", "compact-128"])
def test_workers_get_a_model_that_they_find_and_its_name(tmp_path, monkeypatch, model):
    from tfrelight import batch as command

    (tmp_path / "my.tflite").touch()
    monkeypatch.chdir(tmp_path)
    network = types.SimpleNamespace(sha256="0123")
    monkeypatch.setattr(command.photo_flags, "network", lambda: network)
    values = types.SimpleNamespace(server=None, model=model, engine="auto")
    found, make, name = command._network(values)
    assert (found, name) == (network, "0123")
    assert make.args == (f"{tmp_path}/my.tflite" if model == "my.tflite" else model,)
    assert make.keywords == {"engine": "auto", "expected": "0123"}


@pytest.mark.slow
def test_two_hundred_photos_with_ten_broken_ones(flags, run, tmp_path):
    """Minutes: `python -m pytest -m slow tests/test_batch.py`."""
    write_photos(tmp_path / "photos", 200, BROKEN, KINDS[:-1])
    done = batch(*flags, "--whole_image", f"--model={run}", timeout=900)
    assert (done.returncode, done.stderr) == (3, "")
    results, failures = (lines(tmp_path / "out" / f"{n}.jsonl") for n in ("results", "failed"))
    assert (len(results), len(failures)) == (190, 10)
    assert len({line["photo"] for line in results + failures}) == 200
    assert len(list((tmp_path / "out" / "relit").iterdir())) == 190
    assert sorted(os.path.basename(line["photo"]) for line in failures) == [
        f"{number:03d}.png" for number in BROKEN
    ]
