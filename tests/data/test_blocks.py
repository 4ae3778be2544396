"""Blocks of records: all of them in each pass, in another order, and from any block on."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from tfrelight.data import blocks


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """40 files of 5 records, which is two blocks of 16 files and one of 8."""
    folder = tmp_path_factory.mktemp("records")
    paths = [str(folder / f"{number:02d}.tfrecord") for number in range(40)]
    for number, path in enumerate(paths):
        with tf.io.TFRecordWriter(path) as writer:
            for k in range(5):
                writer.write(b"%d" % (5 * number + k))
    return paths


def read(files, count=None, **given):
    settings = {"shuffle": True, "keep": lambda found: found, "repeat": True, **given}
    stream = blocks.read(files, settings.pop("seed", 1), **settings)
    return [int(record) for record in stream.take(-1 if count is None else count)]


def test_a_pass_holds_every_record_once_in_random_order(files):
    passes = np.array(read(files, 600)).reshape(3, 200)
    np.testing.assert_array_equal(np.sort(passes), np.tile(np.arange(200), (3, 1)))
    correlations = np.corrcoef(np.vstack([passes, np.arange(200)]))
    assert np.abs(correlations - np.eye(4)).max() < 0.35
    assert read(files, repeat=False) == passes[0].tolist()
    # The files of a block are others in each pass.
    first, second = (set(one[:80] // 5) for one in passes[:2])
    assert len(first) == len(second) == 16 and len(first & second) < 12


def test_files_and_records_of_a_block_are_mixed(files):
    first = np.array(read(files, 80))
    assert len(set(first // 5)) == 16 and first.max() > 100
    assert len(set(np.array(first[:20]) // 5)) > 8


@pytest.mark.parametrize("global_seed", [0, 7])
def test_the_order_follows_from_the_seed(files, global_seed):
    one = read(files, 100)
    tf.random.set_seed(global_seed)
    assert read(files, 100) == one
    assert read(files, 100, seed=2) != one
    # Seed 0 is a seed like any other.
    assert read(files, 100, seed=0) == read(files, 100, seed=0)


def test_in_order_files_come_in_turn(files):
    found = read(files, repeat=False, shuffle=False)
    assert found[:8] == [0, 5, 10, 15, 1, 6, 11, 16]
    assert sorted(found[:80]) == list(range(80))


def odd(found):
    return found.filter(lambda record: tf.strings.to_number(record, tf.int32) % 2 == 1)


def noted(seen, *place):
    seen.append(place)


def test_what_comes_after_a_place_is_what_comes_without_reading_what_is_before(files):
    places = blocks.Places()
    whole = read(files, 300, keep=odd, begins=lambda *place: places.begins(4, *place))
    # 100 odd records a pass: blocks of 40, 40 and 20, and a pass begins with the fourth.
    for number, block in ((0, 0), (1, 0), (45, 1), (99, 2), (100, 3), (250, 7)):
        found, first = places.before(4, number)
        assert found == block and 0 <= number - first < 45
        seen = []
        stream = blocks.read(
            files, 1, shuffle=True, keep=odd, repeat=True, first=(found, first),
            begins=functools.partial(noted, seen),
        )  # fmt: skip
        rest = [int(record) for record in stream.skip(number - first).take(50)]
        assert rest == whole[number : number + 50]
        assert seen[0] == (found, first)
    assert places.before(5, 10) == (0, 0)


def test_places_that_are_known_are_a_beginning():
    places = blocks.Places({0: (7, 100), 1: (0, 0)})
    assert places.before(0, 99) == (0, 0)
    assert places.before(0, 100) == (7, 100)
    places.begins(0, 7, 100)
    places.begins(0, 8, 150)
    places.begins(0, 9, 180)
    assert places.before(0, 149) == (7, 100)
    assert places.before(0, 179) == (8, 150)
    assert places.before(0, 999) == (9, 180)
