"""What is wrong with flags and files is said before TensorFlow is imported."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

ASTRONAUT = str(ROOT / "docs" / "astronaut.jpg")
RELIGHT = ["relight", ASTRONAUT, "--light=left"]

KIT = ROOT / "export" / "models.config"
BATCH = ["batch", "--output_dir=relit"]
DASK = ["--dask_scheduler=tcp://127.0.0.1:1"]
CLIENT = ["serving.client", "--output_dir=relit"]
STEREO = ["photometric_stereo", "--data_dir=out"]
MEASURE = ["evaluate", "--data_dir=out"]
SERVE = ["serve", "--model_base_path=versions"]

# Arguments, and the error. `folder` holds out.png, empty/, out/astronaut.jpg and notes.txt.
CASES = [
    ([*RELIGHT, "--output=out.png"], "out.png exists. Choose another name, or pass --overwrite"),
    ([*RELIGHT, "--output_dir=out"], "out/astronaut.jpg exists"),
    ([*RELIGHT, "--output_dir=out.png"], "out.png"),
    ([*RELIGHT, "--output_dir=out.png/below"], "is not a folder"),
    ([*RELIGHT, "--output=nowhere/x.png"], "there is no folder nowhere"),
    ([*RELIGHT, "--output=x.png", "--model=nowhere"], "No trained model 'nowhere'"),
    ([*RELIGHT, "--output=x.png", "--model=out"], "No trained model in 'out'"),
    ([*RELIGHT, "--output=x.png", "--faces=two"], "Expected all, largest or a number"),
    ([*RELIGHT, "--output=x.png", "--faces=0"], "Expected all, largest or a number"),
    (["relight", "nowhere.jpg", "--light=left", "--output=x.png"], "No such photo: nowhere.jpg"),
    (["relight", "notes.txt", "--light=left", "--output=x.png"], "notes.txt is not a photo"),
    (["relight", "empty", "--light=left", "--output_dir=x"], "No photos in the folder empty"),
    (["relight", ASTRONAUT, "--reference=no.jpg", "--output=x.png"], "no.jpg"),
    ([*RELIGHT, "--turntable=turn.webp"], "turn.webp exists"),
    (["relight", "nowhere.jpg", "--turntable=x.webp"], "nowhere.jpg"),
    (["relight", "nowhere.mp4", "--light=left", "--output=x.mp4"], "nowhere.mp4"),
    (["decompose", ASTRONAUT, "--output_dir=out"], "out/astronaut_sheet.png exists"),
    (["decompose", "empty", "--output_dir=x"], "No photos in the folder empty"),
    (["decompose", ASTRONAUT, "--output_dir=x", "--model=nowhere"], "No trained model"),
    ([*BATCH, "--input=*.jpg", "--light=left"], "No photo matches ./*.jpg"),
    ([*BATCH, "--input=*.png", "--light=lft"], "Unknown light 'lft'"),
    ([*BATCH, "--input=*.png"], "No light given"),
    ([*BATCH, "--input=*.png", "--light=left", "--model=nowhere"], "No trained model"),
    ([*BATCH, "--input=*.jpg", f"--reference={ASTRONAUT}"], "No photo matches ./*.jpg"),
    ([*BATCH, "--input=*.png", "--reference=no.jpg"], "no.jpg"),
    ([*BATCH, "--input=*.png", *DASK, "--runner=DirectRunner"], "--runner is for Apache Beam"),
    ([*BATCH, "--input=*.png", "--light=left", *DASK, "--beam_options=a=1"], "choose one"),
    (["synthesize", "--output_dir=x", *DASK, "--processes=2"], "not for --dask_scheduler"),
    (["export", "--output_dir=x", "--model=nowhere"], "No trained model 'nowhere'"),
    (["export", "--output_dir=out.png"], "Cannot write to out.png"),
    (["export", "--output_dir=x", "--format=tflite", "--nowarm_up"], "--warm_up is for --format"),
    (["synthesize", "--output_dir=out.png/x"], "out.png is not a folder"),
    (["synthesize", "--output_dir=x", "--skin_dir=nowhere"], "nowhere. Expected that of --skin_"),
    (["synthesize", "--output_dir=x", "--environment_dir=no"], "No such file or folder: no"),
    (["pseudo_label", "--input_dir=nowhere", "--output_dir=x"], "No such folder: nowhere"),
    (["pseudo_label", "--input_dir=out", "--output_dir=out.png"], "Cannot write to out.png"),
    (["pseudo_label", "--input_dir=out", "--output_dir=x", "--model=no"], "No trained model"),
    (["train", "--multilit_dir=nowhere"], "No such folder: nowhere. Expected that of --multilit"),
    (["train", "--synthetic_dir=nowhere"], "No such folder: nowhere"),
    (["train", "--initial_weights=nowhere"], "No trained model 'nowhere'"),
    (["train", "--workdir=out.png"], "Cannot write to out.png"),
    (["train", "--learning_rate=0"], "Invalid --learning_rate"),
    (["experiments", "--yale_b_dir=nowhere"], "No such folder: nowhere"),
    ([*STEREO, "--dataset=x"], "Unknown dataset 'x'"),
    ([*STEREO, "--dataset=yale_b", "--model=compact-128"], "--model is for --dataset=multilit"),
    ([*STEREO, "--dataset=multilit", "--model=nowhere"], "No trained model 'nowhere'"),
    ([*STEREO, "--dataset=yale_b", "--picture=nowhere/x.png"], "no folder nowhere"),
    (["photometric_stereo", "--dataset=yale_b", "--data_dir=nowhere"], "No such folder: nowhere"),
    (["evaluate", "--dataset=x"], "Unknown dataset 'x'"),
    (["evaluate", "--dataset=yale_b"], "--dataset=yale_b needs --data_dir"),
    ([*MEASURE, "--dataset=yale_b", "--split=validation"], "Unknown split 'validation'"),
    ([*MEASURE, "--dataset=multilit", "--split=holdout"], "Unknown split 'holdout'"),
    ([*MEASURE, "--dataset=multilit", "--subjects=3"], "does not take --subjects"),
    ([*MEASURE, "--dataset=synthetic"], "takes no --data_dir"),
    (["evaluate", "--dataset=synthetic", "--subjects=1,2"], "one number of people"),
    (["evaluate", "--dataset=synthetic", "--split=train"], "has only --split=test"),
    (["evaluate", "--dataset=synthetic", "--model=nowhere"], "No trained model 'nowhere'"),
    (["evaluate", "--dataset=synthetic", "--report=no/x.json"], "No such folder: no"),
    (["evaluate", "--dataset=synthetic", "--against=no.json"], "No such report: no.json"),
    (["evaluate", "--dataset=synthetic", "--against=notes.txt"], "notes.txt is not a report"),
    (["evaluate", "--dataset=synthetic", "--against=report.json"], "a report of yale_b"),
    ([*CLIENT, "nowhere.jpg", "--crop"], "No such photo or folder: nowhere.jpg"),
    ([*CLIENT, "empty", "--crop"], "No photos in the folder empty"),
    ([*CLIENT, ASTRONAUT, "--crop", "--light=lft"], "Unknown light 'lft'"),
    ([*CLIENT, ASTRONAUT, ASTRONAUT, "--crop"], "Two photos would be written to relit/astronaut"),
    (["serving.client", "out", "--output_dir=out", "--crop"], "out/astronaut.png exists"),
    (["serving.client", "out", "--output_dir=out"], "out/astronaut.jpg exists"),
    ([*CLIENT, ASTRONAUT, "--overwrite", "--resume"], "Expected --overwrite or --resume"),
    ([*CLIENT, ASTRONAUT, "--tls_ca=no.pem"], "no.pem"),
    (["serve"], "Expected either --model_base_path or --model_config_file"),
    (["serve", "--model_base_path=nowhere"], "No such folder: nowhere"),
    (["serve", "--model_base_path=out"], "write one with python -m tfrelight.export --output_dir"),
    (["serve", "--model_config_file=nowhere"], "nowhere"),
    (["serve", f"--model_config_file={KIT}"], "No such folder: /models/tfrelight, a base_path in"),
    ([*SERVE, "--tls_certificate=no.pem", "--tls_key=notes.txt"], "No such file: no.pem"),
    (["studio", "--model=nowhere", "--port=0"], "No trained model 'nowhere'"),
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "versions" / "1").mkdir(parents=True)
    for name in (
        *(
            "out.png",
            "out/astronaut.jpg",
            "out/astronaut.png",
            "out/astronaut_sheet.png",
            "turn.webp",
            "notes.txt",
        ),
    ):
        (tmp_path / name).write_text("mine")
    report = {"protocol": {"name": "yale_b"}, "subjects": {}, "settings": {"model": "x"}}
    (tmp_path / "report.json").write_text(json.dumps(report))
    return tmp_path


def run(folder, arguments):
    """Runs a command where TensorFlow and Keras cannot be imported."""
    for name in ("tensorflow", "keras"):
        (folder / ".stubs" / name).mkdir(parents=True)
        (folder / ".stubs" / name / "__init__.py").write_text(f'raise RuntimeError("{name}")\n')
    path = os.pathsep.join([str(folder / ".stubs"), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-m", f"tfrelight.{arguments[0]}", *arguments[1:]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("arguments, message", CASES, ids=lambda case: str(case)[-60:])
def test_refused_in_one_line_and_nothing_is_written(folder, arguments, message):
    if arguments[0] == "batch":
        pytest.importorskip("apache_beam", reason="Apache Beam is not installed")
    before = sorted(folder.rglob("*"))
    done = run(folder, arguments)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, done.stderr
    assert message in done.stderr
    left = [path for path in sorted(folder.rglob("*")) if ".stubs" not in path.parts]
    assert left == before
    assert (folder / "out.png").read_text() == "mine"
