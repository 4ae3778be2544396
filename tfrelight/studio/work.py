"""What the studio does with photos and lights: the functions its worker runs."""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile

import numpy as np

from tfrelight import photos, pictures
from tfrelight.errors import InputError
from tfrelight.faces import decomposition, find
from tfrelight.faces import map_files as maps_as_files
from tfrelight.films import reading, turntables, writing
from tfrelight.lights import Light, maps
from tfrelight.studio import scene
from tfrelight.studio.refusals import Refusal

__all__ = ["FACES", "Wanted", "environment", "film", "light_of", "map_files", "relit", "scene_of"]

# Faces that are lit, at most: a page's shader has 16 textures at least, of which each takes three.
FACES = 4
# Pixels of a row of an environment map.
_WIDEST = 8192
# Coefficients, far beyond any light that is brought to the photo's brightness.
_BRIGHTEST = 1e6
# What reading numbers and flags out of any JSON may raise.
_MALFORMED = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
# Seconds of a film.
_SECONDS = 4.0
_FILMS = {".mp4": "video/mp4", ".webp": "image/webp"}
_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "TIFF": "image/tiff"}
_NAMES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "TIFF": "tif"}


class Wanted:
    """A light as a page asks for it.

    Args:
      text: JSON with `light`, 27 numbers as `Light.save` orders them, `strength`, `exposure`,
        `background`; see `tfrelight.relight`.

    Raises:
      InputError: it is none.
    """

    def __init__(self, text):
        try:
            given = json.loads(text)
            light = np.array(given["light"], float).reshape(9, 3)
            if not np.abs(light).max() < _BRIGHTEST:
                raise ValueError(f"not all of them are numbers below {_BRIGHTEST:g}")
            self.strength = float(given.get("strength", 1.0))
            self.exposure = float(given.get("exposure", 0.0))
            self.background = bool(given.get("background", False))
            self.axis = str(given.get("axis", "camera"))
            self.ending = str(given.get("ending", ".mp4"))
        except _MALFORMED as error:
            reason = " ".join(str(error).split())
            raise InputError(f"Expected JSON with a light of 27 numbers. Got: {reason}.") from None
        # Sixteen times brighter is white, and darker black.
        if not -4.0 <= self.exposure <= 4.0:
            raise InputError(f"Expected an exposure of -4 to 4. Received: {self.exposure}.")
        self.light = Light(light)


def scene_of(data, network, most_pixels, whole_image):
    """A photo, decomposed, and what the page needs of it.

    Args:
      data: bytes of its file.
      network: a function that gives the model.
      most_pixels: of the photo.
      whole_image: all of it is one face.

    Raises:
      InputError, Refusal: it cannot be decomposed, and why.
    """
    decomposed, found = _decompose(data, network(), most_pixels, whole_image)
    return decomposed, scene.encode(decomposed, {"found": found, "whole_image": whole_image})


def light_of(data, network, most_pixels):
    """The light on the largest face of a photo, of exposure 1: `[9, 3]`; see `scene_of`."""
    decomposed, _ = _decompose(data, network(), most_pixels, False)
    return Light(decomposed.light).exposed().coefficients


def _decompose(data, model, most_pixels, whole_image):
    """A photo, decomposed; and how many faces it has."""
    photo = photos.read(data, most_pixels)
    found = [None] if whole_image else find.find(photo.as_uint8())
    if not found:
        raise Refusal(
            422,
            "no_face",
            "No face found. Choose a photo in which a face is seen from the front or half from the "
            "side; or, if the photo is a crop of one face, take all of it for the face.",
        )
    (decomposed,) = decomposition.decompose([photo], model, known_faces=[found[:FACES]])
    return decomposed, len(found)


def relit(decomposed, light):
    """The photo under a light, as `Wanted` takes it, as a file: bytes, media type, ending."""
    wanted = Wanted(light)
    photo = decomposed.relight(wanted.light, wanted.strength, wanted.exposure, wanted.background)
    data, kind = photo.encoded()
    return data, _TYPES[kind], _NAMES[kind]


def map_files(decomposed):
    """Maps and light of a photo as a ZIP file: bytes, media type, ending."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name in maps_as_files.MAPS:
            shown = maps_as_files.picture(name, getattr(decomposed, name)())
            archive.writestr(f"{name}.png", pictures.png(shown))
        light = Light(decomposed.light)
        archive.writestr("light.json", light.json())
        archive.writestr("light.png", pictures.png(light.sphere(256)))
        archive.writestr("sheet.png", pictures.png(maps_as_files.sheet(decomposed)))
    return packed.getvalue(), "application/zip", "zip"


def film(decomposed, light):
    """A film of a light, as `Wanted` takes it, turning around the photo; as `relit`."""
    wanted = Wanted(light)
    if wanted.ending not in _FILMS:
        raise InputError(f"Expected a film that ends in {' or '.join(_FILMS)}.")
    if wanted.ending == ".mp4":
        reading.pyav()
    frames, rate = turntables.frames(
        decomposed,
        wanted.light,
        wanted.ending,
        axis=wanted.axis,
        seconds=_SECONDS,
        strength=wanted.strength,
        exposure=wanted.exposure,
        background=wanted.background,
    )
    with _memory(b"") as (path, file):
        writing.encode(path, wanted.ending, frames, rate)
        file.seek(0)
        return file.read(), _FILMS[wanted.ending], wanted.ending[1:]


def environment(data):
    """The light of an environment map's file, of exposure 1: `[9, 3]`.

    Raises:
      InputError: the file holds something else.
    """
    name = "environment.exr" if data.startswith(b"\x76\x2f\x31\x01") else "environment.hdr"
    with _memory(data) as (path, _):
        return Light(maps.project(maps.load(path, name, _WIDEST))).exposed().coefficients


@contextlib.contextmanager
def _memory(data):
    """A file that lies in memory and has no name that others see: its path, and the file."""
    with open(os.memfd_create("tfrelight"), "w+b") as file:
        file.write(data)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}", file
