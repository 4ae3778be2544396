"""Measures the cost of a relit photo on a server: CPU time, memory and bytes by photo size.

    python benchmarks/sizing.py --version_dir=models/tfrelight/1 --document=export/README.md

runs `relight_bytes` of an exported version as TensorFlow Serving does, through a session's
callable, each size in a separate process, and writes the table between the markers of the document.
Run it on an idle machine of the kind that will serve. Other processes hardly change the CPU time,
but they lower the photos per second.
"""

import io
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

from absl import flags

from tfrelight import threads
from tfrelight.commands import app
from tfrelight.errors import InputError

flags.DEFINE_string("version_dir", None, "Folder of an exported version.", required=True)
flags.DEFINE_list("sizes", ["512x512", "1024x1024", "2048x1536", "4000x3000"], "Widths x heights.")
flags.DEFINE_list("batches", ["1", "4"], "Photos per run.")
flags.DEFINE_integer(
    "cores",
    None,
    "Threads, as --tensorflow_intra_op_parallelism of a server; default: all.",
)
flags.DEFINE_string("document", None, "Markdown file with the markers; default: print the table.")
flags.DEFINE_float("seconds", 5.0, "Seconds of runs for each size; at least three runs.")
flags.DEFINE_string("measure", None, "Internal: measure one size and batch, and print JSON.")

BEGIN, END = "<!-- sizing: begin -->", "<!-- sizing: end -->"
_SIGNATURE = "relight_bytes"
# A picture of faces, whose files are as large as those of photos.
_PICTURE = Path(__file__).resolve().parent.parent / "docs" / "synthetic_people.jpg"


def _memory(key):
    """A value of /proc/self/status, MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    raise InputError(f"No {key} in /proc/self/status. Expected Linux.")


def _photo(width, height):
    from PIL import Image

    data = io.BytesIO()
    with Image.open(_PICTURE) as picture:
        picture.convert("RGB").resize((width, height), Image.LANCZOS).save(data, "JPEG", quality=90)
    return data.getvalue()


def _callable(folder, cores):
    """The signature as a function of its two inputs, without checks in Python."""
    import tensorflow as tf
    from tensorflow.core.protobuf import config_pb2

    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=cores, inter_op_parallelism_threads=cores
    )
    session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
    with session.graph.as_default():
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], folder)
    signature = loaded.signature_def[_SIGNATURE]
    options = config_pb2.CallableOptions(
        feed=[signature.inputs[name].name for name in ("image_bytes", "light")],
        fetch=[signature.outputs["relit_png_bytes"].name],
    )
    return session._make_callable_from_options(options)


def _measure(folder, width, height, batch, cores):
    """Runs one size for a while and returns its figures."""
    import numpy as np
    import tensorflow as tf

    from tfrelight import lights

    tf.constant(0)
    idle = _memory("VmRSS")
    started = time.perf_counter()
    run = _callable(folder, cores)
    loading = time.perf_counter() - started
    data = _photo(width, height)
    feeds = (
        np.array([data] * batch, object),
        np.repeat(lights.Light.preset("left").coefficients[None], batch, axis=0),
    )
    small = (np.array([_photo(64, 64)], object), feeds[1][:1])
    run(*small)
    loaded = _memory("VmRSS")
    run(*feeds)
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
    walls, processor = [], time.process_time()
    while sum(walls) < flags.FLAGS.seconds or len(walls) < 3:
        started = time.perf_counter()
        (answer,) = run(*feeds)
        walls.append(time.perf_counter() - started)
    photos = batch * len(walls)
    return {
        "loading": loading,
        "version": loaded - idle,
        "run": _memory("VmHWM") - loaded,
        "processor": (time.process_time() - processor) / photos,
        "wall": sorted(walls)[len(walls) // 2],
        "request": len(data),
        "answer": len(answer[0]),
    }


def _measured(size, batch, cores):
    """`_measure` in a separate process, because a process keeps the memory that a size took."""
    values = flags.FLAGS
    command = [sys.executable, __file__, f"--version_dir={values.version_dir}"]
    command += [f"--measure={size}x{batch}", f"--cores={cores}", f"--seconds={values.seconds}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"{size} in batches of {batch} failed: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout)


def _processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _table(rows, cores, load):
    manifest = json.loads((Path(flags.FLAGS.version_dir) / "manifest.json").read_text())
    first = next(iter(rows.values()))
    megabytes = 1e-6
    model = f"{manifest['model']['parameters'] / 1e6:.1f} M parameters, {manifest['precision']}"
    lines = [
        f"`relight_bytes`, JPEG in, PNG out, {cores} cores of {_processor()}; {model}, TensorFlow "
        f"{manifest['versions']['tensorflow']}. A version loads in {first['loading']:.1f} s and "
        f"takes {max(row['version'] for row in rows.values()):.0f} MiB. "
        f"Load of the machine before: {load:.1f}.",
        "",
        "| photo | photos in a run | CPU seconds a photo | median run, s | photos/s "
        "| memory of a run, MiB | request, MB | answer, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (size, batch), row in rows.items():
        lines.append(
            f"| {size} | {batch} | {row['processor']:.2f} | {row['wall']:.2f} "
            f"| {batch / row['wall']:.1f} | {max(row['run'], 0):.0f} "
            f"| {row['request'] * megabytes:.1f} | {row['answer'] * megabytes:.1f} |"
        )
    return "\n".join(lines)


def _around(document):
    """The text before and after the table of a document."""
    text = Path(document).read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise InputError(f"{document} does not have the lines {BEGIN} and {END}, once each.")
    return text.split(BEGIN)[0], text.split(END)[1]


def main():
    """Measures, and prints the table or writes it into the document."""
    values = flags.FLAGS
    cores = values.cores or threads.available()
    if values.measure is not None:
        width, height, batch = (int(part) for part in values.measure.split("x"))
        print(json.dumps(_measure(values.version_dir, width, height, batch, cores)))
        return
    if values.document is not None:
        _around(values.document)
    load = os.getloadavg()[0]
    rows = {
        (size, int(batch)): _measured(size, int(batch), cores)
        for size in values.sizes
        for batch in values.batches
    }
    table = _table(rows, cores, load)
    if values.document is None:
        print(table)
        return
    from tfrelight import files

    before, after = _around(values.document)
    files.write_text(values.document, f"{before}{BEGIN}\n{table}\n{END}{after}")


if __name__ == "__main__":
    app.run(main)
