"""An ablation of a tiny network on rendered eggs: training, stops, resumption and tables.

Training and evaluation run in this process, with the settings that their command lines say.
"""

import functools
import json
import shlex
import subprocess
import sys

import keras
import pytest
from absl import flags
from absl.testing import flagsaver

# Defines flags when it is imported; `flagsaver` would remove them from a later import.
from tensorflow_graphics.image.color_space import linear_rgb  # noqa: F401

from tests import scenes, yale_folder
from tests.conftest import ROOT
from tests.evaluation.ablation import test_table
from tests.models.test_networks import TINY
from tests.training.test_run import BASE, config
from tfrelight import (
    files,
    train,  # noqa: F401 - defines the flags
)
from tfrelight.commands import config_flags
from tfrelight.errors import InputError
from tfrelight.evaluation import run as evaluation
from tfrelight.evaluation.ablation import plan
from tfrelight.evaluation.ablation import run as ablation
from tfrelight.models import networks
from tfrelight.synthesis import portraits
from tfrelight.training import mixture
from tfrelight.training import run as training
from tfrelight.training.config import TrainConfig
from tfrelight.training.run_folder import RunFolder, flag_text

ANGLES = [(a, e) for e in (-35, 0, 40) for a in (-50, -20, 20, 50)]
TEST = ["31", "32"]


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    """A tiny network, and balls in place of built-in people."""
    with pytest.MonkeyPatch.context() as patch:
        tiny = {key: value for key, value in TINY["compact"].items() if key != "size"}
        patch.setitem(
            networks.NETWORKS, "compact", functools.partial(networks.NETWORKS["compact"], **tiny)
        )
        patch.setattr(portraits, "subjects", scenes.balls)
        patch.setattr(mixture, "VALIDATION_SUBJECTS", 2)
        patch.setenv("TFRELIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
    keras.mixed_precision.set_global_policy("float32")


@pytest.fixture(scope="module")
def yale(tmp_path_factory):
    folder = tmp_path_factory.mktemp("yale")
    yale_folder.write(folder, ["01", "02", *TEST], ANGLES)
    return folder


def split(arguments):
    """Flags of a command line by name, as text."""
    return dict(argument[2:].split("=", 1) for argument in arguments)


EVALUATION = {"split": "test", "limit": 0, "seed": 0, "strict": False}
EVALUATION.update(dict.fromkeys(("markdown", "picture", "against")))


@pytest.fixture
def real(monkeypatch):
    """Runs the commands in this process."""
    seen = []

    def call(command, arguments, log):
        seen.append((command, arguments))
        given = split(arguments)
        if command == "evaluate":
            given["subjects"] = given["subjects"].split(",")
            evaluation.run({**EVALUATION, **given})
        else:
            with flagsaver.flagsaver():
                flags.FLAGS(["train", *(f"--{n}={v}" for n, v in {**TEXT, **given}.items() if v)])
                training.train(config_flags.read(TrainConfig))
        return 0

    monkeypatch.setattr(ablation, "call", call)
    return seen


@pytest.fixture
def faked(monkeypatch):
    """Replaces commands by fakes that write the files of a run. Runs with 5 labels fail."""
    seen = []

    def call(command, arguments, log):
        seen.append((command, arguments))
        given = split(arguments)
        if command == "evaluate":
            report = {**test_table.report({"31": 10.0, "32": 20.0})}
            report.update(protocol={"name": "yale_b"}, settings={**given})
            report["settings"]["subjects"] = given["subjects"].split(",")
            files.write_json(given["report"], report)
            return 0
        if given.get("labelled_multilit_subjects") == "5":
            log.write_text("Reading\nerror: Expected at most 2.\n")
            return 1
        folder = RunFolder(given.pop("workdir"))
        minutes = given.pop("max_minutes", None)
        folder.create({**TEXT, **given}, "float32")
        done = len(folder.history()) + (1 if minutes else int(given["epochs"]))
        epochs = [{"epoch": number + 1, "seconds": 360.0} for number in range(done)]
        files.write_json(folder.metrics, {"epochs": epochs})
        return 0

    monkeypatch.setattr(ablation, "call", call)
    return seen


TEXT = {name: flag_text(value) for name, value in BASE.settings().items()}


def made(yale, output_dir, settings=("limited",), labels="1", variants=("supervised",), **changed):
    changed = {"epochs": 2, "steps_per_epoch": 2, "yale_b_dir": str(yale), **changed}
    runs = plan.runs(list(settings), list(labels), list(variants), ["0"])
    return ablation.Ablation(output_dir, runs, config(**changed), TEST, BASE)


def test_from_nothing_to_a_table(yale, tmp_path, real):
    todo = made(yale, tmp_path, variants=["supervised", "all"])
    assert todo.overview().startswith("2 runs of 4 steps of 2 pairs: 0 done, 2 to do.\n")
    assert todo.go_on() == []
    assert [command for command, _ in real] == ["train", "evaluate"] * 2
    assert "2 done, 0 to do." in todo.overview()
    result = json.loads((tmp_path / "results.json").read_text())
    first, second = result["rows"]
    assert (first["variant"], second["variant"]) == ("supervised", "all")
    normals = second["results"]["normals, degrees"]
    report = json.loads((tmp_path / "reports" / "limited-1-all-seed0.json").read_text())
    assert set(report["subjects"]["normals"]["model"]["degrees"]) == set(TEST)
    of_model = report["results"]["normals"]["model"]["degrees"]
    assert normals["mean"] == pytest.approx(of_model["mean"])
    before = first["results"]["normals, degrees"]["mean"]
    assert normals["difference"] == pytest.approx(normals["mean"] - before)
    # The settings of the runs are those of their rows.
    for variant in ("supervised", "all"):
        text = (tmp_path / "runs" / f"limited-1-{variant}-seed0" / "metrics.json").read_text()
        logged = set(json.loads(text)["epochs"][0])
        assert "albedo" in logged and ("cross_relighting" in logged) == (variant == "all")
    assert "| limited | 1 | all | 0 |" in (tmp_path / "results.md").read_text()
    # The table shows the commands that ran.
    shown = [shlex.split(line) for lines in result["commands"].values() for line in lines]
    assert [line[3:] for line in shown] == [arguments for _, arguments in real]


def test_nothing_is_done_twice(yale, tmp_path, faked):
    assert made(yale, tmp_path, plan.SETTINGS).go_on() == []
    assert len(faked) == 2 * 2
    del faked[:]
    again = made(yale, tmp_path, plan.SETTINGS)
    assert again.go_on() == [] and faked == []
    assert "2 runs of 4 steps of 2 pairs: 2 done, 0 to do." in again.overview()
    # A run with a report of other people, or without a report, is only measured again.
    again.report(again.runs[1]).unlink()
    again.go_on()
    again.test_subjects = ["31"]
    assert "2 runs of 4 steps of 2 pairs: 0 done, 2 to do." in again.overview()
    again.go_on()
    assert [command for command, _ in faked] == ["evaluate"] * 3


def test_it_stops_when_time_is_up_and_goes_on(yale, tmp_path, faked):
    todo = made(yale, tmp_path, variants=["supervised", "all"])
    todo.go_on(max_minutes=0.001)
    # An epoch of the first run.
    [(command, arguments)] = faked
    assert command == "train" and arguments[-1] == "--max_minutes=0.01"
    # Three epochs of six minutes are left.
    assert todo.overview().splitlines() == [
        "2 runs of 4 steps of 2 pairs: 0 done, 2 to do. Training will take about 0.3 hours at the "
        "pace so far.",
        "  epoch 1 of 2    limited-1-supervised-seed0",
        "  epoch 0 of 2    limited-1-all-seed0",
    ]
    assert json.loads((tmp_path / "results.json").read_text())["rows"] == []
    todo.go_on(max_minutes=0.001)
    assert "  done            limited-1-supervised-seed0" in todo.overview()
    todo.go_on()
    assert "2 done, 0 to do." in todo.overview()


def test_a_run_that_fails_is_told_and_does_not_stop_the_others(yale, tmp_path, faked, capsys):
    todo = made(yale, tmp_path, labels=["5", "1"])
    assert todo.go_on() == ["limited-5-supervised-seed0"]
    shown = capsys.readouterr().out
    reason = "limited-5-supervised-seed0 failed: exit status 1. error: Expected at most 2. See "
    assert reason in shown and "limited-5-supervised-seed0.log" in shown
    [row] = json.loads((tmp_path / "results.json").read_text())["rows"]
    assert row["labels"] == 1
    assert "1 done, 1 to do" in todo.overview()
    assert todo.go_on() == ["limited-5-supervised-seed0"]


def test_other_settings_in_the_same_folder_are_refused(yale, tmp_path, faked):
    made(yale, tmp_path).go_on()
    with pytest.raises(InputError, match="`epochs` was '2', now '3'. Give --output_dir a new"):
        made(yale, tmp_path, epochs=3)
    made(yale, tmp_path)


def test_two_do_not_work_in_one_folder(yale, tmp_path, monkeypatch):
    """The processes that a killed one started keep the lock."""
    started = []

    def call(command, arguments, log):
        code = "import sys; sys.stdin.read()"
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, close_fds=False
        )
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(ablation, "call", call)
    with pytest.raises(KeyboardInterrupt):
        made(yale, tmp_path).go_on()
    with pytest.raises(InputError, match=f"Another process works in {tmp_path}"):
        made(yale, tmp_path).go_on()
    started[0].communicate()
    with pytest.raises(KeyboardInterrupt):
        made(yale, tmp_path).go_on()
    started[1].communicate()


