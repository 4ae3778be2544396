"""The functions that the studio's worker runs on photos and lights."""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from tfrelight import photos
from tfrelight.errors import InputError
from tfrelight.faces import find
from tfrelight.lights import Light, lamp_rows, light_json, maps
from tfrelight.photos import pictures
from tfrelight.relighting import decomposition, map_files
from tfrelight.relighting.decomposition import Decomposition
from tfrelight.studio import page, photo_data
from tfrelight.studio.errors import StudioError
from tfrelight.video import reading, turntable, writing

__all__ = ["environment_light", "film", "map_archive", "open_photo", "photo_light", "relit"]

# Width of an environment map, pixels, at most.
_MAX_WIDTH = 8192
# Coefficients, far above those of any light brought to the photo's brightness.
_MAX_COEFFICIENT = 1e6
# What reading numbers and flags out of arbitrary JSON may raise.
_MALFORMED = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
_FILM_SECONDS = 4.0
_FILM_TYPES = {".mp4": "video/mp4", ".webp": "image/webp"}
_PHOTO_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
}
_PHOTO_ENDINGS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "TIFF": "tif"}


class _RelightRequest:
    """A page's request for a new light.

    Args:
      text: JSON with `light` and `relative`, 27 numbers each in the order of `Light.save`, of
        what has no lamp; `lamps`, as `Light.save` writes them, or without them none;
        `strength`, `exposure` and `background`, see `tfrelight.relight`; and for a film `axis` and
        `ending`.

    Raises:
      InputError: it is something else.
    """

    def __init__(self, text):
        try:
            fields = json.loads(text)
            light, relative = (
                np.array(fields[name], float).reshape(9, 3) for name in ("light", "relative")
            )
            if not np.abs([light, relative]).max() < _MAX_COEFFICIENT:
                raise ValueError(f"not all of them are numbers below {_MAX_COEFFICIENT:g}")
            lamps = light_json.parse_lamps(fields.get("lamps", []))
            bright = any(one.color.max() > _MAX_COEFFICIENT for one in lamps)
            if bright or len(lamps) > lamp_rows.MOST:
                raise ValueError(f"more than {lamp_rows.MOST} lamps, or brighter ones than any")
            self.strength = float(fields.get("strength", 1.0))
            self.exposure = float(fields.get("exposure", 0.0))
            self.background = bool(fields.get("background", False))
            self.axis = str(fields.get("axis", "camera"))
            self.ending = str(fields.get("ending", ".mp4"))
        except _MALFORMED as error:
            reason = " ".join(str(error).split())
            raise InputError(f"Expected JSON with lights of 27 numbers. Got: {reason}.") from None
        # Beyond a factor of 16, photos are white or black.
        if not -4.0 <= self.exposure <= 4.0:
            raise InputError(f"Expected an exposure of -4 to 4. Received: {self.exposure}.")
        self.light = Light(light, relative, lamps)


def open_photo(
    data: bytes,
    network: Callable[[], Any],
    max_pixels: int,
    whole_image: bool,
    what: str = "person",
) -> tuple[Decomposition, bytes]:
    """Decomposes a photo, and encodes it for the page.

    Args:
      data: of the photo's file.
      network: returns the model.
      max_pixels: of the photo.
      whole_image: whether the photo is a crop of one face.
      what: what of each person is relit, see `tfrelight.relight`.

    Returns:
      the decomposed photo, and its `photo_data`.

    Raises:
      InputError, StudioError: it cannot be decomposed.
    """
    decomposed, found = _decompose(data, network(), max_pixels, whole_image, what)
    fields = {"found": found, "whole_image": whole_image, "what": what}
    return decomposed, photo_data.encode(decomposed, fields)


