"""`sn.mat` and `albedo.mat` beside the photos of every session or person."""

import os
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
import scipy.io

from tests import dataset_folders as folders
from tests import yale_folder
from tests.conftest import ROOT
from tfrelight.data.datasets import multilit, photoface, stereo_labels, yale_b
from tfrelight.errors import InputError
from tfrelight.stereo import mat_files


def test_the_ways_to_turn_a_head(tmp_path):
    normals, inside = folders.ball_normals()
    np.testing.assert_array_equal(mat_files.outward(normals, inside), np.eye(2))
    for change in ([[-1, 0], [0, 1]], [[1, 0], [0, -1]], [[0, 1], [1, 0]], [[0, -1], [1, 0]]):
        turned = normals.copy()
        turned[..., :2] = turned[..., :2] @ np.float32(change)
        found = mat_files.outward(turned, inside)
        turned[..., :2] = turned[..., :2] @ found.T
        np.testing.assert_allclose(turned, normals, atol=1e-6)


def test_photoface_gets_what_its_matlab_tool_leaves(tmp_path):
    sessions = ["1001/day1", "1001/day2", "1003/day1", "1011/day1"]  # all three splits
    folders.photoface(tmp_path, sessions)
    picture = tmp_path / "page.png"
    counts = stereo_labels.write(photoface.PhotofaceReader(tmp_path), picture=picture)
    assert counts == {"written": 4, "present": 0, "skipped": 0}
    normals, inside = folders.ball_normals()
    for number, session in enumerate(sessions):
        surface = scipy.io.loadmat(tmp_path / session / "sn.mat")
        albedo = scipy.io.loadmat(tmp_path / session / "albedo.mat")["a"]
        vectors = np.stack([surface[name] for name in ("px", "py", "pz")], axis=-1)
        valid = albedo > 0
        assert valid[inside].mean() > 0.75 and not valid[~inside].any()
        np.testing.assert_allclose(np.linalg.norm(vectors[valid], axis=-1), 1, atol=1e-5)
        assert folders.degrees(vectors, normals)[valid].mean() < 1
        expected = 255 * (0.5 + 0.05 * number)
        np.testing.assert_allclose(np.median(albedo[valid]), expected, rtol=0.01)
    with PIL.Image.open(picture) as page:
        assert page.size == (3 * 160, 14 + 4 * 160)
    assert not list(tmp_path.rglob("*.part")) and not list(tmp_path.rglob(".*"))


def test_what_is_there_is_left_unless_asked(tmp_path):
    folders.photoface(tmp_path, ["1001/day1", "1001/day2"])
    theirs = tmp_path / "1001/day1/sn.mat"
    theirs.write_bytes(b"theirs")
    reader = photoface.PhotofaceReader(tmp_path)
    assert stereo_labels.write(reader) == {"written": 1, "present": 1, "skipped": 0}
    assert theirs.read_bytes() == b"theirs"
    assert not (tmp_path / "1001/day1/albedo.mat").exists()
    assert stereo_labels.write(reader) == {"written": 0, "present": 2, "skipped": 0}
    assert stereo_labels.write(reader, overwrite=True)["written"] == 2
    assert mat_files.read(tmp_path / "1001/day1", (folders.HEIGHT, folders.WIDTH))


def edited(path):
    """Changes a file's time, but not that of its folder, as an edit in place does."""
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 10**9))


@pytest.mark.parametrize("name", ["im1.bmp", "LightSource.m"])
def test_what_was_made_of_other_photos_or_lights_is_made_again(tmp_path, name):
    folders.photoface(tmp_path, ["1001/day1", "1001/day2"])
    reader = photoface.PhotofaceReader(tmp_path)
    assert stereo_labels.write(reader)["written"] == 2
    assert stereo_labels.write(reader) == {"written": 0, "present": 2, "skipped": 0}
    edited(tmp_path / "1001/day1" / name)
    assert stereo_labels.write(reader) == {"written": 1, "present": 1, "skipped": 0}
    assert stereo_labels.write(reader)["present"] == 2


@pytest.mark.parametrize("name", ["photo1.png", "../lights.csv"])
def test_a_reader_does_not_take_maps_of_other_photos_or_lights(tmp_path, name):
    folders.multilit(tmp_path, ["anna"])
    reader = multilit.MultilitReader(tmp_path, 64, labelled=True)
    stereo_labels.write(reader)
    [before] = reader.subjects(strict=True)
    # Lamps from the other side: normals and photos no longer agree.
    mirrored = [f"photo{i}.png,{-a},{e},{s}" for i, (a, e, s) in enumerate(folders.ANGLES)]
    if name == "../lights.csv":
        (tmp_path / "lights.csv").write_text(
            "\n".join(["photo,azimuth,elevation,intensity", *mirrored])
        )
    edited(tmp_path / "anna" / name)
    assert mat_files.outdated(tmp_path / "anna", reader.sources("anna"))
    [after] = reader.subjects(strict=True)
    change = np.abs(folders.decoded_normals(after) - folders.decoded_normals(before)).max()
    assert (change > 0.1) == (name == "../lights.csv")
    assert stereo_labels.write(reader)["written"] == 1
    assert not mat_files.outdated(tmp_path / "anna", reader.sources("anna"))


