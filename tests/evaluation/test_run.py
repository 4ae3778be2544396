"""A whole evaluation of a tiny network: what it prints, writes, and refuses."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import tfrelight
from tests import yale_folder
from tests.conftest import ROOT
from tests.models.test_networks import TINY
from tfrelight.errors import InputError
from tfrelight.evaluation import run
from tfrelight.models import loading, networks, predictor

ANGLES = [(a, e) for e in (-40, 0, 40) for a in (-60, -35, 0, 35, 60)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("yale")
    yale_folder.write(path, ["01", "07"], ANGLES)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    network = networks.build("compact", **TINY["compact"])
    (path / "weights").mkdir()
    network.save_weights(path / loading.LAST)
    loading.describe(path, "compact", TINY["compact"])
    return path


@pytest.fixture
def settings(folder, model, tmp_path):
    return {
        "model": str(model),
        "dataset": "yale_b",
        "data_dir": str(folder),
        "subjects": ["01", "07"],
        "split": "test",
        "limit": 0,
        "report": str(tmp_path / "report.json"),
        "markdown": str(tmp_path / "report.md"),
        "against": None,
        "picture": str(tmp_path / "page.png"),
        "strict": False,
        "seed": 0,
    }


def test_command_prints_and_writes(settings, tmp_path):
    values = [
        f"--{name}={','.join(value) if isinstance(value, list) else value}"
        for name, value in settings.items()
        if value is not None
    ]
    result = subprocess.run(
        [sys.executable, "-m", "tfrelight.evaluate", *values],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr
    # Progress, where it takes more than ten seconds.
    assert all(line.startswith("Measuring: ") for line in result.stderr.splitlines())
    assert result.stdout.endswith(
        f"\nReport: {tmp_path / 'report.json'}\nMarkdown: {tmp_path / 'report.md'}\n"
        f"Picture: {tmp_path / 'page.png'}\n"
    )
    assert "cross relighting" in result.stdout and "light at the camera" in result.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["tfrelight"] == tfrelight.__version__
    assert report["settings"] == settings
    assert report["protocol"]["name"] == "yale_b"
    assert set(report["subjects"]["normals"]["model"]["degrees"]) == {"01", "07"}
    mean = report["results"]["cross_relighting"]["model"]["si_rmse"]["mean"]
    assert f"{mean:.4f}" in result.stdout
    assert f"| model | {mean:.4f} ±" in (tmp_path / "report.md").read_text()
    with Image.open(tmp_path / "page.png") as picture:
        assert picture.size == (7 * 128, 14 + 2 * 128)


def test_same_settings_same_numbers(settings):
    quiet = {**settings, "limit": 1, "report": None, "markdown": None, "picture": None}
    # As text, because NaN equals itself there.
    assert json.dumps(run.run(quiet)) == json.dumps(run.run(quiet))


@pytest.mark.parametrize(
    "change,message",
    [
        ({"dataset": "yale"}, "Unknown dataset 'yale'. Expected one of: yale_b, synthetic"),
        ({"data_dir": None}, "needs --data_dir"),
        ({"data_dir": "/nowhere"}, "No such folder: /nowhere"),
        ({"subjects": ["01", "31"]}, "No subject '31'"),
        ({"model": "/nowhere"}, "No trained model"),
        ({"report": "/nowhere/report.json"}, "No such folder: /nowhere"),
        ({"markdown": "/nowhere/report.md"}, "No such folder: /nowhere"),
        ({"picture": "/nowhere/page.png"}, "No such folder: /nowhere"),
        ({"against": "/nowhere/report.json"}, "No such report: /nowhere/report.json"),
        ({"split": "dev"}, "Unknown split 'dev'"),
        ({"dataset": "photoface", "data_dir": None}, "needs --data_dir"),
        ({"dataset": "photoface"}, "--dataset=photoface does not take --subjects"),
        ({"dataset": "synthetic", "data_dir": None, "split": "train"}, "Received: train"),
        ({"dataset": "synthetic"}, "takes no --data_dir"),
        ({"dataset": "synthetic", "data_dir": None}, "one number of people"),
        ({"dataset": "synthetic", "data_dir": None, "subjects": ["0"]}, "Received: 0"),
        ({"dataset": "synthetic", "data_dir": None, "subjects": ["ten"]}, "Received: ten"),
    ],
)
def test_wrong_settings_are_one_clear_line(settings, change, message, tmp_path):
    with pytest.raises(InputError) as error:
        run.run({**settings, **change})
    assert message in str(error.value) and "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_report_against_itself_and_against_another_protocol(settings, tmp_path):
    first = run.run({**settings, "subjects": ["07"]})
    again = {**settings, "subjects": ["07"], "against": settings["report"]}
    again["report"] = str(tmp_path / "second.json")
    found = run.run(again)["against"]["results"]
    assert set(found) == set(first["subjects"])
    for of_method in found.values():
        for of_metric in of_method.values():
            assert all(value["difference"] == 0 for value in of_metric.values())
    assert "difference from" in (tmp_path / "report.md").read_text()
    with pytest.raises(InputError, match="seed is 1 here and 0 in the other"):
        run.run({**again, "seed": 1})
    # The measurements are kept.
    assert json.loads((tmp_path / "second.json").read_text())["settings"]["seed"] == 1


def test_strict_refuses_what_is_skipped_without(settings, folder, tmp_path):
    yale_folder.write(tmp_path, ["01"], ANGLES)
    (tmp_path / "yaleB01" / "yaleB01_P00A+035E+40.pgm").write_bytes(b"P5 168 192")
    changed = {**settings, "data_dir": str(tmp_path), "subjects": ["01"]}
    result = run.run(changed)
    assert result["results"]["normals"]["model"]["degrees"]["count"] == len(ANGLES) - 1
    with pytest.raises(InputError, match=r"yaleB01_P00A\+035E\+40.pgm"):
        run.run({**changed, "strict": True})


def test_model_that_gives_no_number_is_refused():
    class Broken:
        def predict(self, photos, **_):
            return {"albedo": photos, "light": np.full((len(photos), 9, 3), np.nan)}

    with pytest.raises(InputError, match="output 'light' is not finite"):
        predictor.predictor(Broken())(np.zeros((2, 8, 8, 3), np.float32))
