"""The command's work: files beside the photos of every session or person, once."""

import numpy as np
import PIL.Image
import pytest
import scipy.io

from tests import dataset_folders as folders
from tests import yale_folder
from tfrelight.data import multilit, photoface, stereo_files, yale_b
from tfrelight.errors import InputError


def test_the_ways_to_turn_a_head(tmp_path):
    normals, inside = folders.ball_normals()
    np.testing.assert_array_equal(stereo_files.outward(normals, inside), np.eye(2))
    for change in ([[-1, 0], [0, 1]], [[1, 0], [0, -1]], [[0, 1], [1, 0]], [[0, -1], [1, 0]]):
        turned = normals.copy()
        turned[..., :2] = turned[..., :2] @ np.float32(change)
        found = stereo_files.outward(turned, inside)
        turned[..., :2] = turned[..., :2] @ found.T
        np.testing.assert_allclose(turned, normals, atol=1e-6)


def test_photoface_gets_what_its_matlab_tool_leaves(tmp_path):
    sessions = ["1001/day1", "1001/day2", "1003/day1", "1011/day1"]  # all three splits
    folders.photoface(tmp_path, sessions)
    picture = tmp_path / "page.png"
    counts = stereo_files.add(photoface.Photoface(tmp_path), picture=picture)
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
    reader = photoface.Photoface(tmp_path)
    assert stereo_files.add(reader) == {"written": 1, "present": 1, "skipped": 0}
    assert theirs.read_bytes() == b"theirs"
    assert not (tmp_path / "1001/day1/albedo.mat").exists()
    assert stereo_files.add(reader) == {"written": 0, "present": 2, "skipped": 0}
    assert stereo_files.add(reader, overwrite=True)["written"] == 2
    assert stereo_files.read(tmp_path / "1001/day1", (folders.HEIGHT, folders.WIDTH))


def test_yale_people_at_the_photos_size(tmp_path):
    yale_folder.write(tmp_path, ["01", "04", "31"], yale_folder.FLASHES)
    counts = stereo_files.add(yale_b.ExtendedYaleB(tmp_path), limit=2)
    assert counts == {"written": 2, "present": 0, "skipped": 0}
    normals, albedo, valid = stereo_files.read(tmp_path / "yaleB04", (192, 168))
    assert valid.mean() > 0.6 and 0.3 < albedo[valid].mean() < 0.8
    assert not (tmp_path / "yaleB31" / "sn.mat").exists()
    # The reader does not take them for photos.
    assert len(yale_b.photos(tmp_path, "01", 16, strict=True).names) == 64


def test_a_folder_in_colour(tmp_path):
    folders.multilit(tmp_path, ["anna"])
    stereo_files.add(multilit.MultilitFolder(tmp_path))
    _, albedo, valid = stereo_files.read(tmp_path / "anna", (64, 80))
    assert albedo.shape == (64, 80, 3)
    np.testing.assert_allclose(np.median(albedo[valid], axis=0), folders.TONE, atol=0.02)


def test_what_is_broken_is_named_and_skipped_or_refused(tmp_path, caplog):
    folders.photoface(tmp_path, ["1001/day1", "1001/day2"])
    (tmp_path / "1001/day1/LightSource.m").unlink()
    reader = photoface.Photoface(tmp_path)
    with pytest.raises(InputError, match="^1001/day1: LightSource.m is missing. Leave out --stri"):
        stereo_files.add(reader, strict=True)
    with caplog.at_level("WARNING", logger="absl"):
        counts = stereo_files.add(reader, overwrite=True)
    assert counts == {"written": 1, "present": 0, "skipped": 1}
    assert "Skipped 1 in the Photoface database: 1001/day1: LightSource.m" in caplog.text
