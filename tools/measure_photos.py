"""Measures the time and memory that relighting photos takes. Run it on an idle machine.

    python tools/measure_photos.py

It measures one 1024x1024 photo from file to file with the model loaded, fifty photos in one command
against one command each, and the peak memory of a command on a 24-megapixel JPEG.
"""

import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from PIL import Image

import tfrelight

ASTRONAUT = pathlib.Path(__file__).resolve().parent.parent / "docs" / "astronaut.jpg"
RUNS = 9
PHOTOS = 50


def enlarged(path, size):
    """Writes a photo of this size that the astronaut's head and shoulders fill."""
    head = Image.open(ASTRONAUT).crop((75, 0, 395, 320))
    photo = Image.new("RGB", size, (110, 120, 130))
    photo.paste(head.resize((min(size),) * 2, Image.Resampling.BICUBIC), (0, 0))
    photo.save(path, quality=92)
    return path


def command(*arguments):
    """Seconds that `python -m tfrelight.relight` takes."""
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "tfrelight.relight", *map(str, arguments), "--light=left"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.monotonic() - started


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        photo = enlarged(folder / "photo.jpg", (1024, 1024))
        seconds = []
        for run in range(RUNS + 1):
            started = time.monotonic()
            tfrelight.relight(photo, "left").save(folder / "relit.jpg", overwrite=run > 0)
            seconds.append(time.monotonic() - started)
        print(
            f"1024x1024, JPEG to JPEG, model loaded: median {statistics.median(seconds[1:]):.2f} s"
        )
        single = command(photo, f"--output={folder / 'single.jpg'}")
        many = [enlarged(folder / f"{number}.jpg", (1024, 1024)) for number in range(PHOTOS)]
        together = command(*many, f"--output_dir={folder / 'out'}")
        print(
            f"{PHOTOS} photos: {together:.0f} s in one command, {single:.1f} s for one photo "
            f"alone: {PHOTOS * single / together:.1f} times faster"
        )
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        large = enlarged(folder / "large.jpg", (6000, 4000))
        took = command(large, f"--output={folder / 'relit_large.jpg'}")
        peak = max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
        print(f"6000x4000: {took:.1f} s, at most {peak / 2**20:.2f} GiB (with the {PHOTOS} photos)")


if __name__ == "__main__":
    main()
