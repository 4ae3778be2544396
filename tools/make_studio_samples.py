"""Renders the people whom the studio offers as samples beside the astronaut.

    python tools/make_studio_samples.py

They are two of the package's own portraits (docs/SYNTHETIC.md), so nobody's photo.
"""

from __future__ import annotations

import pathlib

from PIL import Image

from tfrelight import files
from tfrelight.synthesis import portraits

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tfrelight" / "studio" / "samples"
# Numbers of the subjects: people whose whole head is seen.
PEOPLE = {"curls": 25, "glasses": 10}
SIZE = 640


def main():
    settings = portraits.Settings(lights=1, size=SIZE)
    for name, number in PEOPLE.items():
        path = FOLDER / f"{name}.jpg"
        pixels = portraits.subject(settings, number)["images"][0]
        with files.replacing(path) as aside:
            Image.fromarray(pixels).save(aside, format="JPEG", quality=90)
        print(path)


if __name__ == "__main__":
    main()
