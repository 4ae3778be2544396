"""Renders the sample portraits of the studio, which offers them beside the astronaut.

    python tools/make_studio_samples.py

They are two synthetic portraits (docs/SYNTHETIC.md).
"""

from __future__ import annotations

import pathlib

from PIL import Image

from tfrelight import files
from tfrelight.synthesis import portraits

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tfrelight" / "studio" / "samples"
# Indices of subjects whose whole head is in the frame.
PEOPLE = {"curls": 25, "glasses": 10}
SIZE = 640


def main():
    settings = portraits.PortraitConfig(lights=1, size=SIZE)
    for name, number in PEOPLE.items():
        path = FOLDER / f"{name}.jpg"
        pixels = portraits.subject(settings, number)["images"][0]
        with files.replacing(path) as aside:
            Image.fromarray(pixels).save(aside, format="JPEG", quality=90)
        print(path)


if __name__ == "__main__":
    main()
