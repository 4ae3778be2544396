"""Subjects as TFRecords, and the cache that holds them.

A record is one subject (`tfrelight.data.portrait`): its K photos as 8-bit PNG, its labels as PNG
(albedo, normals and shading 16-bit) and floats. The name of a cache folder contains a hash of the
settings that made its records, so that new settings never meet old records.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

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
    "decode_png",
    "parse",
    "serialize",
    "shards",
    "to_subject",
    "write_file",
    "write_missing",
    "write_shard",
    "writing",
]

# Part of every cache key. Raise it when the meaning of a record's bytes changes.
_FORMAT = 1

# An interrupted run loses one shard at most.
SUBJECTS_PER_SHARD = 16


def cache_dir() -> Path:
    """`$TFRELIGHT_CACHE`, or `tfrelight` in the user's cache folder."""
    if os.environ.get("TFRELIGHT_CACHE"):
        return Path(os.environ["TFRELIGHT_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfrelight"


def serialize(subject: dict[str, Any]) -> bytes:
    """Serializes a subject dict as a `tf.train.Example`."""

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
        ("parts", lambda image: pngs([image])),
        ("depth", lambda image: pngs([image])),
        ("unlit", pngs),
        ("light_fit", floats),
        ("shading", pngs),
        ("shading_scale", floats),
        ("visibility", pngs),
    ):
        if key in subject:
            features[key] = encode(subject[key])
    example = tf.train.Example(features=tf.train.Features(feature=features))
    # Otherwise newer versions of protobuf order the fields by process.
    return example.SerializeToString(deterministic=True)


def parse(record: tf.Tensor) -> dict[str, tf.Tensor]:
    """Parses one record. Photos and maps stay encoded, so that callers decode only what they use.

    Args:
      record: scalar string tensor.

    Returns:
      dict: `subject` scalar string, `images` `[K]` PNG strings, `mask`, `albedo`, `normals` scalar
      PNG strings, `light` `[K, 9, 3]`, `has_*` scalars; `parts` and `depth` scalar PNG strings,
      empty in records without them; `unlit` `[K]` PNG strings, `light_fit` `[K, 9, 3]`, `shading`
      `[K]` 16-bit PNG strings, `shading_scale` `[K]` and `visibility` `[K]` PNG strings, with K = 0
      in records without them.
    """
    text = tf.io.FixedLenFeature([], tf.string)
    texts = tf.io.FixedLenSequenceFeature([], tf.string, allow_missing=True)
    # Sets that were written before a label existed lack it.
    number = tf.io.FixedLenFeature([], tf.float32, default_value=0.0)
    optional = tf.io.FixedLenFeature([], tf.string, default_value="")
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
            "parts": optional,
            "depth": optional,
            "unlit": texts,
            "light_fit": light,
            "shading": texts,
            "shading_scale": numbers,
            "visibility": texts,
        },
    )


def decode_png(png: tf.Tensor, channels: int, dtype: tf.DType = tf.uint8) -> tf.Tensor:
    """Decodes a PNG of a record to `[H, W, channels]` float32 with the file's integer values."""
    return tf.cast(tf.io.decode_png(png, channels=channels, dtype=dtype), tf.float32)


def to_subject(features: dict[str, tf.Tensor]) -> dict[str, Any]:
    """Decodes a record to a subject dict, without the entries that only synthetic subjects have.

    Args:
      features: from `parse`.
    """

    def decoded(png, channels, dtype=tf.uint8):
        return tf.io.decode_png(png, channels, dtype).numpy()

    found = {
        "subject": features["subject"].numpy().decode(),
        "images": np.stack([decoded(png, 3) for png in features["images"]]),
        "mask": decoded(features["mask"], 1),
        "albedo": decoded(features["albedo"], 3, tf.uint16),
        "normals": decoded(features["normals"], 3, tf.uint16),
        "light": features["light"].numpy(),
        **{f"has_{label}": float(features[f"has_{label}"]) for label in LABELS},
    }
    if features["parts"] != b"":
        found["parts"] = decoded(features["parts"], 1)
    if features["depth"] != b"":
        found["depth"] = decoded(features["depth"], 1, tf.uint16)
    if len(features["unlit"]):
        found["unlit"] = np.stack([decoded(png, 1) for png in features["unlit"]])
    return found


@contextlib.contextmanager
def writing(folder: Path | str, advice: str) -> Iterator[None]:
    """Turns a file system's error inside the block into an InputError of one line.

    Args:
      folder: what could not be written, for the message.
      advice: a sentence that says what to do.

    Raises:
      InputError: in place of an OSError or of TensorFlow's exception for one.
    """
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        if isinstance(error, OSError):
            reason = error.strerror or error
        else:
            # The message reads "PATH; No space left on device".
            reason = error.message.rpartition("; ")[2]
        raise InputError(f"Cannot write {folder}: {reason}. {advice}") from error


