"""A set of synthetic portraits as TFRecord shards that `tfds.load` reads.

    dataset.write("portraits", portraits.PortraitConfig(lights=8), subjects=2000)

writes into `portraits/synthetic_portraits/VERSION/`, in the layout of TensorFlow Datasets and in
this order,

    settings.json                                            settings of the set
    synthetic_portraits-train.tfrecord-00000-of-00113        shards (`tfrelight.data.records`)
    ...
    features.json, dataset_info.json                         description for `tfds.load`

A shard is written aside and renamed, and its bytes depend on the settings alone. An interrupted run
therefore continues where it stopped, and several processes or machines can share the work.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf
import tensorflow_datasets
from google.protobuf import json_format
from tensorflow_datasets.core import Version

from tfrelight.data import records
from tfrelight.errors import InputError, unseen_folder
from tfrelight.progress import Progress
from tfrelight.synthesis import cache, portraits, tfds

__all__ = [
    "Shard",
    "check_started",
    "files",
    "finish",
    "missing",
    "names",
    "output_errors",
    "plan",
    "start",
    "write",
]

_SETTINGS = "settings.json"
_INFO = "dataset_info.json"
_REPAIR = "Repeat the command that wrote the set, with the same settings, or render another set."


class Shard(NamedTuple):
    """A file of records.

    Attributes:
      path: of the file.
      split: of its subjects.
      indices: of its subjects.
    """

    path: str
    split: str
    indices: tuple[int, ...]


def _folder(output_dir):
    """The folder of this generator version's shards under an output folder."""
    return os.path.join(os.fspath(output_dir), tfds.NAME, tfds.version())


def plan(output_dir: Path | str, subjects: int) -> list[Shard]:
    """The shards of subjects 0 to `subjects` - 1, split by `portraits.split_of`."""
    shards = []
    for split, indices in tfds.by_split(subjects).items():
        parts = records.shards(len(indices))
        for number, part in enumerate(parts):
            name = f"{tfds.NAME}-{split}.tfrecord-{number:05d}-of-{len(parts):05d}"
            members = tuple(indices[i] for i in part)
            shards.append(Shard(os.path.join(_folder(output_dir), name), split, members))
    return shards


def output_errors(output_dir: Path | str) -> contextlib.AbstractContextManager[None]:
    """`records.writing` for an output folder."""
    return records.writing(
        f"the output folder {output_dir}",
        "Make room, or choose a folder that can be written; finished files are kept.",
    )


def _described(settings, subjects):
    """Everything that decides the bytes of a set, as JSON returns it."""
    known = dataclasses.asdict(settings)
    for name in ("environment_dir", "skin_dir", "ict_facekit"):
        # `assets` identifies the files. Their location does not matter and stays private.
        if known[name] is not None:
            known[name] = Path(known[name]).resolve().name
    known = {"subjects": subjects, **known, "subjects_per_shard": records.SUBJECTS_PER_SHARD}
    return json.loads(json.dumps(known))


def start(output_dir: Path | str, settings: portraits.PortraitConfig, subjects: int) -> list[Shard]:
    """Creates the folder of a set, or checks that it holds this set.

    Returns:
      All shards of the set, written or not.

    Raises:
      InputError: the folder cannot be written or holds another set, or a file that the settings
        name cannot be read.
    """
    portraits.check_files(settings)  # before it creates a folder
    shards = plan(output_dir, subjects)
    folder = _folder(output_dir)
    path = os.path.join(folder, _SETTINGS)
    expected = _described(settings, subjects)
    with output_errors(output_dir):
        begun = tf.io.gfile.exists(path)
        if not begun and not tf.io.gfile.glob(f"{folder}/{tfds.NAME}-*.tfrecord-*-of-?????"):
            records.write_file(path, json.dumps(expected, indent=1) + "\n")
        # Compares even after writing, because another process may have written in between.
        _compare(folder, path, expected)
    return shards


def _compare(folder, path, expected):
    try:
        with tf.io.gfile.GFile(path) as file:
            found = json.load(file)
        names = [name for name in {**found, **expected} if found.get(name) != expected.get(name)]
    except (tf.errors.NotFoundError, ValueError, TypeError) as error:
        raise InputError(
            f"{folder} holds portraits but no valid {_SETTINGS} that describes them. Choose "
            "another output folder."
        ) from error
    if names:
        other = ", ".join(
            f"{name} {found.get(name)!r} instead of {expected.get(name)!r}" for name in names
        )
        raise InputError(
            f"{folder} holds another set of portraits: {other}. Choose another output folder, or "
            "the same settings to complete that set."
        )


def check_started(shard: Shard, output_dir: Path | str) -> None:
    """Checks on a worker that it sees the folder that `start` made elsewhere.

    Raises:
      InputError: it does not; what it wrote would be lost.
    """
    if not tf.io.gfile.exists(os.path.join(os.path.dirname(shard.path), _SETTINGS)):
        raise unseen_folder(output_dir)


def missing(shards: list[Shard]) -> list[Shard]:
    """The shards that are not written yet."""
    return [shard for shard in shards if not tf.io.gfile.exists(shard.path)]


