"""A set of synthetic portraits as files: TFRecord shards by split, which can be loaded by name.

    dataset.write("portraits", portraits.Settings(lights=8), subjects=2000)

writes into `portraits/synthetic_portraits/VERSION/`, the layout of TensorFlow Datasets,

    settings.json                                            what the set is made of; first
    synthetic_portraits-train.tfrecord-00000-of-00113        one a shard, `tfrelight.data.records`
    ...
    features.json, dataset_info.json                         for `tfds.load`; last

A shard is written aside and renamed, and depends on the settings alone; so an interrupted run goes
on where it stopped, and any number of processes or machines write the same bytes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
from typing import NamedTuple

import tensorflow as tf
import tensorflow_datasets
import tqdm
from google.protobuf import json_format
from tensorflow_datasets.core import Version

from tfrelight.data import records, synthetic, tfds
from tfrelight.errors import InputError
from tfrelight.synthesis import portraits

__all__ = ["Shard", "files", "finish", "missing", "names", "plan", "refused", "start", "write"]

_SETTINGS = "settings.json"
_INFO = "dataset_info.json"
_REPAIR = "Start what wrote the set again, with the same settings, or render another."


class Shard(NamedTuple):
    """A file of records: its path, its split, and the indices of its subjects."""

    path: str
    split: str
    indices: tuple[int, ...]


def _folder(output_dir):
    """Where the shards of this package's generator lie under an output folder."""
    return os.path.join(os.fspath(output_dir), tfds.NAME, tfds.version())


def plan(output_dir, subjects: int) -> list[Shard]:
    """All shards of the subjects 0 to `subjects` - 1, split by `portraits.split_of`."""
    shards = []
    for split, indices in tfds.by_split(subjects).items():
        parts = records.shards(len(indices))
        for number, part in enumerate(parts):
            name = f"{tfds.NAME}-{split}.tfrecord-{number:05d}-of-{len(parts):05d}"
            members = tuple(indices[i] for i in part)
            shards.append(Shard(os.path.join(_folder(output_dir), name), split, members))
    return shards


def refused(output_dir):
    """`records.writing` for an output folder."""
    return records.writing(
        f"the output folder {output_dir}",
        "Make room, or choose a folder that can be written; what is finished is kept.",
    )


def _described(settings, subjects):
    """What decides the bytes of a set, as it comes back from JSON."""
    known = dataclasses.asdict(settings)
    for name in ("environment_dir", "skin_dir", "ict_facekit"):
        # `assets` knows the files. Where they lie changes nothing, and is nobody's business.
        if known[name] is not None:
            known[name] = pathlib.Path(known[name]).resolve().name
    known = {"subjects": subjects, **known, "subjects_per_shard": records.SUBJECTS_PER_SHARD}
    return json.loads(json.dumps(known))


def start(output_dir, settings: portraits.Settings, subjects: int) -> list[Shard]:
    """Makes the folder of a set, or checks that it holds this one.

    Returns:
      All shards of the set, those that exist and those that do not.

    Raises:
      InputError: the folder cannot be written, or is of another set, finished or only begun; or a
        file that the settings name cannot be read.
    """
    portraits.check_files(settings)  # before a folder is made
    shards = plan(output_dir, subjects)
    folder = _folder(output_dir)
    path = os.path.join(folder, _SETTINGS)
    wanted = _described(settings, subjects)
    with refused(output_dir):
        begun = tf.io.gfile.exists(path)
        if not begun and not tf.io.gfile.glob(f"{folder}/{tfds.NAME}-*.tfrecord-*-of-?????"):
            records.write_file(path, json.dumps(wanted, indent=1) + "\n")
        # Also what was just written: another start may have come between.
        _compare(folder, path, wanted)
    return shards


def _compare(folder, path, wanted):
    try:
        with tf.io.gfile.GFile(path) as file:
            found = json.load(file)
        names = [name for name in {**found, **wanted} if found.get(name) != wanted.get(name)]
    except (tf.errors.NotFoundError, ValueError, TypeError) as error:
        raise InputError(
            f"{folder} is in use, but has no {_SETTINGS} that says for which portraits. Choose "
            "another output folder."
        ) from error
    if names:
        other = ", ".join(
            f"{name} {found.get(name)!r} instead of {wanted.get(name)!r}" for name in names
        )
        raise InputError(
            f"{folder} is of another set of portraits: {other}. Choose another output folder, or "
            "the same settings to complete it."
        )


def missing(shards: list[Shard]) -> list[Shard]:
    """Those that are not written yet."""
    return [shard for shard in shards if not tf.io.gfile.exists(shard.path)]