@contextlib.contextmanager
def _aside(path):
    """Yields a temporary path beside `path`; renames it to `path`, or removes it on a failure."""
    path = os.fspath(path)
    tf.io.gfile.makedirs(os.path.dirname(path))
    # The name is unique, so that two processes may write the same file.
    aside = f"{path}.{uuid.uuid4().hex}.part"
    try:
        yield aside
        tf.io.gfile.rename(aside, path, overwrite=True)
    finally:
        with contextlib.suppress(tf.errors.OpError):
            tf.io.gfile.remove(aside)


def write_file(path: Path | str, text: str) -> None:
    """Writes a text file aside and renames it, on any file system that TensorFlow writes to."""
    with _aside(path) as aside, tf.io.gfile.GFile(aside, "w") as file:
        file.write(text)


def write_shard(path: Path | str, subjects: Iterable[dict[str, Any]]) -> None:
    """Writes one shard aside and renames it, so that nobody reads a half-written shard.

    Args:
      path: the shard, on any file system that TensorFlow writes to; its folder is created.
      subjects: subject dicts.

    Raises:
      OSError, tf.errors.OpError: the shard cannot be written.
    """
    with _aside(path) as aside, tf.io.TFRecordWriter(aside) as writer:
        for subject in subjects:
            writer.write(serialize(subject))


def write_missing(
    paths: Sequence[Path | str],
    parts: Sequence[Sequence[int]],
    subjects: Callable[[list[int]], Iterable[dict[str, Any]]],
    guard: Callable[[], AbstractContextManager[None]],
) -> None:
    """Writes the shards that do not exist yet.

    Args:
      paths: of all shards.
      parts: the keys of each shard's subjects.
      subjects: function from keys to their subject dicts, in order. It is called once, with all
        missing keys, so that it can prepare several subjects ahead.
      guard: makes the context manager around each access to the file system (see `writing`).
    """
    with guard():
        missing = [i for i, path in enumerate(paths) if not tf.io.gfile.exists(os.fspath(path))]
    if not missing:
        return
    stream = iter(subjects([key for i in missing for key in parts[i]]))
    for i in missing:
        # Outside the guard: an error in making the subjects is not the file system's.
        shard = [next(stream) for _ in parts[i]]
        with guard():
            write_shard(paths[i], shard)


def shards(count: int) -> list[range]:
    """The subjects of each shard, as ranges over `count` subjects."""
    return [
        range(start, min(start + SUBJECTS_PER_SHARD, count))
        for start in range(0, count, SUBJECTS_PER_SHARD)
    ]


class Cache(NamedTuple):
    """A folder of records in the user's cache."""

    folder: Path

    def writing(self) -> AbstractContextManager[None]:
        """`writing` with this folder's name and advice."""
        return writing(
            f"the cache folder {self.folder}",
            "Make room, or set TFRELIGHT_CACHE to a folder that can be written.",
        )


def cache(kind: str, settings: dict[str, Any]) -> Cache:
    """The cache folder of a set of records; creates it if necessary.

    Args:
      kind: name of the set, for people who look into the cache.
      settings: everything that changes the records, JSON-serialisable.

    Raises:
      InputError: the folder cannot be written.
    """
    key = json.dumps([_FORMAT, kind, settings], sort_keys=True, default=str)
    found = Cache(cache_dir() / f"{kind}-{hashlib.sha256(key.encode()).hexdigest()[:16]}")
    with found.writing():
        if not (found.folder / "settings.json").exists():
            write_file(found.folder / "settings.json", key)
    return found


def cached(
    kind: str,
    settings: dict[str, Any],
    count: int,
    subjects: Callable[[list[int]], Iterable[dict[str, Any]]],
) -> list[str]:
    """The shards of a set of subjects; makes those that the cache does not hold yet.

    A second call makes only what an interrupted call, or one for fewer subjects, left out.

    Args:
      kind, settings: see `cache`.
      count: number of subjects.
      subjects: function from indices below `count` to their subject dicts, in order. It is called
        once, with all missing indices, so that it can prepare several subjects ahead.

    Returns:
      The paths, in order.

    Raises:
      InputError: the cache folder cannot be written.
    """
    found = cache(kind, settings)
    parts = shards(count)
    paths = [str(found.folder / f"{part.start:06d}-{part.stop:06d}.tfrecord") for part in parts]
    write_missing(paths, parts, subjects, found.writing)
    return paths
