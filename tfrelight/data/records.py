"""Subjects as TFRecords: written once, aside, then renamed; read by one parser.

A record is one subject (`tfrelight.data.portrait`): its K photos as 8-bit PNG, its labels as PNG
(albedo, normals and shading 16-bit) and floats. A folder of records is a cache: its name holds a
hash of the settings that made it, so other settings never meet old records.
"""

import contextlib
import hashlib
import json
import os
import uuid
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfrelight.data.portrait import LABELS
from tfrelight.errors import InputError

__all__ = [
    "SUBJECTS_PER_SHARD",
    "Cache",
    "cache",
    "cache_dir",
    "cached",
    "parse",
    "serialize",
    "shards",
    "write_file",
    "write_missing",
    "write_shard",
    "writing",
]

# Part of every cache key: change it when the bytes of a record change their meaning.
_FORMAT = 1

# One shard is the unit that an interrupted run loses.
SUBJECTS_PER_SHARD = 16


def cache_dir():
    """`$TFRELIGHT_CACHE`, or `tfrelight` in the user's cache folder."""
    if os.environ.get("TFRELIGHT_CACHE"):
        return Path(os.environ["TFRELIGHT_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfrelight"


def serialize(subject):
    """A subject dict as the bytes of a `tf.train.Example`."""

    def pngs(images):
        encoded = [tf.io.encode_png(image).numpy() for image in images]
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=encoded))

    def floats(values):
        values = np.ravel(values).astype(np.float32)
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))

    name = tf.train.BytesList(value=[subject["subject"].encode()])
    features = {
        "subject": tf.train.Feature(bytes_list=name),
        "images": pngs(subject["images"]),
        "mask": pngs([subject["mask"]]),
        "albedo": pngs([subject["albedo"]]),
        "normals": pngs([subject["normals"]]),
        "light": floats(subject["light"]),
        **{f"has_{label}": floats(subject[f"has_{label}"]) for label in LABELS},
    }
    for key, encode in (
        ("light_fit", floats),
        ("shading", pngs),
        ("shading_scale", floats),
        ("visibility", pngs),
    ):
        if key in subject:
            features[key] = encode(subject[key])
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def parse(record):
    """The features of one record; photos and maps stay encoded: only what is used is decoded.

    Args:
      record: scalar string tensor.

    Returns:
      dict: `subject` scalar string, `images` `[K]` PNG strings, `mask`, `albedo`, `normals` scalar
      PNG strings, `light` `[K, 9, 3]`, `has_*` scalars; `light_fit` `[K, 9, 3]`, `shading` `[K]`
      16-bit PNG strings, `shading_scale` `[K]` and `visibility` `[K]` PNG strings, with K = 0 in
      records that do not hold them.
    """
    text = tf.io.FixedLenFeature([], tf.string)
    texts = tf.io.FixedLenSequenceFeature([], tf.string, allow_missing=True)
    number = tf.io.FixedLenFeature([], tf.float32)
    light = tf.io.FixedLenSequenceFeature([9, 3], tf.float32, allow_missing=True)
    numbers = tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True)
    return tf.io.parse_single_example(
        record,
        {
            "subject": text,
            "images": texts,
            "mask": text,
            "albedo": text,
            "normals": text,
            "light": light,
            **{f"has_{label}": number for label in LABELS},
            "light_fit": light,
            "shading": texts,
            "shading_scale": numbers,
            "visibility": texts,
        },
    )


@contextlib.contextmanager
def writing(folder, advice):
    """Turns what the file system refuses inside the block into one line for people.

    Args:
      folder: what could not be written.
      advice: what to do about it, a sentence.

    Raises:
      InputError: in place of an OSError or of what TensorFlow raises for one.
    """
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        if isinstance(error, OSError):
            reason = error.strerror or error
        else:
            # "PATH; No space left on device"
            reason = error.message.rpartition("; ")[2]
        raise InputError(f"Cannot write {folder}: {reason}. {advice}") from error


