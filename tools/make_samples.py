"""Makes the pictures of `docs/SYNTHETIC.md`: what the package's own portraits look like.

    python tools/make_samples.py --output_dir=docs

The people are the first ones of seed 0, under the first lights that are drawn for them.
"""

from __future__ import annotations

import itertools
import pathlib

import numpy as np
from absl import flags
from PIL import Image

from tfrelight import cli, files

_OUTPUT_DIR = flags.DEFINE_string("output_dir", "docs", "Folder to write to.")
_RENDERED = flags.DEFINE_integer("rendered_size", 256, "Size to render at.", lower_bound=16)
_SHOWN = flags.DEFINE_integer("shown_size", 160, "Size in the pictures.", lower_bound=16)
_PROCESSES = flags.DEFINE_integer("processes", None, "Processes; default: one a core.")

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
    """Photo, albedo, normals, shading, cast shadows, mask: uint8 `[H, W, 3]` each."""
    from tfrelight import color, harmonics

    normals = person["normals"] / 32767.5 - 1.0
    mask = person["mask"] / 255.0
    shaded = np.maximum(harmonics.shade(normals, person["light"][0]), 0.0)
    # Of the exposure, which makes up for dark skin, nothing is left.
    shaded = np.minimum(shaded / np.quantile(shaded[mask[..., 0] > 0.5], 0.98), 1.0)
    shown = [color.to_srgb_numpy(person["albedo"] / 65535.0), (normals + 1.0) / 2.0]
    shown += [color.to_srgb_numpy(shaded), person["visibility"][0] / 255.0]
    masked = [np.broadcast_to(picture * mask, (*mask.shape[:2], 3)) for picture in shown]
    whole = np.broadcast_to(mask, masked[0].shape)
    return [
        person["images"][0],
        *(np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8) for picture in (*masked, whole)),
    ]


def main():
    """Renders and draws."""
    from tfrelight.synthesis import portraits

    pathlib.Path(_OUTPUT_DIR.value).mkdir(parents=True, exist_ok=True)
    settings = portraits.Settings(lights=1, size=_RENDERED.value)
    people = list(portraits.subjects(settings, range(_ROWS.value * _COLUMNS), _PROCESSES.value))
    _save("synthetic_people.jpg", [person["images"][0] for person in people])
    _save(
        "synthetic_labels.jpg",
        list(itertools.chain.from_iterable(_labels(person) for person in people[:_LABELLED])),
    )
    lit = portraits.Settings(lights=_LIGHTS, size=_RENDERED.value, tight=0.0)
    _save("synthetic_lights.jpg", portraits.subject(lit, 0)["images"])


if __name__ == "__main__":
    cli.run(main)
