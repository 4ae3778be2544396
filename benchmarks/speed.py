"""Measures the speed of everything in one run of ten minutes, and compares it with another run.

    python benchmarks/speed.py --report=speed.json
    python benchmarks/speed.py --against=speed.json

Run it on an idle machine. Before every repeat it does reference work, a matrix product and the
writing of a PNG; runs are compared by multiples of that work, so that a slower machine is not a
slower program. With --against it says what became slower by more than --tolerance, and ends with
status 1 if anything did. What needs packages that are not installed is left out, with a line.
"""

from __future__ import annotations

import dataclasses
import io
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
from absl import flags
from PIL import Image

from tfrelight import files, threads
from tfrelight.commands import app

flags.DEFINE_string("report", None, "JSON file to write.")
flags.DEFINE_string("against", None, "Report of another run to compare with.")
flags.DEFINE_float("tolerance", 0.15, "Share by which something may be slower.", lower_bound=0)
flags.DEFINE_float("seconds", 30, "Seconds after which a measurement ends.", lower_bound=0)
flags.DEFINE_integer("repeats", 20, "Most repeats of a measurement.", lower_bound=1)
flags.DEFINE_multi_string("only", None, "Measure only what this begins the name of; repeatable.")

ASTRONAUT = pathlib.Path(__file__).resolve().parent.parent / "docs" / "astronaut.jpg"
# Photos of a command, frames and their rate of a clip, and synthetic people.
PHOTOS, FRAMES, RATE, PEOPLE = 50, 120, 24, 40
# Fewest repeats, after one that does not count, of what takes long.
LEAST = 3


@dataclasses.dataclass(frozen=True)
class Task:
    """What is measured.

    Attributes:
      name: with its unit.
      prepare: takes a folder, gives the function to measure.
      units: that a call of the function does.
    """

    name: str
    prepare: Callable[[pathlib.Path], Callable[[], object]]
    units: int = 1


def reference():
    """Seconds that the reference work takes now."""
    matrix = np.random.default_rng(0).random((1024, 1024), np.float32)
    picture = Image.open(ASTRONAUT).convert("RGB")
    started = time.perf_counter()
    for _ in range(4):
        matrix @ matrix
    picture.save(io.BytesIO(), "PNG")
    return time.perf_counter() - started


def enlarged(path, size):
    """Writes a photo of this size that the astronaut's head and shoulders fill."""
    head = Image.open(ASTRONAUT).crop((75, 0, 395, 320))
    photo = Image.new("RGB", size, (110, 120, 130))
    photo.paste(head.resize((min(size),) * 2, Image.Resampling.BICUBIC), (0, 0))
    photo.save(path, quality=92)
    return path


def network(count, engine):
    def prepare(folder):
        from tfrelight.models import engines
        from tfrelight.relighting import inference

        if engine == "openvino":
            import openvino  # noqa: F401 (without it the measurement is left out)
        model = engines.load(engine=engine)
        size = engines.size_of(model)
        cuts = [np.asarray(Image.open(ASTRONAUT).resize((size, size)))] * count
        # Each cut is seen with its mirror image.
        return lambda: inference.predict(model, cuts, [1.0] * count)

    return prepare


def step(folder):
    import steps

    from tfrelight.models import precision

    precision.set_precision("auto")
    return steps.trainer("compact", 8)


def photo(size):
    def prepare(folder):
        import tfrelight

        before = enlarged(folder / "before.jpg", size)
        return lambda: tfrelight.relight(before, "left").save(folder / "a.jpg", overwrite=True)

    return prepare


def command(count, side):
    def prepare(folder):
        paths = [enlarged(folder / f"{number}.jpg", (side, side)) for number in range(count)]
        program = [sys.executable, "-m", "tfrelight", "relight", *paths, "--light=left"]
        program += [f"--output_dir={folder / 'relit'}", "--overwrite"]
        return lambda: subprocess.run(program, check=True, capture_output=True)

    return prepare


def clip(folder):
    import av

    from tfrelight.relighting import pipeline
    from tfrelight.video import relighting

    frame = Image.new("RGB", (640, 480), (110, 120, 130))
    frame.paste(Image.open(ASTRONAUT).crop((75, 0, 395, 320)).resize((480, 480)), (80, 0))
    with av.open(str(folder / "clip.mp4"), "w") as video:
        stream = video.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for number in range(FRAMES):
            # Nobody sits quite still.
            moved = frame.transform((640, 480), Image.Transform.AFFINE, (1, 0, number / 8, 0, 1, 0))
            video.mux(stream.encode(av.VideoFrame.from_image(moved)))
        video.mux(stream.encode())
    model = pipeline.loaded(None)
    relit = folder / "relit.mp4"
    return lambda: relighting.relight(
        folder / "clip.mp4",
        "left",
        relit,
        model=model,
        overwrite=True,
        workers=threads.available(),
    )


