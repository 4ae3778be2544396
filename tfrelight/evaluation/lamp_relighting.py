"""Lamp relighting: a photo under the true lamp of another photo of the person, against that photo.

The photo goes through all of `Decomposition.relight`, as those of users do. Beside it come the lamp
without shadows and highlights, the lamp's second-order light, and the photo as it is.
"""

from __future__ import annotations

import numpy as np

from tfrelight import color, photos
from tfrelight.evaluation import cross_relighting, metrics
from tfrelight.evaluation.measurements import Measurements
from tfrelight.lights import Light, directions
from tfrelight.relighting import face_maps
from tfrelight.relighting.decomposition import Decomposition

__all__ = ["METHODS", "in_shadow", "lamp_of", "measure"]

# A pixel is in a cast shadow where geometry gives it at least the first value and the photo shows
# less than this share of that. Fewer pixels than the last say nothing.
_LIT, _SHARE, _FEWEST = 0.05, 0.5, 30
# Largest difference, relative to the largest coefficient, between a lamp's light and its projection
# by another path.
_SAME = 1e-3


def lamp_of(coefficients: np.ndarray) -> Light | None:
    """The point lamp whose projection `[9, 3]` is, or None if no lamp's is."""
    strength = coefficients[0] / Light.from_direction(0, 0).coefficients[0, 0]
    if not strength.max() > 0 or strength.min() < 0:
        return None
    towards = directions.angles(directions.direction(coefficients))
    light = Light.from_direction(*towards) * strength
    apart = np.abs(light.coefficients - coefficients).max()
    return light if apart <= _SAME * np.abs(coefficients).max() else None


def in_shadow(photo: np.ndarray, expected: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Pixels `[H, W]` bool that geometry lights and the photo shows at less than half of that.

    Args:
      photo: `[H, W]` linear.
      expected: `[H, W]` linear, albedo x shading without cast shadows.
      mask: `[H, W]` bool.
    """
    return mask & (expected > _LIT) & (photo < _SHARE * expected)


def measure(
    measured: Measurements,
    name: str,
    encoded: np.ndarray,
    outputs: dict[str, np.ndarray],
    light: np.ndarray,
    surface: tuple[np.ndarray, np.ndarray] | None,
    mask: np.ndarray,
    pairs: np.ndarray,
) -> None:
    """Adds the tables `lamp_relighting` and `lamp_relighting_in_shadow` of a person.

    Nothing is added if a light is no lamp's.

    Args:
      measured: receives the measurements.
      name: of the person.
      encoded: `[K, H, W, 3]` sRGB-encoded photos.
      outputs: the model's for them, numpy.
      light: `[K, 9, 3]`, the true lights.
      surface: true albedo, `[H, W]` or `[H, W, 3]` linear, and normals `[H, W, 3]`; or None.
      mask: `[H, W]` bool, the pixels to measure.
      pairs: `[N, 2]` indices of source and reference.
    """
    lamps = [lamp_of(coefficients) for coefficients in light]
    if any(lamp is None for lamp in lamps):
        return
    people = [_decomposed(photo, outputs, index) for index, photo in enumerate(encoded)]
    grey = bool((encoded == encoded[..., :1]).all())

    def comparable(pixels):
        linear = color.to_linear_numpy(pixels)
        return linear.mean(axis=-1) if grey else linear

    for source, reference in pairs:
        photo = comparable(encoded[reference])
        shadow = np.zeros(mask.shape, bool)
        if surface is not None:
            expected = _geometry(surface, lamps[reference])
            shadow = in_shadow(photo if grey else photo.mean(axis=-1), expected, mask)
        for method, relight in METHODS.items():
            relit = comparable(relight(people[source], lamps[reference]).pixels)
            errors = cross_relighting.compare(relit, photo, mask)
            measured.add("lamp_relighting", method, name, **errors)
            if shadow.sum() >= _FEWEST:
                scaled = relit * metrics.best_scale(relit, photo, mask)
                error = metrics.rmse(scaled, photo, shadow)
                measured.add("lamp_relighting_in_shadow", method, name, si_rmse=error)


def _decomposed(photo, outputs, index):
    """The decomposition of a crop of one face for which a model's outputs are known."""
    crop = photos.read(np.asarray(photo, np.float32))
    own = {name: value[index] for name, value in outputs.items()}
    return Decomposition(crop, (face_maps.of_crop(crop.as_uint8(), own),))


def _geometry(surface, light):
    """`[H, W]` linear: albedo x shading under a lamp, without cast shadows."""
    albedo, normals = surface
    (lamp,) = light.lamps
    albedo = albedo if albedo.ndim == 2 else albedo.mean(axis=-1)
    return albedo * lamp.shade(normals) * float(lamp.color.mean())


def _relit(person, light, share=1.0):
    return person.relight(light, exposure=None, shadows=share, highlights=share)


# Functions from a decomposed photo and a lamp to a `Photo`.
METHODS = {
    "model": _relit,
    "model, no shadows": lambda person, lamp: _relit(person, lamp, share=0.0),
    "model, second-order light": lambda person, lamp: _relit(
        person, Light(lamp.coefficients, lamp.relative)
    ),
    "no relighting": lambda person, _: person.photo,
}
