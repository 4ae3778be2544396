"""What all readers share: streaming, limits, records, and problems that stay known."""

import itertools
import threading

import numpy as np
import pytest
import tensorflow as tf

from tests import scenes
from tfrelight.data import reader, records
from tfrelight.errors import InputError


class Balls(reader.Reader):
    """Units 0, 1, 2, ... of two units a person; those in `broken` cannot be read."""

    name, title, version = "balls", "the balls", 1
    splits = ("train",)

    def __init__(self, folder, count=40, broken=()):
        super().__init__(folder, size=8)
        self.count, self.broken = count, broken
        self.opened, self.lock = [], threading.Lock()

    def units(self, split):
        yield from range(self.count)

    def person(self, unit):
        return f"ball-{unit // 2}"

    def place(self, unit):
        return f"unit {unit}"

    def stamp(self):
        return None

    def read(self, unit, problems):
        with self.lock:
            self.opened.append(unit)
        if unit in self.broken:
            raise InputError("it is\nbroken")
        return [scenes.ball(self.person(unit), 8, 2, seed=unit)]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFRELIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def names(files):
    dataset = tf.data.TFRecordDataset(files).map(lambda record: records.parse(record)["subject"])
    return [name.decode() for name in dataset.as_numpy_iterator()]


def test_subjects_come_in_order(tmp_path):
    found = list(Balls(tmp_path).subjects())
    assert [subject["subject"] for subject in found] == [f"ball-{n // 2}" for n in range(40)]
    np.testing.assert_array_equal(found[7]["images"], scenes.ball("ball-3", 8, 2, 7)["images"])


def test_no_more_than_a_shard_is_read_ahead(tmp_path):
    balls = Balls(tmp_path, count=10**9)
    stream = balls.subjects()
    list(itertools.islice(stream, 20))
    stream.close()
    assert max(balls.opened) < 20 + records.SUBJECTS_PER_SHARD


@pytest.mark.parametrize("limit, units", [(None, 40), (1, 2), (3, 6), (100, 40)])
def test_a_limit_counts_people(tmp_path, limit, units):
    balls = Balls(tmp_path)
    assert len(list(balls.subjects(limit=limit))) == units
    assert sorted(balls.opened) == list(range(units))
    assert len(balls.people(limit=limit)) == units / 2
    assert names(balls.records(limit=limit)) == [f"ball-{n // 2}" for n in range(units)]


def test_records_are_made_once_and_a_larger_limit_adds_to_them(tmp_path):
    balls = Balls(tmp_path)
    balls.records(limit=8)
    assert sorted(balls.opened) == list(range(16))
    balls.records(limit=8)
    balls.records()
    assert sorted(balls.opened) == list(range(40))


def test_what_was_left_out_is_told_every_time(tmp_path, caplog):
    balls = Balls(tmp_path, broken=range(10, 18))
    for _ in range(2):
        caplog.clear()
        with caplog.at_level("WARNING", logger="absl"):
            files = balls.records()
        [line] = [record.getMessage() for record in caplog.records]
        assert line.startswith("Skipped 8 in the balls: unit 10: it is broken; unit 11: ")
        assert line.endswith("; and 3 more")
        assert len(names(files)) == 32
    with pytest.raises(InputError, match="^unit 10: it is broken. Leave out --strict to skip it.$"):
        balls.records(strict=True)
    with pytest.raises(InputError, match="^unit 10: it is broken. Leave out"):
        list(balls.subjects(strict=True))


def test_a_whole_shard_of_nothing(tmp_path):
    balls = Balls(tmp_path, count=34, broken=range(16, 32))
    assert names(balls.records()) == [f"ball-{n // 2}" for n in [*range(16), 32, 33]]


def test_a_bug_in_a_reader_is_not_a_broken_file(tmp_path, monkeypatch):
    monkeypatch.setattr(Balls, "read", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(Balls(tmp_path).subjects())


def test_a_split_is_told_by_the_name(tmp_path):
    splits = [reader.split_of(f"person-{n}") for n in range(2000)]
    assert abs(splits.count("validation") - 100) < 40 and abs(splits.count("test") - 100) < 40
    # Whatever else changes, people stay where they are: runs on old splits stay comparable.
    people = (1001, 1003, 1011)
    assert [reader.split_of(f"photoface-{n}") for n in people] == ["train", "validation", "test"]
