"""The tf.data pipeline: records in, batches of pairs out (one subject, two lights).

Single photos, of which nobody knows the same face under another light, take part two by two; a
weight says that such a pair is none, and only losses of single photos see it.

Everything random comes from stateless seeds of the pair's number, and each source's order from its
seeded shuffle, so that a pipeline started at step n gives what an uninterrupted one gives there.
"""

import dataclasses
from collections.abc import Sequence
from typing import Optional

import numpy as np
import tensorflow as tf

from tfrelight.data import augment, records
from tfrelight.data.portrait import LABELS
from tfrelight.errors import InputError

__all__ = ["Source", "pairs", "schedule"]

# Records are shuffled within this many: with 16 subjects a record file and files in a new order
# each time, enough to mix, and 100 MB at most.
_SHUFFLE = 256


@dataclasses.dataclass(frozen=True)
class Source:
    """Part of a mixture.

    Attributes:
      name: for messages.
      files: TFRecord shards (`tfrelight.data.records`).
      share: its part of all pairs, relative to the other sources' shares.
      labelled: False hides every label, as if the photos were unlabelled.
      subjects: only these subject ids; None for all.
      multilit: pairs of photos of one subject; subjects with a single photo are left out. False:
        pairs of single photos, one of each of two subjects.
      rendered: where all labels of a photo are known, the photometric losses compare with what they
        render; else, and elsewhere, with the photo (`models.relight_model`).
    """

    name: str
    files: Sequence[str]
    share: float = 1.0
    labelled: bool = True
    subjects: Optional[tuple[str, ...]] = None
    multilit: bool = True
    rendered: bool = True


def schedule(shares, count):
    """Which source each pair comes from: shares are met as closely as whole numbers allow, always.

    Args:
      shares: relative shares, at least 0, one a source.
      count: number of pairs.

    Returns:
      `[count]` int64 indices of sources.
    """
    shares = np.asarray(shares, np.float64)
    shares = shares / shares.sum()
    # Source s is due for the k-th time at (k + 1/2) / share: merging these times is the order.
    due = [(np.arange(int(np.ceil(count * s)) + 1) + 0.5) / s if s else [] for s in shares]
    times = np.concatenate(due)
    which = np.concatenate([np.full(len(d), i) for i, d in enumerate(due)]).astype(np.int64)
    return which[np.argsort(times, kind="stable")[:count]]


def _subject_records(source, seed, shuffle):
    files = tf.data.Dataset.from_tensor_slices(list(source.files))
    if shuffle:
        files = files.shuffle(len(source.files), seed=seed)
    dataset = files.interleave(tf.data.TFRecordDataset, cycle_length=4)
    if source.subjects is not None:
        wanted = tf.constant(source.subjects)
        dataset = dataset.filter(
            lambda record: tf.reduce_any(records.parse(record)["subject"] == wanted)
        )
    if source.multilit:
        dataset = dataset.filter(lambda record: tf.shape(records.parse(record)["images"])[0] >= 2)
    if shuffle:
        dataset = dataset.shuffle(_SHUFFLE, seed=seed)
    return dataset


def _decode(png, channels, dtype, scale):
    image = tf.io.decode_png(png, channels=channels, dtype=dtype)
    return tf.cast(image, tf.float32) / scale


def _photo(features, index, source):
    """The portrait of a subject's photo."""
    mask = _decode(features["mask"], 1, tf.uint8, 255.0)
    return {
        "subject": features["subject"],
        "image": _decode(features["images"][index], 3, tf.uint8, 255.0),
        "mask": mask if source.labelled else tf.ones_like(mask),
        "albedo": _decode(features["albedo"], 3, tf.uint16, 65535.0),
        "normals": tf.math.l2_normalize(
            _decode(features["normals"], 3, tf.uint16, 32767.5) - 1.0, axis=-1, epsilon=1e-6
        ),
        "light": features["light"][index],
        **{f"has_{name}": features[f"has_{name}"] * float(source.labelled) for name in LABELS},
        "multilit": tf.constant(float(source.multilit)),
        "rendered": tf.constant(float(source.rendered)),
    }