def finish(output_dir, shards: list[Shard]) -> str:
    """Describes a set whose shards are all written, so that it can be loaded.

    Returns:
      The folder that holds it.

    Raises:
      InputError: a shard is missing, or the folder cannot be written.
    """
    with refused(output_dir):
        left = missing(shards)
        if left:
            raise InputError(
                f"{len(left)} of {len(shards)} shards in {_folder(output_dir)} are not written. "
                "Start again to complete the set."
            )
        folder = _folder(output_dir)
        # Left by processes that were killed; a complete set needs none of them.
        for part in tf.io.gfile.glob(os.path.join(folder, "*.part")):
            tf.io.gfile.remove(part)
        lengths = {shard.split: {} for shard in shards}
        for shard in shards:
            lengths[shard.split][shard.path] = len(shard.indices)
        tfds.describe(folder, lengths, tfds.version())
    return folder


def write(
    output_dir,
    settings: portraits.Settings,
    subjects: int,
    processes: int | None = None,
    progress: bool = False,
) -> str:
    """Renders a set of portraits; of one that was begun, what is missing.

    Args:
      output_dir: a local folder, or one of Google Cloud Storage as gs://bucket/folder.
      settings: of the portraits.
      subjects: number of people; of every twenty, eighteen train, one validation, one test.
      processes: to render with; None for one a core.
      progress: show a bar with the time left, on a terminal.

    Returns:
      The folder that holds the set.

    Raises:
      InputError: the folder cannot be written or holds another set, a file that the settings name
        cannot be read, or a rendering process was killed.
    """
    shards = start(output_dir, settings, subjects)
    with refused(output_dir):
        left = sum(len(shard.indices) for shard in missing(shards))
    with tqdm.tqdm(
        total=subjects,
        initial=subjects - left,
        unit=" subjects",
        # None: not where the output is no terminal.
        disable=None if progress else True,
    ) as bar:

        def rendered(indices):
            with contextlib.closing(synthetic.subjects(settings, indices, processes)) as people:
                for subject in people:
                    bar.update()
                    yield subject

        records.write_missing(
            [shard.path for shard in shards],
            [shard.indices for shard in shards],
            rendered,
            functools.partial(refused, output_dir),
        )
    return finish(output_dir, shards)


def _described_split(output_dir, split):
    """Folder, shards and number of subjects of a split of the newest finished set.

    They come from what TensorFlow Datasets keeps about a set, whoever wrote it.
    """
    root = os.path.join(os.fspath(output_dir), tfds.NAME)
    folders = [os.path.dirname(path) for path in tf.io.gfile.glob(f"{root}/*/{_INFO}")]
    versions = {os.path.basename(folder): folder for folder in folders}
    valid = [text for text in versions if Version.is_valid(text)]
    if not valid:
        raise InputError(
            f"No finished set of portraits in {output_dir}. Expected what python -m "
            f"tfrelight.synthesize --output_dir={output_dir} writes."
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
            f"No {split} subjects in {folder}. Expected a split of a set of at least 20 subjects."
        )
    found = splits[split]
    paths = [os.fspath(path) for path in found.filepaths]
    there = {os.path.basename(path) for path in tf.io.gfile.glob(f"{folder}/{tfds.NAME}-*")}
    gone = [path for path in paths if os.path.basename(path) not in there]
    if gone:
        raise InputError(f"{len(gone)} of {len(paths)} shards are missing, as {gone[0]}. {_REPAIR}")
    return folder, paths, found.num_examples


def files(output_dir, split: str) -> list[str]:
    """The shards of a split of the newest finished set in an output folder.

    Raises:
      InputError: there is none, it has no subject of this split, or files of it are missing.
    """
    return _described_split(output_dir, split)[1]


def names(output_dir, split: str, size: int) -> list[str]:
    """Ids of the subjects in `files`, by their index.

    Raises:
      InputError: as `files`; or the set's photos are not `size` pixels high and wide.
    """
    folder, paths, count = _described_split(output_dir, split)
    try:
        first = records.parse(next(iter(tf.data.TFRecordDataset(paths[0]))))
        subject = first["subject"].numpy().decode()
        side = len(tf.io.decode_png(first["images"][0]))
        seed = portraits.seed_of(subject)
    except (StopIteration, ValueError, tf.errors.OpError) as error:
        kind = type(error).__name__
        raise InputError(f"No portraits can be read from {paths[0]} ({kind}). {_REPAIR}") from error
    if side != size:
        raise InputError(
            f"The portraits in {folder} are {side} pixels wide. Expected {size}. "
            "Change --size, or render others."
        )
    return [portraits.name(seed, index) for index in portraits.indices(split, count)]
