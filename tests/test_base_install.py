"""What `pip install .` brings, on every Python of this machine, with no checkout in sight."""

import os
import pathlib
import re
import shutil
import subprocess
import urllib.request

import numpy as np
import pytest
from PIL import Image

import tfrelight
from tests import wheels
from tests.conftest import ROOT
from tests.test_package import HEAVY
from tfrelight.models import engines

VERSIONS = ("3.10", "3.11", "3.12", "3.13")
NEWEST = VERSIONS[-1]


def python(version):
    """The interpreter of a version: on the path, of pyenv, or of uv; None without one."""
    found = shutil.which(f"python{version}")
    if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
        return found
    folders = (
        pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv")) / "versions",
        pathlib.Path.home() / ".local/share/uv/python",
    )
    for folder in folders:
        for path in sorted(folder.glob(f"*{version}.*/bin/python{version}")):
            return str(path)
    return None


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return wheels.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(
    scope="module",
    params=[pytest.param(v, marks=[] if v == NEWEST else pytest.mark.slow) for v in VERSIONS],
)
def installed(request, wheel, tmp_path_factory):
    """Runs a program of an environment that holds the wheel, the page and nothing else."""
    interpreter = python(request.param)
    if interpreter is None:
        pytest.skip(f"no Python {request.param} on this machine")
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([interpreter, "-m", "venv", folder / "env"], check=True, timeout=120)
    programs = folder / "env" / "bin"
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
    }

    def run(program, *arguments):
        return subprocess.run(
            [programs / program, *map(str, arguments)],
            cwd=folder,
            env={**environment, "PATH": f"{programs}{os.pathsep}{environment['PATH']}"},
            capture_output=True,
            text=True,
            timeout=280,
        )

    done = run("pip", "install", "--quiet", f"{wheel}[studio]")
    assert done.returncode == 0, done.stderr
    run.folder, run.programs, run.environment = folder, programs, environment
    # Without loss, because versions of Pillow decode JPEG differently.
    Image.open(ROOT / "docs" / "astronaut.jpg").save(folder / "photo.png")
    return run


pytestmark = pytest.mark.timeout(600)


def test_what_is_installed_fits_together_and_is_light(installed):
    done = installed("pip", "check")
    assert done.returncode == 0, done.stdout
    code = "from importlib import metadata; print(*(d.name for d in metadata.distributions()))"
    names = {
        name.replace("_", "-").lower() for name in installed("python", "-c", code).stdout.split()
    }
    assert "tfrelight" in names
    assert not names & {"tensorflow", "keras", "tensorflow-graphics", "matplotlib", "scipy"}


def test_a_photo_is_relit_as_with_tensorflow(installed):
    done = installed("tfrelight", "relight", "photo.png", "--light=left")
    assert (done.returncode, done.stdout, done.stderr) == (0, "photo.left.png\n", "")
    found = np.asarray(Image.open(installed.folder / "photo.left.png")).astype(int)
    model = engines.load(engine="tensorflow")
    expected = tfrelight.relight(installed.folder / "photo.png", "left", model=model)
    assert np.abs(found - expected.as_uint8()).max() <= 2


def test_a_photo_is_decomposed_and_filmed(installed):
    done = installed("tfrelight", "decompose", "photo.png", "--output_dir=maps")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((installed.folder / "maps").iterdir())) == 8
    done = installed(
        *("tfrelight", "relight", "photo.png", "--turntable=turn.webp", "--seconds=1", "--fps=4")
    )
    assert (done.returncode, done.stderr) == (0, "")
    with Image.open(installed.folder / "turn.webp") as film:
        assert film.n_frames == 4


def test_nothing_heavy_is_imported(installed):
    done = installed(
        *("python", "-X", "importtime", "-m", "tfrelight.relight", "photo.png"),
        *("--light=right", "--output=right.png"),
    )
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "tfrelight.relighting.pipeline" in imported
    assert not imported & {*HEAVY, "tensorflow_datasets"}


def test_the_page_opens(installed):
    with subprocess.Popen(
        [installed.programs / "tfrelight", "studio", "--port=0"],
        cwd=installed.folder,
        env={**installed.environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as program:
        said = ""
        while not (address := re.search(r"http://\S+", said)):
            line = program.stdout.readline()
            assert line, said
            said += line
        try:
            with urllib.request.urlopen(address.group().rstrip(".,"), timeout=30) as page:
                assert page.status == 200 and b"<title>" in page.read()
        finally:
            program.terminate()


def test_training_names_what_it_lacks(installed):
    done = installed("tfrelight", "train", "--workdir=run")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert 'pip install "tfrelight[train]"' in done.stderr
