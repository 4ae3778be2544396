"""A folder of multi-lit photos: formats, splits, lights, labels, and broken files."""

import numpy as np
import PIL.Image
import pytest

from tests import dataset_folders as folders
from tfrelight import color, lights
from tfrelight.data import images, portrait
from tfrelight.data.datasets import multilit
from tfrelight.errors import InputError
from tfrelight.stereo import mat_files


def reader(folder, size=64, labelled=True):
    return multilit.MultilitReader(folder, size, labelled)


def truth(size=64):
    normals, inside = folders.ball_normals(80, 64, (40, 32), 0.45 * 64)
    box = images.central_square((64, 80))
    return images.resize_surface(normals, inside.astype(np.float32), inside, size, box)


@pytest.mark.parametrize("suffix", ["png", "jpg", "pgm", "exr", "PNG", "tif"])
def test_every_format_gives_the_same_surface(tmp_path, suffix):
    folders.multilit(tmp_path, ["anna"], suffix=suffix)
    [subject] = reader(tmp_path).subjects()
    assert subject["subject"] == "multilit-anna"
    assert subject["images"].shape == (5, 64, 64, 3)
    known = {label for label in portrait.LABELS if subject[f"has_{label}"]}
    assert known == {"albedo", "normals", "light"}
    normals, inside = truth()
    surface = (subject["albedo"].min(axis=-1) > 0) & (inside[..., 0] > 0)
    assert surface.mean() > 0.3
    error = folders.degrees(folders.decoded_normals(subject), normals)[surface].mean()
    assert error < (3 if suffix == "jpg" else 1)
    if suffix not in ("pgm", "exr"):
        expected = np.median(subject["albedo"][surface] / 65535, axis=0)
        np.testing.assert_allclose(expected, folders.TONE, atol=0.03)
    for light, (azimuth, elevation, intensity) in zip(subject["light"], folders.ANGLES):
        expected = lights.Light.from_direction(azimuth, elevation, intensity).coefficients
        np.testing.assert_allclose(light, expected, atol=1e-6)


def test_exr_is_linear_and_scaled_by_one_factor(tmp_path):
    folders.multilit(tmp_path, ["anna"], suffix="exr")
    folders.multilit(tmp_path / "encoded", ["anna"], suffix="png")
    linear = multilit.photos(tmp_path / "anna", []).images
    encoded = multilit.photos(tmp_path / "encoded" / "anna", []).images
    factor = encoded[linear > 0.05] / linear[linear > 0.05]
    # 1 % of the values saturate; elsewhere 8 bits are compared with floats.
    low, high = np.percentile(factor, [3, 97])
    assert high / low < 1.1
    assert linear.max() == 1


def test_without_lights_the_photos_are_unlabelled(tmp_path):
    folders.multilit(tmp_path, ["anna"], lamps=False)
    [subject] = reader(tmp_path, labelled=False).subjects()
    assert not any(subject[f"has_{label}"] for label in portrait.LABELS)
    decoded = color.to_linear_numpy(subject["images"][0] / 255)
    assert decoded[:, :32].mean() < 0.7 * decoded[:, 32:].mean()  # light from the right


def test_everybody_is_for_training_unless_folders_say_otherwise(tmp_path):
    folders.multilit(tmp_path, ["anna", "bo"])
    found = reader(tmp_path)
    assert found.people("train") == ["multilit-anna", "multilit-bo"]
    assert found.people("test") == []
    folders.multilit(tmp_path / "split", ["train/anna", "train/bo", "test/cy"])
    split = reader(tmp_path / "split")
    assert split.people("train") == ["multilit-anna", "multilit-bo"]
    assert (split.people("validation"), split.people("test")) == ([], ["multilit-cy"])
    (tmp_path / "split" / "test" / "bo").mkdir()
    for name in ("train", "test"):
        with pytest.raises(InputError, match="bo is in another split too"):
            split.people(name)


