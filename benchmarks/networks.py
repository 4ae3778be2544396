"""Measures the speed of training and inference of `compact` and `sfsnet`, and their memory.

    python benchmarks/networks.py --report=networks.json

Run it on an idle machine. Steps of the networks alternate, so that disturbances affect all of them
equally. Memory is the peak of a separate process for each task.

It also takes variants of `compact`:

    python benchmarks/networks.py --networks=compact,deeper,deepest,shallower,wider,narrower
"""

import json
import pathlib
import re
import subprocess
import sys
import time

import numpy as np
import steps
import variants
from absl import flags

from tfrelight.commands import app

flags.DEFINE_list(
    "networks",
    ["compact", "sfsnet"],
    f"compact, sfsnet, {', '.join(variants.VARIANTS)}; the first is compared with the others.",
)
flags.DEFINE_string("precision", "auto", "auto, float32, bfloat16 or float16.")
flags.DEFINE_integer("pairs", 8, "Pairs per training step; twice as many photos.", lower_bound=1)
flags.DEFINE_integer("repeats", 20, "Repeats of each measurement; it takes medians.", lower_bound=1)
flags.DEFINE_string("report", None, "JSON file to write.")
flags.DEFINE_string("memory_of", None, "Internal: NETWORK,train or NETWORK,infer.")


def main():
    """Measures and prints a Markdown table."""
    variants.register()
    if flags.FLAGS.memory_of:
        return _memory(*flags.FLAGS.memory_of.split(","))
    import tensorflow as tf

    from tfrelight.models import precision

    precision.set_precision(flags.FLAGS.precision)
    training = _seconds(
        {name: steps.trainer(name, flags.FLAGS.pairs) for name in flags.FLAGS.networks}
    )
    single = _seconds({name: _inference(name, 1) for name in flags.FLAGS.networks})
    batched = _seconds({name: _inference(name, 16) for name in flags.FLAGS.networks})
    rows = {
        name: {
            "parameters_millions": steps.network(name).count_params() / 1e6,
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


def _inference(name, count):
    """The network for photos of any size, on photos of its own size."""
    import tensorflow as tf

    from tfrelight.models import loading

    model = loading.of_any_size(steps.network(name))
    infer = tf.function(lambda photos: model(photos, training=False))
    photos = tf.constant(
        np.random.default_rng(0).random((count, steps.SIZE, steps.SIZE, 3)), tf.float32
    )
    return lambda: infer(photos)["albedo"].numpy()


def _measured(name, task):
    """`_memory` in a separate process."""
    command = [
        sys.executable,
        __file__,
        f"--memory_of={name},{task}",
        f"--precision={flags.FLAGS.precision}",
        f"--pairs={flags.FLAGS.pairs}",
    ]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _memory(name, task):
    """Prints the peak memory of this process after a task, MiB."""
    from tfrelight.models import precision

    precision.set_precision(flags.FLAGS.precision)
    run = steps.trainer(name, flags.FLAGS.pairs) if task == "train" else _inference(name, 1)
    for _ in range(3):
        run()
    # A process inherits the peak of `getrusage` from the process that started it.
    status = pathlib.Path("/proc/self/status").read_text()
    print(int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1024)


if __name__ == "__main__":
    app.run(main)