def command(*arguments, timeout=240):
    return subprocess.run(
        [sys.executable, "-m", "tfrelight.experiments", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def test_the_command_says_what_there_is_to_do(yale, tmp_path):
    given = [f"--yale_b_dir={yale}", f"--output_dir={tmp_path / 'out'}", "--labels=0,1,2"]
    result = command(*given, f"--test_subjects={','.join(TEST)}", "--dry_run")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("16 runs of 2,000 steps of 8 pairs: 0 done, 16 to do.")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--workdir=x"], "--workdir is each run's own. Expected --output_dir."),
        (["--labels=22"], "Expected at most 2, the people to train on. Received: 22"),
        (["--cross_relighting_weight=0"], "leaves nothing to compare"),
        (["--yale_b_dir="], "Expected --yale_b_dir"),
        (["--test_subjects=31,02"], "'02' would be trained on and measured"),
    ],
)
def test_wrong_flags_are_one_clear_line(yale, tmp_path, arguments, message):
    given = [f"--yale_b_dir={yale}", f"--output_dir={tmp_path / 'out'}", "--labels=1"]
    result = command(*given, f"--test_subjects={','.join(TEST)}", *arguments)
    assert (result.returncode, result.stdout) == (1, "")
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_run_in_a_process_of_its_own(yale, tmp_path):
    """Renders 32 people and trains twice: `python -m pytest -m slow tests/evaluation/ablation`."""
    given = [f"--yale_b_dir={yale}", f"--output_dir={tmp_path}", "--labels=1", "--size=32"]
    given += ["--settings=limited", "--variants=supervised,all", "--epochs=1", "--batch_size=2"]
    given += ["--steps_per_epoch=2", "--synthetic_lights=2"]
    result = command(*given, f"--test_subjects={','.join(TEST)}", timeout=1200)
    assert (result.returncode, result.stderr) == (0, "")
    assert "2 done, 0 to do" in result.stdout
    assert "| limited | 1 | all |" in (tmp_path / "results.md").read_text()
