"""`tfrelight.relight` and `tfrelight.decompose`, in Python and as commands."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tfrelight
from tests import running
from tests.conftest import ROOT
from tests.relighting import heads
from tests.test_package import HEAVY
from tfrelight import photos, processes, threads
from tfrelight.commands import light_flags, many_photos, relit_files
from tfrelight.errors import InputError
from tfrelight.lights import Light
from tfrelight.models import loading, networks
from tfrelight.photos import xmp
from tfrelight.relighting import pipeline

ASTRONAUT = ROOT / "docs" / "astronaut.jpg"
TINY = {"size": 32, "filters": [8, 8], "blocks": [1, 1]}


@pytest.fixture(scope="module")
def model():
    return heads.model()


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    (folder / "weights").mkdir()
    loading.describe(folder, "compact", TINY)
    networks.build("compact", **TINY).save_weights(folder / loading.LAST)
    return folder


def command(name, *arguments):
    return subprocess.run(
        [sys.executable, "-m", f"tfrelight.{name}", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )


ORDERS = [
    "import tfrelight; a = tfrelight.relight; b = tfrelight.decompose",
    "import tfrelight.relight, tfrelight.decompose; a = tfrelight.relight; b = tfrelight.decompose",
    "from tfrelight import decompose as b, relight as a",
    "from tfrelight import relight as a; import tfrelight; tfrelight.relight; "
    "from tfrelight import decompose as b",
    "from tfrelight.relight import relight; import tfrelight; a = tfrelight.relight; "
    "b = tfrelight.decompose",
    "import importlib; a = importlib.import_module('tfrelight.relight'); "
    "b = importlib.import_module('tfrelight.decompose')",
]


@pytest.mark.parametrize("order", ORDERS)
def test_the_functions_can_be_called_however_they_are_imported(order):
    code = (
        f"{order}\nimport inspect, sys\n"
        # SciPy would slow down --help.
        "assert not {'tensorflow', 'scipy'} & set(sys.modules)\n"
        "assert callable(a) and list(inspect.signature(a).parameters)[:2] == ['photo', 'light']\n"
        "assert callable(b) and list(inspect.signature(b).parameters)[:2] == ['photo', 'model']\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_came_in_decides_what_goes_out(model, tmp_path):
    pixels = heads.photo()
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    options = {"model": model, "whole_image": True}
    array = tfrelight.relight(pixels, "left", **options)
    assert array.dtype == np.uint8 and array.shape == pixels.shape
    image = tfrelight.relight(Image.open(path), "left", **options)
    assert isinstance(image, Image.Image)
    photo = tfrelight.relight(str(path), "left", **options)
    assert isinstance(photo, photos.Photo) and photo._repr_png_()
    np.testing.assert_array_equal(array, np.asarray(image))
    np.testing.assert_array_equal(array, photo.pixels)
    several = tfrelight.relight([pixels, path], "left", **options)
    assert [type(one) for one in several] == [np.ndarray, photos.Photo]
    np.testing.assert_array_equal(several[0], array)


def test_a_batch_is_grouped_and_each_photo_is_as_if_alone(model, monkeypatch):
    pixels = [heads.photo(height=60 + 10 * k, width=80) for k in range(5)]
    alone = [tfrelight.relight(one, "top", model=model, whole_image=True) for one in pixels]
    calls = []
    predict = model.predict_on_batch
    monkeypatch.setattr(model, "predict_on_batch", lambda x: calls.append(len(x)) or predict(x))
    together = tfrelight.relight(pixels, "top", model=model, whole_image=True)
    assert calls == [10]  # each photo and its mirror image
    for one, other in zip(alone, together):
        np.testing.assert_allclose(one.astype(int), other, atol=1)


def test_decompose_gives_maps_and_shows_them(model):
    decomposed = tfrelight.decompose(heads.photo(), model=model, whole_image=True)
    assert decomposed.albedo().shape == decomposed.normals().shape == (200, 200, 3)
    assert isinstance(decomposed.light, tfrelight.Light)
    assert decomposed._repr_png_().startswith(b"\x89PNG")


def test_a_run_folder_is_read_anew(run_folder, tmp_path):
    from tfrelight.relighting import pipeline

    assert pipeline.loaded(None) is pipeline.loaded("compact-128")
    first = pipeline.loaded(run_folder)
    network = networks.build("compact", **TINY)
    for variable in network.trainable_variables:
        variable.assign(variable + 0.1)
    kept = (run_folder / loading.LAST).read_bytes()
    network.save_weights(run_folder / loading.LAST)
    second = pipeline.loaded(run_folder)
    (run_folder / loading.LAST).write_bytes(kept)
    pixels = heads.photo()[None] / np.float32(255)
    assert (first.predict(pixels)["albedo"] != second.predict(pixels)["albedo"]).any()


def test_in_python_errors_say_which_photo(model):
    with pytest.raises(InputError, match="Photo 1: .*nowhere"):
        tfrelight.relight([heads.photo(), "nowhere.jpg"], "left", model=model, whole_image=True)


def test_a_face_in_a_whole_photo(tmp_path, run_folder):
    output = tmp_path / "relit.jpg"
    # This untrained network knows no shapes, but a coloured light shows its colour.
    flags = [f"--model={run_folder}", "--light=candle", "--what=head"]
    done = command("relight", ASTRONAUT, f"--output={output}", *flags)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{output}\n", "")
    with Image.open(ASTRONAUT) as before, Image.open(output) as after:
        assert after.size == before.size and after.quantization == before.quantization
        difference = np.abs(np.asarray(before).astype(int) - np.asarray(after)).max(-1)
    # The face changes; the flag and the shuttle change only by the JPEG's rounding.
    assert difference[60:150, 190:260].mean() > 5
    assert difference[:, :80].max() < 8 and difference[200:].max() < 8
    again = command("relight", ASTRONAUT, f"--output={output}", *flags)
    assert again.returncode == 1 and "exists. Choose another name, or pass --ov" in again.stderr
    assert again.stderr.count("\n") == 1
    assert xmp.EDITED.encode() in output.read_bytes()
    flags += ["--overwrite", "--nomark"]
    assert command("relight", ASTRONAUT, f"--output={output}", *flags).stderr == ""
    assert xmp.EDITED.encode() not in output.read_bytes()


def test_a_batch_goes_on_and_says_what_failed(tmp_path, run_folder):
    good = [tmp_path / f"good{k}.png" for k in range(2)]
    for path in good:
        Image.fromarray(heads.photo()).save(path)
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("no photo")
    out = tmp_path / "out"
    out.mkdir()
    (out / "taken.png").write_bytes(b"mine")
    Image.fromarray(heads.photo()).save(tmp_path / "taken.png")
    names = ["good0.png", "empty.jpg", "text.jpg", "taken.png", "nowhere.png", "good1.png"]
    paths = [tmp_path / name for name in names]
    done = command(
        "relight", *paths, good[0], "--light=left", f"--output_dir={out}",
        f"--model={run_folder}", "--whole_image",
    )  # fmt: skip
    assert done.returncode == 1
    assert sorted(path.name for path in out.iterdir()) == ["good0.png", "good1.png", "taken.png"]
    assert (out / "taken.png").read_bytes() == b"mine"
    lines = done.stderr.splitlines()
    assert len(lines) == 5 and all(line.startswith("error: ") for line in lines)
    for name in ("empty.jpg", "text.jpg", "taken.png", "nowhere.png", "good0.png"):
        assert any(name in line for line in lines), name
    assert done.stdout.startswith(f"2 of 7 photos done, in {out}; failed: ")


@pytest.fixture
def eight(tmp_path):
    """Paths of eight photos of a head, and of a text between them."""
    head = Image.open(ASTRONAUT).crop((75, 0, 395, 320))
    for number in range(8):
        head.rotate(2 * number).save(tmp_path / f"{number}.png")
    (tmp_path / "4.jpg").write_text("no photo")
    return sorted(map(str, tmp_path.iterdir()))


def test_many_photos_are_shared_as_memory_and_the_engine_allow(eight, monkeypatch):
    network = pipeline.loaded("compact-128")
    monkeypatch.setattr(threads, "available", lambda: 12)
    assert many_photos._processes(eight[:7], network) == 1
    assert many_photos._processes(eight, network) == 2
    assert many_photos._processes(12 * eight, network) == 12
    with monkeypatch.context() as patch:
        patch.setattr(many_photos, "_pixels", lambda path: 50_000_000)
        assert many_photos._processes(12 * eight, network) == 3
    tensorflow = pipeline.loaded("compact-128", "tensorflow")
    assert many_photos._processes(12 * eight, tensorflow) == 1


def test_processes_that_share_many_photos_write_what_one_writes(eight, tmp_path):
    request = light_flags.LightRequest(
        Light.preset("left"), False, 0.0, 0.0, np.ones(3, np.float32), 1.0, 0.0
    )

    def results(name, each):
        (tmp_path / name).mkdir()
        write = relit_files.WritePhoto(request, None, str(tmp_path / name), "left", *[False] * 3)
        return list(
            each(
                many_photos._Job(write, pipeline.loaded("compact-128"), "largest", False, "person")
            )
        )

    alone = results("alone", lambda job: job.each(eight))
    shared = results("shared", lambda job: processes.each(job, eight, 2))
    assert [isinstance(one, InputError) for one in shared] == [
        path.endswith("jpg") for path in eight
    ]
    for path, one, other in zip(eight, alone, shared):
        if isinstance(one, InputError):
            assert str(one) == str(other)
            continue
        assert (one, other) == tuple(
            str(tmp_path / way / Path(path).name) for way in ("alone", "shared")
        )
        difference = np.asarray(Image.open(one), int) - np.asarray(Image.open(other))
        # The last digits of a network's sums depend on the number of threads.
        assert np.abs(difference).max() <= 1


def die(path):
    os.kill(os.getpid(), signal.SIGKILL)


def test_photos_that_a_killed_process_leaves_are_named(eight):
    named = dict(many_photos._each_of(eight, processes.each(die, eight, 2)))
    assert list(named) == eight
    first, *others = named.values()
    assert "ended abruptly" in str(first)
    assert all(str(error) == f"{path} was not reached." for path, error in zip(eight[1:], others))


def test_a_command_of_many_photos_names_what_failed(eight, tmp_path):
    out = tmp_path / "out"
    done = command("relight", *eight, "--light=left", "--faces=largest", f"--output_dir={out}")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("error: ") and "4.jpg" in done.stderr
    assert done.stdout == f"8 of 9 photos done, in {out}; failed: {tmp_path / '4.jpg'}.\n"


def test_a_folder_of_photos(tmp_path, run_folder):
    folder, out = tmp_path / "photos", tmp_path / "out"
    (folder / "below").mkdir(parents=True)
    for name in ("one.png", "TWO.PNG", "below/three.png"):
        Image.fromarray(heads.photo()).save(folder / name)
    (folder / "notes.txt").write_text("no photo")
    flags = [f"--model={run_folder}", "--whole_image", f"--output_dir={out}"]
    done = command("relight", folder, "--light=left", *flags)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"2 of 2 photos done, in {out}.\n"
    assert sorted(path.name for path in out.iterdir()) == ["TWO.PNG", "one.png"]
    done = command("decompose", folder, folder / "below", *flags)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"3 of 3 photos done, in {out}.\n"
    assert (out / "three_sheet.png").is_file() and not (out / "notes_sheet.png").exists()


def test_decompose_command(tmp_path, run_folder):
    path = tmp_path / "head.png"
    Image.fromarray(heads.photo()).save(path)
    out = tmp_path / "out"
    flags = [f"--output_dir={out}", f"--model={run_folder}", "--whole_image", "--exr"]
    done = command("decompose", path, *flags)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{out / 'head_sheet.png'}, and 10 files beside it\n"
    pictures = ["albedo.png", "normals.png", "shading.png", "mask.png", "parts.png"]
    for name in pictures:
        with Image.open(out / f"head_{name}") as picture:
            assert picture.size == (200, 200)
    light = json.loads((out / "head_light.json").read_text())
    assert np.shape(light["coefficients"]) == (9, 3)
    import OpenEXR

    normals = OpenEXR.File(str(out / "head_normals.exr")).channels()["RGB"].pixels
    assert normals.dtype == np.float32 and normals.shape == (200, 200, 3)
    assert sorted(one.name for one in out.iterdir()) == sorted(
        f"head_{name}"
        for name in [*pictures, "light.json", "light.png", "sheet.png"]
        + ["albedo.exr", "normals.exr", "shading.exr"]
    )
    assert command("decompose", path, *flags).returncode == 1
    done = command("decompose", path, f"--output_dir={out / 'default'}", "--whole_image")
    assert done.returncode == 0 and "and 7 files beside it" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "flags,message",
    [
        ([str(ROOT / "docs"), "--light=left"], "Expected --output_dir=FOLDER for the photos of a"),
        (["--light=left", "--output=a.png", "--output_dir=b"], "Received both"),
        (["--light=left", "--output=a.xyz"], "ends in"),
        (["--light=left", "--output=nowhere/a.png"], "no folder"),
        (["--output=a.png"], "No light given"),
        (["--light=lft", "--output=a.png"], "lft"),
        (["--light=lft", "--output_dir=out"], "lft"),
        (["--light=left", "--output=a.png", "--model=nowhere"], "No trained model"),
    ],
)
def test_wrong_flags_are_one_line(tmp_path, flags, message):
    done = subprocess.run(
        [sys.executable, "-m", "tfrelight.relight", str(ASTRONAUT), *flags],
        cwd=tmp_path,
        env={**__import__("os").environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert message in done.stderr and done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_photo_is_relit_without_what_training_needs(tmp_path):
    """Where all of it is installed."""
    arguments = [str(ASTRONAUT), "--light=left", f"--output={tmp_path / 'a.png'}"]
    done = running.python("-X", "importtime", "-m", "tfrelight.relight", *arguments)
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "tfrelight.relighting.pipeline" in imported
    assert not imported & {*HEAVY, "tensorflow_datasets", "scipy", "pandas", "IPython"}
