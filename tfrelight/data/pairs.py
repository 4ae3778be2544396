"""The tf.data pipeline: reads records, yields batches of pairs (one subject under two lights).

Single photos are batched in pairs of different people. `multilit=0` marks them so that the pair
losses skip them.

A pair's number seeds its random choices, and a seeded shuffle orders each source (`data.blocks`). A
pipeline that starts at step n therefore yields what an uninterrupted one yields there.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfrelight.data import augment, blocks, portrait, records
from tfrelight.errors import InputError

__all__ = ["Source", "pairs", "schedule", "used"]


@dataclasses.dataclass(frozen=True)
class Source:
    """One data set of a training mixture.

    Attributes:
      name: for messages.
      files: TFRecord shards (`tfrelight.data.records`).
      share: its share of all pairs, relative to the other sources' shares.
      labelled: False hides every label, as if the photos were unlabelled.
      subjects: use only these subject ids; None for all.
      multilit: True pairs two photos of one subject and drops subjects with a single photo. False
        pairs single photos of two subjects.
      rendered: True lets the photometric losses of fully labelled photos compare with the rendered
        labels instead of the photo (`models.relight_model`).
    """

    name: str
    files: Sequence[str]
    share: float = 1.0
    labelled: bool = True
    subjects: tuple[str, ...] | None = None
    multilit: bool = True
    rendered: bool = True


def schedule(shares: Sequence[float], count: int) -> np.ndarray:
    """Assigns a source to each pair.

    For every n, the number of pairs that a source has among the first n is within 1.5 of its share.

    Args:
      shares: relative shares, at least 0, one for each source.
      count: number of pairs.

    Returns:
      `[count]` int64 indices of sources.
    """
    weights = np.asarray(shares, np.float64)
    weights = weights / weights.sum()
    # Source s is due for the k-th time at (k + 1/2) / share; sorting all due times gives the order.
    due = [
        (np.arange(int(np.ceil(count * weight)) + 1) + 0.5) / weight if weight else np.zeros(0)
        for weight in weights
    ]
    times = np.concatenate(due)
    which = np.concatenate([np.full(len(d), i) for i, d in enumerate(due)]).astype(np.int64)
    return which[np.argsort(times, kind="stable")[:count]]


def used(sources: Sequence[Source], order: np.ndarray, count: int) -> dict[int, int]:
    """How many records of each source the first pairs of `pairs` take.

    Args:
      sources: the mixture, each with a share above 0.
      order: what `schedule` gives for it.
      count: number of pairs.

    Returns:
      For the number of each source that of its records.
    """
    counts = np.bincount(order[:count], minlength=len(sources))
    return {
        number: int(pairs_of_it) * _records_of_a_pair(source)
        for number, (source, pairs_of_it) in enumerate(zip(sources, counts))
    }


def _records_of_a_pair(source):
    return 1 if source.multilit else 2


def _wanted(source):
    """A function that filters the records of a source."""

    def keep(dataset):
        if source.subjects is not None:
            subjects = tf.constant(source.subjects)
            dataset = dataset.filter(
                lambda record: tf.reduce_any(records.parse(record)["subject"] == subjects)
            )
        if source.multilit:
            dataset = dataset.filter(
                lambda record: tf.shape(records.parse(record)["images"])[0] >= 2
            )
        return dataset

    return keep


def _or_zeros(png, mask, decode):
    """Decodes a map that a record may lack: `decode(png)`, or zeros if `png` is empty."""
    return tf.cond(tf.strings.length(png) > 0, lambda: decode(png), lambda: tf.zeros_like(mask))


def _photo(features, index, source):
    """Decodes one photo of a subject, and its labels, into a portrait."""
    mask = portrait.decode_photo(records.decode_png(features["mask"], 1))
    unlit = tf.concat([features["unlit"], tf.fill(tf.shape(features["images"]), "")], 0)[index]
    return {
        "subject": features["subject"],
        "image": portrait.decode_photo(records.decode_png(features["images"][index], 3)),
        "mask": mask if source.labelled else tf.ones_like(mask),
        "albedo": portrait.decode_albedo(records.decode_png(features["albedo"], 3, tf.uint16)),
        "normals": tf.math.l2_normalize(
            portrait.decode_normals(records.decode_png(features["normals"], 3, tf.uint16)),
            axis=-1,
            epsilon=1e-6,
        ),
        "light": features["light"][index],
        "parts": tf.cast(
            _or_zeros(features["parts"], mask, lambda png: records.decode_png(png, 1)), tf.uint8
        ),
        "depth": _or_zeros(
            features["depth"],
            mask,
            lambda png: portrait.decode_depth(records.decode_png(png, 1, tf.uint16)),
        ),
        "unlit": _or_zeros(
            unlit, mask, lambda png: portrait.decode_photo(records.decode_png(png, 1))
        ),
        **{
            f"has_{name}": features[f"has_{name}"] * float(source.labelled)
            for name in portrait.LABELS
        },
        "multilit": tf.constant(float(source.multilit)),
        "rendered": tf.constant(float(source.rendered)),
    }


def _two_lights(source, seed):
    """A function that makes a pair from the record of one subject."""

    def pair_of(number, record):
        features = records.parse(record)
        count = tf.shape(features["images"])[0]
        # Sorting K random numbers chooses two of K photos without repetition.
        order = tf.argsort(tf.random.stateless_uniform([count], tf.stack([seed, number])))
        return {name: _photo(features, order[place], source) for place, name in enumerate("ab")}

    return pair_of


def _two_subjects(source, seed):
    """A function that makes a pair from the records of two subjects."""

    def pair_of(number, two_records):
        pair = {}
        for place, name in enumerate("ab"):
            features = records.parse(two_records[place])
            count = tf.shape(features["images"])[0]
            index = tf.random.stateless_uniform(
                [], tf.stack([seed, 2 * number + place]), maxval=count, dtype=tf.int32
            )
            pair[name] = _photo(features, index, source)
        return pair

    return pair_of


def _pairs_of(source, number, seed, *, shuffle, repeat, done, places):
    """The pairs of a source after those of its first records."""
    first = places.before(number, done) if places else (0, 0)
    stream = blocks.read(
        source.files,
        seed,
        shuffle=shuffle,
        keep=_wanted(source),
        repeat=repeat,
        first=first,
        begins=functools.partial(places.begins, number) if places else None,
    ).skip(done - first[1])
    each = _records_of_a_pair(source)
    if each == 2:
        stream = stream.batch(2, drop_remainder=True)
    pair_of = _two_lights(source, seed) if each == 1 else _two_subjects(source, seed)
    return stream.enumerate(done // each).map(
        pair_of, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )


def pairs(
    sources: Sequence[Source],
    batch_size: int,
    *,
    seed: int = 0,
    steps: int | None = None,
    start: int = 0,
    places: blocks.Places | None = None,
    shuffle: bool = True,
    augmented: bool = True,
) -> tf.data.Dataset:
    """Batches of pairs from a mixture of sources.

        synthetic = pairs.Source("synthetic", ["synthetic.tfrecord"], share=2)
        photos = pairs.Source("photos", ["photos.tfrecord"], labelled=False)
        for batch in pairs.pairs([synthetic, photos], batch_size=16, steps=1000):
            batch["a"]["image"], batch["b"]["image"]  # [16, H, W, 3] sRGB, two lights

    Args:
      sources: the mixture; any stretch of pairs holds each source's share.
      batch_size: pairs per batch; the network sees twice as many photos.
      seed: seeds the order and every random choice.
      steps: number of batches, counted from the first; sources repeat as needed. None for one pass
        over the subjects of a single source.
      start: number of batches to skip, for resuming.
      places: where the blocks of the sources begin, which are added to as they are read. What lies
        before the last block that is known to begin before `start` is not read.
      shuffle: read subjects in random order, else in the records' order.
      augmented: apply `tfrelight.data.augment`.

    Returns:
      Dataset of `{"a": portraits, "b": portraits}` (`tfrelight.data.portrait`).

    Raises:
      InputError: no source has a share above 0, a source has no pair, or `steps` is None for a
        mixture of several sources.
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
    done = used(sources, order, start * batch_size)
    streams = [
        _pairs_of(
            source,
            number,
            seed * 1000 + number,
            shuffle=shuffle,
            repeat=steps is not None,
            done=done[number],
            places=places,
        )
        for number, source in enumerate(sources)
    ]
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
    """Raises InputError for a source without a pair: `repeat` would search it forever."""
    needed = 1 if source.multilit else 2
    found = blocks.read(source.files, 0, shuffle=False, keep=_wanted(source), repeat=False)
    if len(list(found.take(needed))) == needed:
        return
    expected = (
        "at least one subject with two photos or more under different lights"
        if source.multilit
        else "at least two photos"
    )
    raise InputError(f"No pair of photos in {source.name}. Expected {expected}.")