@contextlib.contextmanager
def _aside(path):
    """A path beside `path` to write to; renamed to it at the end, removed on a failure."""
    path = os.fspath(path)
    tf.io.gfile.makedirs(os.path.dirname(path))
    # A name of its own: whoever else writes the same file does not write into this one.
    aside = f"{path}.{uuid.uuid4().hex}.part"
    try:
        yield aside
        tf.io.gfile.rename(aside, path, overwrite=True)
    finally:
        with contextlib.suppress(tf.errors.OpError):
            tf.io.gfile.remove(aside)


def write_file(path, text):
    """Writes a text file aside and renames it."""
    with _aside(path) as aside, tf.io.gfile.GFile(aside, "w") as file:
        file.write(text)


def write_shard(path, subjects):
    """Writes one shard aside and renames it, so that a half-written one is never read.

    Args:
      path: of the shard, on any file system that TensorFlow writes to; its folder is made.
      subjects: subject dicts.

    Raises:
      OSError, tf.errors.OpError: it cannot be written.
    """
    with _aside(path) as aside, tf.io.TFRecordWriter(aside) as writer:
        for subject in subjects:
            writer.write(serialize(subject))


def write_missing(paths, parts, subjects, refused):
    """Writes those of a set's shards that do not exist yet.

    Args:
      paths: of all shards.
      parts: the keys of each shard's subjects.
      subjects: function of a sequence of keys that yields their subject dicts, in order. It is
        called once with all the missing keys, so that it can work on several ahead.
      refused: context manager around all that touches the file system (see `writing`).
    """
    with refused():
        missing = [i for i, path in enumerate(paths) if not tf.io.gfile.exists(os.fspath(path))]
    if not missing:
        return
    stream = iter(subjects([key for i in missing for key in parts[i]]))
    for i in missing:
        # Taken before anything is opened: what goes wrong in making them is not of the disk.
        shard = [next(stream) for _ in parts[i]]
        with refused():
            write_shard(paths[i], shard)


def shards(count):
    """The subjects of each shard: a list of `range`s over `count` subjects."""
    return [
        range(start, min(start + SUBJECTS_PER_SHARD, count))
        for start in range(0, count, SUBJECTS_PER_SHARD)
    ]


class Cache(NamedTuple):
    """A folder of records in the user's cache."""

    folder: Path

    def writing(self):
        """`writing` for this folder."""
        return writing(
            f"the cache folder {self.folder}",
            "Make room, or set TFRELIGHT_CACHE to a folder that can be written.",
        )


def cache(kind, settings):
    """The cache folder of a set of records; it is made if it is not there.

    Args:
      kind: name of the set, for people who look into the cache.
      settings: JSON-serialisable; everything that changes the records.

    Raises:
      InputError: it cannot be written.
    """
    key = json.dumps([_FORMAT, kind, settings], sort_keys=True, default=str)
    found = Cache(cache_dir() / f"{kind}-{hashlib.sha256(key.encode()).hexdigest()[:16]}")
    with found.writing():
        if not (found.folder / "settings.json").exists():
            write_file(found.folder / "settings.json", key)
    return found


def cached(kind, settings, count, subjects):
    """The shards of a set of subjects; those that are not in the cache yet are made.

    A second call, also after an interrupted one or for more subjects, makes only what is missing.

    Args:
      kind, settings: see `cache`.
      count: number of subjects.
      subjects: function of a sequence of indices below `count` that yields their subject dicts, in
        order. It is called once with all the missing indices, so that it can work on several ahead.

    Returns:
      list of paths, in order.

    Raises:
      InputError: the cache folder cannot be written.
    """
    found = cache(kind, settings)
    parts = shards(count)
    paths = [str(found.folder / f"{part.start:06d}-{part.stop:06d}.tfrecord") for part in parts]
    write_missing(paths, parts, subjects, found.writing)
    return paths
