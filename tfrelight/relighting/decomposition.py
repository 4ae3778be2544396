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
from typing import TYPE_CHECKING

import numpy as np
from absl import logging
from PIL import Image

from tfrelight import harmonics
from tfrelight.errors import InputError
from tfrelight.faces import find, framing
from tfrelight.lights import Light, as_light, sphere
from tfrelight.photos import Photo, pictures
from tfrelight.photos.photo import grey
from tfrelight.relighting import compositing, face_maps, map_files, parts, ratio_image

if TYPE_CHECKING:
    from tfrelight.lights import LightLike

__all__ = ["BEHIND", "WHITE_BALANCES", "Decomposition", "decompose", "face_count"]

WHITE_BALANCES = ("keep", "neutral")
# Largest factor by which the brightness of a background may change; the smallest is 1 / BEHIND.
BEHIND = 8.0


@dataclasses.dataclass(frozen=True)
class Decomposition:
    """A photo, and the maps that the network gives of its faces.

    Notebooks show it as a contact sheet.

    Attributes:
      photo: the photo.
      faces: maps of its faces, the largest first.
    """

    photo: Photo
    faces: tuple[face_maps.FaceMaps, ...]

    @property
    def light(self) -> Light:
        """The light on the largest face."""
        return Light(self.faces[0].light, np.zeros((9, 3)))

    def exposure(
        self,
        light: LightLike,
        white_balance: str = "keep",
        shadows: float = 1.0,
        softness: float = 0.0,
    ) -> float:
        """The factor for a light with which the largest face keeps its brightness.

        Args:
          light, white_balance, shadows, softness: see `relight`.

        Raises:
          InputError: see `relight`.
        """
        (new, *_) = self._lights(as_light(light).softened(softness), white_balance)
        face = self.relightable[0]
        return ratio_image.exposure(face, ratio_image.rendered(face, new, shadows, 0.0))

    def _lights(self, light, white_balance):
        """A light in the white of each face."""
        if white_balance not in WHITE_BALANCES:
            raise InputError(
                f"Invalid `white_balance`. Expected {' or '.join(WHITE_BALANCES)}. "
                f"Received: {white_balance!r}."
            )
        keep = white_balance == "keep"
        return [light.balanced(face.white if keep else np.ones(3)) for face in self.relightable]

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
        balanced = self._lights(light, white_balance)
        renderings = [
            ratio_image.rendered(face, one, shadows, highlights)
            for face, one in zip(self.relightable, balanced)
        ]
        factor = 1.0
        if exposure is not None:
            factor = ratio_image.exposure(self.relightable[0], renderings[0]) * 2.0**exposure
        changes = []
        for face, rendering in zip(self.relightable, renderings):
            share = strength * ratio_image.legibility(face.maps)
            mixed = ratio_image.own(face) * (1.0 - share) + rendering * (share * factor)
            changes.append(ratio_image.change(face, mixed))
        behind = None
        if background:
            before = _visible_shading(self.light.coefficients)
            # A share of the brightest channel, because photos may be dark. Black stays above 0.
            before = np.maximum(before, max(1e-3 * float(before.max()), 1e-9))
            share = strength * ratio_image.legibility(self.faces[0])
            new = (1.0 - share) * self.faces[0].light + share * factor * balanced[0].coefficients
            behind = np.clip(_visible_shading(new) / before, 1.0 / BEHIND, BEHIND)
        pixels = compositing.apply(self.photo.pixels, self.faces, self._alphas, changes, behind)
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
        faces = [
            dataclasses.replace(
                face,
                window=framing.Window(
                    face.window.corner * factors, face.window.axes * factors[:, None]
                ),
                box=tuple(np.round(face.box * np.tile(factors, 2)).astype(int)),
                face=None if face.face is None else face.face.scaled(factors),
            )
            for face in self.faces
        ]
        return Decomposition(Photo(np.asarray(small), input_type="array"), tuple(faces))

    def background(self) -> tuple[np.ndarray, np.ndarray]:
        """The arguments of `Light.from_background`: linear RGB `[H, W, 3]`, and `mask()`."""
        return compositing.decode(self.photo.pixels), self.mask()

    def mask(self) -> np.ndarray:
        """`[H, W]` float32 in [0, 1]: 1 on heads, 0 on the background."""
        return compositing.paste(self.photo.size, self._alphas, [1.0] * len(self.faces))

    def parts(self) -> np.ndarray:
        """`[H, W]` uint8, indices into `data.portrait.PARTS`; 0 where `mask()` is below a half.

        Raises:
          InputError: the network does not tell parts apart.
        """
        return parts.likeliest(self.photo.size, self.faces, self._alphas)

    def normals(self) -> np.ndarray:
        """`[H, W, 3]` unit vectors, x right, y up, z to the camera; 0 on the background."""
        layers = [face.window.uncut(face.normals, box) for face, (box, _) in self._layers()]
        pasted = compositing.paste(self.photo.size, self._alphas, layers)
        length = np.linalg.norm(pasted, axis=-1, keepdims=True)
        return pasted / np.maximum(length, 1e-6)

    def shading(self) -> np.ndarray:
        """`[H, W, 3]` linear RGB, of each face under its own light; 0 on the background."""
        layers = []
        for face, (box, _) in self._layers():
            small = np.maximum(harmonics.shade(face.normals, face.light), 0.0)
            layers.append(face.window.uncut(small, box))
        return compositing.paste(self.photo.size, self._alphas, layers)

    def albedo(self) -> np.ndarray:
        """`[H, W, 3]` linear RGB in [0, 1], the photo in even white light; 0 on the background."""
        even = Light.even()
        changes = [
            ratio_image.change(face, ratio_image.rendered(face, even)) for face in self.relightable
        ]
        linear = compositing.linear(self.photo.pixels, self.faces, self._alphas, changes)
        return np.clip(linear, 0.0, 1.0)

    def __repr__(self) -> str:
        height, width = self.photo.size
        faces = f"{len(self.faces)} face{'s' if len(self.faces) > 1 else ''}"
        return f"<Decomposition: {width}x{height} pixels, {faces}, {self.light!r}>"

    def _repr_png_(self):
        return pictures.png(map_files.sheet(self))

    def _layers(self):
        return zip(self.faces, self._alphas)

    @functools.cached_property
    def is_grey(self) -> bool:
        """Whether the photo is without colour, also if it is stored as RGB."""
        red, green, blue = np.moveaxis(self.photo.pixels, -1, 0)
        return bool(np.array_equal(red, green) and np.array_equal(green, blue))

    @functools.cached_property
    def relightable(self) -> list[ratio_image.Relightable]:
        """What relighting each face needs, whatever the new light."""
        return [ratio_image.prepare(face) for face in self.faces]

    @functools.cached_property
    def _alphas(self):
        return compositing.alphas(self.photo.pixels, self.faces)


