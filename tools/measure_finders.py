"""Compares the two face finders: `python tools/measure_finders.py PHOTO... FOLDER...`.

For each photo: how many faces each finder finds, and for faces that both find the distance of the
eyes that they give, in eye distances, and that of the outlines. Times are of the second search.
"""

import time

import numpy as np

from tfrelight import photos
from tfrelight.commands import app
from tfrelight.faces import find
from tfrelight.photos import listing


def matched(ours, theirs):
    """Pairs of faces whose eyes lie within half an eye distance."""
    for face in ours:
        for other in theirs:
            apart = np.linalg.norm(face.eyes.mean(0) - other.eyes.mean(0))
            if apart < 0.5 * other.interocular_distance:
                yield face, other


def main(arguments):
    """Prints a table, with medians in its last row."""
    print("| photo | mtcnn | mediapipe | only mtcnn | only mediapipe | eyes | outline | ms | ms |")
    print("|---|---|---|---|---|---|---|---|---|")
    rows = []
    for path in listing.expanded(arguments):
        pixels = photos.read(path).as_uint8()
        found, seconds = [], []
        for finder in find.FINDERS:
            find.find(pixels, finder)
            start = time.perf_counter()
            found.append(find.find(pixels, finder))
            seconds.append(time.perf_counter() - start)
        pairs = list(matched(*found))
        eyes, outlines = (
            [
                np.linalg.norm(getattr(a, name) - getattr(b, name), axis=1).mean()
                / b.interocular_distance
                for a, b in pairs
            ]
            for name in ("eyes", "oval")
        )
        counts = [
            len(found[0]),
            len(found[1]),
            len(found[0]) - len(pairs),
            len(found[1]) - len(pairs),
        ]
        rows.append((counts, eyes, outlines, seconds))
        print(_row(path.rpartition("/")[2], *rows[-1]), flush=True)
    columns = list(zip(*rows))
    totals = np.sum(columns[0], 0).tolist()
    print(_row("all", totals, sum(columns[1], []), sum(columns[2], []), np.median(columns[3], 0)))


def _row(name, counts, eyes, outlines, seconds):
    shares = [f"{np.median(values):.1%}" if values else "" for values in (eyes, outlines)]
    times = [f"{1e3 * second:.0f}" for second in seconds]
    return f"| {' | '.join([name, *map(str, counts), *shares, *times])} |"


if __name__ == "__main__":
    app.run(main, arguments="photo")
