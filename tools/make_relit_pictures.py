"""Makes docs/relit.jpg: the astronaut under named lights, and what she is made of.

    python tools/make_relit_pictures.py

The photo, docs/astronaut.jpg, is NASA's (Eileen Collins, 1999) and in the public domain.
"""

import pathlib

import numpy as np
from PIL import Image

import tfrelight
from tfrelight import files, pictures

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
BOX = (105, 0, 345, 240)  # her head
SIZE = 240
LIGHTS = ("left", "right", "top", "under", "split", "rembrandt")
MORE = ("rim", "window", "sunset", "neon")


def main():
    decomposed = tfrelight.decompose(DOCS / "astronaut.jpg")

    def cell(image):
        pixels = (
            np.uint8(np.round(np.clip(image, 0, 1) * 255)) if image.dtype != np.uint8 else image
        )
        head = Image.fromarray(pixels).crop(BOX).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        return np.asarray(head, np.float32) / 255

    def relit(name):
        return cell(decomposed.relight(name).pixels)

    people = decomposed.mask() > 0.5
    first = {"photo": cell(decomposed.photo.pixels)} | {name: relit(name) for name in LIGHTS[:4]}
    second = {name: relit(name) for name in (*LIGHTS[4:], *MORE[:3])}
    third = {
        "neon": relit("neon"),
        "albedo": cell(pictures.encoded(decomposed.albedo())),
        "normals": cell(pictures.encoded_normals(decomposed.normals(), people)),
        "shading / 2": cell(pictures.encoded(decomposed.shading() / 2)),
        "mask": cell(pictures.encoded(decomposed.mask() ** 2.2)),
    }
    sheet = np.concatenate([pictures.page([row]) for row in (first, second, third)])
    with files.replacing(DOCS / "relit.jpg") as aside:
        Image.fromarray(np.uint8(np.round(sheet * 255))).save(aside, "JPEG", quality=88)


if __name__ == "__main__":
    main()