def test_a_persons_own_lights_come_first(tmp_path):
    folders.multilit(tmp_path, ["anna", "bo"])
    (tmp_path / "bo" / "lights.csv").write_text(
        "\ufeffElevation, Azimuth,photo\n10,-20,photo0.png\n0,5,photo1.png\n", encoding="utf-8"
    )
    found = reader(tmp_path)
    assert found.lamps("bo") == {"photo0.png": (-20, 10, 1), "photo1.png": (5, 0, 1)}
    assert found.lamps("anna")["photo2.png"] == folders.ANGLES[2]


def test_labels_in_files_come_before_photometric_stereo(tmp_path):
    folders.multilit(tmp_path, ["anna"], lamps=False)
    person = multilit.photos(tmp_path / "anna", [])
    folders.multilit(tmp_path / "lit", ["anna"])
    lamps = reader(tmp_path / "lit").lamps("anna")
    mat_files.write(tmp_path / "anna", multilit.surface(person, lamps))
    [subject] = reader(tmp_path).subjects()
    assert (subject["has_normals"], subject["has_albedo"], subject["has_light"]) == (1, 1, 0)
    [computed] = reader(tmp_path / "lit").subjects()
    np.testing.assert_allclose(subject["normals"], computed["normals"], atol=3)
    np.testing.assert_allclose(subject["albedo"], computed["albedo"], atol=3)


def test_a_mask(tmp_path):
    folders.multilit(tmp_path, ["anna"])
    mask = np.zeros((64, 80), np.uint8)
    mask[:, :40] = 255
    PIL.Image.fromarray(mask).save(tmp_path / "anna" / "mask.png")
    [subject] = reader(tmp_path).subjects()
    assert subject["has_mask"] == 1 and subject["mask"].shape == (64, 64, 1)
    assert (subject["mask"][:, :30] == 255).all() and (subject["mask"][:, 34:] == 0).all()


def test_a_photo_lies_as_its_exif_says(tmp_path):
    folders.multilit(tmp_path, ["anna"], lamps=False, suffix="jpg", width=64)
    upright = reader(tmp_path, labelled=False).read("anna", [])[0]["images"]
    for path in (tmp_path / "anna").glob("*.jpg"):
        with PIL.Image.open(path) as image:
            exif = image.getexif()
            exif[0x0112] = 3  # upside down
            image.rotate(180).save(path, quality=95, exif=exif)
    turned = reader(tmp_path, labelled=False).read("anna", [])[0]["images"]
    assert np.abs(upright.astype(int) - turned).mean() < 2


