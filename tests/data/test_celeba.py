"""CelebA: its own splits, the crop by landmarks, streams instead of lists, and what is broken."""

import numpy as np
import PIL.Image
import pytest

from tests import dataset_folders as folders
from tfrelight import color
from tfrelight.data import celeba, portrait
from tfrelight.errors import InputError

SPLITS = [0, 0, 0, 0, 1, 2]


@pytest.fixture(params=[False, True], ids=["flat", "archives"])
def folder(tmp_path, request):
    folders.celeba(tmp_path, SPLITS, request.param)
    return tmp_path


def photo(folder, name):
    return next(folder.rglob(name))


def test_photos_by_their_own_split_and_identity(folder):
    reader = celeba.CelebA(folder, 32)
    subjects = {split: list(reader.subjects(split)) for split in reader.splits}
    names = {split: [s["subject"] for s in found] for split, found in subjects.items()}
    assert names == {
        "train": ["celeba-2880", "celeba-2880", "celeba-2881", "celeba-2881"],
        "validation": ["celeba-2882"],
        "test": ["celeba-2882"],
    }
    for subject in subjects["train"]:
        assert subject["images"].shape == (1, 32, 32, 3) and subject["images"].dtype == np.uint8
        assert [subject[f"has_{label}"] for label in portrait.LABELS] == [0.0] * 4


def test_without_identities_each_photo_is_a_person(folder):
    photo(folder, "identity_CelebA.txt").unlink()
    assert celeba.CelebA(folder).people("validation") == ["celeba-000005"]


def test_the_square_is_that_of_the_face(folder):
    """Its middle is that of eyes (88.5, 111) and mouth (88.5, 152), its side 3.2 x 41."""
    [subject] = celeba.CelebA(folder, 131).subjects("validation")
    with PIL.Image.open(photo(folder, "000005.jpg")) as image:
        pixels = np.asarray(image, np.float32)
    crop = pixels[66:197, 23:154]
    difference = np.abs(subject["images"][0].astype(np.float32) - crop)
    # A quarter of a pixel off at most, which shows at the ball's rim alone.
    assert np.median(difference) < 1 and difference.mean() < 3


def test_shrinking_averages_linear_light(folder):
    checker = np.indices((218, 178)).sum(axis=0) % 2 * 255
    image = PIL.Image.fromarray(np.repeat(checker[..., None], 3, -1).astype(np.uint8))
    image.save(photo(folder, "000005.jpg"), quality=100)
    [subject] = celeba.CelebA(folder, 16).subjects("validation")
    linear = color.to_linear_numpy(subject["images"][0, 4:12, 4:12] / 255)
    assert abs(linear.mean() - 0.5) < 0.04


def test_a_limit_counts_photos_and_people(folder):
    reader = celeba.CelebA(folder, 16)
    assert len(list(reader.subjects("train", limit=1))) == 2
    photo(folder, "identity_CelebA.txt").unlink()
    assert len(list(celeba.CelebA(folder, 16).subjects("train", limit=3))) == 3


def damaged(folder, damage):
    """Breaks photo 000002.jpg; returns what is said about it."""
    if damage == "missing":
        photo(folder, "000002.jpg").unlink()
        return "000002.jpg: 000002.jpg is missing"
    if damage == "another size":
        PIL.Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(photo(folder, "000002.jpg"))
        return "000002.jpg: 64x64 instead of 178x218"
    if damage == "truncated":
        path = photo(folder, "000002.jpg")
        path.write_bytes(path.read_bytes()[:700])
        return "000002.jpg: 000002.jpg cannot be read"
    lists = photo(folder, "list_landmarks_align_celeba.txt")
    lines = lists.read_text().splitlines()
    if damage == "no landmarks":
        lists.write_text("\n".join(lines[:3] + lines[4:]))
        return "000002.jpg: no landmarks in the list"
    words = lines[3].split()
    wrong = {
        "nine landmark numbers": words[:-1],
        "landmark words": [*words[:-1], "x"],
        "lying face": [words[0], "69", "111", "69", "180", "88", "133", "150", "111", "150", "180"],
    }[damage]
    lists.write_text("\n".join([*lines[:3], " ".join(wrong), *lines[4:]]))
    if damage == "lying face":
        return "000002.jpg: no upright face at the landmarks"
    return "000002.jpg: landmarks that are not ten numbers"


@pytest.mark.parametrize(
    "damage",
    [
        *("missing", "another size", "truncated", "no landmarks", "nine landmark numbers"),
        *("landmark words", "lying face"),
    ],
)
def test_a_broken_photo_is_named_and_skipped_or_refused(folder, damage, caplog):
    message = damaged(folder, damage)
    with caplog.at_level("WARNING", logger="absl"):
        assert len(list(celeba.CelebA(folder, 16).subjects("train"))) == 3
    [line] = [record.getMessage() for record in caplog.records]
    assert f"Skipped 1 in CelebA: {message}" in line
    with pytest.raises(InputError, match=f"^{message}.*Leave out --strict"):
        list(celeba.CelebA(folder, 16).subjects("train", strict=True))


@pytest.mark.parametrize(
    "name", ["list_eval_partition.txt", "list_landmarks_align_celeba.txt", "img_align_celeba"]
)
def test_a_missing_part_is_one_clear_line(folder, name):
    path = photo(folder, name)
    path.rename(path.with_name("elsewhere"))
    with pytest.raises(
        InputError, match=f"No {name} in .*Expected it there or in (Img|Anno|Eval)."
    ):
        list(celeba.CelebA(folder).subjects("train"))


def test_an_empty_list_is_one_clear_line(folder):
    photo(folder, "list_eval_partition.txt").write_text("")
    with pytest.raises(InputError, match="No photo in .*list_eval_partition.txt"):
        list(celeba.CelebA(folder).subjects("train"))


def test_a_folder_of_celeba_is_told_from_others(folder, tmp_path_factory):
    assert celeba.is_celeba(folder)
    assert not celeba.is_celeba(tmp_path_factory.mktemp("other"))
