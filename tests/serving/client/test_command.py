"""`python -m tfrelight.serving.client`."""

import asyncio
import pathlib
import shutil
import subprocess
import sys
import types

import numpy as np
import pytest

import tfrelight
from tests.conftest import ROOT
from tests.serving.conftest import file_of, picture, pixels_of
from tfrelight import lights
from tfrelight.errors import InputError
from tfrelight.serving import client, remote

ASTRONAUT = ROOT / "docs" / "astronaut.jpg"

# Codes of the responses in order, pictures written, and photos left.
BUSY = [
    ([None, "UNAVAILABLE", None, "UNAVAILABLE", None], 3, 0),
    ([None, None, "UNAVAILABLE", "UNAVAILABLE", None, None], 2, 4),
    ([None, "INVALID_ARGUMENT", None, "NOT_FOUND"], 2, 1),
    (["NOT_FOUND"] * 4, 0, 4),
]


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "tfrelight.serving.client", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_photos_and_folders_are_relit_and_failures_reported(two_versions, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(3):
        (folder / f"{index}.png").write_bytes(file_of(picture(16, 20, index)))
    (folder / "1.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no photo")
    (tmp_path / "one.jpg").write_bytes(file_of(picture(30, 20), "JPEG"))
    out = tmp_path / "out"
    server = f"--server=127.0.0.1:{two_versions.port}"
    done = run(
        folder, server, tmp_path / "one.jpg", "--crop", "--light=right", f"--output_dir={out}"
    )
    assert done.returncode == 1
    names = ("0.png", "2.png", "one.png")
    assert sorted(done.stdout.splitlines()) == [str(out / name) for name in names]
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and str(folder / "1.png") in line
    assert sorted(path.name for path in out.iterdir()) == ["0.png", "2.png", "one.png"]
    with client.Client(f"127.0.0.1:{two_versions.port}") as one:
        photo = (folder / "0.png").read_bytes()
        (expected,) = one.relight([photo], lights.Light.preset("right"))
    difference = pixels_of((out / "0.png").read_bytes()).astype(int) - pixels_of(expected)
    assert np.max(np.abs(difference)) <= 1
    # Again, for the photo that failed.
    (folder / "1.png").write_bytes(photo)
    written = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    done = run(folder, server, tmp_path / "one.jpg", "--crop", "--resume", f"--output_dir={out}")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{out / '1.png'}\n", "")
    found = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert {name: found[name] for name in written} == written


def test_an_unreachable_server_is_reported_in_one_line(tmp_path):
    (tmp_path / "one.jpg").write_bytes(file_of(picture(30, 20), "JPEG"))
    out = tmp_path / "out"
    flags = ["--server=127.0.0.1:1", "--attempts=1", f"--output_dir={out}"]
    done = run(tmp_path / "one.jpg", "--crop", *flags)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: 127.0.0.1:1 answers UNAVAILABLE: ")
    assert line.endswith(" 1 of 1 photos are left: run again with --resume.")
    assert list(out.iterdir()) == []


def test_faces_of_whole_photos_are_relit_in_place(two_versions, tmp_path):
    (tmp_path / "photos").mkdir()
    shutil.copy(ASTRONAUT, tmp_path / "photos" / "astronaut.jpg")
    (tmp_path / "photos" / "wall.png").write_bytes(file_of(picture(80, 60)))
    (tmp_path / "photos" / "notes.txt").write_text("no photo")
    out = tmp_path / "out"
    flags = [f"--server=127.0.0.1:{two_versions.port}", f"--output_dir={out}", "--light=candle"]
    done = run(tmp_path / "photos", *flags)
    assert (done.returncode, done.stdout) == (1, f"{out / 'astronaut.jpg'}\n")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {tmp_path / 'photos' / 'wall.png'}: No face found.")
    assert line.endswith("pass --crop.")
    with remote.RemoteModel(f"127.0.0.1:{two_versions.port}") as model:
        expected = tfrelight.relight(ASTRONAUT, "candle", model=model)
    expected.save(tmp_path / "expected.jpg")
    shown, wanted = (
        pixels_of(path.read_bytes()).astype(int)
        for path in (out / "astronaut.jpg", tmp_path / "expected.jpg")
    )
    # A batch of another size is rounded in another way.
    assert shown.shape == wanted.shape and np.abs(shown - wanted).mean() < 0.05
    face = run(ASTRONAUT, *flags, "--what=face", "--overwrite")
    assert face.returncode == 0, face.stderr
    less = pixels_of((out / "astronaut.jpg").read_bytes()).astype(int)
    # The suit stays as it is.
    before = pixels_of(ASTRONAUT.read_bytes()).astype(int)
    assert np.abs(less - before)[-100:].mean() < 2 < np.abs(shown - before)[-100:].mean()
    again = run(tmp_path / "photos" / "astronaut.jpg", *flags)
    assert again.returncode == 1 and "exists. Remove it" in again.stderr
    again = run(tmp_path / "photos" / "astronaut.jpg", *flags, "--resume")
    assert (again.returncode, again.stdout) == (0, "")
    assert again.stderr == f"Every photo has its picture in {out}.\n"


def test_crops_are_relit_whole(tmp_path):
    done = run(ASTRONAUT, "--crop", "--what=head", f"--output_dir={tmp_path / 'out'}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: --what=head is for whole photos. Received --crop as well.\n"
    assert not (tmp_path / "out").exists()


def test_whole_photos_and_no_server(tmp_path):
    out = tmp_path / "out"
    flags = ["--server=127.0.0.1:1", "--attempts=1", f"--output_dir={out}"]
    done = run(ASTRONAUT, *flags)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: 127.0.0.1:1 answers UNAVAILABLE: ")
    assert line.endswith(" 1 of 1 photos are left: run again with --resume.")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("crop", [True, False])
def test_wrong_tls_is_one_line(tmp_path, two_versions, crop):
    """However many photos there are."""
    for number in range(3):
        shutil.copy(ASTRONAUT, tmp_path / f"{number}.jpg")
    flags = [f"--server=localhost:{two_versions.port}", "--tls", f"--output_dir={tmp_path / 'out'}"]
    done = run(tmp_path, *flags, *(["--crop"] if crop else []))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "does not use TLS. Connect without --tls" in done.stderr


def test_whole_photos_keep_their_formats(tmp_path, monkeypatch):
    from tfrelight.serving.client import __main__ as command

    monkeypatch.chdir(tmp_path)
    photos = [pathlib.Path(name) for name in ("a.JPG", "b.bmp", "c.tiff")]
    named = command.targets(photos, "out", crop=False)
    assert [path.name for path in named.values()] == ["a.JPG", "b.png", "c.tiff"]
    assert [path.name for path in command.targets(photos, "out").values()] == [
        *("a.png", "b.png", "c.png")
    ]


@pytest.mark.parametrize(
    "names,message",
    [
        (["nowhere.jpg"], "No such photo or folder: nowhere.jpg."),
        (["empty"], "No photos in the folder empty."),
        (["a/one.jpg", "b/one.jpg"], "Two photos would be written to out/one.png."),
        (["a/one.jpg", "--output_dir=b"], "b/one.png exists.*--resume"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    tmp_path, monkeypatch, names, message
):
    from tfrelight.serving.client import __main__ as command
    from tfrelight.serving.client import photos

    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "empty"):
        (tmp_path / name).mkdir()
    for name in ("a/one.jpg", "b/one.jpg", "b/one.png"):
        (tmp_path / name).write_bytes(b"")
    output_dir = "b" if names[-1].startswith("--") else "out"
    names = [name for name in names if not name.startswith("--")]
    with pytest.raises(InputError, match=message):
        command.targets(photos.find(names), output_dir)
    assert not (tmp_path / "out").exists()
    if output_dir == "b":
        assert len(command.targets(photos.find(names), output_dir, overwrite=True)) == 1
        assert command.targets(photos.find(names), output_dir, resume=True) == {}


@pytest.mark.parametrize("script,pictures,left", BUSY, ids=lambda value: str(value)[:20])
def test_the_command_stops_when_the_server_is_gone_but_not_when_it_is_busy(
    tmp_path, capsys, monkeypatch, script, pictures, left
):
    from tfrelight.serving.client import __main__ as command

    class Scripted(client.AsyncClient):
        async def relight_many(self, paths, light, concurrency, mark):
            for path, code in zip(paths, script):
                error = client.errors.from_code(code, "scripted", self.server) if code else None
                yield path, error or b"picture"

    monkeypatch.setattr(client, "AsyncClient", Scripted)
    targets = {tmp_path / f"{n}.png": tmp_path / f"relit-{n}.png" for n in range(len(script))}
    values = types.SimpleNamespace(
        server="host:1",
        model="tfrelight",
        model_version=None,
        model_label=None,
        timeout=5,
        attempts=1,
        concurrency=2,
        mark=True,
    )
    light = lights.Light.preset("left")
    assert not asyncio.run(command._relight(targets, light, values, None))
    out, error = capsys.readouterr()
    assert len(out.splitlines()) == len(list(tmp_path.glob("relit-*"))) == pictures
    lines = error.splitlines()
    assert bool(left) == lines[-1].endswith(
        f"{left} of {len(script)} photos are left: run again with --resume."
    )
    # One line for each photo that failed, and one for all that are left.
    assert len(lines) == (1 if left else 0) + len(script) - pictures - left
