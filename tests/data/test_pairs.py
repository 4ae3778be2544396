"""Pairs: one subject, two lights, shares kept, labels switched, the same after a restart."""

import dataclasses
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests import scenes
from tests.conftest import ROOT
from tfrelight import color, shading
from tfrelight.data import augment, blocks, pairs, portrait, records
from tfrelight.errors import InputError


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    paths = []
    for shard in range(2):
        paths.append(str(folder / f"{shard}.tfrecord"))
        records.write_shard(paths[-1], [scenes.ball(f"subject{shard}{i}", 16, 4) for i in range(3)])
    return paths


def batches(sources, **kwargs):
    kwargs.setdefault("augmented", False)
    return list(pairs.pairs(sources, kwargs.pop("batch_size", 2), **kwargs).as_numpy_iterator())


def test_a_pair_has_one_subject_and_two_lights(files):
    for batch in batches([pairs.Source("balls", files)], steps=20):
        np.testing.assert_array_equal(batch["a"]["subject"], batch["b"]["subject"])
        for key in ("albedo", "normals", "mask"):
            np.testing.assert_array_equal(batch["a"][key], batch["b"][key])
        difference = np.abs(batch["a"]["light"] - batch["b"]["light"]).max(axis=(1, 2))
        assert np.all(difference > 0.01)


@pytest.mark.parametrize("multilit", [True, False])
def test_each_photo_comes_with_its_own_surface_and_light(files, multilit):
    """Albedo x shading is the photo, but for its 8 bits, where no pixel mixes ball and backdrop."""
    for batch in batches([pairs.Source("balls", files, multilit=multilit)], steps=10):
        for one in batch.values():
            rendered = shading.render(one["albedo"], one["normals"], one["light"])
            off = np.abs(color.to_srgb(rendered) - one["image"]) * (one["mask"] > 0)
            assert off.max() < 1 / 255 and one["mask"].mean() > 0.5


