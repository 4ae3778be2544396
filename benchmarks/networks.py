"""How fast `compact` and `sfsnet` train and infer, side by side, and how much memory they take.

    python benchmarks/networks.py --report=networks.json

Nothing else should run beside it. Steps of the networks alternate, so that whatever slows the
machine slows both. Memory is the peak of a process of its own that does one thing.
"""

import json
import pathlib
import re
import subprocess
import sys
import time

import numpy as np
from absl import flags

from tfrelight import cli

flags.DEFINE_list("networks", ["compact", "sfsnet"], "Networks; the first is compared with each.")
flags.DEFINE_string("precision", "auto", "auto, float32, bfloat16 or float16.")
flags.DEFINE_integer("pairs", 8, "Pairs a training step; twice as many photos.", lower_bound=1)
flags.DEFINE_integer("repeats", 20, "Of each measurement; medians are shown.", lower_bound=1)
flags.DEFINE_string("report", None, "JSON file to write.")
flags.DEFINE_string("memory_of", None, "Used by the benchmark: NETWORK,train or NETWORK,infer.")

_SIZE = 128


def main():
    """Measures and prints a Markdown table."""
    if flags.FLAGS.memory_of:
        return _memory(*flags.FLAGS.memory_of.split(","))
    import tensorflow as tf

    from tfrelight.models import precision

    precision.set_precision(flags.FLAGS.precision)
    training = _seconds({name: _trainer(name) for name in flags.FLAGS.networks})
    single = _seconds({name: _inference(name, 1) for name in flags.FLAGS.networks})
    batched = _seconds({name: _inference(name, 16) for name in flags.FLAGS.networks})
    rows = {
        name: {
            "training_photos_per_second": 2 * flags.FLAGS.pairs / training[name],
            "one_photo_ms": 1000 * single[name],
            "photos_per_second_by_16": 16 / batched[name],
            "training_peak_mib": _measured(name, "train"),
            "inference_peak_mib": _measured(name, "infer"),
        }
        for name in flags.FLAGS.networks
    }
    first = flags.FLAGS.networks[0]
    ratios = {
        name: rows[first]["training_photos_per_second"] / row["training_photos_per_second"]
        for name, row in rows.items()
    }
    report = {
        "tensorflow": tf.__version__,
        "precision": precision.policy(flags.FLAGS.precision),
        "pairs": flags.FLAGS.pairs,
        "repeats": flags.FLAGS.repeats,
        "networks": rows,
        f"{first}_trains_times_faster_than": ratios,
    }
    if flags.FLAGS.report:
        from tfrelight import files

        files.write_json(flags.FLAGS.report, report)
    print("| | " + " | ".join(rows) + " |\n|---|" + "---|" * len(rows))
    for measure in rows[first]:
        print(f"| {measure} | " + " | ".join(f"{row[measure]:.1f}" for row in rows.values()) + " |")
    print(
        f"| {first} trains times faster than | "
        + " | ".join(f"{ratio:.2f}" for ratio in ratios.values())
        + " |"
    )


def _seconds(tasks):
    """Medians of the tasks' seconds; the tasks take turns."""
    for task in tasks.values():
        for _ in range(3):
            task()
    seconds = {name: [] for name in tasks}
    for _ in range(flags.FLAGS.repeats):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(values)) for name, values in seconds.items()}


def _trainer(name):
    """A training step with every loss on labelled pairs."""
    import keras
    import tensorflow as tf

    from tfrelight import losses
    from tfrelight.data.portrait import LABELS
    from tfrelight.models import presets
    from tfrelight.models.relight_model import RelightModel

    model = RelightModel(presets.build(name, size=_SIZE), dict.fromkeys(losses.NAMES, 1.0))
    model.compile(optimizer=keras.optimizers.AdamW(1e-4, global_clipnorm=1.0))
    rng = np.random.default_rng(0)

    def portraits():
        count = flags.FLAGS.pairs
        maps = {"image": 3, "albedo": 3, "mask": 1}
        found = {key: rng.random((count, _SIZE, _SIZE, channels)) for key, channels in maps.items()}
        normals = rng.normal(size=(count, _SIZE, _SIZE, 3))
        found["normals"] = normals / np.linalg.norm(normals, axis=-1, keepdims=True)
        found["light"] = rng.normal(1, 0.1, (count, 9, 3))
        weights = [f"has_{label}" for label in LABELS]
        found.update(dict.fromkeys((*weights, "multilit", "rendered"), np.ones(count)))
        return {key: tf.constant(value, tf.float32) for key, value in found.items()}

    pair = {"a": portraits(), "b": portraits()}
    step = tf.function(model.train_step)
    return lambda: step(pair)["loss"].numpy()


def _inference(name, count):
    """The network for photos of any size on photos of its own."""
    import tensorflow as tf

    from tfrelight.models import presets

    model = presets.of_any_size(presets.build(name, size=_SIZE))
    infer = tf.function(lambda photos: model(photos, training=False))
    photos = tf.constant(np.random.default_rng(0).random((count, _SIZE, _SIZE, 3)), tf.float32)
    return lambda: infer(photos)["albedo"].numpy()


def _measured(name, task):
    own = [
        sys.executable,
        __file__,
        f"--memory_of={name},{task}",
        f"--precision={flags.FLAGS.precision}",
        f"--pairs={flags.FLAGS.pairs}",
    ]
    return json.loads(subprocess.run(own, check=True, capture_output=True, text=True).stdout)


def _memory(name, task):
    from tfrelight.models import precision

    precision.set_precision(flags.FLAGS.precision)
    run = _trainer(name) if task == "train" else _inference(name, 1)
    for _ in range(3):
        run()
    # Not getrusage: its peak is inherited from the process that started this one.
    status = pathlib.Path("/proc/self/status").read_text()
    print(int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1024)


if __name__ == "__main__":
    cli.run(main)
