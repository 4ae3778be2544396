"""Pseudo-labels: photos kept by their error, resumption, and the labels in training."""

import json
import os

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tests import dataset_folders as folders
from tests import scenes
from tfrelight import color, shading
from tfrelight.data import pairs, records
from tfrelight.data.datasets import celeba, photo_folder
from tfrelight.errors import InputError
from tfrelight.training import pseudo_labels

SIZE = 32
# Photos that the fake network knows, and others.
GOOD, BAD = [0, 1, 3, 4, 5], [2, 6]
BALLS = {number: scenes.ball(f"{number}", SIZE, 1) for number in GOOD}


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for number in GOOD + BAD:
        where = folder / "more" if number > 3 else folder
        noise = np.random.default_rng(number).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
        pixels = BALLS[number]["images"][0] if number in GOOD else noise
        PIL.Image.fromarray(pixels).save(where / f"{number}.png")
    return folder


def predict(images):
    """A fake network that returns the maps of the ball nearest to the photo."""
    found = []
    for image in images:
        distance = [np.abs(ball["images"][0] / 255 - image).mean() for ball in BALLS.values()]
        ball = list(BALLS.values())[int(np.argmin(distance))]
        found.append(
            {
                "albedo": ball["albedo"] / np.float32(65535),
                "normals": folders.decoded_normals(ball).astype(np.float32),
                "light": ball["light"][0],
                "mask": ball["mask"] / np.float32(255),
            }
        )
    return {key: np.stack([one[key] for one in found]) for key in found[0]}


def write(folder, photos, max_error=0.05, **options):
    reader = photo_folder.PhotoFolderReader(photos, SIZE)
    return pseudo_labels.write(folder, reader, predict, max_error, **options)


def read(files):
    return {
        features["subject"].numpy().decode(): features
        for features in map(records.parse, tf.data.TFRecordDataset(files))
    }


def test_photos_that_are_explained_are_kept_with_their_labels(tmp_path, photos):
    summary = write(tmp_path / "out", photos, model="runs/x")
    assert (summary["labelled"], summary["kept"], summary["dropped"]) == (7, 5, 2)
    assert summary == json.loads((tmp_path / "out" / "pseudo_labels.json").read_text())
    found = read(pseudo_labels.files(tmp_path / "out", SIZE))
    assert set(found) == {"0.png", "1.png", "3.png", "more/4.png", "more/5.png"}
    for number in (0, 5):
        ball, features = BALLS[number], found["0.png" if number == 0 else "more/5.png"]
        for key in ("normals", "albedo"):
            decoded = tf.io.decode_png(features[key], dtype=tf.uint16).numpy().astype(int)
            np.testing.assert_allclose(decoded, ball[key], atol=2)
        np.testing.assert_array_equal(tf.io.decode_png(features["mask"]), ball["mask"])
        np.testing.assert_allclose(features["light"], ball["light"], atol=1e-6)
        assert features["has_light"] == features["has_mask"] == features["has_albedo"] == 1


def test_errors_are_in_a_table_and_shown(tmp_path, photos):
    write(tmp_path / "out", photos)
    [table] = (tmp_path / "out").glob("*.csv")
    rows = [line.split(",") for line in table.read_text().splitlines()]
    assert rows[0] == ["photo", "error", "result"] and len(rows) == 8
    by_photo = {photo: (float(error), result) for photo, error, result in rows[1:]}
    assert by_photo["0.png"][0] < 0.01 and by_photo["0.png"][1] == "kept"
    assert by_photo["2.png"][0] > 0.1 and by_photo["2.png"][1] == "dropped"
    for name, count in (("kept", 5), ("dropped", 2)):
        with PIL.Image.open(tmp_path / "out" / f"{name}.png") as picture:
            assert picture.size == (6 * SIZE, 14 + count * SIZE)


def test_the_error_by_hand():
    """The estimated albedo is twice the true one; half the photo is head, a quarter is black."""
    image = np.full((1, 8, 8, 3), 0.5, np.float32)
    image[:, :2] = 0
    mask = np.zeros((1, 8, 8, 1), np.float32)
    mask[:, :4] = 1
    outputs = {
        "albedo": np.full((1, 8, 8, 3), 2 * color.to_linear_numpy(np.float32(0.5))),
        "normals": np.tile(np.float32([0, 0, 1]), (1, 8, 8, 1)),
        "light": np.zeros((1, 9, 3), np.float32),
        "mask": mask,
    }
    outputs["light"][:, 0] = np.sqrt(4 * np.pi)
    np.testing.assert_allclose(shading.shade(outputs["normals"], outputs["light"]), 1, rtol=1e-5)
    expected = color.to_srgb_numpy(outputs["albedo"][0, 0, 0, 0]) - 0.5
    [error] = pseudo_labels.reconstruction_errors(image, outputs)
    assert error == pytest.approx(float(expected), abs=1e-5)
    outputs["mask"] = np.zeros_like(mask)
    assert pseudo_labels.reconstruction_errors(image, outputs) == [np.inf]


