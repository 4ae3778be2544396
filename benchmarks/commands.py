"""Measures what relighting costs as a command: CPU seconds, wall time and peak memory.

    python benchmarks/commands.py new=env313/bin/python old=env311/bin/python --report=commands.json

Each argument is a name and the Python of an environment that has tfrelight installed. They take
turns, so that a machine that slows down slows all of them: first one photo of 512x512 from file to
file, then ten of 1024x1024 in one command, then one of 24 megapixels. Medians and the ratio to the
first are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from PIL import Image

ASTRONAUT = pathlib.Path(__file__).resolve().parent.parent / "docs" / "astronaut.jpg"
# Side in pixels, photos of a command and runs of each environment.
WORK = ((512, 1, 9), (1024, 10, 5), (4899, 1, 3))


def program(python):
    """What relights photos: the command `tfrelight`, or before there was one a module."""
    command = pathlib.Path(python).with_name("tfrelight")
    return [command, "relight"] if command.exists() else [python, "-m", "tfrelight.relight"]


def measured(python, arguments, folder):
    """CPU seconds, wall seconds and peak memory in MB of one command."""
    command = [*program(python), "--light=left", "--overwrite", *arguments]
    with tempfile.TemporaryFile() as said:
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{python}: {said.read().decode()}")
    return {"cpu": used.ru_utime + used.ru_stime, "wall": wall, "mb": used.ru_maxrss / 1024}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environments", nargs="+", metavar="NAME=PYTHON")
    parser.add_argument("--report", help="JSON file for the medians.")
    flags = parser.parse_args()
    pythons = dict(named.split("=", 1) for named in flags.environments)
    pythons = {name: str(pathlib.Path(path).absolute()) for name, path in pythons.items()}
    report = {}
    print("| work | environment | CPU s | wall s | MB | CPU, ratio |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for side, photos, runs in WORK:
            head = Image.open(ASTRONAUT).resize((side, side), Image.Resampling.BICUBIC)
            names = [f"{number}.jpg" for number in range(photos)]
            for name in names:
                head.save(pathlib.Path(folder, name), quality=92)
            found = {name: [] for name in pythons}
            for turn in range(runs + 1):
                for name, python in pythons.items():
                    figures = measured(python, [*names, "--output_dir=relit"], folder)
                    # The first turn reads files into memory and compiles modules.
                    if turn:
                        found[name].append(figures)
            medians = {
                name: {key: statistics.median(run[key] for run in all_runs) for key in all_runs[0]}
                for name, all_runs in found.items()
            }
            work = f"{photos} of {side}x{side}"
            first = next(iter(medians.values()))["cpu"]
            for name, median in medians.items():
                print(
                    f"| {work} | {name} | {median['cpu']:.2f} | {median['wall']:.2f} "
                    f"| {median['mb']:.0f} | {median['cpu'] / first:.2f} |",
                    flush=True,
                )
            report[work] = medians
    if flags.report:
        pathlib.Path(flags.report).write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
