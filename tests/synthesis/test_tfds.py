"""`tfds.load` reads the command's set or renders a small one, with the same examples."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets

from tests import scenes
from tfrelight.data import records
from tfrelight.errors import InputError
from tfrelight.synthesis import dataset, portraits, tfds

SMALL = portraits.PortraitConfig(lights=2, size=16, directions=32)


@pytest.fixture
def balls(monkeypatch):
    """Renders balls in place of people, with the settings of a small set."""

    def ball(settings, index):
        subject = scenes.ball(portraits.name(settings.seed, index), settings.size, settings.lights)
        return {**subject, **scenes.rendered_labels(subject, index)}

    monkeypatch.setattr(portraits, "subject", ball)
    monkeypatch.setattr(tfds, "SETTINGS", SMALL)
    monkeypatch.setattr(tfds, "SUBJECTS", 40)
    return lambda index: ball(SMALL, index)


def load(data_dir, **options):
    return tensorflow_datasets.load(tfds.NAME, data_dir=data_dir, **options)


def by_subject(examples):
    return {example["subject"].decode(): example for example in examples.as_numpy_iterator()}


def test_what_the_command_wrote_is_loaded(tmp_path, balls):
    dataset.write(tmp_path, SMALL, 20, processes=1)
    splits, info = load(tmp_path, with_info=True)
    assert {name: split.num_examples for name, split in info.splits.items()} == {
        "train": 18,
        "validation": 1,
        "test": 1,
    }
    assert "arXiv:2106.15305" in info.citation and "CC0" in info.redistribution_info.license
    found = by_subject(splits["train"])
    assert list(found) == [portraits.name(SMALL.seed, index) for index in range(18)]
    for index in (0, 17):
        subject = balls(index)
        example = found[subject["subject"]]
        for key in subject.keys() - {"subject"}:
            np.testing.assert_array_equal(example[key], subject[key], err_msg=key)
    assert set(example) == set(subject)
    assert list(by_subject(splits["test"])) == [portraits.name(SMALL.seed, 19)]


def test_features_are_described_as_they_come(tmp_path, balls):
    dataset.write(tmp_path, SMALL, 1, processes=1)
    examples, info = load(tmp_path, split="train", with_info=True)
    assert examples.element_spec["images"] == tf.TensorSpec([None, None, None, 3], tf.uint8)
    assert examples.element_spec["albedo"] == tf.TensorSpec([None, None, 3], tf.uint16)
    assert examples.element_spec["light"] == tf.TensorSpec([None, 9, 3], tf.float32)
    assert info.features["subject"].dtype == tf.string


def test_where_there_is_no_set_a_small_one_is_rendered(tmp_path, balls):
    splits = load(tmp_path / "own")
    dataset.write(tmp_path / "command", SMALL, 40, processes=1)
    expected = load(tmp_path / "command")
    names = set()
    for split in ("train", "validation", "test"):
        own, command = by_subject(splits[split]), by_subject(expected[split])
        assert own.keys() == command.keys() and not names & own.keys()
        names |= own.keys()
        for subject, example in own.items():
            for key, value in example.items():
                np.testing.assert_array_equal(value, command[subject][key], err_msg=key)
    assert len(names) == 40


def test_both_readers_read_both_kinds_of_files(tmp_path, balls):
    """Records written by TensorFlow Datasets are parsed by `records` as well."""
    load(tmp_path)
    features = [
        records.parse(record)
        for record in tf.data.TFRecordDataset(dataset.files(tmp_path, "validation"))
    ]
    subject = balls(18)
    (found,) = [f for f in features if f["subject"].numpy().decode() == subject["subject"]]
    np.testing.assert_array_equal(found["light"], subject["light"])
    decoded = tf.io.decode_png(found["normals"], dtype=tf.uint16).numpy()
    np.testing.assert_array_equal(decoded, subject["normals"])


@pytest.mark.parametrize("split,count", [("train", 36), ("validation", 2)])
def test_a_set_that_tfds_rendered_is_one_to_train_on(tmp_path, balls, split, count):
    load(tmp_path)
    records_of = tf.data.TFRecordDataset(dataset.files(tmp_path, split)).map(records.parse)
    held = [features["subject"].numpy().decode() for features in records_of]
    assert sorted(held) == dataset.names(tmp_path, split, SMALL.size) and len(held) == count


def test_a_set_that_is_not_finished_is_refused(tmp_path, balls, monkeypatch):
    def interrupted(settings, index):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(portraits, "subject", interrupted)
        dataset.write(tmp_path, SMALL, 2, processes=1)
    with pytest.raises(InputError, match="not finished.*tfrelight.synthesize"):
        load(tmp_path)
    dataset.write(tmp_path, SMALL, 2, processes=1)
    assert len(by_subject(load(tmp_path, split="train"))) == 2


def test_a_folder_of_another_generator_is_not_taken_for_ours(tmp_path, balls, monkeypatch):
    dataset.write(tmp_path, SMALL, 1, processes=1)
    newer = dataclasses.replace(SMALL)
    object.__setattr__(newer, "version", SMALL.version + 1)
    monkeypatch.setattr(tfds, "SETTINGS", newer)
    dataset.write(tmp_path, newer, 2, processes=1)
    assert len(list(tmp_path.glob("*/*"))) == 2
    (path,) = dataset.files(tmp_path, "train")
    assert f"{newer.version}.0.0" in path
