"""Makes docs/relit.jpg, the astronaut under named lights and her maps, and docs/presets.jpg.

    python tools/make_relit_pictures.py

docs/presets.jpg shows the photo and the astronaut under every preset light. The photo,
docs/astronaut.jpg, is NASA's (Eileen Collins, 1999) and in the public domain.
"""

import pathlib

import numpy as np
from PIL import Image

import tfrelight
from tfrelight import files
from tfrelight.lights import PRESETS
from tfrelight.photos import pictures

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
BOX = (105, 0, 345, 240)  # her head
SIZE = 240
LIGHTS = ("left", "right", "top", "under", "split", "rembrandt")
MORE = ("rim", "window", "sunset", "neon")
COLUMNS = 5


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
    save("relit.jpg", [first, second, third])
    blank = np.ones((SIZE, SIZE, 3), np.float32)
    cells = [("photo", first["photo"]), *((name, relit(name)) for name in PRESETS)]
    cells += [("", blank)] * (-len(cells) % COLUMNS)
    save("presets.jpg", [titled(cells[k : k + COLUMNS]) for k in range(0, len(cells), COLUMNS)])


def titled(cells):
    """A row of a page; empty titles become distinct blanks."""
    return {title or " " * place: picture for place, (title, picture) in enumerate(cells)}


def save(name, sheet):
    """Writes rows of pictures as a JPEG file."""
    page = np.concatenate([pictures.page([row]) for row in sheet])
    with files.replacing(DOCS / name) as aside:
        Image.fromarray(np.uint8(np.round(page * 255))).save(aside, "JPEG", quality=88)


if __name__ == "__main__":
    main()
