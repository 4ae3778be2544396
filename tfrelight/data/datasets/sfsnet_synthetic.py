"""SfSNet's synthetic faces: 3D morphable models with albedo, normals, masks and lights.

Reads the original layout, fifteen photos of each person and twenty people in a folder:

    0003/000041_{albedo,depth,face,light,mask,normal}_{1-3}_{1-5}.{png,txt}

A light is 27 numbers (`tfrelight.lights.formats`). The stored values satisfy photo = albedo x
shading, so they are linear; this reader encodes the photos to sRGB. Photos of a person with the
same normals, albedo and mask (to half an 8-bit step on average) form one subject under several
lights. Any other photo is a subject of its own.

Sengupta, Kanazawa, Castillo, Jacobs, "SfSNet: Learning Shape, Reflectance and Illuminance of Faces
in the Wild", 2018. For research, by request to its authors.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfrelight import files, lights
from tfrelight.data import images, portrait
from tfrelight.data.datasets.reader import Reader
from tfrelight.errors import InputError

__all__ = ["SfsnetReader"]

_FOLDER = re.compile(r"\d{4}$")
_FACE = re.compile(r"(\d{6})_face_(\d)_(\d)\.png$")
# Largest mean difference between two maps that are equal up to 8-bit rounding.
_ROUNDING = 0.5 / 255


class SfsnetReader(Reader):
    """Reads SfSNet's synthetic faces; a unit is "FOLDER/PERSON". It always includes all labels.

    Of every twenty people, eighteen are in `train`, one in `validation` and one in `test`.
    """

    name = "sfsnet_synthetic"
    title = "SfSNet's synthetic faces"
    version = 1

    def _folders(self):
        return sorted(
            path for path in self.data_dir.iterdir() if path.is_dir() and _FOLDER.match(path.name)
        )

    def units(self, split: str) -> Iterator[str]:
        """See `Reader`."""
        found = False
        for folder in self._folders():
            matches = map(_FACE.match, sorted(path.name for path in folder.iterdir()))
            for person, _ in itertools.groupby(match[1] for match in matches if match):
                found = True
                if {18: "validation", 19: "test"}.get(int(person) % 20, "train") == split:
                    yield f"{folder.name}/{person}"
        if not found:
            raise InputError(
                f"No faces in {self.data_dir}. Expected files such as 0003/000041_face_1_1.png."
            )

    def person(self, unit: str) -> str:
        """See `Reader`."""
        return f"sfsnet-{unit.partition('/')[2]}"

    def stamp(self) -> Any:
        """See `Reader`."""
        return files.stamp(
            (entry.path for folder in self._folders() for entry in os.scandir(folder)),
            self.data_dir,
        )

    def read(self, unit: str, problems: list[str]) -> list[dict[str, Any]]:
        """See `Reader`."""
        name, _, person = unit.partition("/")
        folder = self.data_dir / name
        places = sorted(
            match.groups()[1:]
            for match in (_FACE.match(path.name) for path in folder.glob(f"{person}_face_*"))
            if match
        )
        groups: list[list[dict[str, np.ndarray]]] = []
        for i, j in places:
            try:
                photo = self._photo(folder, person, f"{i}_{j}")
            except InputError as error:
                problems.append(f"photo {i}_{j}: {error}")
                continue
            for group in groups:
                if all(
                    _equal(group[0][name], photo[name]) for name in ("normal", "albedo", "mask")
                ):
                    group.append(photo)
                    break
            else:
                groups.append([photo])
        return [self._subject(unit, group) for group in groups]

    def _photo(self, folder, person, place):
        maps = {
            name: images.read(folder / f"{person}_{name}_{place}.png", grey=name == "mask")
            for name in ("face", "mask", "albedo", "normal")
        }
        shapes = {name: image.shape[:2] for name, image in maps.items()}
        if len(set(shapes.values())) > 1:
            raise InputError(f"photo and maps differ in size: {shapes}")
        if maps["mask"].max() < 0.5:
            raise InputError("the mask is empty")
        path = folder / f"{person}_light_{place}.txt"
        if not path.is_file():
            raise InputError(f"{path.name} is missing")
        try:
            numbers = [float(word) for word in path.read_text(encoding="utf-8").split()]
        except ValueError as error:
            raise InputError(f"{path.name} holds something other than numbers") from error
        try:
            maps["light"] = lights.Light.from_numbers(numbers, "sfsnet").coefficients
        except InputError as error:
            raise InputError(f"{path.name}: {error}") from error
        return maps

    def _subject(self, unit, group):
        first, box = group[0], images.central_square(group[0]["mask"].shape)
        faces = np.stack([images.resize(photo["face"], self.size, box) for photo in group])
        normals = first["normal"] * 2 - 1
        length = np.linalg.norm(normals, axis=-1, keepdims=True)
        inside = first["mask"] > 0.5
        valid = inside & (length[..., 0] > 0.5)
        normals = normals / np.maximum(length, 1e-3)
        mask = images.resize(first["mask"], self.size, box)
        return {
            **portrait.unlabelled(self.person(unit), images.encode(faces)),
            **portrait.labels(
                *images.resize_surface(
                    normals, first["albedo"] * inside[..., None], valid, self.size, box
                ),
                [photo["light"] for photo in group],
            ),
            "mask": np.round(np.clip(mask, 0, 1) * 255).astype(np.uint8)[..., None],
            "has_mask": 1.0,
        }


def _equal(one, other):
    return one.shape == other.shape and np.abs(one - other).mean() <= _ROUNDING
