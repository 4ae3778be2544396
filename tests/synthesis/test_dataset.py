"""Sets of portraits as files: complete or refused, with the same bytes after any interruption."""

import dataclasses
import io
import json
import os
import pathlib
import resource
import shutil
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests import running, scenes
from tests.synthesis import killed
from tests.synthesis.test_environments import write_exr
from tfrelight.data import records
from tfrelight.errors import InputError
from tfrelight.synthesis import dataset, portraits

SMALL = portraits.PortraitConfig(lights=2, size=16, directions=32)


@pytest.fixture
def balls(monkeypatch):
    """Renders balls in place of people, two per shard; returns the list of all rendered."""
    monkeypatch.setattr(records, "SUBJECTS_PER_SHARD", 2)
    made = []

    def subjects(settings, indices, processes=None):
        for index in indices:
            made.append(index)
            yield scenes.ball(portraits.name(settings.seed, index), 8, settings.lights)

    monkeypatch.setattr(portraits, "subjects", subjects)
    return made


def contents(folder):
    """Bytes of every file below a folder, by its path there."""
    files = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def subjects_of(output_dir, split):
    found = tf.data.TFRecordDataset(dataset.files(output_dir, split)).map(records.parse)
    return [features["subject"].numpy().decode() for features in found]


def test_every_subject_is_in_the_split_that_it_belongs_to(tmp_path, balls):
    dataset.write(tmp_path, SMALL, 43)
    assert balls and sorted(balls) == list(range(43))
    for split in ("train", "validation", "test"):
        expected = [i for i in range(43) if portraits.split_of(i) == split]
        assert subjects_of(tmp_path, split) == [portraits.name(SMALL.seed, i) for i in expected]


def test_bytes_do_not_depend_on_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "SUBJECTS_PER_SHARD", 2)
    for processes in (1, 2):
        dataset.write(tmp_path / str(processes), SMALL, 3, processes)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    features = next(
        iter(tf.data.TFRecordDataset(dataset.files(tmp_path / "1", "train")).map(records.parse))
    )
    subject = portraits.subject(SMALL, 0)
    for key in ("light_fit", "shading_scale"):
        assert (features[key].numpy() == subject[key]).all()
    for index in range(SMALL.lights):
        for key in ("shading", "visibility"):
            expected = subject[key][index]
            decoded = tf.io.decode_png(features[key][index], dtype=expected.dtype).numpy()
            assert (decoded == expected).all()


@pytest.mark.parametrize("after", [0, 1, 2, 5])
def test_an_interrupted_set_is_never_read_and_completed_by_a_second_start(
    tmp_path, balls, monkeypatch, after
):
    dataset.write(tmp_path / "whole", SMALL, 20)
    whole = portraits.subjects

    def interrupted(settings, indices, processes=None):
        for count, subject in enumerate(whole(settings, indices)):
            if count == after:
                raise KeyboardInterrupt
            yield subject

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(portraits, "subjects", interrupted)
        dataset.write(tmp_path / "cut", SMALL, 20)
    with pytest.raises(InputError, match="No finished set"):
        dataset.files(tmp_path / "cut", "train")
    kept = [name for name in contents(tmp_path / "cut") if "tfrecord" in name]
    assert len(kept) == after // 2

    # A process that was killed while writing leaves this file.
    (folder,) = (tmp_path / "cut").glob("*/*")
    (folder / "synthetic_portraits-train.tfrecord-00008-of-00009.x.part").write_bytes(b"half")
    balls.clear()
    dataset.write(tmp_path / "cut", SMALL, 20)
    assert len(balls) == 20 - 2 * len(kept)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_a_shard_that_was_removed_is_made_again_and_nothing_else(tmp_path, balls):
    dataset.write(tmp_path, SMALL, 20)
    before = contents(tmp_path)
    os.remove(dataset.files(tmp_path, "train")[1])
    balls.clear()
    dataset.write(tmp_path, SMALL, 20)
    assert balls == [2, 3]
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "other,named",
    [({"seed": 5}, "seed 0 instead of 5"), ({"lights": 3}, "lights 2 instead of 3")],
)
def test_a_folder_with_other_settings_is_refused_and_left_alone(tmp_path, balls, other, named):
    dataset.write(tmp_path, SMALL, 4)
    before = contents(tmp_path)
    with pytest.raises(InputError, match=f"another set of portraits: {named}"):
        dataset.write(tmp_path, dataclasses.replace(SMALL, **other), 4)
    with pytest.raises(InputError, match="subjects 4 instead of 6"):
        dataset.write(tmp_path, SMALL, 6)
    assert contents(tmp_path) == before


