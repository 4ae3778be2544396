"""Measures the pair pipeline: memory over many records, and the time that training waits for it.

    python tools/measure_input.py --records=100000
    python tools/measure_input.py --steps=60

The first command writes small records (16 pixels, 4 photos each) into a temporary folder and runs
the pipeline over all of them, shuffled and augmented. It prints the resident memory after each
tenth of the records. The second trains `compact` on built-in portraits and prints the share of a
step that waits for its batch; run it on an idle machine. Both print JSON lines.
"""

import json
import os
import tempfile
import time

from absl import flags

from tfrelight import threads
from tfrelight.commands import app

flags.DEFINE_integer("records", 0, "Records to stream.", lower_bound=0)
flags.DEFINE_integer("steps", 0, "Training steps to time.", lower_bound=0)
flags.DEFINE_integer("batch_size", 8, "Pairs per training step.", lower_bound=1)
flags.DEFINE_string("precision", "auto", "Precision: auto, float32, bfloat16 or float16.")

_SHARD, _STREAM_BATCH, _WARM_UP = 1000, 50, 10


def resident_megabytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _write_records(folder, count):
    """Writes `count` records of different subjects; photos of noise do not compress."""
    import numpy as np
    import tensorflow as tf

    from tfrelight.data import portrait, records

    rng = np.random.default_rng(0)
    examples = []
    for _ in range(16):
        photos = rng.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
        subject = portrait.unlabelled("", photos)
        examples.append(tf.train.Example.FromString(records.serialize(subject)))
    paths = []
    for start in range(0, count, _SHARD):
        paths.append(os.path.join(folder, f"{start:09d}.tfrecord"))
        with tf.io.TFRecordWriter(paths[-1]) as writer:
            for number in range(start, min(start + _SHARD, count)):
                example = examples[number % len(examples)]
                example.features.feature["subject"].bytes_list.value[0] = b"%09d" % number
                writer.write(example.SerializeToString())
    return paths


def _stream(count):
    from tfrelight.data import pairs

    with tempfile.TemporaryDirectory() as folder:
        files = _write_records(folder, count)
        size = sum(os.path.getsize(path) for path in files)
        steps = count // _STREAM_BATCH
        dataset = pairs.pairs([pairs.Source("records", files)], _STREAM_BATCH, steps=steps)
        # Allocated before, so that any growth of memory is the pipeline's.
        seen = bytearray(count)
        memory, started = [], time.monotonic()
        for step, batch in enumerate(dataset):
            for subject in batch["a"]["subject"].numpy():
                seen[int(subject)] = 1
            if (step + 1) % max(1, steps // 10) == 0:
                memory.append(round(resident_megabytes(), 1))
                print(json.dumps({"pairs": (step + 1) * _STREAM_BATCH, "rss_mb": memory[-1]}))
        seconds = time.monotonic() - started
    summary = {
        "records": count,
        "distinct_subjects": sum(seen),
        "records_mb": round(size / 2**20, 1),
        "growth_mb_after_the_first_tenth": round(max(memory) - memory[0], 1),
        "pairs_per_second": round(count / seconds, 1),
    }
    print(json.dumps(summary))


def _train(steps, batch_size, precision_name):
    import keras
    import tensorflow as tf

    from tfrelight.data import pairs
    from tfrelight.models import losses, networks, precision
    from tfrelight.models.relight_model import RelightModel
    from tfrelight.synthesis import cache, portraits

    precision.set_precision(precision_name)
    files = cache.rendered(portraits.PortraitConfig(), "train", 32)
    model = RelightModel(networks.build("compact"), dict.fromkeys(losses.NAMES, 1.0))
    model.compile(optimizer=keras.optimizers.AdamW(1e-4))
    model.optimizer.build(model.network.trainable_variables)
    step = tf.function(model.train_step, reduce_retracing=True)
    source = pairs.Source("the built-in portraits", files)
    batches = iter(pairs.pairs([source], batch_size, steps=steps + _WARM_UP))
    waiting = training = 0.0
    for number in range(steps + _WARM_UP):
        started = time.monotonic()
        batch = next(batches)
        arrived = time.monotonic()
        float(step(batch)["loss"])
        if number >= _WARM_UP:
            waiting += arrived - started
            training += time.monotonic() - arrived
    summary = {
        "steps": steps,
        "pairs_a_step": batch_size,
        "precision": keras.mixed_precision.global_policy().name,
        "cores": threads.available(),
        "milliseconds_a_step": round(1000 * (waiting + training) / steps, 1),
        "milliseconds_waiting": round(1000 * waiting / steps, 2),
        "waiting_share": round(waiting / (waiting + training), 4),
    }
    print(json.dumps(summary))


def main():
    values = flags.FLAGS
    if values.records:
        _stream(values.records)
    if values.steps:
        _train(values.steps, values.batch_size, values.precision)


if __name__ == "__main__":
    app.run(main)
