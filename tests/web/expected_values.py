"""What the page's pipeline must compute, computed by the package itself for the tests in js/."""

from __future__ import annotations

import base64
import json
import pathlib

import numpy as np
from PIL import Image

from tests.conftest import ROOT
from tfrelight import harmonics
from tfrelight.faces import find, framing, guided_filter, mtcnn_networks
from tfrelight.photos import Photo, filters
from tfrelight.relighting import decomposition, face_maps, pipeline
from tfrelight.studio import page, photo_data
from tools import page_assets

# Photos whose faces are only found.
FOUND_ONLY = ("curls", "glasses", "larger", "nobody")
# Photos for a network that does not tell parts apart.
HEADS_ONLY = ("dark", "with_bars")
# Photos of which less than the person counts.
LESS = {"head_alone": "head", "face_alone": "face"}
SAMPLES = ROOT / "tfrelight" / "studio" / "samples"


def write(folder: pathlib.Path) -> None:
    """Writes `expected.json`, and the weights of the face finder."""
    rng = np.random.default_rng(0)
    expected = {
        "images": image_values(rng),
        "filters": filter_values(rng),
        "windows": window_values(),
        "light": light_values(rng),
        "layers": layer_values(rng),
        "photos": {name: photo_values(name, pixels) for name, pixels in photos().items()},
    }
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")
    (folder / "finder.bin").write_bytes(page_assets.finder_weights())


def photos() -> dict[str, np.ndarray]:
    """Photos `[H, W, 3]` uint8, of each kind that the pipeline treats in its own way."""
    portraits = {name.split(".")[0]: read(name) for name in page.SAMPLES}
    astronaut, curls = portraits["astronaut"], portraits["curls"]
    small = Image.fromarray(astronaut).resize((256, 256))
    turned = small.rotate(100, Image.Resampling.BICUBIC, expand=True)
    dark = np.round(astronaut * 0.12).astype(np.uint8)
    return {
        **portraits,
        "larger": np.asarray(Image.fromarray(astronaut).resize((1300, 1300))),
        "at_the_border": np.ascontiguousarray(astronaut[40:, 150:300]),
        "turned": np.asarray(turned),
        "dark": dark,
        **dict.fromkeys(LESS, astronaut),
        "with_bars": np.pad(curls, ((60, 60), (0, 0), (0, 0)), constant_values=3),
        "two": np.hstack([astronaut[:, 50:400], curls[:512, 100:560]]),
        "nobody": np.asarray(Image.fromarray(astronaut).crop((0, 400, 100, 512))),
    }


def read(name):
    with Image.open(SAMPLES / name) as image:
        return np.asarray(image)


def packed(array, dtype="<f4"):
    """An array as text: its bytes in base64, row by row."""
    return base64.b64encode(np.ascontiguousarray(array, dtype)).decode()


def picture(pixels):
    return {"size": pixels.shape[1::-1], "data": packed(pixels, "u1")}


def image_values(rng):
    pixels = rng.integers(0, 256, (31, 47, 3), np.uint8)
    image = Image.fromarray(pixels)
    sizes = [(13, 9), (7, 5), (47, 31), (60, 70), (5, 31), (1, 1)]
    kernels = {
        "bilinear": Image.Resampling.BILINEAR,
        "bicubic": Image.Resampling.BICUBIC,
        "hamming": Image.Resampling.HAMMING,
    }
    maps = [(0.9, 0.3, -2.0, -0.2, 1.1, 3.3), (2.0, 0.0, 0.25, 0.0, 1.7, -0.4)]
    return {
        "source": picture(pixels),
        "crops": [
            [box, picture(np.asarray(image.crop(box)))]
            for box in [(3, 4, 30, 20), (-5, -7, 20, 90), (50, 2, 60, 9)]
        ],
        "reduced": [
            [factors, picture(np.asarray(image.reduce(factors)))]
            for factors in [(2, 2), (3, 3), (5, 4), (1, 7), (11, 40)]
        ],
        "resized": [
            [kernel, size, gap, picture(np.asarray(image.resize(size, rule, reducing_gap=gap)))]
            for kernel, rule in kernels.items()
            for size in sizes
            for gap in (None, 2.0)
        ],
        "transformed": [
            [kernel, numbers, picture(np.asarray(affine(image, numbers, kernels[kernel])))]
            for kernel in ("bilinear", "bicubic")
            for numbers in maps
        ],
    }


def affine(image, numbers, rule):
    return image.transform((40, 36), Image.Transform.AFFINE, numbers, resample=rule)


