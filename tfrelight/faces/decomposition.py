"""A photo decomposed, at full size: relit as often as one likes, and its maps.

(decomposed,) = decomposition.decompose([photos.read("photo.jpg")], tfrelight.load_model())
decomposed.relight("left").save("left.jpg")
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from PIL import Image

from tfrelight import harmonics, pictures
from tfrelight.errors import InputError
from tfrelight.faces import find, framing, full_size, map_files, relighting
from tfrelight.faces import maps as face_maps
from tfrelight.lights import Light, as_light, sphere
from tfrelight.photos import Photo

__all__ = ["BEHIND", "Decomposition", "decompose", "most"]

# Largest factor by which a background may change, and one over the smallest.
BEHIND = 8.0


@dataclasses.dataclass(frozen=True)
class Decomposition:
    """A photo and what the network says of its faces.

    Attributes:
      photo: `photos.Photo`.
      faces: tuple of `faces.maps.FaceMaps`, the largest first.
    """

    photo: Photo
    faces: tuple

    @property
    def light(self) -> np.ndarray:
        """The light of the largest face, `[9, 3]`."""
        return self.faces[0].light

    def exposure(self, light) -> float:
        """The factor for a light `[9, 3]` that keeps the brightness of the largest face."""
        return relighting.exposure(self._relightable[0], as_light(light).coefficients)

    def relight(self, light, strength=1.0, exposure=0.0, background=False) -> Photo:
        """The photo under another light.

        Args:
          light: what `lights.as_light` takes: a `Light`, its name, coefficients `[9, 3]`, a file.
          strength: 0 to 1, between each face's own light and the new one.
          exposure: stops by which the lit part of the largest face becomes brighter than it is in
            the photo; None: as bright as the light's own strength makes it.
          background: whether what is no person takes on the brightness and colour of the light;
            else it is left alone, to the last bit.

        Returns:
          `Photo` of the same size and kind.

        Raises:
          InputError: no light, or a strength that is none.
        """
        light = as_light(light).coefficients
        if not 0.0 <= strength <= 1.0:
            raise InputError(f"Expected a strength from 0 to 1. Received: {strength}.")
        if exposure is not None:
            light = light * np.float32(self.exposure(light) * 2.0**exposure)
        new = [(1.0 - strength) * face.light + strength * light for face in self.faces]
        changes = [relighting.change(face, one) for face, one in zip(self._relightable, new)]
        behind = None
        if background:
            behind = np.clip(
                _seen(new[0]) / np.maximum(_seen(self.light), 1e-3), 1.0 / BEHIND, BEHIND
            )
        pixels = full_size.apply(self.photo.pixels, self.faces, self._alphas, changes, behind)
        return self.photo.replaced(pixels)

    def shrunk(self, longest) -> Decomposition:
        """The same of a smaller photo, 8 bits a channel, whose longer side has `longest` pixels."""
        height, width = self.photo.size
        scale = min(1.0, longest / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = Image.fromarray(self.photo.as_uint8()).resize(size, Image.Resampling.HAMMING)
        # Of each axis: rounding makes them differ a little.
        factors = np.array(size) / (width, height)
        faces = [
            dataclasses.replace(
                face,
                window=framing.Window(
                    face.window.corner * factors, face.window.axes * factors[:, None]
                ),
                box=tuple(np.round(face.box * np.tile(factors, 2)).astype(int)),
            )
            for face in self.faces
        ]
        return Decomposition(Photo(np.asarray(small), came_as="array"), tuple(faces))

    def background(self):
        """What `Light.from_background` takes: the photo, linear RGB `[H, W, 3]`, and `mask()`."""
        return full_size.decode(self.photo.pixels), self.mask()

    def mask(self) -> np.ndarray:
        """`[H, W]` float32 in [0, 1]: the people against the rest."""
        return full_size.paste(self.photo.size, self._alphas, [1.0] * len(self.faces))

    def normals(self) -> np.ndarray:
        """`[H, W, 3]` unit vectors, x right in the photo, y up, z to the camera; 0 off people."""
        layers = [face.window.uncut(face.normals, box) for face, (box, _) in self._layers()]
        pasted = full_size.paste(self.photo.size, self._alphas, layers)
        length = np.linalg.norm(pasted, axis=-1, keepdims=True)
        return pasted / np.maximum(length, 1e-6)

    def shading(self) -> np.ndarray:
        """`[H, W, 3]` linear RGB, of each face under its own light; 0 off people."""
        layers = []
        for face, (box, _) in self._layers():
            small = np.maximum(harmonics.shade(face.normals, face.light), 0.0)
            layers.append(face.window.uncut(small, box))
        return full_size.paste(self.photo.size, self._alphas, layers)

    def albedo(self) -> np.ndarray:
        """`[H, W, 3]` linear RGB, the photo under an even white light; 0 off people."""
        even = Light.even().coefficients
        changes = [relighting.change(face, even) for face in self._relightable]
        linear = full_size.linear(self.photo.pixels, self.faces, self._alphas, changes)
        return np.clip(linear, 0.0, 1.0)

    def _repr_png_(self):
        return pictures.png(map_files.sheet(self))

    def _layers(self):
        return zip(self.faces, self._alphas)

    @functools.cached_property
    def _relightable(self):
        return [relighting.prepare(face) for face in self.faces]

    @functools.cached_property
    def _alphas(self):
        return full_size.alphas(self.photo.pixels, self.faces)


def decompose(photos, model, faces="all", whole_image=False, known_faces=None) -> list:
    """Decomposes photos; all their faces go through the network together.

    Args:
      photos: list of `photos.Photo`.
      model: as `tfrelight.load_model` gives it.
      faces: "all", "largest", or how many, the largest first.
      whole_image: the photos are crops of one face; none is searched for.
      known_faces: for each photo the list of its `find.Face`s, which are then not searched for.

    Returns:
      for each photo its `Decomposition`, or the `InputError` that says why there is none.

    Raises:
      InputError: `faces` is something else, or the package that finds faces is not installed.
    """
    count = most(faces)
    if whole_image:
        found = [[None]] * len(photos)
    elif known_faces is not None:
        found = [list(of_photo) for of_photo in known_faces]
    else:
        found = [find.find(photo.as_uint8())[:count] for photo in photos]
    decomposed = iter(
        face_maps.decompose(
            model,
            [photo.as_uint8() for photo, of_photo in zip(photos, found) if of_photo],
            [of_photo for of_photo in found if of_photo],
        )
    )
    return [
        Decomposition(photo, tuple(next(decomposed)))
        if of_photo
        else InputError("No face found. If the photo is a crop of one face, say --whole_image.")
        for photo, of_photo in zip(photos, found)
    ]


def _seen(light):
    """Mean shading `[3]` of surfaces that the camera sees: what shines from behind lights none."""
    normals, _ = sphere.visible_normals(48)
    return np.maximum(harmonics.shade(normals, light), 0.0).mean(0)


def most(faces):
    """How many faces of a photo `faces` means; None for all of them.

    Raises:
      InputError: it is not "all", "largest" or a number from 1.
    """
    if faces in ("all", "largest"):
        return None if faces == "all" else 1
    try:
        count = int(faces)
    except (TypeError, ValueError):
        count = 0
    if count < 1:
        raise InputError(f"Expected faces: all, largest or a number from 1. Received: {faces!r}.")
    return count
