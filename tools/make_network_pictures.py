"""Makes docs/network_people.jpg and docs/network_failures.jpg.

    python tools/make_network_pictures.py

They show the decompositions of the default weights for synthetic people of the test split, and for
difficult ones.
"""

import dataclasses
import pathlib

import numpy as np
from PIL import Image

import tfrelight
from tfrelight import files
from tfrelight.lights import Environment, Lamp, Light
from tfrelight.photos import pictures
from tfrelight.synthesis import portraits
from tfrelight.synthesis.film import develop

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
SIZE = 128
# Indices of the test split.
PEOPLE = (19, 39, 59, 79, 99, 119)
LIGHTS = ("left", "right", "top", "under")
SETTINGS = portraits.PortraitConfig(size=SIZE, lights=1, glasses=0.0)
# Index, changed settings, and the lamp's azimuth and elevation in degrees.
TROUBLE = {
    "hard shadow": (139, {}, (75, 20)),
    "lamp above": (159, {}, (0, 70)),
    "glasses": (179, {"glasses": 1.0}, (30, 20)),
    "turned away": (339, {"framings": (("head", 1.0),)}, (40, 20)),
    "light from behind": (219, {}, (150, 20)),
}


def _under_a_lamp(settings, index, azimuth, elevation):
    """A person, and a photo under a hard lamp and weak uniform light."""
    person = portraits.scene(settings, index)
    towards = tfrelight.lights.direction_vector(azimuth, elevation)
    lamp = Lamp(towards, 0.02, np.ones(3))
    light = Light(lamps=[lamp], environments=[Environment.of(np.full((32, 64, 3), 0.08))])
    lit = person.photograph(light, np.full((SIZE, SIZE, 3), 0.05, np.float32))
    return person, develop(np.random.default_rng(index), lit, person.albedo, person.coverage)[0]


def _decomposed(image):
    found = tfrelight.decompose(image, whole_image=True)
    mask = found.mask()
    return found, {
        "photo": image / np.float32(255),
        "albedo": pictures.encoded(found.albedo(), mask),
        "normals": pictures.encoded_normals(found.normals(), mask),
        # Halved to show shading up to 2.
        "shading / 2": pictures.encoded(found.shading() / 2, mask),
    }


def _save(name, rows):
    page = np.uint8(np.round(np.clip(pictures.page(rows), 0, 1) * 255))
    with files.replacing(DOCS / name) as aside:
        Image.fromarray(page).save(aside, "JPEG", quality=88)
    print(DOCS / name)


def main():
    rows = []
    for index in PEOPLE:
        found, row = _decomposed(portraits.subject(SETTINGS, index)["images"][0])
        row |= {name: found.relight(name).pixels / np.float32(255) for name in LIGHTS}
        rows.append(row)
    _save("network_people.jpg", rows)
    rows = []
    for index, changes, angles in TROUBLE.values():
        person, image = _under_a_lamp(dataclasses.replace(SETTINGS, **changes), index, *angles)
        found, row = _decomposed(image)
        row["true albedo"] = pictures.encoded(person.albedo, person.coverage)
        row["true normals"] = pictures.encoded_normals(person.normals, person.coverage)
        row["left"] = found.relight("left").pixels / np.float32(255)
        rows.append(row)
    _save("network_failures.jpg", rows)


if __name__ == "__main__":
    main()