def test_a_set_of_which_nothing_is_finished_is_not_taken_over(tmp_path, balls):
    """Another process, here or elsewhere, may be writing its first shards."""
    dataset.start(tmp_path, SMALL, 4)
    before = contents(tmp_path)
    with pytest.raises(InputError, match="another set of portraits: seed 0 instead of 5"):
        dataset.start(tmp_path, dataclasses.replace(SMALL, seed=5), 4)
    assert contents(tmp_path) == before
    dataset.write(tmp_path, SMALL, 4)
    assert len(subjects_of(tmp_path, "train")) == 4


def test_of_two_starts_at_once_one_is_refused(tmp_path, balls, monkeypatch):
    whole = records.write_file

    def overtaken(path, text):
        whole(path, text)
        monkeypatch.setattr(records, "write_file", whole)
        os.remove(path)
        dataset.start(tmp_path, dataclasses.replace(SMALL, seed=5), 4)

    monkeypatch.setattr(records, "write_file", overtaken)
    with pytest.raises(InputError, match="seed 5 instead of 0"):
        dataset.start(tmp_path, SMALL, 4)


@pytest.mark.parametrize("damage", [None, "", "[1]", '{"subjects": '])
def test_shards_without_readable_settings_are_refused(tmp_path, balls, damage):
    folder = pathlib.Path(dataset.write(tmp_path, SMALL, 4))
    (folder / "settings.json").unlink()
    if damage is not None:
        (folder / "settings.json").write_text(damage)
    with pytest.raises(InputError, match="no valid settings.json that describes"):
        dataset.write(tmp_path, SMALL, 4)


def test_settings_name_no_path(tmp_path, balls):
    """A set can then be given away, or moved and completed."""
    maps = tmp_path / "maps"
    maps.mkdir()
    write_exr(maps / "a.exr", np.ones((16, 32, 3)))
    settings = dataclasses.replace(SMALL, environment_dir=str(maps))
    folder = pathlib.Path(dataset.write(tmp_path / "out", settings, 4))
    text = (folder / "settings.json").read_text()
    assert str(tmp_path) not in text and json.loads(text)["environment_dir"] == "maps"


def test_an_environment_map_that_cannot_be_read_stops_before_anything_is_made(tmp_path):
    maps = tmp_path / "maps"
    maps.mkdir()
    (maps / "a.exr").write_bytes(b"nonsense")
    settings = dataclasses.replace(SMALL, environment_dir=str(maps))
    with pytest.raises(InputError, match="Cannot read the environment map .*a.exr"):
        dataset.write(tmp_path / "out", settings, 2, processes=1)
    assert not (tmp_path / "out").exists()


def test_a_skin_atlas_that_cannot_be_read_stops_before_anything_is_made(tmp_path):
    skins = tmp_path / "skins"
    skins.mkdir()
    Image.new("RGB", (64, 64), (200, 150, 130)).save(skins / "a.png")
    # It is found although people draw from the whole folder and few would use this atlas.
    (skins / "b.png").write_bytes((skins / "a.png").read_bytes()[:80])
    settings = dataclasses.replace(SMALL, skin_dir=str(skins))
    with pytest.raises(InputError, match="Cannot read the skin atlas .*b.png"):
        dataset.write(tmp_path / "out", settings, 2, processes=1)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path, balls):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match=f"Cannot write the output folder {path}"):
            dataset.write(path, SMALL, 2)
    assert not balls


