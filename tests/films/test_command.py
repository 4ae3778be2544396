"""`python -m tfrelight.relight` on films; what needs no network is said before TensorFlow loads."""

import subprocess
import sys

import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.films import ball
from tests.models.test_networks import run_folder
from tfrelight.films import reading

av = pytest.importorskip("av")


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "tfrelight.relight", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    run_folder(folder, "compact")
    return folder


def test_a_turntable(tmp_path, model):
    Image.fromarray(ball.picture()).save(tmp_path / "photo.png")
    flags = ["--whole_image", f"--model={model}", "--seconds=1", "--fps=6"]
    film = tmp_path / "turn.mp4"
    result = run(tmp_path / "photo.png", f"--turntable={film}", *flags)
    assert (result.returncode, result.stderr) == (0, "")
    assert [frame.pixels.shape for frame in reading.frames(film)] == [(128, 128, 3)] * 6
    again = run(tmp_path / "photo.png", f"--turntable={film}", *flags)
    assert again.returncode == 1 and "turn.mp4 exists" in again.stderr


@pytest.mark.parametrize(
    "arguments,expected",
    [
        (["a.mp4", "--light=left"], "an --output for it"),
        (["a.mp4", "b.jpg", "--light=left", "--output=c.mp4"], "no photos beside it"),
        (["a.mp4", "--light=left", "--output=c.jpg"], "ends in .mp4"),
        (["a.mp4", "--output=c.mp4"], "Which light?"),
        (["a.jpg", "--turntable=c.jpg"], "ends in .mp4"),
        (["a.jpg", "b.jpg", "--turntable=c.mp4"], "films one photo"),
        (["a.jpg", "--turntable=c.mp4", "--output=d.jpg"], "films one photo"),
        (["a.jpg", "--turntable=/nowhere/c.mp4"], "there is no folder /nowhere"),
        (["a.jpg", "--turntable=c.mp4", "--light=lft"], "Unknown light 'lft'"),
    ],
)
def test_one_line_on_failure(arguments, expected):
    result = run(*arguments)
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert expected in result.stderr


def test_a_video_that_is_none(tmp_path, model):
    (tmp_path / "clip.mp4").write_text("a letter")
    output = tmp_path / "out.mp4"
    result = run(tmp_path / "clip.mp4", "--light=left", f"--output={output}", f"--model={model}")
    assert result.returncode == 1 and result.stderr.count("\n") == 1
    assert "Cannot read" in result.stderr and "clip.mp4" in result.stderr
    assert not output.exists()
