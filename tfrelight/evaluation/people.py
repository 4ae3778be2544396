"""The measurements of one person of any data set, as far as the labels allow.

Everything is measured in linear RGB over a mask that does not depend on the model. Albedo, relit
and reconstructed photos are compared after one best-fit scale per photo. LMSE fits a scale per
window; the columns `rmse` use none. For grey photos the mean of channels is compared.

Tables: `normals`, `albedo`, `light`, `light_direction`, `overlap` (intersection over union of the
person and of each part) if the label is known; `reconstruction` always; `consistency` and
`cross_relighting` if there are two photos; `lamp_relighting` if each light is a lamp.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfrelight import color, harmonics, lights
from tfrelight.data import portrait
from tfrelight.evaluation import cross_relighting, lamp_relighting, map_errors, metrics
from tfrelight.evaluation.measurements import Measurements
from tfrelight.photos import pictures

__all__ = ["MIN_DIRECTIONALITY", "Person", "from_subject", "measure", "row"]

# A light has a direction if its first band is at least this share of its constant part. The ratio
# is 1.7 for a lamp in the dark and 0 for uniform light.
MIN_DIRECTIONALITY = 0.2


class Person(NamedTuple):
    """A still person under K lights.

    Attributes:
      name: id; statistics are over people.
      photos: `[K, H, W, 3]` float32, sRGB-encoded, in [0, 1].
      mask: `[H, W]` bool, the pixels to measure.
      albedo: `[H, W, 3]` linear, or None.
      normals: `[H, W, 3]` unit, or None.
      light: `[K, 9, 3]`, or None.
      parts: `[H, W]` uint8, indices into `portrait.PARTS`, or None.
    """

    name: str
    photos: np.ndarray
    mask: np.ndarray
    albedo: np.ndarray | None = None
    normals: np.ndarray | None = None
    light: np.ndarray | None = None
    parts: np.ndarray | None = None

    @property
    def grey(self) -> bool:
        """Whether all channels of the photos are equal."""
        return bool((self.photos == self.photos[..., :1]).all())


def from_subject(subject: dict[str, Any]) -> Person:
    """Converts a subject (`tfrelight.data.portrait`).

    The mask is the subject's, restricted to pixels with albedo if albedo is known. Without mask and
    albedo it holds the pixels that are neither black nor saturated (as in `losses.vote`) in at
    least half of the photos.
    """
    photos = portrait.decode_photo(subject["images"].astype(np.float32))
    mask = portrait.decode_photo(subject["mask"][..., 0].astype(np.float32)) >= 0.5
    albedo = normals = light = None
    if subject["has_albedo"]:
        albedo = portrait.decode_albedo(subject["albedo"].astype(np.float32))
        mask = mask & (albedo > 0).any(axis=-1)
    elif not subject["has_mask"]:
        brightest = photos.max(axis=-1)
        exposed = (brightest >= portrait.BLACK) & (brightest <= portrait.SATURATED)
        mask = exposed.mean(axis=0) >= 0.5
    if subject["has_normals"]:
        normals = portrait.decode_normals(subject["normals"].astype(np.float32))
        normals = normals / np.linalg.norm(normals, axis=-1, keepdims=True)
    if subject["has_light"]:
        light = np.asarray(subject["light"], np.float32)
    parts = subject["parts"][..., 0] if subject["has_parts"] else None
    return Person(subject["subject"], photos, mask, albedo, normals, light, parts)


def _model(person, outputs, source, reference):
    return harmonics.render(
        outputs["albedo"][source], outputs["normals"][source], outputs["light"][reference]
    )


def _no_relighting(person, outputs, source, reference):
    return color.to_linear_numpy(person.photos[source])


def _labels(person, outputs, source, reference):
    return harmonics.render(person.albedo, person.normals, person.light[reference])


def _relighting(person):
    """Methods by name: functions of person, outputs, source and reference to `[H, W, 3]` linear."""
    methods = {"model": _model, "no relighting": _no_relighting}
    if person.albedo is not None and person.normals is not None and person.light is not None:
        methods["albedo, normals and light of the labels"] = _labels
    return methods


def _pairs(person, seed, pairs):
    return cross_relighting.ordered_pairs(len(person.photos), [seed, *person.name.encode()], pairs)


def _has_direction(light):
    grey = light.mean(axis=-1)
    return np.linalg.norm(grey[:, 1:4], axis=1) >= MIN_DIRECTIONALITY * np.abs(grey[:, 0])


def measure(
    measured: Measurements,
    person: Person,
    outputs: dict[str, np.ndarray],
    seed: int,
    pairs: int,
) -> None:
    """Adds all measurements of a person.

    Args:
      measured: receives the measurements.
      person: the person.
      outputs: the model's outputs for the K photos, numpy.
      seed: of the pairs.
      pairs: largest number of pairs for cross-relighting.
    """
    name, mask, grey = person.name, person.mask, person.grey
    linear = color.to_linear_numpy(person.photos)

    def comparable(image):
        return image.mean(axis=-1) if grey else image

    if person.light is not None:
        directed = _has_direction(person.light)
        guesses = {"model": lights.direction(outputs["light"])[directed]}
        truth = lights.direction(person.light)[directed]
        map_errors.measure_directions(measured, name, guesses, truth)
    albedo = None if person.albedo is None else comparable(person.albedo)
    map_errors.measure(
        measured, name, outputs, comparable(linear), mask, albedo, person.normals, person.light
    )
    if person.parts is not None:
        for index in range(len(linear)):
            own = {key: value[index] for key, value in outputs.items()}
            shares = map_errors.overlap(own, person.parts)
            measured.add_ratios("overlap", "model", name, **shares)
    if len(linear) < 2:
        return
    drawn = _pairs(person, seed, pairs)
    for source, reference in drawn:
        for method, relight in _relighting(person).items():
            relit = comparable(relight(person, outputs, source, reference))
            errors = cross_relighting.compare(relit, comparable(linear[reference]), mask)
            measured.add("cross_relighting", method, name, **errors)
    if person.light is not None:
        surface = None
        if person.albedo is not None and person.normals is not None:
            surface = person.albedo, person.normals
        lamp_relighting.measure(
            measured, name, person.photos, outputs, person.light, surface, mask, drawn
        )


def row(
    person: Person, outputs: dict[str, np.ndarray], seed: int, pairs: int
) -> dict[str, np.ndarray]:
    """A row of `pictures.page`: the first pair, relit, and the maps; unknown labels are black.

    Args are as for `measure`.
    """
    source = reference = 0
    if len(person.photos) > 1:
        source, reference = _pairs(person, seed, pairs)[0]
    mask = person.mask
    relit = _model(person, outputs, source, reference)
    target = color.to_linear_numpy(person.photos[reference])
    shaded = harmonics.shade(outputs["normals"][source], outputs["light"][source])
    black = np.zeros_like(person.photos[0])
    albedo, normals = black, black
    if person.albedo is not None:
        albedo = pictures.encoded(person.albedo, mask)
    if person.normals is not None:
        normals = pictures.encoded_normals(person.normals, mask)
    return {
        "source": person.photos[source],
        "reference": person.photos[reference],
        "relit": pictures.encoded(relit * metrics.best_scale(relit, target, mask)),
        "albedo": pictures.encoded(outputs["albedo"][source]),
        "label albedo": albedo,
        "normals": pictures.encoded_normals(outputs["normals"][source]),
        "label normals": normals,
        "shading / 2": pictures.encoded(shaded / 2.0),
    }
