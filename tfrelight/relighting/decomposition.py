"""A decomposed photo: its maps at full size, and the photo under any number of other lights.

import tfrelight

decomposed = tfrelight.decompose("photo.jpg")
decomposed.relight("left").save("left.jpg")
albedo = decomposed.albedo()
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tfrelight import harmonics, threads
from tfrelight.errors import InputError
from tfrelight.faces import find
from tfrelight.lights import Light, as_light
from tfrelight.photos import Photo, pictures, srgb
from tfrelight.photos.photo import grey
from tfrelight.relighting import (
    backdrop,
    compositing,
    face_maps,
    inference,
    map_files,
    parts,
    ratio_image,
    whites,
)

if TYPE_CHECKING:
    from tfrelight.lights import LightLike

__all__ = ["Decomposition", "decompose"]


@dataclasses.dataclass(frozen=True)
class Decomposition:
    """A photo, and the maps that the network gives of its faces.

    Notebooks show it as a contact sheet.

    Attributes:
      photo: the photo.
      faces: maps of its faces, the largest first; each may hold those of its body.
      bystanders: faces that stay as they are, because a number of the largest was asked for.
    """

    photo: Photo
    faces: tuple[face_maps.FaceMaps, ...]
    bystanders: tuple[find.Face, ...] = ()

    @property
    def legibility(self) -> float:
        """By how much a new light counts on the darkest face: less than 1 if it is nearly black."""
        return min(map(ratio_image.legibility, self.faces))

    @property
    def light(self) -> Light:
        """The light on the largest face."""
        return Light(self.faces[0].light, np.zeros((9, 3)))

    @threads.single_blas
    def exposure(
        self,
        light: LightLike,
        white_balance: str = "keep",
        *,
        shadows: float = 1.0,
        highlights: float = 1.0,
        softness: float = 0.0,
    ) -> float:
        """The factor for a light with which the largest face keeps its brightness.

        Args:
          light, white_balance, shadows, highlights, softness: see `relight`.

        Raises:
          InputError: see `relight`.
        """
        face = self.relightable[0]
        (new,) = whites.balanced(as_light(light).softened(softness), white_balance, [face])
        return ratio_image.exposure(face, ratio_image.rendered(face, new, shadows, highlights))

    @threads.single_blas
    def relight(
        self,
        light: LightLike,
        strength: float = 1.0,
        exposure: float | None = 0.0,
        background: bool = False,
        white_balance: str = "keep",
        shadows: float = 1.0,
        highlights: float = 1.0,
        softness: float = 0.0,
    ) -> Photo:
        """The photo under another light.

        A photo without colour stays without under a light that has none.

        Args:
          light: a `Light`, its name, coefficients `[9, 3]`, or the path of an environment map or a
            light file.
          strength: blend from each face's own light, 0, to the new one, 1. Of a face that is nearly
            black it is less.
          exposure: stops by which to brighten the lit part of the largest face compared with the
            photo; None uses the light's own brightness.
          background: whether the background takes on the brightness and colour of the light;
            otherwise its pixels stay exactly as they are.
          white_balance: "keep": colours of lamps, named lights and environment maps are relative to
            the photo's white, so that a white lamp keeps the colour of skin; "neutral": they are
            absolute, so that a white lamp takes the tint of the old light away.
          shadows, highlights: how much of the shadows that the face casts on itself, and of the
            highlights of its skin, to render, 0 to 1. A light of harmonics alone has neither.
          softness: least angular radius of the lamps, degrees.

        Returns:
          A photo of the same size, type and metadata.

        Raises:
          InputError: not a light, a number is out of its range, or another `white_balance`.
        """
        light = as_light(light).softened(softness)
        shares = {"strength": strength, "shadows": shadows, "highlights": highlights}
        for name, value in shares.items():
            if not 0.0 <= value <= 1.0:
                raise InputError(f"Invalid `{name}`. Expected 0 to 1. Received: {value}.")
        balanced = whites.balanced(light, white_balance, self.relightable)
        draw = functools.partial(ratio_image.rendered, shadows=shadows, highlights=highlights)
        renderings = list(threads.each(draw, self.relightable, balanced))
        factor = 1.0
        if exposure is not None:
            factor = ratio_image.exposure(self.relightable[0], renderings[0]) * 2.0**exposure
        mixed = []
        for face, rendering, head in zip(self.relightable, renderings, self.head_indices):
            share = strength * ratio_image.legibility(self.faces[head])
            mixed.append(ratio_image.own(face) * (1.0 - share) + rendering * (share * factor))
        changes = self._changes(mixed)
        behind = None
        if background:
            share, old = strength * ratio_image.legibility(self.faces[0]), self.faces[0].light
            new = (1.0 - share) * old + share * factor * balanced[0].coefficients
            behind = backdrop.factor(old, new)
        pixels = compositing.apply(self.photo.pixels, self.surfaces, self._alphas, changes, behind)
        if self.is_grey and _is_colourless(np.asarray(light)):
            pixels = grey(pixels)
        return dataclasses.replace(self.photo.replaced(pixels), edited=True)

    def shrunk(self, longest: int) -> Decomposition:
        """The decomposition of a smaller copy of the photo, 8 bits a channel.

        Args:
          longest: largest length of the longer side, pixels.
        """
        height, width = self.photo.size
        scale = min(1.0, longest / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = Image.fromarray(self.photo.as_uint8()).resize(size, Image.Resampling.HAMMING)
        # One factor for each axis, because rounding makes them differ slightly.
        factors = np.array(size) / (width, height)
        faces = tuple(face.scaled(factors) for face in self.faces)
        bystanders = tuple(face.scaled(factors) for face in self.bystanders)
        return Decomposition(Photo(np.asarray(small), input_type="array"), faces, bystanders)

    def background(self) -> tuple[np.ndarray, np.ndarray]:
        """The arguments of `Light.from_background`: linear RGB `[H, W, 3]`, and `mask()`."""
        return srgb.decode(self.photo.pixels), self.mask()

    def mask(self) -> np.ndarray:
        """`[H, W]` float32 in [0, 1]: 1 on what is relit of people, 0 on the background."""
        return compositing.paste(self.photo.size, self._alphas, [1.0] * len(self.surfaces))

    def parts(self) -> np.ndarray:
        """`[H, W]` uint8, indices into `data.portrait.PARTS`; 0 where `mask()` is below a half.

        Raises:
          InputError: the network does not tell parts apart.
        """
        return parts.likeliest(self.photo.size, self.surfaces, self._alphas)

    @threads.single_blas
    def normals(self) -> np.ndarray:
        """`[H, W, 3]` unit vectors, x right, y up, z to the camera; 0 on the background."""
        layers = (face.window.uncut(face.normals, box) for face, (box, _) in self._layers())
        pasted = compositing.paste(self.photo.size, self._alphas, layers, 3)
        return harmonics.unit(pasted)

    @threads.single_blas
    def shading(self) -> np.ndarray:
        """`[H, W, 3]` linear RGB, of each face under its own light; 0 on the background."""
        layers = (
            face.window.uncut(np.maximum(harmonics.shade(face.normals, face.light), 0.0), box)
            for face, (box, _) in self._layers()
        )
        return compositing.paste(self.photo.size, self._alphas, layers, 3)

    @threads.single_blas
    def albedo(self) -> np.ndarray:
        """`[H, W, 3]` linear RGB in [0, 1], the photo in even white light; 0 on the background."""
        even = Light.even()
        changes = self._changes([ratio_image.rendered(face, even) for face in self.relightable])
        linear = compositing.linear(self.photo.pixels, self.surfaces, self._alphas, changes)
        return np.clip(linear, 0.0, 1.0)

    def __repr__(self) -> str:
        height, width = self.photo.size
        faces = f"{len(self.faces)} face{'s' if len(self.faces) > 1 else ''}"
        return f"<Decomposition: {width}x{height} pixels, {faces}, {self.light!r}>"

    def _repr_png_(self):
        return pictures.png(map_files.sheet(self))

    def _layers(self):
        return zip(self.surfaces, self._alphas)

    @functools.cached_property
    def is_grey(self) -> bool:
        """Whether the photo is without colour, also if it is stored as RGB."""
        red, green, blue = np.moveaxis(self.photo.pixels, -1, 0)
        return bool(np.array_equal(red, green) and np.array_equal(green, blue))

    def _changes(self, renderings):
        """The effect of a light on each of `surfaces`, alike on the head and body of a person."""
        same = [ratio_image.sameness(*each) for each in zip(self.relightable, renderings)]
        shared = [same[head] for head in self.head_indices]
        return list(threads.each(ratio_image.change, self.relightable, renderings, shared))

    @property
    def head_indices(self) -> list[int]:
        """For each of `surfaces` the index of its head in `faces`."""
        bodies = (number for number, face in enumerate(self.faces) if face.body is not None)
        return [*range(len(self.faces)), *bodies]

    @functools.cached_property
    def surfaces(self) -> list[face_maps.FaceMaps]:
        """The maps of all heads, in the order of `faces`, and then of all bodies."""
        bodies = (face.body for face in self.faces)
        return [*self.faces, *(body for body in bodies if body is not None)]

    @functools.cached_property
    def relightable(self) -> list[ratio_image.Relightable]:
        """What relighting each of `surfaces` needs, whatever the new light."""
        prepared = list(threads.each(ratio_image.prepare, self.surfaces))
        # Head and body have one white.
        return [
            dataclasses.replace(face, white=prepared[head].white)
            for face, head in zip(prepared, self.head_indices)
        ]

    @functools.cached_property
    def _alphas(self):
        return compositing.alphas(self.photo.pixels, self.surfaces, self.bystanders)


@threads.single_blas
def decompose(
    photos: Sequence[Photo],
    model: inference.Network,
    faces: str | int = "all",
    whole_image: bool = False,
    known_faces: Sequence[Sequence[find.Face]] | None = None,
    what: str = "person",
) -> list[Decomposition | InputError]:
    """Decomposes photos. The faces of all of them go through the network together.

    Args:
      photos: to decompose.
      model: what `tfrelight.load_model` gives.
      faces: "all", "largest", or a number of the largest faces.
      whole_image: whether each photo is a crop of one face; then faces are not detected.
      known_faces: the faces of each photo, the largest first, which are then not detected.
      what: what of each person: "person", its "head" or "face" alone. Without detected faces, or
        from a network that does not tell parts apart, a body is not known.

    Returns:
      For each photo its `Decomposition`, or the `InputError` that says why there is none.

    Raises:
      InputError: another value of `faces` or `what`, or the package that detects faces is not
        installed.
    """
    count = find.face_limit(faces)
    face_maps.check(what)
    every: list[Sequence[Any]]
    if whole_image:
        every = [[None]] * len(photos)
    elif known_faces is not None:
        every = [list(photo_faces) for photo_faces in known_faces]
    else:
        find.load()
        every = list(threads.each(lambda photo: find.find(photo.as_uint8()), photos))
    found = [photo_faces[:count] for photo_faces in every]
    decomposed = iter(
        face_maps.decompose(
            model,
            [photo.as_uint8() for photo, photo_faces in zip(photos, found) if photo_faces],
            [photo_faces for photo_faces in found if photo_faces],
            what,
        )
    )
    results: list[Decomposition | InputError] = []
    for photo, photo_faces in zip(photos, every):
        if not photo_faces:
            text = "No face found. If the photo is a crop of one face, pass `whole_image=True`."
            results.append(InputError(text))
            continue
        maps = tuple(next(decomposed))
        results.append(Decomposition(photo, maps, tuple(photo_faces[len(maps) :])))
    return results


def _is_colourless(light):
    """Whether the three channels of coefficients `[9, 3]` are the same, but for rounding."""
    return bool(np.ptp(light, axis=1).max() <= 1e-4 * np.abs(light).max())
