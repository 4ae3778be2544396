"""A million small records: seconds to the first batch, memory, and seconds to resume.

    python benchmarks/records.py --records=1000000 --files=100

writes the records, two 8x8 photos each, once to a temporary folder, and measures
`tfrelight.data.pairs` in a process of its own for each start: at the first step, after more batches
from there (memory), and resumed half way through the records.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BATCH = 64


def write(folder, count, files):
    import numpy as np
    import tensorflow as tf

    from tfrelight.data import portrait, records

    small = np.full((8, 8, 3), 128, np.uint8)
    subject = {
        "subject": "person",
        "images": np.stack([small, small // 2]),
        "mask": small[..., :1],
        "albedo": small.astype(np.uint16),
        "normals": small.astype(np.uint16),
        "light": np.zeros((2, 9, 3), np.float32),
        **{f"has_{label}": 0.0 for label in portrait.LABELS},
    }
    record = records.serialize(subject)
    for number in range(files):
        with tf.io.TFRecordWriter(str(folder / f"{number:05d}.tfrecord")) as writer:
            for _ in range(count // files):
                writer.write(record)
    return len(record)


def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(folder, count, start, batches):
    """In a process of its own: seconds to the first batch, and memory before and after more."""
    from tfrelight.data import pairs

    source = pairs.Source("records", sorted(map(str, folder.glob("*.tfrecord"))))
    before = megabytes()
    began = time.monotonic()
    steps = count // BATCH
    stream = iter(pairs.pairs([source], BATCH, steps=steps, start=start, augmented=False))
    next(stream)
    seconds = time.monotonic() - began
    first = megabytes()
    for _ in range(batches):
        next(stream)
    print(json.dumps([seconds, first - before, megabytes() - before]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--batches", type=int, default=1000, help="After which memory is measured.")
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--start", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.folder:
        folder = pathlib.Path(arguments.folder)
        measure(folder, arguments.records, arguments.start, arguments.batches)
        return
    with tempfile.TemporaryDirectory() as folder:
        size = write(pathlib.Path(folder), arguments.records, arguments.files)
        print(f"{arguments.records} records of {size} bytes in {arguments.files} files")
        for start in (0, arguments.records // 2 // BATCH):
            command = [sys.executable, __file__, *sys.argv[1:], f"--folder={folder}"]
            done = subprocess.run(
                [*command, f"--start={start}"],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            seconds, first, later = json.loads(done.stdout)
            print(
                f"from record {start * BATCH}: first batch after {seconds:.1f} s, "
                f"{first:.0f} MB more, {later:.0f} MB after {arguments.batches} batches",
                flush=True,
            )


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
