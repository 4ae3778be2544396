"""Writes what the page without a server shares with the package: constants, weights, pictures.

    python tools/page_assets.py --output=web/dist

`web/build.js` runs it. The constants are committed, as `web/src/constants.json`, because the page's
modules import them; run `python tools/page_assets.py`, without a folder, when one has changed.
"""

from __future__ import annotations

import json
import pathlib
import shutil

import numpy as np
from absl import app, flags

from tfrelight import files
from tfrelight.data import portrait
from tfrelight.faces import find, framing, mtcnn, mtcnn_networks, segmentation
from tfrelight.models import presets
from tfrelight.relighting import (
    compositing,
    eyes,
    face_maps,
    gloss,
    inference,
    lost_light,
    materials,
    ratio_image,
    window_weights,
)
from tfrelight.rendering import catchlights, height_field
from tfrelight.studio import page, photo_data

flags.DEFINE_string("output", None, "Folder for weights and pictures; none: write the constants.")

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "tfrelight" / "studio" / "samples"
CONSTANTS = ROOT / "web" / "src" / "constants.json"
# The JavaScript modules of the same names use their constants.
MODULES = (
    *(mtcnn, find, framing, segmentation, inference, window_weights, face_maps, lost_light),
    *(gloss, ratio_image, compositing, materials, eyes, height_field, catchlights),
)


def constants() -> dict:
    """The numbers that the page takes from Python, as JSON can hold them."""
    found = {module.__name__.rpartition(".")[2]: _numbers(module) for module in MODULES}
    network = presets.find(presets.DEFAULT)
    found |= {
        "settings": photo_data.SETTINGS,
        "longest": photo_data.LONGEST,
        "most_faces": page.MOST_FACES,
        "parts": portrait.PARTS,
        "network": {"name": network.name, "size": network.arguments["size"]},
        "presets": page.presets(),
        "samples": page.SAMPLES,
    }
    return json.loads(json.dumps(found))


def _numbers(module):
    """Numbers and tuples of numbers that a module defines in capitals, under lower-case names."""
    return {
        name.lstrip("_").lower(): value
        for name, value in vars(module).items()
        if name.isupper() and _is_number(value)
    }


def _is_number(value):
    if isinstance(value, tuple):
        return all(map(_is_number, value))
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def finder_weights() -> bytes:
    """The networks that find faces, and the outline's linear function.

    The length of a JSON header (uint32, little-endian); the header, a list of shapes for each
    network, padded with spaces to a multiple of 4; and the arrays, float32, little-endian.
    """
    arrays = {**mtcnn_networks.load(), "outline": list(mtcnn.outline())}
    shapes = {name: [array.shape for array in layers] for name, layers in arrays.items()}
    header = json.dumps(shapes, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 4)
    blocks = [np.asarray(array, "<f4").tobytes() for layers in arrays.values() for array in layers]
    return b"".join([len(header).to_bytes(4, "little"), header, *blocks])


def write_constants():
    with files.replacing(CONSTANTS) as path:
        text = json.dumps(constants(), indent=1)
        pathlib.Path(path).write_text(f"{text}\n", encoding="utf-8")


def write(folder: pathlib.Path):
    """Writes weights and pictures to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "finder.bin").write_bytes(finder_weights())
    network = presets.find(presets.DEFAULT)
    content = presets.content(network.name, network.tflite, network.tflite_sha256)
    (folder / "network.tflite").write_bytes(content)
    for name in page.SAMPLES:
        shutil.copyfile(SAMPLES / name, folder / name)


def main(_):
    if flags.FLAGS.output is None:
        write_constants()
    else:
        write(pathlib.Path(flags.FLAGS.output))


if __name__ == "__main__":
    app.run(main)
