"""`python -m tfrelight.serving.client`."""

import asyncio
import subprocess
import sys
import types

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.serving.conftest import file_of, picture, pixels_of
from tfrelight import lights
from tfrelight.serving import client

# Codes of the answers in their order, pictures that are written, and photos that are left.
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


def test_photos_and_folders_and_what_failed(two_versions, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(3):
        (folder / f"{index}.png").write_bytes(file_of(picture(16, 20, index)))
    (folder / "1.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no photo")
    (tmp_path / "one.jpg").write_bytes(file_of(picture(30, 20), "JPEG"))
    out = tmp_path / "out"
    server = f"--server=127.0.0.1:{two_versions.port}"
    done = run(folder, server, tmp_path / "one.jpg", "--light=right", f"--output_dir={out}")
    assert done.returncode == 1
    names = ("0.png", "2.png", "one.png")
    assert sorted(done.stdout.splitlines()) == [str(out / name) for name in names]
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {folder / '1.png'}: ")
    assert sorted(path.name for path in out.iterdir()) == ["0.png", "2.png", "one.png"]
    with client.Client(f"127.0.0.1:{two_versions.port}") as one:
        photo = (folder / "0.png").read_bytes()
        (expected,) = one.relight([photo], lights.Light.preset("right"))
    difference = pixels_of((out / "0.png").read_bytes()).astype(int) - pixels_of(expected)
    assert np.max(np.abs(difference)) <= 1
    # Again, for what is not there yet.
    (folder / "1.png").write_bytes(photo)
    written = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    done = run(folder, server, tmp_path / "one.jpg", "--resume", f"--output_dir={out}")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{out / '1.png'}\n", "")
    found = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert {name: found[name] for name in written} == written


def test_no_server_is_one_line(tmp_path):
    (tmp_path / "one.jpg").write_bytes(file_of(picture(30, 20), "JPEG"))
    out = tmp_path / "out"
    flags = ["--server=127.0.0.1:1", "--attempts=1", f"--output_dir={out}"]
    done = run(tmp_path / "one.jpg", *flags)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: 127.0.0.1:1 answers UNAVAILABLE: ")
    assert line.endswith(" 1 of 1 photos are left: start again with --resume.")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    "names,message",
    [
        (["nowhere.jpg"], "No such photo or folder: nowhere.jpg."),
        (["empty"], "No photos in empty."),
        (["a/one.jpg", "b/one.jpg"], "Two photos would be written to out/one.png."),
        (["a/one.jpg", "--output_dir=b"], "b/one.png is there already.*--resume"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is(tmp_path, monkeypatch, names, message):
    from tfrelight.errors import InputError
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
def test_a_server_that_is_busy_or_gone(tmp_path, capsys, monkeypatch, script, pictures, left):
    """One that is there for some photos is asked for the others; one that is gone is not."""
    from tfrelight.serving.client import __main__ as command

    class Scripted(client.AsyncClient):
        async def relight_many(self, paths, light, concurrency):
            for path, code in zip(paths, script):
                refused = client.errors.of_code(code, "scripted", self.server) if code else None
                yield path, refused or b"picture"

    monkeypatch.setattr(client, "AsyncClient", Scripted)
    wanted = {tmp_path / f"{n}.png": tmp_path / f"relit-{n}.png" for n in range(len(script))}
    values = types.SimpleNamespace(
        server="host:1",
        model="tfrelight",
        model_version=None,
        model_label=None,
        timeout=5,
        attempts=1,
        concurrency=2,
    )
    light = lights.Light.preset("left")
    assert not asyncio.run(command._relight(wanted, light, values, None))
    out, error = capsys.readouterr()
    assert len(out.splitlines()) == len(list(tmp_path.glob("relit-*"))) == pictures
    lines = error.splitlines()
    assert bool(left) == lines[-1].endswith(
        f"{left} of {len(script)} photos are left: start again with --resume."
    )
    # Of each photo that was not relit one line, or none but the last.
    assert len(lines) == (1 if left else 0) + len(script) - pictures - left
