"""The base class of readers: streaming, limits, records, and problems in every run."""

import itertools
import os
import threading

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tests import dataset_folders as folders
from tests import scenes, yale_folder
from tfrelight.data import records
from tfrelight.data.datasets import (
    celeba,
    multilit,
    photo_folder,
    photoface,
    reader,
    sfsnet_synthetic,
    yale_b,
)
from tfrelight.errors import InputError


class Balls(reader.Reader):
    """Units 0, 1, 2, ..., two for each person; those in `broken` cannot be read."""

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


def test_problems_are_reported_every_time(tmp_path, caplog):
    balls = Balls(tmp_path, broken=range(10, 18))
    for _ in range(2):
        caplog.clear()
        with caplog.at_level("WARNING", logger="absl"):
            files = balls.records()
        [line] = [record.getMessage() for record in caplog.records]
        assert line.startswith("Skipped 8 in the balls: unit 10: it is broken; unit 11: ")
        assert line.endswith("; and 3 more")
        assert len(names(files)) == 32
    with pytest.raises(InputError, match="^unit 10: it is broken. Leave out `strict` to skip it.$"):
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


def test_the_name_decides_the_split(tmp_path):
    splits = [reader.split_of(f"person-{n}") for n in range(2000)]
    assert abs(splits.count("validation") - 100) < 40 and abs(splits.count("test") - 100) < 40
    # People must never change splits, so that runs stay comparable.
    people = (1001, 1003, 1011)
    assert [reader.split_of(f"photoface-{n}") for n in people] == ["train", "validation", "test"]


def edited(path):
    """Gives a file another time of change, as an edit in place does; its folder does not notice."""
    folder = path.parent.stat()
    content = path.read_bytes()
    path.write_bytes(content)
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 10**9))
    assert path.parent.stat().st_mtime_ns == folder.st_mtime_ns


def _photo_folder(folder):
    (folder / "more").mkdir(parents=True)
    for name in ("a.png", "more/b.png"):
        PIL.Image.fromarray(scenes.ball("x", 32, 1)["images"][0]).save(folder / name)


# How to write a small folder, its reader, and files that the reader reads.
_READERS = {
    "photoface": (
        lambda folder: folders.photoface(folder, ["1001/day1"]),
        photoface.PhotofaceReader,
        ["1001/day1/im2.bmp", "1001/day1/LightSource.m", "1001/day1/metadata.txt"],
    ),
    "yale_b": (
        lambda folder: yale_folder.write(folder, ["01"], yale_folder.FLASHES[:8]),
        yale_b.YaleBReader,
        ["yaleB01/yaleB01_P00A+000E+00.pgm"],
    ),
    "sfsnet": (
        lambda folder: folders.sfsnet(folder, [1], [(0, 0), (0, 1)], size=32),
        sfsnet_synthetic.SfsnetReader,
        ["0001/000001_face_0_1.png", "0001/000001_light_0_0.txt"],
    ),
    "celeba": (
        lambda folder: folders.celeba(folder, [0, 0]),
        celeba.CelebAReader,
        ["img_align_celeba/000002.jpg", "list_eval_partition.txt", "identity_CelebA.txt"],
    ),
    "photo_folder": (_photo_folder, photo_folder.PhotoFolderReader, ["a.png", "more/b.png"]),
    "multilit": (
        lambda folder: folders.multilit(folder, ["train/anna", "test/bo"]),
        multilit.MultilitReader,
        ["train/anna/photo1.png", "test/bo/photo0.png", "lights.csv"],
    ),
}


@pytest.mark.parametrize("name", _READERS)
def test_an_edit_in_place_makes_new_records(tmp_path, name):
    write, kind, paths = _READERS[name]
    write(tmp_path / "data")
    found = kind(tmp_path / "data", 16)
    before = found.records("train")
    assert before and found.records("train") == before
    seen = {tuple(before)}
    for path in paths:
        edited(tmp_path / "data" / path)
        seen.add(tuple(kind(tmp_path / "data", 16).records("train")))
    assert len(seen) == 1 + len(paths)
    # The folder of a file manager's hidden file is touched, but no file.
    (tmp_path / "data").touch()
    assert found.records("train") == kind(tmp_path / "data", 16).records("train")


def test_lights_edited_in_place_light_anew(tmp_path):
    folders.multilit(tmp_path / "data", ["anna"])

    def light():
        [path] = multilit.MultilitReader(tmp_path / "data", 16, labelled=True).records("train")
        [record] = tf.data.TFRecordDataset([path]).map(records.parse)
        return record["light"].numpy()

    before = light()
    path = tmp_path / "data" / "lights.csv"
    path.write_text(path.read_text().replace("-40", "-41"))
    edited(path)
    assert np.abs(light() - before).max() > 0.01
