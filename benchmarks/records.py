"""A million small records: seconds to the first batch, memory, and seconds to resume.

    python benchmarks/records.py --records=1000000 --files=100

writes the records, two 8x8 photos each, once to a temporary folder, and measures
`tfrelight.data.pairs` in a process of its own for each start: at the first step, after half of the
records from there (memory), and resumed there, as a run does that knows where its blocks begin, and
as one that does not.
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


def measure(folder, count, start, place, batches):
    """In a process of its own: seconds to the first batch, memory before and after more, place."""
    from tfrelight.data import blocks, pairs

    places = blocks.Places({0: tuple(place)} if place else {})
    source = pairs.Source("records", sorted(map(str, folder.glob("*.tfrecord"))))
    before = megabytes()
    began = time.monotonic()
    steps = count // BATCH
    stream = pairs.pairs([source], BATCH, steps=steps, start=start, places=places, augmented=False)
    stream = iter(stream)
    next(stream)
    seconds = time.monotonic() - began
    first = megabytes()
    for _ in range(batches):
        next(stream)
    reached = places.before(0, (start + batches + 1) * BATCH)
    print(json.dumps([seconds, first - before, megabytes() - before, reached]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--start", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--place", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--batches", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.folder:
        folder = pathlib.Path(arguments.folder)
        measure(folder, arguments.records, arguments.start, arguments.place, arguments.batches)
        return
    half = arguments.records // 2 // BATCH
    with tempfile.TemporaryDirectory() as folder:
        size = write(pathlib.Path(folder), arguments.records, arguments.files)
        print(f"{arguments.records} records of {size} bytes in {arguments.files} files")

        def run(what, start, place, batches):
            done = subprocess.run(
                [sys.executable, __file__, *sys.argv[1:], f"--folder={folder}", f"--start={start}",
                 f"--place={json.dumps(place)}", f"--batches={batches}"],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )  # fmt: skip
            seconds, first, later, reached = json.loads(done.stdout)
            print(
                f"{what}: first batch after {seconds:.1f} s, {first:.0f} MB more, {later:.0f} MB "
                f"after {batches} batches",
                flush=True,
            )
            return reached

        place = run("from the beginning", 0, None, half - 1)
        run("half way, at a known place", half, place, 0)
        run("half way, by reading", half, None, 0)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
