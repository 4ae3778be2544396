"""Makes sheets of synthetic people to look at: each framing, each thing, each outfit, each hair.

    python tools/make_people_sheets.py --output_dir=sheets

A sheet `NAME.png` holds photos, `NAME_parts.png` what each of their pixels shows: skin pink, hair
brown, eyes white, mouth red, cloth blue, things yellow, everything else black.
"""

from __future__ import annotations

import pathlib

import numpy as np
from absl import flags
from PIL import Image

from tfrelight.commands import app
from tfrelight.data import part_pictures

_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Folder to write to.", required=True)
_PEOPLE = flags.DEFINE_integer("people", 64, "People of each framing.", lower_bound=1)
_EACH = flags.DEFINE_integer("each", 16, "People with each thing and outfit.", lower_bound=1)
_SIZE = flags.DEFINE_integer("size", 192, "Size of a photo, pixels.", lower_bound=16)
_SHEETS = flags.DEFINE_list("sheets", [], "Names of sheets; default: all of them.")
_FIRST = flags.DEFINE_integer("first", 0, "Index of the first person.", lower_bound=0)


def _sheet(cells):
    """Cells of one size in a grid that is wider than high."""
    columns = int(np.ceil(np.sqrt(1.6 * len(cells))))
    cells = cells + [np.zeros_like(cells[0])] * (-len(cells) % columns)
    rows = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    return np.vstack(rows)


def main():
    """Renders the sheets."""
    from tfrelight.synthesis import eyewear, headwear, portraits, posture, staging, wardrobe

    def people(name, count, framing, **wished):
        if _SHEETS.value and name not in _SHEETS.value:
            return
        shares = dict(company=0.0, near_face=0.0) if wished else {}
        settings = portraits.PortraitConfig(
            lights=1, size=_SIZE.value, framings=((framing, 1.0),), **shares
        )
        photos, parts = [], []
        for index in range(_FIRST.value, _FIRST.value + count):
            person = portraits.subject(settings, index, **wished)
            photos.append(person["images"][0])
            parts.append(part_pictures.picture(person["parts"][..., 0]))
        for suffix, cells in (("", photos), ("_parts", parts)):
            path = pathlib.Path(_OUTPUT_DIR.value, f"{name}{suffix}.png")
            Image.fromarray(_sheet(cells)).save(path)
            print(path)

    pathlib.Path(_OUTPUT_DIR.value).mkdir(parents=True, exist_ok=True)
    for framing in staging.FRAMINGS:
        people(framing, _PEOPLE.value, framing)
    small = ("headphones", "mask", "earrings", "necklace", "microphone")
    for thing in (*headwear.HEADWEAR, *eyewear.LENSES, *small):
        people(thing, _EACH.value, "head", wanted=(thing,))
    people("hood", _EACH.value, "head", wanted=("hood",), outfit="hoodie")
    for outfit in wardrobe.OUTFITS:
        people(outfit, _EACH.value, "bust", wanted=(), outfit=outfit)
    for name in sorted(posture.NEAR_FACE):
        people(f"hand_{name}", _EACH.value // 2, "bust", wanted=(), gesture=name)


if __name__ == "__main__":
    app.run(main)