def decompose(
    photos: Sequence[Photo],
    model: face_maps.Network,
    faces: str | int = "all",
    whole_image: bool = False,
    known_faces: Sequence[Sequence[find.Face]] | None = None,
) -> list[Decomposition | InputError]:
    """Decomposes photos. The faces of all of them go through the network together.

    Args:
      photos: to decompose.
      model: what `tfrelight.load_model` gives.
      faces: "all", "largest", or a number of the largest faces.
      whole_image: whether each photo is a crop of one face; then faces are not detected.
      known_faces: the faces of each photo, which are then not detected.

    Returns:
      For each photo its `Decomposition`, or the `InputError` that says why there is none.

    Raises:
      InputError: another value of `faces`, or the package that detects faces is not installed.
    """
    count = face_count(faces)
    found: list[Sequence[find.Face | None]]
    if whole_image:
        found = [[None]] * len(photos)
    elif known_faces is not None:
        found = [list(photo_faces) for photo_faces in known_faces]
    else:
        found = [find.find(photo.as_uint8())[:count] for photo in photos]
    decomposed = iter(
        face_maps.decompose(
            model,
            [photo.as_uint8() for photo, photo_faces in zip(photos, found) if photo_faces],
            [photo_faces for photo_faces in found if photo_faces],
        )
    )
    results: list[Decomposition | InputError] = []
    for photo, photo_faces in zip(photos, found):
        if not photo_faces:
            text = "No face found. If the photo is a crop of one face, pass `whole_image=True`."
            results.append(InputError(text))
            continue
        one = Decomposition(photo, tuple(next(decomposed)))
        results.append(one)
        legibility = min(map(ratio_image.legibility, one.faces))
        # The faces of a video's frames are known, and one line a frame would be too many.
        if legibility < 1.0 and known_faces is None:
            logging.warning(
                "A face is nearly black, and is relit by %.0f %%. A longer exposure would help.",
                100.0 * legibility,
            )
    return results


def _is_colourless(light):
    """Whether the three channels of coefficients `[9, 3]` are the same, but for rounding."""
    return bool(np.ptp(light, axis=1).max() <= 1e-4 * np.abs(light).max())


def _visible_shading(light):
    """Mean shading `[3]` of the surfaces that the camera sees."""
    normals, _ = sphere.visible_normals(48)
    return np.maximum(harmonics.shade(normals, light), 0.0).mean(0)


def face_count(faces: str | int) -> int | None:
    """The largest number of faces that `faces` allows; None for all.

    Raises:
      InputError: `faces` is not "all", "largest" or a number from 1.
    """
    if faces in ("all", "largest"):
        return None if faces == "all" else 1
    try:
        count = int(faces)
    except (TypeError, ValueError):
        count = 0
    if count < 1:
        raise InputError(
            f"Invalid `faces`. Expected all, largest or a number from 1. Received: {faces!r}."
        )
    return count
