"""Compares the face finders: `python tools/measure_finders.py PHOTO... GROUP.jpg=6 EMPTY.jpg=0`.

Each photo shows one person, or as many as it says. The table gives for each finder how many faces
too few and too many it finds in it, and milliseconds of the second search; and of the faces that
both find the distance of their eyes and outlines, in eye distances.
"""

import time

import numpy as np

from tfrelight import photos
from tfrelight.commands import app
from tfrelight.faces import find


def matched(ours, theirs):
    """Pairs of faces whose eyes lie within half an eye distance."""
    for face in ours:
        for other in theirs:
            apart = np.linalg.norm(face.eyes.mean(0) - other.eyes.mean(0))
            if apart < 0.5 * other.interocular_distance:
                yield face, other


def searched(pixels, finder):
    """The faces that a finder finds, and the seconds of a second search."""
    find.find(pixels, finder)
    start = time.perf_counter()
    return find.find(pixels, finder), time.perf_counter() - start


def main(arguments):
    """Prints a table; its last row has sums and medians."""
    heads = [
        f"{finder}: {what}" for finder in find.FINDERS for what in ("too few", "too many", "ms")
    ]
    print(f"| photo | people | {' | '.join(heads)} | eyes | outline |")
    print("|---" * (4 + len(heads)) + "|")
    rows = []
    for argument in arguments:
        path, _, said = argument.partition("=")
        people = int(said or 1)
        pixels = photos.read(path).as_uint8()
        found, seconds = zip(*(searched(pixels, finder) for finder in find.FINDERS))
        counts = [people]
        for faces in found:
            counts += [max(people - len(faces), 0), max(len(faces) - people, 0)]
        pairs = list(matched(*found))
        apart = [
            [
                np.linalg.norm(getattr(a, name) - getattr(b, name), axis=1).mean()
                / b.interocular_distance
                for a, b in pairs
            ]
            for name in ("eyes", "oval")
        ]
        rows.append((counts, seconds, *apart))
        print(_row(path.rpartition("/")[2], *rows[-1]), flush=True)
    counts, seconds, eyes, outlines = zip(*rows)
    print(_row("all", np.sum(counts, 0), np.median(seconds, 0), sum(eyes, []), sum(outlines, [])))


def _row(name, counts, seconds, eyes, outlines):
    people, *few_and_many = counts
    cells = [name, people]
    for number, second in enumerate(seconds):
        cells += [*few_and_many[2 * number : 2 * number + 2], f"{1e3 * second:.0f}"]
    cells += [f"{np.median(values):.1%}" if values else "" for values in (eyes, outlines)]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    app.run(main, arguments="photo")