def _two_lights(source, seed):
    """A pair from the record of one subject."""

    def pair_of(number, record):
        features = records.parse(record)
        count = tf.shape(features["images"])[0]
        # Two of K without repetition: the order of K random numbers.
        order = tf.argsort(tf.random.stateless_uniform([count], tf.stack([seed, number])))
        return {name: _photo(features, order[place], source) for place, name in enumerate("ab")}

    return pair_of


def _two_subjects(source, seed):
    """A pair from the records of two subjects."""

    def pair_of(number, two):
        pair = {}
        for place, name in enumerate("ab"):
            features = records.parse(two[place])
            count = tf.shape(features["images"])[0]
            index = tf.random.stateless_uniform(
                [], tf.stack([seed, 2 * number + place]), maxval=count, dtype=tf.int32
            )
            pair[name] = _photo(features, index, source)
        return pair

    return pair_of


def _pairs_of(source, seed, shuffle, repeat):
    """Numbered pairs of a source, not decoded yet, and the function that decodes them."""
    stream = _subject_records(source, seed, shuffle)
    if repeat:
        stream = stream.repeat()
    if source.multilit:
        return stream.enumerate(), _two_lights(source, seed)
    return stream.batch(2, drop_remainder=True).enumerate(), _two_subjects(source, seed)


def pairs(sources, batch_size, *, seed=0, steps=None, start=0, shuffle=True, augmented=True):
    """Batches of pairs from a mixture of sources.

    Args:
      sources: `Source`s; the share of each holds over any stretch of pairs.
      batch_size: pairs a batch (the network sees twice as many photos).
      seed: of every order and every random choice.
      steps: number of batches; None for one pass over the subjects of a single source.
      start: the first batch to give, as if those before it had been taken.
      shuffle: subjects in random order, repeated for ever; else in the records' order.
      augmented: apply `tfrelight.data.augment`.

    Returns:
      `tf.data.Dataset` of `{"a": portraits, "b": portraits}`.

    Raises:
      InputError: no source with a share, or a source without a pair.
    """
    sources = [source for source in sources if source.share > 0]
    if not sources:
        raise InputError(
            "No photos to train on. Expected at least one source with a share above 0."
        )
    for source in sources:
        _check(source)
    if steps is None and len(sources) > 1:
        raise InputError("Expected `steps` for a mixture of several sources. Received: None.")

    order = schedule([source.share for source in sources], (steps or 0) * batch_size)
    done = np.bincount(order[: start * batch_size], minlength=len(sources))
    streams = []
    for number, source in enumerate(sources):
        stream, pair_of = _pairs_of(source, seed * 1000 + number, shuffle, steps is not None)
        streams.append(
            stream.skip(int(done[number])).map(
                pair_of, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
            )
        )
    if steps is None:
        dataset = streams[0]
    else:
        choice = tf.data.Dataset.from_tensor_slices(order[start * batch_size :])
        dataset = tf.data.Dataset.choose_from_datasets(streams, choice, stop_on_empty_dataset=True)
    dataset = dataset.batch(batch_size)
    if augmented:
        dataset = dataset.enumerate(start).map(
            lambda number, pair: augment.augment_pair(
                pair, tf.stack([seed, tf.cast(number, tf.int32) * 100])
            ),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
    return dataset.prefetch(4)


def _check(source):
    """Without a pair, `repeat` would look for one for ever."""
    needed = 1 if source.multilit else 2
    if len(list(_subject_records(source, 0, shuffle=False).take(needed))) == needed:
        return
    expected = (
        "at least one subject with two photos or more under different lights"
        if source.multilit
        else "at least two photos"
    )
    raise InputError(f"No pair of photos in {source.name}. Expected {expected}.")
