"""Makes the pictures of `docs/SYNTHETIC.md`, which show the synthetic portraits.

    python tools/make_samples.py --output_dir=docs

The people are the first of seed 0, under their first lights. The picture of one head under many
lights shows the first of them again in a wider frame.
"""

from __future__ import annotations

import itertools
import pathlib

import numpy as np
from absl import flags
from PIL import Image

from tfrelight import files
from tfrelight.commands import app

_OUTPUT_DIR = flags.DEFINE_string("output_dir", "docs", "Folder to write to.")
_RENDERED = flags.DEFINE_integer("rendered_size", 256, "Size to render, pixels.", lower_bound=16)
_SHOWN = flags.DEFINE_integer("shown_size", 160, "Size in the pictures, pixels.", lower_bound=16)
_PROCESSES = flags.DEFINE_integer("processes", None, "Rendering processes; default: one per core.")
_ROWS = flags.DEFINE_integer("rows", 6, "Rows of six people.", lower_bound=1)

_COLUMNS = 6
_LIGHTS = 12
_LABELLED = 5  # people with their labels


def _save(name, cells):
    """Writes uint8 pictures, row by row, as one JPEG."""
    size = (_SHOWN.value, _SHOWN.value)
    small = [np.asarray(Image.fromarray(cell).resize(size, Image.LANCZOS)) for cell in cells]
    rows = [np.hstack(small[i : i + _COLUMNS]) for i in range(0, len(small), _COLUMNS)]
    path = pathlib.Path(_OUTPUT_DIR.value, name)
    with files.replacing(path) as aside:
        Image.fromarray(np.vstack(rows)).save(aside, format="JPEG", quality=90)
    print(path)


def _labels(person):
    """Photo, albedo, normals, shading, visibility, parts: uint8 `[H, W, 3]` each."""
    from tfrelight import color
    from tfrelight.data import part_pictures, portrait

    normals = portrait.decode_normals(person["normals"])
    mask = portrait.decode_photo(person["mask"])
    # Without its scale, which contains the exposure, the brightest shading is 1.
    shaded = person["shading"][0] / 65535.0
    shown = [color.to_srgb_numpy(portrait.decode_albedo(person["albedo"])), (normals + 1.0) / 2.0]
    shown += [color.to_srgb_numpy(shaded), person["visibility"][0] / 255.0]
    masked = [np.broadcast_to(picture * mask, (*mask.shape[:2], 3)) for picture in shown]
    return [
        person["images"][0],
        *(np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8) for picture in masked),
        part_pictures.picture(person["parts"][..., 0]),
    ]


def main():
    """Renders the people and writes the pictures."""
    from tfrelight.synthesis import portraits

    pathlib.Path(_OUTPUT_DIR.value).mkdir(parents=True, exist_ok=True)
    settings = portraits.PortraitConfig(lights=1, size=_RENDERED.value)
    people = list(portraits.subjects(settings, range(_ROWS.value * _COLUMNS), _PROCESSES.value))
    _save("synthetic_people.jpg", [person["images"][0] for person in people])
    _save(
        "synthetic_labels.jpg",
        list(itertools.chain.from_iterable(_labels(person) for person in people[:_LABELLED])),
    )
    lit = portraits.PortraitConfig(lights=_LIGHTS, size=_RENDERED.value, framings=(("head", 1.0),))
    _save("synthetic_lights.jpg", portraits.subject(lit, 0)["images"])


if __name__ == "__main__":
    app.run(main)
