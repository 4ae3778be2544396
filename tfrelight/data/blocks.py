"""The records of many files in a seeded random order, in blocks at which a resumed run begins.

A block is a few files, read together and shuffled. Their order follows from the seed and the number
of the block alone, so that no list of records is kept, and nothing before a block needs to be read.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

__all__ = ["Places", "read"]

# Files of a block, and how many of them are read at a time.
_FILES, _AT_ONCE = 16, 4
# Size of the shuffle buffer, records: the subjects of 16 files of the cache, at most 100 MB.
_BUFFER = 256
# Records that are read ahead, so that nobody waits while the buffer fills for the next block.
_AHEAD = 64


class Places:
    """Where the blocks of the streams of a mixture begin.

    Streams say it as they are read, further than the training has come. A run keeps the last place
    before what it has used, and a resumed one begins there.

    Args:
      known: for each stream its last known place: block, and number of the block's first record.
    """

    def __init__(self, known: Mapping[int, tuple[int, int]] | None = None) -> None:
        self._begun = {stream: [place] for stream, place in (known or {}).items()}
        # Threads of tf.data add to it.
        self._lock = threading.Lock()

    def begins(self, stream: int, block: int, number: int) -> None:
        """Notes that a block of a stream begins with the record of that number."""
        with self._lock:
            begun = self._begun.setdefault(stream, [])
            if not begun or begun[-1][0] < block:
                begun.append((block, number))

    def before(self, stream: int, number: int) -> tuple[int, int]:
        """The last block that begins at or before a record, and the number of its first record."""
        with self._lock:
            begun = self._begun.get(stream, [])
            found = bisect.bisect_right([first for _, first in begun], number)
            # What lies before is not asked for again.
            del begun[: max(found - 1, 0)]
            return begun[0] if found else (0, 0)


def read(
    files: Sequence[str],
    seed: int,
    *,
    shuffle: bool,
    keep: Callable[[tf.data.Dataset], tf.data.Dataset],
    repeat: bool,
    first: tuple[int, int] = (0, 0),
    begins: Callable[[int, int], None] | None = None,
) -> tf.data.Dataset:
    """Records of files, block after block.

    Args:
      files: TFRecord files.
      seed: of the order.
      shuffle: whether files and records come in random order, another one in each pass.
      keep: filters the records of a block.
      repeat: whether passes follow each other without end.
      first: the block to begin with, and the number of its first record.
      begins: is called with each block that holds a record, and the number of its first one, when
        that is read; None: nobody asks.

    Returns:
      Dataset of records, from the beginning of the first block on.
    """
    paths, count = tf.constant(list(files)), len(files)
    blocks = -(-count // _FILES)

    def block_of(block):
        turn, place = block // blocks, block % blocks
        index = tf.range(place * _FILES, tf.minimum((place + 1) * _FILES, count))
        if shuffle:
            key = tf.stack([tf.constant(seed, tf.int64), turn])
            index = tf.random.experimental.index_shuffle(
                tf.cast(index, tf.int32), tf.cast(key, tf.int32), count - 1
            )
        found = tf.data.Dataset.from_tensor_slices(tf.gather(paths, index))
        found = keep(found.interleave(tf.data.TFRecordDataset, cycle_length=_AT_ONCE))
        if shuffle:
            found = _shuffled(found, seed, block)
        return found.enumerate().map(lambda within, record: (block, within, record))

    numbers = tf.data.Dataset.range(first[0], tf.int64.max if repeat else blocks)
    stream = numbers.flat_map(block_of)
    if begins is None:
        return stream.map(lambda block, within, record: record)

    def noted(number, element):
        block, within, record = element
        told = tf.cond(
            within == 0,
            lambda: tf.numpy_function(_told(begins), [block, number], tf.bool),
            lambda: True,
        )
        with tf.control_dependencies([told]):
            return tf.identity(record)

    return stream.enumerate(first[1]).map(noted).prefetch(_AHEAD)


def _told(begins):
    def tell(block, number):
        begins(int(block), int(number))
        return True

    return tell


def _shuffled(records, seed, block):
    """`Dataset.shuffle` with a seed that is a tensor, whatever the global seed is."""
    variant = tf.raw_ops.ShuffleDataset(
        input_dataset=tf.data.experimental.to_variant(records),
        buffer_size=tf.constant(_BUFFER, tf.int64),
        seed=tf.constant(seed, tf.int64),
        # Two seeds of 0 would mean a random one.
        seed2=block + 1,
        reshuffle_each_iteration=False,
        output_types=[tf.string],
        output_shapes=[[]],
    )
    return tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string))
