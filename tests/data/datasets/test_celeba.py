"""CelebA: its own splits, the crop by landmarks, and broken files."""

import numpy as np
import PIL.Image
import pytest

from tests import dataset_folders as folders
from tests.conftest import ROOT
from tfrelight import color
from tfrelight.data import portrait
from tfrelight.data.datasets import celeba
from tfrelight.errors import InputError

SPLITS = [0, 0, 0, 0, 1, 2]


@pytest.fixture(params=[False, True], ids=["flat", "archives"])
def folder(tmp_path, request):
    folders.celeba(tmp_path, SPLITS, request.param)
    return tmp_path


def photo(folder, name):
    return next(folder.rglob(name))


def test_photos_by_their_own_split_and_identity(folder):
    reader = celeba.CelebAReader(folder, 32)
    subjects = {split: list(reader.subjects(split)) for split in reader.splits}
    names = {split: [s["subject"] for s in found] for split, found in subjects.items()}
    assert names == {
        "train": ["celeba-2880", "celeba-2880", "celeba-2881", "celeba-2881"],
        "validation": ["celeba-2882"],
        "test": ["celeba-2882"],
    }
    for subject in subjects["train"]:
        assert subject["images"].shape == (1, 32, 32, 3) and subject["images"].dtype == np.uint8
        assert not any(subject[f"has_{label}"] for label in portrait.LABELS)


def test_without_identities_each_photo_is_a_person(folder):
    photo(folder, "identity_CelebA.txt").unlink()
    assert celeba.CelebAReader(folder).people("validation") == ["celeba-000005"]


def test_the_square_is_that_of_the_face(folder):
    """Centre midway between eyes (88.5, 111) and mouth (88.5, 152), side 3.2 x 41."""
    [subject] = celeba.CelebAReader(folder, 131).subjects("validation")
    with PIL.Image.open(photo(folder, "000005.jpg")) as image:
        pixels = np.asarray(image, np.float32)
    crop = pixels[66:197, 23:154]
    difference = np.abs(subject["images"][0].astype(np.float32) - crop)
    # The crop is off by a quarter of a pixel at most, which shows only at the ball's rim.
    assert np.median(difference) < 1 and difference.mean() < 3


def test_shrinking_averages_linear_light(folder):
    checker = np.indices((218, 178)).sum(axis=0) % 2 * 255
    image = PIL.Image.fromarray(np.repeat(checker[..., None], 3, -1).astype(np.uint8))
    image.save(photo(folder, "000005.jpg"), quality=100)
    [subject] = celeba.CelebAReader(folder, 16).subjects("validation")
    linear = color.to_linear_numpy(subject["images"][0, 4:12, 4:12] / 255)
    assert abs(linear.mean() - 0.5) < 0.04


def test_a_limit_counts_photos_and_people(folder):
    reader = celeba.CelebAReader(folder, 16)
    assert len(list(reader.subjects("train", limit=1))) == 2
    photo(folder, "identity_CelebA.txt").unlink()
    assert len(list(celeba.CelebAReader(folder, 16).subjects("train", limit=3))) == 3


def damaged(folder, damage):
    """Breaks photo 000002.jpg; returns the expected message."""
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
    return "000002.jpg: expected ten landmark numbers, received "


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
        assert len(list(celeba.CelebAReader(folder, 16).subjects("train"))) == 3
    [line] = [record.getMessage() for record in caplog.records]
    assert f"Skipped 1 in CelebA: {message}" in line
    with pytest.raises(InputError, match=f"^{message}.*Leave out `strict`"):
        list(celeba.CelebAReader(folder, 16).subjects("train", strict=True))


@pytest.mark.parametrize(
    "name", ["list_eval_partition.txt", "list_landmarks_align_celeba.txt", "img_align_celeba"]
)
def test_a_missing_part_is_one_clear_line(folder, name):
    path = photo(folder, name)
    path.rename(path.with_name("elsewhere"))
    name = name.replace(".txt", ".txt or .csv")
    with pytest.raises(
        InputError, match=f"No {name} in .*Expected it in that folder or in (Img|Anno|Eval)."
    ):
        list(celeba.CelebAReader(folder).subjects("train"))


