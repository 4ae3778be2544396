"""`python -m tfrelight.relight` on films; flags are checked before TensorFlow loads."""

import subprocess
import sys

import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.models.test_networks import run_folder
from tests.video import ball
from tests.video.test_files import with_sound
from tfrelight.video import reading

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
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{film}\n", "")
    assert [frame.pixels.shape for frame in reading.frames(film)] == [(128, 128, 3)] * 6
    again = run(tmp_path / "photo.png", f"--turntable={film}", *flags)
    assert again.returncode == 1 and "turn.mp4 exists" in again.stderr
    relit = run(film, f"--output={tmp_path / 'relit.mp4'}")
    assert relit.returncode == 1 and "No light given" in relit.stderr


@pytest.mark.parametrize(
    "arguments,expected",
    [
        (
            ["a.ts", "--light=left", "--output_dir=b"],
            "--output_dir is for photos",
        ),
        (["a.mp4", "b.jpg", "--light=left", "--output=c.mp4"], "Received 2 files: relight a.mp4"),
        (["a.3gp", "b.mts", "--light=left", "--output=c.mp4"], "relight a.3gp in a command of"),
        (["a.mp4", "--light=left", "--output=c.jpg"], "Cannot write c.jpg as a film. Expected a"),
        (
            ["a.avi", "--light=left", "--output=c.avi"],
            "ends in .mp4, .m4v, .mov, .mkv, .gif, .webp",
        ),
        (["a.webm", "--whole_image", "--output=c.mp4"], "--whole_image is for photos. Received a"),
        (["a.mp4", "--output=c.mp4"], "No light given"),
        (["a.jpg", "--light=left", "--output=c.mp4"], "a.jpg a photo. Write a photo, or film a"),
        (["a.jpg", "--turntable=c.jpg"], "ends in .mp4"),
        (["a.jpg", "b.jpg", "--turntable=c.mp4"], "films one photo. Received 2"),
        (["a.mkv", "--turntable=c.mp4"], "films a photo. Received a video, a.mkv"),
        (["a.jpg", "--turntable=c.mp4", "--output=d.jpg"], "Received --output as well"),
        (["a.jpg", "--turntable=/nowhere/c.mp4"], "there is no folder /nowhere"),
        (["docs/astronaut.jpg", "--turntable=c.mp4", "--light=lft"], "Unknown light 'lft'"),
        (["a.jpg", "--turntable=c.mp4"], "a.jpg"),
        (["a.mp4", "--light=left", "--output=c.mp4"], "a.mp4"),
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
    assert ".jpg" not in result.stderr
    assert not output.exists()


def test_sound_that_does_not_fit_is_refused_before_the_work(tmp_path, model):
    with_sound(tmp_path / "clip.mkv", "libopus", kind="matroska")
    result = run(
        tmp_path / "clip.mkv", "--light=left", f"--output={tmp_path}/o.mov", f"--model={model}"
    )
    assert result.returncode == 1 and result.stderr.count("\n") == 1
    assert "A .mov file cannot hold the sound of" in result.stderr
    assert "choose a name that ends in .mp4 or .m4v or .mkv" in result.stderr
