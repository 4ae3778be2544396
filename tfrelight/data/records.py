"""Subjects as TFRecords: written once, aside, then renamed; read by one parser.

A record is one subject (`tfrelight.data.portrait`): its K photos as 8-bit PNG, its labels as PNG
(albedo and normals 16-bit) and floats. A folder of records is a cache: its name holds a hash of the
settings that made it, so other settings never meet old records.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfrelight.data.portrait import LABELS
from tfrelight.errors import InputError

__all__ = ["cache_dir", "cached", "parse", "serialize", "shards", "write_shard"]

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
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def parse(record):
    """The features of one record; photos and maps stay encoded: only what is used is decoded.

    Args:
      record: scalar string tensor.

    Returns:
      dict: `subject` scalar string, `images` `[K]` PNG strings, `mask`, `albedo`, `normals` scalar
      PNG strings, `light` `[K, 9, 3]`, `has_*` scalars.
    """
    text = tf.io.FixedLenFeature([], tf.string)
    number = tf.io.FixedLenFeature([], tf.float32)
    features = tf.io.parse_single_example(
        record,
        {
            "subject": text,
            "images": tf.io.FixedLenSequenceFeature([], tf.string, allow_missing=True),
            "mask": text,
            "albedo": text,
            "normals": text,
            "light": tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True),
            **{f"has_{label}": number for label in LABELS},
        },
    )
    features["light"] = tf.reshape(features["light"], [-1, 9, 3])
    return features


def write_shard(path, subjects):
    """Writes one shard aside and renames it, so that a half-written one is never read."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    os.close(handle)
    try:
        with tf.io.TFRecordWriter(aside) as writer:
            for subject in subjects:
                writer.write(serialize(subject))
        os.replace(aside, path)
    finally:
        Path(aside).unlink(missing_ok=True)


def shards(count):
    """The subjects of each shard: a list of `range`s over `count` subjects."""
    return [
        range(start, min(start + SUBJECTS_PER_SHARD, count))
        for start in range(0, count, SUBJECTS_PER_SHARD)
    ]


def cached(kind, settings, count, subjects):
    """The shards of a set of subjects; those that are not in the cache yet are made.

    A second call, also after an interrupted one, makes only what is missing.

    Args:
      kind: name of the set, for people who look into the cache.
      settings: JSON-serialisable; everything that changes the records.
      count: number of subjects.
      subjects: function of a sequence of indices below `count` that yields their subject dicts, in
        order. It is called once with all the missing indices, so that it can work on several ahead.

    Returns:
      list of paths, in order.

    Raises:
      InputError: the cache folder cannot be written.
    """
    key = json.dumps([_FORMAT, kind, count, settings], sort_keys=True, default=str)
    folder = cache_dir() / f"{kind}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    parts = shards(count)
    paths = [folder / f"{i:05d}-of-{len(parts):05d}.tfrecord" for i in range(len(parts))]
    missing = [i for i, path in enumerate(paths) if not path.exists()]
    if not missing:
        return [str(path) for path in paths]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "settings.json").write_text(key)
        stream = iter(subjects([index for i in missing for index in parts[i]]))
        for i in missing:
            write_shard(paths[i], (next(stream) for _ in parts[i]))
    except OSError as error:
        raise InputError(
            f"Cannot write the cache folder {folder}: {error.strerror or error}. Make room, or set "
            "TFRELIGHT_CACHE to a folder that can be written."
        ) from error
    return [str(path) for path in paths]