def test_a_full_disk_leaves_nothing_half_written(tmp_path, balls):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A limit on file size acts as a full disk, also for TensorFlow's C++.
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(InputError, match="Cannot write the output folder .*too large.*kept"):
            dataset.write(tmp_path, SMALL, 4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [os.path.basename(name) for name in contents(tmp_path)] == ["settings.json"]
    dataset.write(tmp_path, SMALL, 4)
    assert len(subjects_of(tmp_path, "train")) == 4


def test_a_killed_worker_is_one_line_and_a_second_start_goes_on(tmp_path, monkeypatch):
    with (
        monkeypatch.context() as patch,
        pytest.raises(InputError, match="ended abruptly.*are kept"),
    ):
        patch.setattr(portraits, "subject", killed.die)
        dataset.write(tmp_path, SMALL, 2, processes=2)
    dataset.write(tmp_path, SMALL, 2, processes=1)
    assert len(subjects_of(tmp_path, "train")) == 2


def test_a_split_without_subjects_is_named(tmp_path, balls):
    dataset.write(tmp_path, SMALL, 4)
    with pytest.raises(InputError, match="No test subjects"):
        dataset.files(tmp_path, "test")


@pytest.mark.parametrize("damage", [None, "", "[1]", '{"subjects": '])
def test_a_finished_set_is_read_without_its_settings(tmp_path, balls, damage):
    folder = pathlib.Path(dataset.write(tmp_path, SMALL, 20))
    expected = dataset.names(tmp_path, "train", 8)
    (folder / "settings.json").unlink()
    if damage is not None:
        (folder / "settings.json").write_text(damage)
    assert dataset.names(tmp_path, "train", 8) == expected == subjects_of(tmp_path, "train")


@pytest.mark.parametrize("other", ["backup", "3.0.0.incomplete8A2", "1.0.0"])
def test_the_newest_set_is_read_whatever_lies_beside_it(tmp_path, balls, other):
    folder = pathlib.Path(dataset.write(tmp_path, SMALL, 2))
    expected = dataset.files(tmp_path, "train")
    shutil.copytree(folder, folder.with_name(other))
    assert dataset.files(tmp_path, "train") == expected
    shutil.rmtree(folder)
    if other == "1.0.0":
        assert str(folder.with_name(other)) in dataset.files(tmp_path, "train")[0]
    else:
        with pytest.raises(InputError, match="No finished set"):
            dataset.files(tmp_path, "train")


@pytest.mark.parametrize("damage", [b"", b"[1]", b'{"version": ', b"{}", b"\xff\xfe"])
def test_a_broken_description_is_named(tmp_path, balls, damage):
    folder = pathlib.Path(dataset.write(tmp_path, SMALL, 2))
    (folder / "dataset_info.json").write_bytes(damage)
    with pytest.raises(InputError, match=f"Cannot read the description of the set in {folder}"):
        dataset.files(tmp_path, "train")
    dataset.write(tmp_path, SMALL, 2)
    assert subjects_of(tmp_path, "train")


def test_a_shard_that_is_gone_is_missed(tmp_path, balls):
    dataset.write(tmp_path, SMALL, 6)
    gone = dataset.files(tmp_path, "train")[1]
    os.remove(gone)
    with pytest.raises(InputError, match=f"1 of 3 shards are missing, for example {gone}. Repeat"):
        dataset.files(tmp_path, "train")


@pytest.mark.parametrize("damage", ["cut", "empty", "foreign", "no_record"])
def test_a_shard_that_holds_no_portraits_is_named(tmp_path, balls, damage):
    dataset.write(tmp_path, SMALL, 2)
    path = pathlib.Path(dataset.files(tmp_path, "train")[0])
    if damage == "foreign":
        records.write_shard(path, [scenes.ball("yaleB01", 8, 2)])
    elif damage == "no_record":
        with tf.io.TFRecordWriter(str(path)) as writer:
            writer.write(b"nonsense")
    else:
        path.write_bytes(path.read_bytes()[:100] if damage == "cut" else b"")
    with pytest.raises(InputError, match=f"Cannot read portraits from {path}"):
        dataset.names(tmp_path, "train", 8)


def test_shards_can_lie_where_tensorflow_alone_reaches(tmp_path, balls):
    """As in cloud storage: only TensorFlow can access the path."""
    dataset.write(tmp_path, SMALL, 4)
    (local,) = dataset.start("ram://set", SMALL, 2)
    with pytest.raises(InputError, match="1 of 1 shards .* not written"):
        dataset.finish("ram://set", [local])
    people = list(portraits.subjects(SMALL, local.indices))
    records.write_shard(local.path, people)
    assert dataset.missing([local]) == []
    with tf.io.gfile.GFile(local.path, "rb") as file:
        assert file.read() == pathlib.Path(dataset.files(tmp_path, "train")[0]).read_bytes()


def synthesize(*arguments):
    return running.command("synthesize", *arguments)


def test_the_command_writes_a_set_and_says_where(tmp_path):
    flags = ["--subjects=2", "--lights=1", "--size=16", "--seed=3", "--processes=1"]
    result = synthesize(f"--output_dir={tmp_path}", *flags)
    assert result.returncode == 0, result.stderr
    assert result.stderr == "" and str(tmp_path) in result.stdout
    assert subjects_of(tmp_path, "train") == ["synthetic-3-000000", "synthetic-3-000001"]


def test_a_terminal_shows_progress_to_the_end(tmp_path, balls, monkeypatch):
    shown = io.StringIO()
    shown.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", shown)
    dataset.write(tmp_path, SMALL, 6, progress=True)
    assert "6/6" in shown.getvalue() and "subjects/s" in shown.getvalue()


@pytest.mark.parametrize(
    "flags,line",
    [
        (["--runner=DirectRunner", "--processes=2"], "--processes is not for --runner"),
        (["--beam_options=a=1"], "--beam_options needs a --runner"),
        (["--environment_dir=/nowhere"], "No such file or folder: /nowhere"),
        (["--framings=half"], "Expected NAME:SHARE, such as half:0.2. Received: 'half'"),
        (["--framings=feet:1"], "Invalid --framings. Expected shares of"),
    ],
)
def test_wrong_flags_are_one_line(tmp_path, flags, line):
    result = synthesize(f"--output_dir={tmp_path / 'out'}", *flags)
    assert result.returncode == 1
    assert line in result.stderr and result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
