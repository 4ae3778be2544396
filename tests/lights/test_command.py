"""`python -m tfrelight.lights`."""

import os
import pty
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tfrelight.lights import PRESETS, Light


def run(*arguments, **kwargs):
    return subprocess.run(
        [sys.executable, "-m", "tfrelight.lights", *map(str, arguments)],
        cwd=ROOT,
        text=True,
        timeout=60,
        **(kwargs or {"capture_output": True}),
    )


def test_list_names_every_light():
    result = run("--list")
    assert result.returncode == 0 and result.stderr == ""
    assert [line.split()[0] for line in result.stdout.splitlines()] == list(PRESETS)


def test_list_draws_every_light(tmp_path):
    result = run("--list", f"--output={tmp_path / 'lights.png'}")
    assert (result.returncode, result.stderr) == (0, "")
    sheet = np.asarray(Image.open(tmp_path / "lights.png"), np.float32)
    rows = -(-len(PRESETS) // 6)
    assert sheet.shape == (rows * 146, 768, 3)
    # "left" is the second: its left is brighter than its right.
    sphere = sheet[:128, 128:256]
    assert sphere[64, 20].mean() > 1.5 * sphere[64, 108].mean()


def test_a_terminal_shows_spheres():
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tfrelight.lights", "--light=candle"], cwd=ROOT, stdout=child
    )
    os.close(child)
    shown = b""
    try:
        while chunk := os.read(parent, 65536):
            shown += chunk
    except OSError:  # Linux raises it at the end of a terminal
        pass
    os.close(parent)
    assert process.wait(timeout=60) == 0
    assert shown.decode().count("\x1b[38;2;") == 8 * 16


def test_a_light_is_written_as_picture_and_as_numbers(tmp_path):
    flags = ["--azimuth=40", "--elevation=20", "--temperature=3000"]
    assert run(*flags, f"--output={tmp_path / 'lamp.json'}").returncode == 0
    assert run(*flags, f"--output={tmp_path / 'lamp.png'}").returncode == 0
    light = Light.from_file(tmp_path / "lamp.json")
    azimuth = np.degrees(np.arctan2(-light.direction[0], light.direction[2]))
    assert azimuth == pytest.approx(40, abs=0.1)
    expected = np.uint8(np.round(light.sphere(256) * 255))
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "lamp.png")), expected)


@pytest.mark.parametrize(
    "arguments,expected",
    [
        ([], "No light given. Expected --light=NAME"),
        (["--rotate=20"], "No light given. Expected --list"),
        (["--light=left", "--output=left.bmp"], "ends in .png"),
        (["--list", "--output=all.json"], "ends in .png"),
        (["--light=left", "--output=/nowhere/left.png"], "there is no folder /nowhere"),
        (
            ["--light=left", "--output=README.md"],
            "README.md exists. Choose another name, or pass --overwrite.",
        ),
        (["--environment=/nowhere/x.exr"], "No such file or directory: /nowhere/x.exr"),
    ],
)
def test_one_line_on_failure(arguments, expected):
    result = run(*arguments)
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert expected in result.stderr
