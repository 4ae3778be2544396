"""SfSNet's synthetic faces: our rendering of its files gives its photos; broken files."""

import numpy as np
import PIL.Image
import pytest

from tests import dataset_folders as folders
from tfrelight import color
from tfrelight.data import portrait
from tfrelight.data.datasets import sfsnet_synthetic
from tfrelight.errors import InputError

PLACES = [(1, 1), (1, 2), (2, 1), (3, 5)]


@pytest.fixture
def folder(tmp_path):
    folders.sfsnet(tmp_path, [41, 42, 60], PLACES)
    return tmp_path


def reader(folder, size=128):
    return sfsnet_synthetic.SfsnetReader(folder, size)


def test_photos_of_one_pose_are_one_subject(folder):
    found = list(reader(folder).subjects("train"))
    assert [subject["subject"] for subject in found] == [f"sfsnet-{n:06d}" for n in (41, 42, 60)]
    for subject in found:
        assert subject["images"].shape == (4, 128, 128, 3)
        assert {label for label in portrait.LABELS if subject[f"has_{label}"] == 1.0} == {
            "mask",
            "albedo",
            "normals",
            "light",
        }


def test_every_pose_is_a_subject_of_the_person(tmp_path):
    folders.sfsnet(tmp_path, [41], PLACES, poses=2)
    one, other = reader(tmp_path).read("0003/000041", [])
    assert one["subject"] == other["subject"] == "sfsnet-000041"
    assert (len(one["images"]), len(other["images"])) == (3, 1)
    assert not np.array_equal(one["normals"], other["normals"])


def test_labels_render_the_photos(folder):
    """In our basis, order and factors, albedo x shading gives the file's photo."""
    [subject] = reader(folder).read("0003/000041", [])
    inside = subject["mask"][..., 0] == 255
    assert inside.mean() > 0.5
    for index in range(len(PLACES)):
        photo = color.to_linear_numpy(subject["images"][index] / 255)
        difference = np.abs(folders.rendered(subject, index) - photo)[inside]
        assert difference.mean() < 2 / 255 and difference.max() < 5 / 255


def test_another_size(folder):
    [subject] = reader(folder, 48).read("0003/000041", [])
    assert subject["images"].shape == (4, 48, 48, 3)
    inside = subject["mask"][..., 0] == 255
    photo = color.to_linear_numpy(subject["images"][0] / 255)
    assert np.abs(folders.rendered(subject, 0) - photo)[inside].mean() < 2 / 255


def test_splits_by_person(tmp_path):
    folders.sfsnet(tmp_path, range(36, 40), [(1, 1)], size=16)
    found = {split: reader(tmp_path).people(split) for split in ("train", "validation", "test")}
    assert found == {
        "train": ["sfsnet-000036", "sfsnet-000037"],
        "validation": ["sfsnet-000038"],
        "test": ["sfsnet-000039"],
    }


def damaged(folder, damage):
    """Breaks photo 1_2 of person 41; returns the expected message."""
    stem = folder / "0003" / "000041_{}_1_2"
    if damage == "26 numbers":
        path = stem.with_name("000041_light_1_2.txt")
        path.write_text("\t".join(path.read_text().split()[:26]))
        return "light_1_2.txt: Invalid light in sfsnet order"
    if damage == "words":
        stem.with_name("000041_light_1_2.txt").write_text("bright\n" * 27)
        return "000041_light_1_2.txt holds something other than numbers"
    if damage == "no light":
        stem.with_name("000041_light_1_2.txt").unlink()
        return "000041_light_1_2.txt is missing"
    if damage == "no albedo":
        stem.with_name("000041_albedo_1_2.png").unlink()
        return "000041_albedo_1_2.png is missing"
    if damage == "broken normals":
        path = stem.with_name("000041_normal_1_2.png")
        path.write_bytes(path.read_bytes()[:500])
        return "000041_normal_1_2.png cannot be read"
    if damage == "empty mask":
        empty = PIL.Image.fromarray(np.zeros((128, 128, 3), np.uint8))
        empty.save(stem.with_name("000041_mask_1_2.png"))
        return "the mask is empty"
    small = PIL.Image.fromarray(np.zeros((64, 64, 3), np.uint8))
    small.save(stem.with_name("000041_face_1_2.png"))
    return "photo and maps differ in size"


@pytest.mark.parametrize(
    "damage",
    [
        *("26 numbers", "words", "no light", "no albedo", "broken normals", "empty mask"),
        "another size",
    ],
)
def test_a_broken_photo_is_named_and_skipped_or_refused(folder, damage, caplog):
    message = damaged(folder, damage)
    with caplog.at_level("WARNING", logger="absl"):
        first = next(iter(list(reader(folder).subjects("train"))))
    assert len(first["images"]) == len(PLACES) - 1
    [line] = [record.getMessage() for record in caplog.records]
    assert f"Skipped 1 in SfSNet's synthetic faces: 0003/000041: photo 1_2: {message}"[:60] in line
    assert message in line
    with pytest.raises(InputError, match="^0003/000041: photo 1_2: .*Leave out `strict`"):
        list(reader(folder).subjects("train", strict=True))


def test_another_folder_is_one_clear_line(tmp_path):
    with pytest.raises(InputError, match="No faces in .*Expected files such as 0003/000041_face"):
        reader(tmp_path).people()
