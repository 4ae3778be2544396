"""Records: a round trip, no half-written shard, and a cache that adds what is missing."""

import resource

import numpy as np
import pytest
import tensorflow as tf

from tests import scenes
from tfrelight.data import records
from tfrelight.errors import InputError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFRELIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_round_trip():
    subject = scenes.ball("Zoë", 16, 3)
    features = records.parse(tf.constant(records.serialize(subject)))
    assert features["subject"].numpy().decode() == "Zoë"
    for index in range(3):
        image = tf.io.decode_png(features["images"][index]).numpy()
        np.testing.assert_array_equal(image, subject["images"][index])
    for key in ("albedo", "normals"):
        decoded = tf.io.decode_png(features[key], dtype=tf.uint16).numpy()
        np.testing.assert_array_equal(decoded, subject[key])
    np.testing.assert_array_equal(features["light"], subject["light"])
    assert features["has_albedo"] == 1
    assert features["light_fit"].shape == (0, 9, 3)
    for key in ("shading", "shading_scale", "visibility"):
        assert features[key].shape == (0,)


def test_the_fields_of_a_record_have_one_order():
    """Protobuf orders them by process otherwise, and a set's bytes would differ from run to run."""
    record = records.serialize(scenes.ball("one", 16, 3))
    names = sorted(tf.train.Example.FromString(record).features.feature)
    # Before each name its length, and what a map's entry begins with.
    places = [record.index(b"\n" + bytes([len(name)]) + name.encode()) for name in names]
    assert len(places) > 5 and places == sorted(places)


def test_sets_from_before_a_label_existed_still_load():
    """What such a record lacks has weight 0 and no map."""
    subject = scenes.ball("s", 16, 3)
    example = tf.train.Example.FromString(records.serialize(subject))
    for label in ("parts", "depth", "unlit"):
        del example.features.feature[label], example.features.feature[f"has_{label}"]
    features = records.parse(tf.constant(example.SerializeToString()))
    old, new = records.to_subject(features), scenes.ball("s", 16, 3)
    for label in ("parts", "depth", "unlit"):
        assert features[f"has_{label}"] == 0 == old[f"has_{label}"] and label not in old
    assert old["has_normals"] == 1
    np.testing.assert_array_equal(old["normals"], new["normals"])
    again = records.to_subject(records.parse(tf.constant(records.serialize(old))))
    assert again.keys() == old.keys()


def test_a_subject_comes_back_whole():
    subject = scenes.ball("s", 16, 3)
    again = records.to_subject(records.parse(tf.constant(records.serialize(subject))))
    assert again.keys() == subject.keys()
    for key in ("images", "mask", "albedo", "normals", "light", "parts", "depth", "unlit"):
        np.testing.assert_array_equal(again[key], subject[key], err_msg=key)


def test_labels_that_only_synthetic_subjects_have():
    subject = scenes.ball("s", 16, 3)
    subject.update(scenes.rendered_labels(subject, 0))
    features = records.parse(tf.constant(records.serialize(subject)))
    np.testing.assert_array_equal(features["light_fit"], subject["light_fit"])
    np.testing.assert_array_equal(features["shading_scale"], subject["shading_scale"])
    for key in ("visibility", "shading"):
        expected = subject[key]
        decoded = [tf.io.decode_png(png, dtype=expected.dtype).numpy() for png in features[key]]
        np.testing.assert_array_equal(decoded, expected)


def test_a_full_disk_is_one_line_and_leaves_no_shard(cache):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A limit on file size acts as a full disk, also for TensorFlow's C++.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(InputError, match="Cannot write the cache folder .*: File too large"):
            records.cached("balls", {}, 1, lambda indices: iter([scenes.ball("s", 16, 2)]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(cache.rglob("*.tfrecord")) and not list(cache.rglob("*.part"))


def test_cache_makes_only_what_is_missing(cache, monkeypatch):
    monkeypatch.setattr(records, "SUBJECTS_PER_SHARD", 2)
    made = []

    def subjects(indices):
        for index in indices:
            made.append(index)
            yield scenes.ball(f"s{index}", 8, 2)

    paths = records.cached("balls", {"seed": 1}, 5, subjects)
    assert len(paths) == 3 and made == [0, 1, 2, 3, 4]
    assert records.cached("balls", {"seed": 1}, 5, subjects) == paths
    assert len(made) == 5
    (cache / paths[1]).unlink()
    records.cached("balls", {"seed": 1}, 5, subjects)
    assert made[5:] == [2, 3]
    assert records.cached("balls", {"seed": 2}, 5, subjects) != paths


def test_an_interrupted_shard_leaves_nothing_to_read(cache):
    def subjects(indices):
        yield scenes.ball("first", 8, 2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        records.cached("balls", {}, 2, subjects)
    assert not list(cache.rglob("*.tfrecord")) and not list(cache.rglob("*.part"))


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("TFRELIGHT_CACHE", str(blocked))
    with pytest.raises(InputError, match="Cannot write the cache folder .*TFRELIGHT_CACHE"):
        records.cached("balls", {}, 1, lambda indices: iter([scenes.ball("s", 8, 2)]))