def photo_light(data: bytes, network: Callable[[], Any], max_pixels: int) -> np.ndarray:
    """Estimates the light on the largest face of a photo.

    Args:
      data, network, max_pixels: see `open_photo`.

    Returns:
      coefficients `[9, 3]`, linear RGB, of exposure 1.

    Raises:
      InputError, StudioError: see `open_photo`.
    """
    decomposed, _ = _decompose(data, network(), max_pixels, False, "face")
    return decomposed.light.exposed().coefficients


def _decompose(data, model, max_pixels, whole_image, what):
    """The decomposed photo, and the number of faces in it."""
    photo = photos.read(data, max_pixels)
    found = [None] if whole_image else find.find(photo.as_uint8())
    if not found:
        raise StudioError(
            422,
            "no_face",
            "No face found. Choose a photo of a face seen from the front or half from the side. If "
            "the photo is a crop of one face, use all of it as the face.",
        )
    (decomposed,) = decomposition.decompose(
        [photo], model, known_faces=[found[: page.MOST_FACES]], what=what
    )
    return decomposed, len(found)


def relit(decomposed: Decomposition, request: bytes) -> tuple[bytes, str, str]:
    """Relights a photo.

    Args:
      decomposed: the photo.
      request: JSON, see `_RelightRequest`.

    Returns:
      the file's bytes, media type and ending.

    Raises:
      InputError: `request` is invalid.
    """
    options = _RelightRequest(request)
    photo = decomposed.relight(
        options.light, options.strength, options.exposure, options.background
    )
    data, kind = photo.encoded()
    return data, _PHOTO_TYPES[kind], _PHOTO_ENDINGS[kind]


def map_archive(decomposed: Decomposition) -> tuple[bytes, str, str]:
    """Packs the maps and the light of a photo into a ZIP file.

    Returns:
      the file's bytes, media type and ending.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name in map_files.maps_of(decomposed):
            picture = map_files.picture(name, getattr(decomposed, name)())
            profile = decomposed.photo.rgb_profile if name in map_files.COLOURS else None
            archive.writestr(f"{name}.png", pictures.png(picture, profile))
        light = decomposed.light
        archive.writestr("light.json", light.json())
        archive.writestr("light.png", pictures.png(light.sphere(256)))
        archive.writestr("sheet.png", pictures.png(map_files.sheet(decomposed)))
    return packed.getvalue(), "application/zip", "zip"


def film(decomposed: Decomposition, request: bytes) -> tuple[bytes, str, str]:
    """Renders a film of a light that turns around a photo; arguments and results as in `relit`."""
    options = _RelightRequest(request)
    if options.ending not in _FILM_TYPES:
        raise InputError(f"Expected a film that ends in {' or '.join(_FILM_TYPES)}.")
    if options.ending == ".mp4":
        reading.pyav()
    frames, rate = turntable.frames(
        decomposed,
        options.light,
        options.ending,
        axis=options.axis,
        seconds=_FILM_SECONDS,
        strength=options.strength,
        exposure=options.exposure,
        background=options.background,
    )
    with _memory_file(b"") as (path, file):
        writing.encode(path, options.ending, frames, rate)
        file.seek(0)
        return file.read(), _FILM_TYPES[options.ending], options.ending[1:]


def environment_light(data: bytes) -> np.ndarray:
    """Reads the light of an environment map.

    Args:
      data: of an EXR or Radiance HDR file.

    Returns:
      coefficients `[9, 3]`, linear RGB, of exposure 1.

    Raises:
      InputError: the file holds something else.
    """
    name = "environment.exr" if data.startswith(b"\x76\x2f\x31\x01") else "environment.hdr"
    with _memory_file(data) as (path, _):
        radiance = maps.load(path, name, _MAX_WIDTH, maps.DETAIL)
        return Light(maps.project(radiance)).exposed().coefficients


@contextlib.contextmanager
def _memory_file(data):
    """The path of an anonymous file in memory, for libraries that take paths, and the file."""
    with open(os.memfd_create("tfrelight"), "w+b") as file:
        file.write(data)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}", file