def test_shapes_types_and_ranges(files):
    batch = batches([pairs.Source("balls", files)], steps=1)[0]["a"]
    assert batch["image"].shape == (2, 16, 16, 3) and batch["image"].dtype == np.float32
    assert batch["mask"].shape == (2, 16, 16, 1) and batch["light"].shape == (2, 9, 3)
    assert 0 <= batch["image"].min() and batch["image"].max() <= 1
    np.testing.assert_allclose(np.linalg.norm(batch["normals"], axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize("augmented", [False, True])
def test_parts_depth_and_unlit_come_along(files, augmented):
    """And are zeros where a record lacks them."""
    batch = batches([pairs.Source("balls", files)], steps=1, augmented=augmented)[0]["b"]
    for key, dtype in (("parts", np.uint8), ("depth", np.float32), ("unlit", np.float32)):
        assert batch[key].shape == (2, 16, 16, 1) and batch[key].dtype == dtype
        assert batch[f"has_{key}"].sum() == 2
    assert set(np.unique(batch["parts"])) == {0, 1, 5}
    assert batch["unlit"].max() == 1 and (batch["unlit"] > 0).mean() < 0.3
    assert -0.6 < batch["depth"].min() < -0.4 and abs(batch["depth"].max()) < 0.01


def test_a_record_without_parts_gives_zeros(tmp_path):
    subject = scenes.ball("s", 16, 2)
    for key in ("parts", "depth", "unlit"):
        del subject[key]
        subject[f"has_{key}"] = 0.0
    path = str(tmp_path / "old.tfrecord")
    records.write_shard(path, [subject])
    batch = batches([pairs.Source("old", [path])], steps=1, batch_size=1, augmented=True)[0]["a"]
    for key in ("parts", "depth", "unlit"):
        assert batch[key].shape == (1, 16, 16, 1)
        assert not batch[key].any() and not batch[f"has_{key}"].any()


def test_every_subject_and_every_pair_of_lights_comes_up(files):
    seen = set()
    for batch in batches([pairs.Source("balls", files)], steps=200):
        for subject, a, b in zip(batch["a"]["subject"], batch["a"]["light"], batch["b"]["light"]):
            seen.add((subject, a.tobytes(), b.tobytes()))
    assert len({subject for subject, _, _ in seen}) == 6
    assert len(seen) > 0.9 * 6 * 4 * 3


def test_labels_can_be_hidden(files):
    batch = batches([pairs.Source("balls", files, labelled=False)], steps=1)[0]
    for label in portrait.LABELS:
        np.testing.assert_array_equal(batch["a"][f"has_{label}"], 0)
    np.testing.assert_array_equal(batch["a"]["mask"], 1)
    shown = batches([pairs.Source("balls", files)], steps=1)[0]
    np.testing.assert_array_equal(shown["b"]["has_normals"], 1)


def test_shares_hold_and_subjects_are_kept_apart(files):
    names = [f"subject{shard}{i}" for shard in range(2) for i in range(3)]
    sources = [
        pairs.Source("a", files, share=0.75, subjects=tuple(names[:2])),
        pairs.Source("b", files, share=0.25, labelled=False, subjects=tuple(names[2:])),
    ]
    labelled, unlabelled = set(), set()
    for batch in batches(sources, steps=40, batch_size=4):
        assert batch["a"]["has_light"].sum() == 3
        for subject, known in zip(batch["a"]["subject"], batch["a"]["has_light"]):
            (labelled if known else unlabelled).add(subject.decode())
    assert labelled == set(names[:2])
    assert unlabelled == set(names[2:])


@pytest.mark.parametrize(
    "shares", [[1], [0.5, 0.5], [0.1, 0.7, 0.2], [1, 0, 2], [0, 0.01, 0.02], [300, 100]]
)
def test_schedule_keeps_shares_over_any_stretch(shares):
    order = pairs.schedule(shares, 1000)
    assert len(order) == 1000
    exact = np.outer(np.arange(1, 1001), np.array(shares) / np.sum(shares))
    taken = np.stack([np.cumsum(order == i) for i in range(len(shares))], axis=-1)
    assert np.abs(taken - exact).max() <= 1.5
    # A source without a share never comes up.
    assert set(order) == set(np.flatnonzero(shares))


def test_sources_have_equal_shares_unless_they_say_otherwise(files):
    sources = [pairs.Source("a", files), pairs.Source("b", files, share=1.0, labelled=False)]
    for batch in batches(sources, steps=3, batch_size=4):
        assert batch["a"]["has_light"].sum() == 2


def test_files_come_in_another_order_each_time(files, monkeypatch):
    """Not only the records within reach of the shuffle."""
    monkeypatch.setattr(blocks, "_BUFFER", 1)
    first = set()
    for seed in range(8):
        subject = batches([pairs.Source("a", files)], steps=1, seed=seed)[0]["a"]["subject"][0]
        first.add(subject.decode())
    assert first == {"subject00", "subject10"}


def test_starting_later_gives_the_same_batches(files):
    sources = [
        pairs.Source("a", files[:1], share=0.6),
        pairs.Source("b", files[1:], share=0.4, labelled=False),
    ]
    whole = batches(sources, steps=12, seed=3, augmented=True)
    rest = batches(sources, steps=12, seed=3, augmented=True, start=7)
    assert len(rest) == 5
    tf.nest.map_structure(np.testing.assert_array_equal, whole[7:], rest)


@pytest.mark.parametrize("multilit", [True, False])
def test_starting_at_a_known_place_gives_the_same_batches(files, multilit, monkeypatch):
    """What lies before the place is not read."""
    monkeypatch.setattr(blocks, "_FILES", 1)
    sources = [
        pairs.Source("a", files, share=0.7, multilit=multilit),
        pairs.Source("b", files, share=0.3, labelled=False),
    ]
    places = blocks.Places()
    whole = batches(sources, steps=14, seed=3, places=places)
    used = pairs.used(sources, pairs.schedule([0.7, 0.3], 28), 18)
    assert sum(used.values()) == (18 if multilit else 18 + used[0] // 2)
    known = {number: places.before(number, count) for number, count in used.items()}
    assert known[0][0] >= 3 and 0 < used[0] - known[0][1] <= 3
    read = []
    monkeypatch.setattr(blocks.Places, "begins", lambda _, *place: read.append(place))
    rest = batches(sources, steps=14, seed=3, start=9, places=blocks.Places(known))
    tf.nest.map_structure(np.testing.assert_array_equal, whole[9:], rest)
    assert min(block for number, block, _ in read if number == 0) == known[0][0]


def test_each_batch_is_augmented_by_its_own_number(files):
    """A hundred numbers of the seed's stream are its own."""
    source = [pairs.Source("a", files)]
    plain = pairs.pairs(source, 2, steps=5, seed=3, start=3, augmented=False)
    whole = batches(source, steps=5, seed=3, start=3, augmented=True)
    assert len(whole) == 2
    for number, (batch, expected) in enumerate(zip(whole, plain), start=3):
        augmented = augment.augment_pair(expected, tf.constant([3, 100 * number]))
        difference = batch["a"]["image"] - augmented["a"]["image"]
        assert np.abs(difference).max() < 1e-4
        assert np.abs(batch["a"]["image"] - expected["a"]["image"]).max() > 0.1


def test_another_seed_gives_other_batches(files):
    one, two = (batches([pairs.Source("a", files)], steps=3, seed=seed) for seed in (1, 2))
    assert any(not np.array_equal(x["a"]["image"], y["a"]["image"]) for x, y in zip(one, two))


def test_a_pass_in_order(files):
    whole = batches([pairs.Source("a", files)], shuffle=False, batch_size=4)
    assert [len(batch["a"]["subject"]) for batch in whole] == [4, 2]
    # Files in turn, of each its records in order.
    subjects = [subject.decode() for batch in whole for subject in batch["a"]["subject"]]
    assert subjects == [f"subject{shard}{i}" for i in range(3) for shard in range(2)]


def test_subjects_with_one_photo_are_no_pairs(tmp_path):
    path = str(tmp_path / "single.tfrecord")
    records.write_shard(path, [scenes.ball("alone", 16, 1)])
    with pytest.raises(InputError, match="No pair of photos in singles"):
        pairs.pairs([pairs.Source("singles", [path])], 2, steps=1)


@pytest.fixture(scope="module")
def singles(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("singles") / "singles.tfrecord")
    records.write_shard(path, [scenes.ball(f"single{i}", 16, 1) for i in range(5)])
    return pairs.Source("singles", [path], multilit=False)


def test_single_photos_stand_in_for_pairs(singles):
    seen = []
    for batch in batches([singles], steps=10):
        np.testing.assert_array_equal(batch["a"]["multilit"], 0)
        np.testing.assert_array_equal(batch["b"]["multilit"], 0)
        np.testing.assert_array_equal(batch["a"]["has_albedo"], 1)
        seen += [*batch["a"]["subject"], *batch["b"]["subject"]]
    # All of them equally often, although five is odd.
    assert set(np.unique(seen, return_counts=True)[1]) == {8}
    for batch in batches([singles], steps=5):
        assert not np.any(batch["a"]["subject"] == batch["b"]["subject"])


def test_single_photos_of_subjects_with_several(files):
    source = pairs.Source("balls", files, multilit=False)
    seen = set()
    for batch in batches([source], steps=60):
        for portraits in batch.values():
            seen.update(zip(portraits["subject"], map(bytes, portraits["light"])))
    assert len(seen) == 6 * 4


def test_pairs_and_singles_in_one_batch(files, singles):
    sources = [pairs.Source("balls", files, share=0.75), dataclasses.replace(singles, share=0.25)]
    for batch in batches(sources, steps=2, batch_size=4, augmented=True):
        np.testing.assert_array_equal(np.sort(batch["a"]["multilit"]), [0, 1, 1, 1])
        same = batch["a"]["subject"] == batch["b"]["subject"]
        np.testing.assert_array_equal(same, batch["a"]["multilit"] == 1)


def test_starting_later_gives_the_same_singles(singles):
    whole, rest = batches([singles], steps=9, seed=3), batches([singles], steps=9, seed=3, start=4)
    tf.nest.map_structure(np.testing.assert_array_equal, whole[4:], rest)


def test_two_photos_are_enough(tmp_path):
    path = str(tmp_path / "two.tfrecord")
    records.write_shard(path, [scenes.ball(name, 16, 1) for name in ("one", "other")])
    batch = batches([pairs.Source("two", [path], multilit=False)], batch_size=1, steps=1)[0]
    assert {batch["a"]["subject"][0], batch["b"]["subject"][0]} == {b"one", b"other"}


def test_one_photo_is_no_two(tmp_path):
    path = str(tmp_path / "single.tfrecord")
    records.write_shard(path, [scenes.ball("alone", 16, 1)])
    with pytest.raises(InputError, match="No pair of photos in one. Expected at least two photos"):
        pairs.pairs([pairs.Source("one", [path], multilit=False)], 2, steps=1)


def test_no_source_is_an_error(files):
    with pytest.raises(InputError, match="at least one source"):
        pairs.pairs([pairs.Source("none", files, share=0)], 2, steps=1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_memory_does_not_grow_with_the_records():
    """python -m pytest -m slow tests/data/test_pairs.py"""
    script = ROOT / "tools" / "measure_input.py"
    done = subprocess.run(
        [sys.executable, script, "--records=100000"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["distinct_subjects"] == 100000
    assert summary["records_mb"] > 300
    # Kept in memory they would add that much; 5 was measured.
    assert summary["growth_mb_after_the_first_tenth"] < 40
