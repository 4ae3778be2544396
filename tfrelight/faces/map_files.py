"""The maps of a decomposed photo as files, and all of them on one sheet."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tfrelight import exr, pictures
from tfrelight.errors import InputError
from tfrelight.faces import full_size
from tfrelight.lights import Light

__all__ = ["MAPS", "picture", "sheet", "write"]

MAPS = ("albedo", "normals", "shading", "mask")
_SHEET = 256
# Half of what shading a white surface under a light of exposure 1 has: so that brighter shows.
_SHADING = 0.5


def write(decomposed, paths):
    """Writes maps, the light of the largest face, and the sheet.

    Albedo and half the shading are sRGB-encoded in PNG files, linear in EXR files; normals are
    (n + 1) / 2 in PNG and plain in EXR. All are black off people.

    Args:
      decomposed: `Decomposition`.
      paths: of the files to be, by what they hold: "albedo.png", "normals.png", "shading.png",
        "mask.png", "light.json", "light.png", "sheet.png", "albedo.exr", "normals.exr",
        "shading.exr"; the last three may be left out.

    Raises:
      InputError: a file cannot be written.
    """
    light = Light(decomposed.light)
    try:
        for name in MAPS:
            values = getattr(decomposed, name)()
            if f"{name}.exr" in paths:
                exr.write(paths[f"{name}.exr"], values)
            pictures.save(paths[f"{name}.png"], picture(name, values))
            del values
        light.save(paths["light.json"])
        pictures.save(paths["light.png"], light.sphere(_SHEET))
        pictures.save(paths["sheet.png"], sheet(decomposed))
    except OSError as error:
        raise InputError(f"Cannot write the maps: {error.strerror or error}.") from error


def sheet(decomposed) -> np.ndarray:
    """Photo, maps and light of a `Decomposition` on one sheet, `[H, W, 3]` uint8."""
    small = decomposed.shrunk(_SHEET)
    height, width = small.photo.size
    cells = {"photo": small.photo.as_uint8()}
    for name in MAPS:
        cells[name] = picture(name, getattr(small, name)())
    sphere = Image.new("RGB", (width, height))
    side = min(width, height)
    drawn = Image.fromarray(np.uint8(np.round(Light(small.light).sphere(side) * 255.0)))
    sphere.paste(drawn, ((width - side) // 2, (height - side) // 2))
    cells["light"] = np.asarray(sphere)
    page = pictures.page([{name: cell / np.float32(255.0) for name, cell in cells.items()}])
    return np.uint8(np.round(page * 255.0))


def picture(name, values):
    """A map as `[H, W, 3]` uint8."""
    if name == "mask":
        return np.repeat(np.uint8(np.round(values * 255.0))[..., None], 3, axis=-1)
    if name == "normals":
        somebody = values.any(-1, keepdims=True)
        return np.uint8(np.round((values + 1.0) * np.float32(127.5))) * somebody
    return full_size.encode(values * np.float32(_SHADING if name == "shading" else 1.0), np.uint8)