def test_maps_of_other_programs_are_never_outdated(tmp_path):
    folders.multilit(tmp_path, ["anna"])
    reader = multilit.MultilitReader(tmp_path, 64, labelled=True)
    person = multilit.photos(tmp_path / "anna", [])
    mat_files.write(tmp_path / "anna", multilit.surface(person, reader.lamps("anna")))
    edited(tmp_path / "anna" / "photo0.png")
    assert stereo_labels.write(reader) == {"written": 0, "present": 1, "skipped": 0}
    assert not mat_files.outdated(tmp_path, [])
    (tmp_path / "anna" / "sn.mat").write_bytes(b"broken")
    assert not mat_files.outdated(tmp_path / "anna", [])


def test_yale_people_at_the_photos_size(tmp_path):
    yale_folder.write(tmp_path, ["01", "04", "31"], yale_folder.FLASHES)
    counts = stereo_labels.write(yale_b.YaleBReader(tmp_path), limit=2)
    assert counts == {"written": 2, "present": 0, "skipped": 0}
    normals, albedo, valid = mat_files.read(tmp_path / "yaleB04", (192, 168))
    assert valid.mean() > 0.6 and 0.3 < albedo[valid].mean() < 0.8
    assert not (tmp_path / "yaleB31" / "sn.mat").exists()
    # The reader does not read them as photos.
    assert len(yale_b.photos(tmp_path, "01", 16, strict=True).names) == 64


def test_a_folder_in_colour(tmp_path):
    folders.multilit(tmp_path, ["anna"])
    stereo_labels.write(multilit.MultilitReader(tmp_path))
    _, albedo, valid = mat_files.read(tmp_path / "anna", (64, 80))
    assert albedo.shape == (64, 80, 3)
    np.testing.assert_allclose(np.median(albedo[valid], axis=0), folders.TONE, atol=0.02)


def test_what_is_broken_is_named_and_skipped_or_refused(tmp_path, caplog):
    folders.photoface(tmp_path, ["1001/day1", "1001/day2"])
    (tmp_path / "1001/day1/LightSource.m").unlink()
    reader = photoface.PhotofaceReader(tmp_path)
    with pytest.raises(
        InputError, match="^1001/day1: LightSource.m is missing. Leave out `strict`"
    ):
        stereo_labels.write(reader, strict=True)
    with caplog.at_level("WARNING", logger="absl"):
        counts = stereo_labels.write(reader, overwrite=True)
    assert counts == {"written": 1, "present": 0, "skipped": 1}
    assert "Skipped 1 in the Photoface database: 1001/day1: LightSource.m" in caplog.text


def test_two_hundred_people_in_threads_leave_stdout_and_stderr_alone(tmp_path):
    """The command's own path: EXR photos read in threads, some of them broken."""
    code = f"""
import os, pathlib, sys
sys.path.insert(0, {str(ROOT)!r})
os.sched_getaffinity = lambda _: range(4)
import numpy as np
from tests import dataset_folders as folders
from tfrelight.data.datasets import multilit, stereo_labels

people = [f"p{{k:03d}}" for k in range(200)]
folders.multilit(pathlib.Path({str(tmp_path)!r}), people, suffix="exr", width=10, height=8)
for k in range(0, 200, 20):
    path = {str(tmp_path)!r} + f"/p{{k:03d}}/photo1.exr"
    with open(path, "rb") as file:
        data = file.read()
    with open(path, "wb") as file:
        file.write(data[:-20])
before = [os.fstat(n)[1:3] for n in (1, 2)], sys.stdout, sys.stderr
counts = stereo_labels.write(multilit.MultilitReader({str(tmp_path)!r}))
assert before == ([os.fstat(n)[1:3] for n in (1, 2)], sys.stdout, sys.stderr)
print(counts)
os.write(2, b"written to stderr")
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "{'written': 200, 'present': 0, 'skipped': 0}\n"
    assert result.stderr.endswith("written to stderr")
    assert "Skipped 10 in the multi-lit folder: p000: photo1.exr cannot be read" in result.stderr