def test_a_stopped_run_goes_on(tmp_path, photos, monkeypatch):
    monkeypatch.setattr(records, "SUBJECTS_PER_SHARD", 2)
    expected = write(tmp_path / "whole", photos)
    calls = []

    def interrupted(images):
        calls.append(len(images))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return predict(images)

    reader = photo_folder.PhotoFolderReader(photos, SIZE)
    with pytest.raises(KeyboardInterrupt):
        pseudo_labels.write(tmp_path / "cut", reader, interrupted, 0.05)
    with pytest.raises(InputError, match="No finished pseudo-labels in .*cut"):
        pseudo_labels.files(tmp_path / "cut", SIZE)
    summary = pseudo_labels.write(tmp_path / "cut", reader, interrupted, 0.05)
    assert calls == [2, 2, 2, 2, 1]
    assert summary == expected
    for path in (tmp_path / "whole").glob("labels-*"):
        assert path.read_bytes() == (tmp_path / "cut" / path.name).read_bytes()


def test_broken_photos_are_named_and_counted(tmp_path, photos, caplog):
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    with caplog.at_level("WARNING", logger="absl"):
        summary = write(tmp_path / "out", photos)
    assert (summary["labelled"], summary["broken"]) == (7, 1)
    assert "Skipped 1 in the folder of photos: broken.jpg: broken.jpg cannot" in caplog.text
    with pytest.raises(InputError, match="^broken.jpg: .*Leave out `strict`"):
        write(tmp_path / "strict", photos, strict=True)


def test_another_folder_is_refused(tmp_path, photos):
    write(tmp_path / "out", photos)
    with pytest.raises(InputError, match="another max_error: 0.05 instead of 0.1"):
        write(tmp_path / "out", photos, max_error=0.1)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("")
    with pytest.raises(InputError, match="is not empty and holds no pseudo-labels"):
        write(tmp_path / "thesis", photos)
    with pytest.raises(InputError, match="are 32 pixels wide. Expected 64"):
        pseudo_labels.files(tmp_path / "out", 64)
    write(tmp_path / "none", photos, max_error=0.0)
    with pytest.raises(InputError, match="No photo was kept in .*none"):
        pseudo_labels.files(tmp_path / "none", SIZE)


def test_training_reads_them(tmp_path, photos):
    write(tmp_path / "out", photos)
    source = pairs.Source("x", pseudo_labels.files(tmp_path / "out", SIZE), multilit=False)
    batch = next(iter(pairs.pairs([source], 2, steps=1)))
    np.testing.assert_array_equal(batch["a"]["has_normals"], 1)
    np.testing.assert_array_equal(batch["a"]["multilit"], 0)


def test_celeba_by_its_split_and_crop(tmp_path):
    folders.celeba(tmp_path / "celeba", [0, 0, 1])
    reader = celeba.CelebAReader(tmp_path / "celeba", SIZE)
    summary = pseudo_labels.write(tmp_path / "out", reader, predict, 1.0)
    assert summary["labelled"] == 2


def test_an_empty_folder_is_one_clear_line(tmp_path):
    (tmp_path / "readme.txt").write_text("")
    with pytest.raises(InputError, match="No photo in .*Expected files that end in .bmp"):
        write(tmp_path / "out", tmp_path)


def test_nothing_labelled_is_no_success(tmp_path, photos):
    """Lists that fit no photo once gave "kept 0 of 0", and exit status 0."""
    for path in photos.rglob("*.png"):
        path.write_bytes(b"broken")
    with pytest.raises(InputError, match="No photo of the folder of photos was labelled, and 7"):
        write(tmp_path / "out", photos)
    with pytest.raises(InputError, match="No finished pseudo-labels"):
        pseudo_labels.files(tmp_path / "out", SIZE)


def test_labels_of_edited_photos_are_not_mixed(tmp_path, photos):
    write(tmp_path / "out", photos)
    write(tmp_path / "out", photos)
    path = photos / "0.png"
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 10**9))
    with pytest.raises(InputError, match="photos has changed since .*out was begun. Choose"):
        write(tmp_path / "out", photos)


def test_labels_of_another_states_of_a_model_are_not_mixed(tmp_path, photos):
    weights = tmp_path / "run" / "weights" / "best.weights.h5"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"first")
    for model, name in ((tmp_path / "run", "a"), (weights, "b")):
        write(tmp_path / name, photos, model=model)
    weights.write_bytes(b"second")
    for model, name in ((tmp_path / "run", "a"), (weights, "b")):
        with pytest.raises(InputError, match=f"{model} has changed since"):
            write(tmp_path / name, photos, model=model)
    write(tmp_path / "c", photos, model="compact-128")