def filter_values(rng):
    size = 20
    values = rng.random((size, size), np.float32)
    guide = rng.random((size, size), np.float32)
    disc = filters.disc(2.5)
    rows, columns = rng.uniform(-2, size + 1, (2, 50))
    return {
        "size": size,
        "values": packed(values),
        "guide": packed(guide),
        "gaussian": [[sigma, packed(filters.gaussian(values, sigma))] for sigma in (0.1, 1.7, 9.0)],
        "wrapped": packed(filters.gaussian(values, (1.3, 0.0), mode="wrap")),
        "box": [
            [side, mode, packed(filters.box(values, side, mode=mode))]
            for side in (1, 2, 5, 8)
            for mode in ("symmetric", "edge")
        ],
        "dilated": packed(filters.dilated(values, disc)),
        "eroded": packed(filters.eroded(values, disc)),
        "places": np.stack([rows, columns], 1).tolist(),
        "sampled": packed(filters.sampled(values, rows, columns)),
        "guided": packed(guided_filter.filtered(guide, values[..., None], 2, 1e-2)),
    }


def window_values():
    """Cuts of a photo that lie in it, turned, and beyond its border."""
    pixels = read("astronaut.jpg")
    box = (0, 0, 512, 512)
    cuts = []
    for corner, side, roll in [
        ((150, 30), 170.0, 0.0),
        ((200, 60), 240.0, 0.3),
        ((-40, -60), 400.0, -0.5),
        ((100, 20), 900.0, 0.1),
        ((215, 80), 40.0, 0.05),
    ]:
        turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
        window = framing.Window(np.array(corner, float), side * turn)
        maps = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
        part = (140, 30, 260, 120)
        cuts.append(
            {
                "corner": corner,
                "axes": window.axes.ravel().tolist(),
                "cut": picture(window.cut(pixels, 64, box)),
                "bounds": [int(side) for side in window.bounds(box)],
                "maps": packed(maps),
                "part": part,
                "uncut": packed(window.uncut(maps, part)),
            }
        )
    return {"photo": picture(pixels), "box": box, "cuts": cuts}


def light_values(rng):
    light = rng.normal(size=(9, 3))
    angle = 0.7
    cosine, sine = np.cos(angle), np.sin(angle)
    rotation = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
    return {
        "light": light.tolist(),
        "angle": angle,
        "rolled": harmonics.rotate(light, rotation).astype(float).tolist(),
        "mirrored": harmonics.rotate(light, np.diag([-1.0, 1.0, 1.0])).astype(float).tolist(),
    }


def layer_values(rng):
    images = rng.normal(size=(3, 48, 48, 3)).astype(np.float32)
    offsets, points, scores = mtcnn_networks.onet(images)
    cells, probability = mtcnn_networks.pnet(images[:, :37])
    refined, _, likely = mtcnn_networks.rnet(images[:, ::2, ::2])
    return {
        "images": packed(images),
        "onet": [packed(offsets), packed(points.transpose(0, 2, 1)), packed(scores)],
        "pnet": [packed(cells), packed(probability)],
        "rnet": [packed(refined), packed(likely)],
    }


class Recorder:
    """A network that keeps what it was given and what it said.

    Attributes:
      tells_parts: whether it gives parts, as the network that it records does.
    """

    def __init__(self, network, tells_parts):
        self.network, self.size, self.runs = network, network.size, []
        self.tells_parts = tells_parts

    def predict_on_batch(self, images):
        outputs = self.network.predict_on_batch(images)
        if not self.tells_parts:
            del outputs["parts"]
        planes = [
            outputs[name] for name in ("albedo", "normals", "mask", "parts") if name in outputs
        ]
        for number, image in enumerate(images):
            maps = np.concatenate([plane[number] for plane in planes], -1)
            self.runs.append(
                {
                    "crop": packed(np.round(image * 255 * 256), "<u2"),
                    "maps": packed(np.moveaxis(maps, -1, 0)),
                    "light": outputs["light"][number].astype(float).tolist(),
                }
            )
        return outputs


def photo_values(name, pixels):
    """The way of a photo through the pipeline."""
    photo = Photo(pixels, input_type="array")
    faces = find.find(pixels)
    found = {
        "photo": picture(pixels),
        "content": [int(side) for side in framing.content(pixels)],
        "faces": [
            {
                "eyes": face.eyes.tolist(),
                "distance": face.interocular_distance,
                "oval": face.oval.tolist(),
                "score": face.score,
            }
            for face in faces
        ],
    }
    if name in FOUND_ONLY:
        return found
    network = Recorder(pipeline.loaded(None), name not in HEADS_ONLY)
    what = LESS.get(name, "person")
    decomposed = decomposition.Decomposition(
        photo, tuple(face_maps.decompose(network, [pixels], [faces], what)[0])
    )
    fields = {"found": len(faces), "whole_image": False, "what": what}
    block = photo_data.encode(decomposed, fields)
    return {**found, "what": what, "runs": network.runs, "block": base64.b64encode(block).decode()}