def names(folder):
    reader = celeba.CelebAReader(folder, 16)
    splits = {split: list(reader.subjects(split, strict=True)) for split in reader.splits}
    return {split: [one["subject"] for one in found] for split, found in splits.items()}


def rewritten(folder, change):
    """Changes each list's lines, below those without a file name."""
    for path in folder.rglob("*.txt"):
        lines = path.read_text().splitlines()
        header = [line for line in lines if ".jpg" not in line]
        data, header = change([line for line in lines if ".jpg" in line], header, path)
        if header is not None:
            path.write_text("\n".join([*header, *data]) + "\n", encoding="utf-8")


def kaggle(data, header, path):
    """Kaggle's lists are CSV files with column names."""
    columns = {
        "list_eval_partition": "image_id,partition",
        "list_landmarks_align_celeba": "image_id,lefteye_x,lefteye_y,righteye_x,righteye_y,nose_x,"
        "nose_y,leftmouth_x,leftmouth_y,rightmouth_x,rightmouth_y",
        "identity_CelebA": "image_id,identity",
    }[path.stem]
    path.unlink()
    lines = [columns, *(",".join(line.split()) for line in data)]
    path.with_suffix(".csv").write_text("\n".join(lines) + "\n")
    return data, None


LISTS = {
    "windows": lambda data, header, _: (
        ["\ufeff" * (k == 0 and not header) + line + "\r" for k, line in enumerate(data)],
        [("\ufeff" if k == 0 else "") + line + "\r" for k, line in enumerate(header)],
    ),
    "backwards": lambda data, header, path: (
        data if path.stem == "list_eval_partition" else data[::-1],
        header,
    ),
    "shuffled": lambda data, header, _: (data[3:] + data[:3], header),
    "without headers": lambda data, header, _: (data, []),
    "semicolons": lambda data, header, _: ([";".join(line.split()) for line in data], header),
    "quoted": lambda data, header, _: (
        [", ".join(f'"{word}"' for word in line.split()) for line in data],
        header,
    ),
    "kaggle": kaggle,
}


@pytest.mark.parametrize("change", LISTS)
def test_lists_of_other_sources(folder, change):
    expected = names(folder)
    assert [len(found) for found in expected.values()] == [4, 1, 1]
    rewritten(folder, LISTS[change])
    assert celeba.is_celeba(folder)
    found = names(folder)
    assert {split: sorted(found[split]) for split in found} == expected


def test_photos_in_a_folder_of_their_folders_name(folder):
    expected = names(folder)
    path = photo(folder, "img_align_celeba")
    path.rename(path.with_name("inner"))
    path.mkdir()
    path.with_name("inner").rename(path / "img_align_celeba")
    assert names(folder) == expected


def test_the_split_of_a_list_without_splits_is_an_error(folder):
    path = photo(folder, "list_eval_partition.txt")
    path.write_text(path.read_text().replace(" ", " x"))
    with pytest.raises(InputError, match="No photo in .*Expected lines such as 000001.jpg 0"):
        names(folder)


def test_lists_as_they_failed():
    source = ROOT.parent / "shared" / "cases" / "celeba_bom"
    if not source.is_dir():
        pytest.skip("the examples of failures are not here")
    reader = celeba.CelebAReader(source)
    reader._photos = lambda: source
    units = {split: list(reader.units(split)) for split in reader.splits}
    assert [len(found) for found in units.values()] == [7, 2, 1]
    assert all(len(unit.landmarks) == 10 for found in units.values() for unit in found)
    assert reader.person(units["train"][0]) == "celeba-1000"


def test_an_empty_list_is_one_clear_line(folder):
    photo(folder, "list_eval_partition.txt").write_text("")
    with pytest.raises(InputError, match="No photo in .*list_eval_partition.txt"):
        list(celeba.CelebAReader(folder).subjects("train"))


def test_is_celeba_recognizes_the_folder(folder, tmp_path_factory):
    assert celeba.is_celeba(folder)
    assert not celeba.is_celeba(tmp_path_factory.mktemp("other"))