def served(name):
    return lambda folder: _served(folder, name)


def _served(folder, name):
    import tensorflow as tf

    import tfrelight

    subprocess.run(
        [sys.executable, "-m", "tfrelight.export", f"--output_dir={folder}", "--model=compact-128"],
        check=True,
        capture_output=True,
    )
    version = next(path.parent for path in folder.rglob("saved_model.pb"))
    loaded = tf.saved_model.load(str(version))
    signature = loaded.signatures[name]
    data = io.BytesIO()
    Image.open(ASTRONAUT).crop((150, 20, 310, 180)).resize((256, 256)).save(data, "JPEG")
    inputs = {
        "image_bytes": tf.constant([data.getvalue()]),
        "light": tf.constant(np.asarray(tfrelight.Light.preset("left"), np.float32)[None]),
    }
    # The loaded model must live as long as its signature.
    return lambda: (loaded, [value.numpy() for value in signature(**inputs).values()])


def rendering(folder):
    from tfrelight.synthesis import portraits

    settings = portraits.PortraitConfig(framings=(("head", 1.0),))
    return lambda: list(portraits.subjects(settings, range(PEOPLE)))


TASKS = (
    *(
        Task(f"network: four cuts, {engine}", network(4, engine))
        for engine in ("litert", "openvino", "tensorflow")
    ),
    Task("photo: 1024x1024, JPEG to JPEG", photo((1024, 1024))),
    Task("photo: 6000x4000, JPEG to JPEG", photo((6000, 4000))),
    Task("command: one photo of 512x512", command(1, 512)),
    Task("command: a photo of 1024x1024, of fifty", command(PHOTOS, 1024), PHOTOS),
    Task("video: a frame of 640x480", clip, FRAMES),
    Task("rendering: a person, eight photos", rendering, PEOPLE),
    Task("served: a photo of 256x256, PNG", served("relight_bytes")),
    Task("served: a photo of 256x256, JPEG", served("relight_jpeg")),
    Task("training: a photo", step, 16),
)


def measured(task):
    """Median seconds of a unit, and as multiples of the reference; None without its packages."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            work = task.prepare(pathlib.Path(folder))
        except ImportError as error:
            print(f"{task.name}: left out, {error}", file=sys.stderr)
            return None
        seconds, multiples = [], []
        work()
        while len(seconds) < LEAST or (
            len(seconds) < flags.FLAGS.repeats and sum(seconds) < flags.FLAGS.seconds
        ):
            before = reference()
            started = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - started)
            multiples.append(seconds[-1] / before)
    return {
        "seconds": statistics.median(seconds) / task.units,
        "multiples": statistics.median(multiples) / task.units,
        "repeats": len(seconds),
    }


def main():
    """Measures, prints a Markdown table, and compares."""
    values = flags.FLAGS
    stored = json.loads(pathlib.Path(values.against).read_text()) if values.against else {}
    if values.report:
        files.check_new(values.report, overwrite=True)
    reference()
    report, slower = {}, []
    print("| | ms | a second | multiples of the reference | of the other run's |")
    print("|---|---|---|---|---|")
    for task in TASKS:
        if values.only and not any(task.name.startswith(start) for start in values.only):
            continue
        found = measured(task)
        if found is None:
            continue
        report[task.name] = found
        ratio = ""
        if task.name in stored:
            share = found["multiples"] / stored[task.name]["multiples"]
            ratio = f"{share:.2f}"
            if share > 1 + values.tolerance:
                slower.append(f"{task.name} ({ratio})")
        print(
            f"| {task.name} | {1000 * found['seconds']:.1f} | {1 / found['seconds']:.1f} "
            f"| {found['multiples']:.3f} | {ratio} |",
            flush=True,
        )
    if values.report:
        files.write_json(values.report, report)
    if slower:
        sys.exit(f"slower than in {values.against}: {', '.join(slower)}")
    missing = [] if values.only else sorted(stored.keys() - report.keys())
    if missing:
        sys.exit(f"in {values.against} but not measured: {', '.join(missing)}")


if __name__ == "__main__":
    app.run(main)