def damaged(folder, damage):
    """Breaks anna's files; returns the expected message and the number of photos left."""
    path = folder / "anna"
    if damage == "one photo":
        for index in range(1, 5):
            (path / f"photo{index}.png").unlink()
        return "1 of 1 photos can be used, expected 2 or more", 0
    if damage == "broken photo":
        (path / "photo1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        return "photo1.png cannot be read", 4
    if damage == "broken exr":
        (path / "photo9.exr").write_bytes(b"v/1\x01broken")
        return "photo9.exr cannot be read", 5
    if damage == "another size":
        PIL.Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(path / "photo1.png")
        return "photo1.png is 9x8, the others 80x64", 4
    if damage == "empty mask":
        PIL.Image.fromarray(np.zeros((64, 80), np.uint8)).save(path / "mask.png")
        return "mask.png is empty", 0
    if damage == "another mask":
        PIL.Image.fromarray(np.full((8, 9), 255, np.uint8)).save(path / "mask.png")
        return "mask.png is 9x8, expected 80x64 as the photos", 0
    if damage == "empty surface":
        for index in range(5):
            black = np.zeros((64, 80, 3), np.uint8)
            PIL.Image.fromarray(black).save(path / f"photo{index}.png")
        return "photometric stereo found no surface", 0
    text, message = {
        "two lights": (
            "photo,azimuth,elevation\nphoto0.png,1,2\nphoto1.png,2,1\n",
            "the lights of 2 photos are known, expected 3 or more",
        ),
        "no columns": ("photo0.png,1,2\n", "lights.csv begins with photo0.png,1,2, expected photo"),
        "empty": ("", "lights.csv begins with nothing"),
        "words": (
            "photo,azimuth,elevation\nphoto0.png,left,2\n",
            "lights.csv line 2: no valid light for 'photo0.png'",
        ),
        "twice": (
            "photo,azimuth,elevation\nphoto0.png,1,2\nphoto0.png,1,2\n",
            "lights.csv line 3: 'photo0.png' is listed twice",
        ),
        "one plane": (
            "photo,azimuth,elevation\n" + "".join(f"photo{i}.png,{9 * i},0\n" for i in range(5)),
            "lights all in one plane",
        ),
    }[damage]
    (path / "lights.csv").write_text(text)
    return message, 0


@pytest.mark.parametrize(
    "damage",
    [
        *("one photo", "broken photo", "broken exr", "another size", "empty mask", "another mask"),
        *("empty surface", "two lights", "no columns", "empty", "words", "twice", "one plane"),
    ],
)
def test_what_is_broken_is_named_and_skipped_or_refused(tmp_path, damage, caplog):
    folders.multilit(tmp_path, ["anna", "bo"])
    message, left = damaged(tmp_path, damage)
    with caplog.at_level("WARNING", logger="absl"):
        found = {subject["subject"]: subject for subject in reader(tmp_path, 16).subjects()}
    assert set(found) == {"multilit-bo"} | ({"multilit-anna"} if left else set())
    if left:
        assert len(found["multilit-anna"]["images"]) == left
    [line] = [record.getMessage() for record in caplog.records]
    assert f"Skipped 1 in the multi-lit folder: anna: {message}" in line or message in line
    with pytest.raises(InputError, match="^anna: .*Leave out `strict`"):
        list(reader(tmp_path, 16).subjects(strict=True))


def test_people_without_lights_can_come_without_labels(tmp_path):
    folders.multilit(tmp_path, ["anna", "bo"], lamps=False)
    folders.multilit(tmp_path / "rig", ["cleo"])
    (tmp_path / "rig" / "lights.csv").rename(tmp_path / "bo" / "lights.csv")
    (tmp_path / "rig" / "cleo").rename(tmp_path / "cleo")
    (tmp_path / "rig").rmdir()
    with pytest.raises(InputError, match="^anna: the lights of 0 photos are known"):
        list(reader(tmp_path, 16).subjects(strict=True))
    lenient = multilit.MultilitReader(tmp_path, 16, labelled=True, needs_labels=False)
    found = {subject["subject"]: subject for subject in lenient.subjects(strict=True)}
    known = {name: subject["has_normals"] for name, subject in found.items()}
    assert known == {"multilit-anna": 0.0, "multilit-bo": 1.0, "multilit-cleo": 0.0}
    # A reader that leaves people out has other records.
    assert lenient.stamp() != reader(tmp_path, 16).stamp()


def test_names_that_are_not_ascii(tmp_path):
    folders.multilit(tmp_path, ["Søren Kierkegård", "張偉"])
    names = [subject["subject"] for subject in reader(tmp_path, 16).subjects(strict=True)]
    assert names == ["multilit-Søren Kierkegård", "multilit-張偉"]


def test_an_empty_folder_is_one_clear_line(tmp_path):
    with pytest.raises(InputError, match="No people in .*Expected a folder for each person"):
        reader(tmp_path).people()


def test_a_person_without_a_file_named_photo_is_told_so(tmp_path):
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "img1.jpg").write_bytes(b"")
    with pytest.raises(InputError, match="no file named photo., such as photo1.jpg, expected 2"):
        multilit.photos(tmp_path / "anna", [])
