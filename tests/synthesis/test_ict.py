"""Copies of ICT-FaceKit: complete, damaged, or something else."""

import numpy as np
import pytest

from tfrelight.errors import InputError
from tfrelight.synthesis import ict


def packed(path, **changes):
    """A packed file with all its arrays, too small to be a head."""
    fields = {
        "names": np.array(["generic_neutral_mesh", "identity000"]),
        "V": np.random.default_rng(0).normal(size=(2, 50, 3)).astype(np.float32),
        "faces": np.zeros((4, 4), np.int32),
        "materials": np.array(["M_Face"]),
        "face_material": np.zeros(4, np.int32),
    }
    fields.update(changes)
    kept = {name: value for name, value in fields.items() if value is not None}
    np.savez_compressed(path, **kept)


def refused(path, *parts):
    with pytest.raises(InputError) as raised:
        ict.load(str(path))
    message = str(raised.value)
    assert message.count("Invalid `ict_facekit`. Expected the folder FaceXModel") == 1
    for part in (str(path), *parts):
        assert part in message


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_file_that_was_cut_off(tmp_path, share):
    path = tmp_path / "ict.npz"
    packed(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    refused(path)


def test_a_file_with_wrong_bytes_inside(tmp_path):
    path = tmp_path / "ict.npz"
    packed(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(200):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[rng.integers(0, len(whole), 3)] = rng.integers(0, 256, 3)
        path.write_bytes(damaged.tobytes())
        refused(path)


@pytest.mark.parametrize("name", ["names", "V", "faces", "materials", "face_material"])
def test_a_file_without_one_of_its_arrays(tmp_path, name):
    packed(tmp_path / "ict.npz", **{name: None})
    refused(tmp_path / "ict.npz", name)


@pytest.mark.parametrize(
    "changes",
    [
        {"names": np.array(["a", "b"])},
        {"V": np.zeros((2, 50, 3), np.float32)},
        {"V": np.zeros(7, np.float32)},
        {"face_material": np.full(4, 9)},
    ],
)
def test_arrays_of_something_else(tmp_path, changes):
    packed(tmp_path / "ict.npz", **changes)
    refused(tmp_path / "ict.npz")


def test_files_of_another_kind(tmp_path):
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "array.npy").rename(tmp_path / "array.npz")
    refused(tmp_path / "array.npz")
    (tmp_path / "text.npz").write_text("v 1 2 3\n")
    refused(tmp_path / "text.npz")
    refused(tmp_path / "nowhere", "neither generic_neutral_mesh.obj nor an .npz file")


@pytest.mark.parametrize("text", ["", "v 1 2 3\nf 1 1 1\n", "v 1 2\nv x y\n", "f a b c\n"])
def test_obj_files_that_are_no_heads(tmp_path, text):
    for name in ("generic_neutral_mesh", "identity000"):
        (tmp_path / f"{name}.obj").write_text(text)
    refused(tmp_path)