def finish(output_dir: Path | str, shards: list[Shard]) -> str:
    """Writes the description of a set whose shards are all written.

    Returns:
      The folder that holds the set.

    Raises:
      InputError: a shard is missing, or the folder cannot be written.
    """
    with output_errors(output_dir):
        left = missing(shards)
        if left:
            raise InputError(
                f"{len(left)} of {len(shards)} shards in {_folder(output_dir)} are not written. "
                "Repeat the command to complete the set."
            )
        folder = _folder(output_dir)
        # Killed processes left these files.
        for part in tf.io.gfile.glob(os.path.join(folder, "*.part")):
            tf.io.gfile.remove(part)
        lengths: dict[str, dict[str, int]] = {shard.split: {} for shard in shards}
        for shard in shards:
            lengths[shard.split][shard.path] = len(shard.indices)
        tfds.describe(folder, lengths, tfds.version())
    return folder


def write(
    output_dir: Path | str,
    settings: portraits.PortraitConfig,
    subjects: int,
    processes: int | None = None,
    progress: bool = False,
) -> str:
    """Renders a set of portraits, or the missing part of one.

    Args:
      output_dir: a local folder, or one in Google Cloud Storage as gs://bucket/folder.
      settings: of the portraits.
      subjects: number of people. Of every twenty, eighteen are in `train`, one in `validation` and
        one in `test`.
      processes: number of rendering processes; None for one per core.
      progress: show it (`tfrelight.progress`).

    Returns:
      The folder that holds the set.

    Raises:
      InputError: the folder cannot be written or holds another set, a file that the settings name
        cannot be read, or a rendering process was killed.
    """
    shards = start(output_dir, settings, subjects)
    with output_errors(output_dir):
        left = sum(len(shard.indices) for shard in missing(shards))
    bar = Progress("Rendering", "subjects", subjects, subjects - left)

    def rendered(indices):
        with contextlib.closing(cache.subjects(settings, indices, processes)) as people:
            for subject in people:
                bar.update()
                yield subject

    with bar if progress else contextlib.nullcontext():
        records.write_missing(
            [shard.path for shard in shards],
            [shard.indices for shard in shards],
            rendered,
            functools.partial(output_errors, output_dir),
        )
    return finish(output_dir, shards)


def _described_split(output_dir, split):
    """Folder, shards and number of subjects of a split, from the newest set's `dataset_info.json`.

    TensorFlow Datasets may have written the set, too.
    """
    root = os.path.join(os.fspath(output_dir), tfds.NAME)
    folders = [os.path.dirname(path) for path in tf.io.gfile.glob(f"{root}/*/{_INFO}")]
    versions = {os.path.basename(folder): folder for folder in folders}
    valid = [text for text in versions if Version.is_valid(text)]
    if not valid:
        raise InputError(
            f"No finished set of portraits in {output_dir}. Write one with python -m "
            f"tfrelight.synthesize --output_dir={output_dir}."
        )
    folder = versions[max(valid, key=Version)]
    try:
        splits = tensorflow_datasets.builder_from_directory(folder).info.splits
    except (json_format.ParseError, ValueError, OSError, tf.errors.OpError) as error:
        raise InputError(
            f"Cannot read the description of the set in {folder}: {error} {_REPAIR}"
        ) from error
    if split not in splits or not splits[split].num_examples:
        raise InputError(
            f"No {split} subjects in {folder}. Expected a set of at least 20 subjects."
        )
    found = splits[split]
    paths = [os.fspath(path) for path in found.filepaths]
    there = {os.path.basename(path) for path in tf.io.gfile.glob(f"{folder}/{tfds.NAME}-*")}
    gone = [path for path in paths if os.path.basename(path) not in there]
    if gone:
        raise InputError(
            f"{len(gone)} of {len(paths)} shards are missing, for example {gone[0]}. {_REPAIR}"
        )
    return folder, paths, found.num_examples


def files(output_dir: Path | str, split: str) -> list[str]:
    """The shards of a split, from the newest finished set in an output folder.

    Raises:
      InputError: there is no finished set, it has no subject in this split, or files are missing.
    """
    return _described_split(output_dir, split)[1]


def names(output_dir: Path | str, split: str, size: int) -> list[str]:
    """Ids of the subjects in `files`, sorted by index.

    Raises:
      InputError: see `files`; or the photos are not `size` pixels high and wide.
    """
    folder, paths, count = _described_split(output_dir, split)
    try:
        first = records.parse(next(iter(tf.data.TFRecordDataset(paths[0]))))
        subject = first["subject"].numpy().decode()
        side = len(tf.io.decode_png(first["images"][0]))
        seed = portraits.seed_of(subject)
    except (StopIteration, ValueError, tf.errors.OpError) as error:
        kind = type(error).__name__
        raise InputError(f"Cannot read portraits from {paths[0]} ({kind}). {_REPAIR}") from error
    if side != size:
        raise InputError(
            f"The portraits in {folder} are {side} pixels wide. Expected {size}. "
            "Change `size`, or render others."
        )
    return [portraits.name(seed, index) for index in portraits.indices(split, count)]
