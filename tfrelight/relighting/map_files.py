"""The maps of a decomposed photo as files, and on a contact sheet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image

from tfrelight.data import part_pictures
from tfrelight.errors import InputError
from tfrelight.lights import Light
from tfrelight.photos import Photo, exr, pictures, profiles, srgb
from tfrelight.relighting import parts

if TYPE_CHECKING:
    from tfrelight.relighting.face_maps import FaceMaps

__all__ = ["COLOURS", "MAPS", "maps_of", "picture", "sheet", "write"]

# The maps of every network, and that of some.
MAPS = ("albedo", "normals", "shading", "mask")
_PARTS = "parts"
# Maps whose values are colours, under the photo's profile.
COLOURS = ("albedo", "shading")
# Longer side of the photo on the sheet, and side of the light's picture, pixels.
_SHEET = 256
# Factor of the shading in pictures: a white surface under a light of exposure 1 is then 0.5, and
# brighter values still show.
_SHADING = 0.5


class Decomposed(Protocol):
    """What this module uses of a `decomposition.Decomposition`, whose module imports this one."""

    @property
    def photo(self) -> Photo: ...
    @property
    def light(self) -> Light: ...
    def shrunk(self, longest: int, /) -> Decomposed: ...
    def albedo(self) -> np.ndarray: ...
    def normals(self) -> np.ndarray: ...
    def shading(self) -> np.ndarray: ...
    def mask(self) -> np.ndarray: ...
    def parts(self) -> np.ndarray: ...
    @property
    def faces(self) -> tuple[FaceMaps, ...]: ...


def maps_of(decomposed: Decomposed) -> tuple[str, ...]:
    """The maps that a `Decomposition` has: `MAPS`, and "parts" if the network tells parts apart."""
    return (*MAPS, _PARTS) if parts.known(decomposed.faces) else MAPS


def write(decomposed: Decomposed, paths: Mapping[str, Path | str]) -> int:
    """Writes the maps, the light of the largest face, and the contact sheet.

    PNG files hold albedo and half the shading sRGB-encoded, and normals as (n + 1) / 2. EXR files
    hold the linear values and plain normals. The background is black, parts have the colours that
    the sheet explains. Albedo and shading have the colours of the photo, and so its profile; the
    sheet is sRGB.

    Args:
      decomposed: `Decomposition`.
      paths: file for each of "albedo.png", "normals.png", "shading.png", "mask.png", "light.json",
        "light.png" and "sheet.png", "parts.png" if `maps_of` names parts, and optionally
        "albedo.exr", "normals.exr" and "shading.exr".

    Returns:
      The number of files.

    Raises:
      InputError: a file cannot be written.
    """
    light = decomposed.light
    written = {"light.json", "light.png", "sheet.png"}
    try:
        for name in maps_of(decomposed):
            values = getattr(decomposed, name)()
            if f"{name}.exr" in paths:
                exr.write(paths[f"{name}.exr"], values)
            profile = decomposed.photo.rgb_profile if name in COLOURS else None
            pictures.save(paths[f"{name}.png"], picture(name, values), profile)
            written.update({f"{name}.exr", f"{name}.png"} & paths.keys())
            del values
        light.save(paths["light.json"])
        pictures.save(paths["light.png"], light.sphere(_SHEET))
        pictures.save(paths["sheet.png"], sheet(decomposed))
    except OSError as error:
        raise InputError(f"Cannot write the maps: {error.strerror or error}.") from error
    return len(written)


def sheet(decomposed: Decomposed) -> np.ndarray:
    """A contact sheet of a `Decomposition`: photo, maps and light, `[H, W, 3]` uint8 sRGB."""
    to_srgb = profiles.to_srgb(decomposed.photo.rgb_profile)
    small = decomposed.shrunk(_SHEET)
    height, width = small.photo.size
    cells = {"photo": to_srgb(small.photo.as_uint8())}
    for name in maps_of(small):
        cell = picture(name, getattr(small, name)())
        cells[name] = to_srgb(cell) if name in COLOURS else cell
    sphere = Image.new("RGB", (width, height))
    side = min(width, height)
    drawn = Image.fromarray(np.round(small.light.sphere(side) * 255.0).astype(np.uint8))
    sphere.paste(drawn, ((width - side) // 2, (height - side) // 2))
    cells["light"] = np.asarray(sphere)
    page = pictures.page([{name: cell / np.float32(255.0) for name, cell in cells.items()}])
    whole = np.round(page * 255.0).astype(np.uint8)
    if _PARTS not in cells:
        return whole
    return np.concatenate([whole, part_pictures.legend(whole.shape[1])])


def picture(name: str, values: np.ndarray) -> np.ndarray:
    """A map as a picture, `[H, W, 3]` uint8.

    Args:
      name: one of `maps_of`.
      values: what the method of that name of `Decomposition` gives.
    """
    if name == "mask":
        return np.repeat(np.round(values * 255.0).astype(np.uint8)[..., None], 3, axis=-1)
    if name == _PARTS:
        return part_pictures.picture(values)
    if name == "normals":
        on_head = values.any(-1, keepdims=True)
        return np.round((values + 1.0) * np.float32(127.5)).astype(np.uint8) * on_head
    return srgb.encode(values * np.float32(_SHADING if name == "shading" else 1.0), np.uint8)
