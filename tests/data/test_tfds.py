"""Each real data set through `tfds.load`: the examples that training reads, people in one split."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets

from tests import dataset_folders as folders
from tests import yale_folder
from tfrelight.data import records, tfds
from tfrelight.synthesis import tfds as synthetic_tfds

SIZE = 16


def photoface(folder):
    # One person in each split.
    folders.photoface(folder, ["1001/a", "1001/b", "1003/a", "1011/a"])


def yale(folder):
    yale_folder.write(folder, ["01", "04", "31"], yale_folder.FLASHES[::6])


WRITE = {
    "photoface": photoface,
    "sfsnet_synthetic": lambda f: folders.sfsnet(f, range(17, 20), [(1, 1), (1, 2)], size=32),
    "celeba_portraits": lambda f: folders.celeba(f, [0, 0, 1, 2]),
    "extended_yale_b": yale,
    "multilit_folder": lambda f: folders.multilit(f, ["train/anna", "train/bo", "test/cy"]),
}


def load(name, folder, data_dir, **options):
    manual = tensorflow_datasets.download.DownloadConfig(manual_dir=str(folder))
    return tensorflow_datasets.load(
        name,
        data_dir=str(data_dir),
        builder_kwargs={"config": tfds.Config(name=str(SIZE), size=SIZE)},
        download_and_prepare_kwargs={"download_config": manual},
        with_info=True,
        **options,
    )


def decoded(features):
    """A record as the training pipeline decodes it."""
    found = {key: features[key].numpy() for key in features if key.startswith("has_")}
    found["subject"], found["light"] = features["subject"].numpy(), features["light"].numpy()
    found["images"] = np.stack([tf.io.decode_png(png).numpy() for png in features["images"]])
    found["mask"] = tf.io.decode_png(features["mask"]).numpy()
    for key in ("albedo", "normals"):
        found[key] = tf.io.decode_png(features[key], dtype=tf.uint16).numpy()
    return found


@pytest.mark.parametrize("name", WRITE)
def test_the_examples_are_what_training_reads(name, tmp_path, monkeypatch):
    monkeypatch.setenv("TFRELIGHT_CACHE", str(tmp_path / "cache"))
    WRITE[name](tmp_path / "original")
    splits, info = load(name, tmp_path / "original", tmp_path / "prepared")
    builder = tensorflow_datasets.builder_cls(name)
    reader = builder.READER(tmp_path / "original", SIZE, labelled=True)
    people = {}
    for split, examples in splits.items():
        ours = [
            decoded(records.parse(record))
            for record in tf.data.TFRecordDataset(reader.records(split))
        ]
        theirs = list(examples.as_numpy_iterator())
        assert len(theirs) == len(ours) > 0
        by_photos = {(one["subject"], one["images"].tobytes()): one for one in theirs}
        for subject in ours:
            example = by_photos[bytes(subject["subject"]), subject["images"].tobytes()]
            assert set(example) == set(subject)
            for key, value in subject.items():
                np.testing.assert_array_equal(example[key], value, err_msg=key)
        people[split] = {example["subject"] for example in theirs}
    # CelebA's own split may contain a person twice.
    if name != "celeba_portraits":
        assert sum(map(len, people.values())) == len(set.union(*people.values()))
    assert "train" in people and len(people) >= 2
    assert info.redistribution_info.license and "An example is one person" in info.description
    assert bool(info.citation) == (name != "multilit_folder")


def test_a_second_load_needs_no_originals(tmp_path):
    folders.multilit(tmp_path / "original", ["anna"])
    load("multilit_folder", tmp_path / "original", tmp_path / "prepared")
    again, _ = load("multilit_folder", tmp_path / "nowhere", tmp_path / "prepared", split="train")
    assert len(list(again)) == 1


@pytest.mark.parametrize("name", WRITE)
def test_without_the_originals_it_says_what_to_do(name, tmp_path):
    with pytest.raises(AssertionError, match="manual_dir`") as caught:
        load(name, tmp_path / "nowhere", tmp_path / "prepared")
    instructions = tensorflow_datasets.builder_cls(name).MANUAL_DOWNLOAD_INSTRUCTIONS
    assert instructions.split()[0] in str(caught.value)


def test_one_import_registers_all():
    assert set(WRITE) | {synthetic_tfds.NAME} <= set(tensorflow_datasets.list_builders())
