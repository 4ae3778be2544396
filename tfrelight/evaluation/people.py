"""One person of any data set, as far as labels are known: what is measured of them, and how.

Everything is measured in linear RGB over a mask that no model has a say in. Albedo, and photos that
were relit or built again, are compared after the best scale for the photo, windows of LMSE each
after their own; columns `rmse` without any. Of grey photos the mean of channels is compared.

Tables: `normals`, `albedo`, `light`, `light_direction` where labels are known; `reconstruction`,
`consistency`, `cross_relighting` always, the last two where there are two photos.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfrelight import color, harmonics, lights, losses, metrics, pictures
from tfrelight.evaluation import decomposition, relighting

__all__ = ["MIN_DIRECTIONALITY", "Person", "from_subject", "measure", "row"]

# A light has a direction where its first-order part is at least this share of its constant one;
# that ratio is 1.7 for a lamp in the dark and 0 for the same light from everywhere.
MIN_DIRECTIONALITY = 0.2


class Person(NamedTuple):
    """A still person under K lights.

    Attributes:
      name: id; statistics are over people.
      photos: `[K, H, W, 3]` float32 sRGB in [0, 1].
      mask: `[H, W]` bool, what is measured.
      albedo: `[H, W, 3]` linear, or None.
      normals: `[H, W, 3]` unit, or None.
      light: `[K, 9, 3]`, or None.
      lamps: `[K]` ids of the lamps of a rig that all people of the data set share, or None.
    """

    name: str
    photos: np.ndarray
    mask: np.ndarray
    albedo: np.ndarray | None = None
    normals: np.ndarray | None = None
    light: np.ndarray | None = None
    lamps: tuple | None = None

    @property
    def grey(self):
        """Whether all channels of the photos are the same."""
        return bool((self.photos == self.photos[..., :1]).all())


def from_subject(subject) -> Person:
    """A subject of the schema (`tfrelight.data.portrait`) as a `Person`.

    The mask is that of the subject, where the surface is known if any is. Where there is neither,
    it is what is neither black nor saturated (as in `losses.vote`) in half of the photos.
    """
    photos = subject["images"].astype(np.float32) / np.float32(255.0)
    mask = subject["mask"][..., 0].astype(np.float32) / np.float32(255.0) >= 0.5
    albedo = normals = light = None
    if subject["has_albedo"]:
        albedo = subject["albedo"].astype(np.float32) / np.float32(65535.0)
        mask = mask & (albedo > 0).any(axis=-1)
    elif not subject["has_mask"]:
        brightest = photos.max(axis=-1)
        votes = (brightest >= losses.BLACK) & (brightest <= losses.SATURATED)
        mask = votes.mean(axis=0) >= 0.5
    if subject["has_normals"]:
        normals = subject["normals"].astype(np.float32) / np.float32(32767.5) - 1.0
        normals = normals / np.linalg.norm(normals, axis=-1, keepdims=True)
    if subject["has_light"]:
        light = np.asarray(subject["light"], np.float32)
    return Person(subject["subject"], photos, mask, albedo, normals, light, subject.get("lamps"))


def _render(albedo, normals, light):
    return np.maximum(albedo * harmonics.shade(normals, light), 0.0)


def _model(person, outputs, source, reference):
    return _render(
        outputs["albedo"][source], outputs["normals"][source], outputs["light"][reference]
    )


def _no_relighting(person, outputs, source, reference):
    return color.to_linear_numpy(person.photos[source])


def _labels(person, outputs, source, reference):
    return _render(person.albedo, person.normals, person.light[reference])


def _relighting(person):
    """Methods by name: function of person, outputs, source and reference to linear `[H, W, 3]`."""
    methods = {"model": _model, "no relighting": _no_relighting}
    if person.albedo is not None and person.normals is not None and person.light is not None:
        methods["albedo, normals and light of the labels"] = _labels
    return methods


def _pairs(person, seed, pairs):
    return relighting.ordered_pairs(len(person.photos), [seed, *person.name.encode()], pairs)


def _has_direction(light):
    grey = light.mean(axis=-1)
    return np.linalg.norm(grey[:, 1:4], axis=1) >= MIN_DIRECTIONALITY * np.abs(grey[:, 0])


def measure(measured, person, outputs, seed, pairs):
    """Adds everything that can be measured of a person.

    Args:
      measured: `Measurements`.
      person: `Person`.
      outputs: the model's dict for the K photos, numpy.
      seed: of the pairs.
      pairs: at most so many of cross-relighting.
    """
    name, mask, grey = person.name, person.mask, person.grey
    linear = color.to_linear_numpy(person.photos)

    def comparable(image):
        return image.mean(axis=-1) if grey else image

    if person.light is not None:
        directed = _has_direction(person.light)
        truth = lights.direction(person.light)
        guesses = {
            "model": lights.direction(outputs["light"]),
            "light at the camera": np.broadcast_to(np.float32([0, 0, 1]), truth.shape),
        }
        for method, guess in guesses.items():
            for angle in metrics.angular_degrees(guess, truth)[directed]:
                measured.add("light_direction", method, name, degrees=angle)
    for index, photo in enumerate(linear):
        albedo, normals = outputs["albedo"][index], outputs["normals"][index]
        light = outputs["light"][index]
        if person.normals is not None:
            errors = metrics.normals(normals, person.normals, mask)
            measured.add("normals", "model", name, **errors)
        if person.albedo is not None:
            errors = decomposition.albedo(comparable(albedo), comparable(person.albedo), mask)
            measured.add("albedo", "model", name, **errors)
        if person.light is not None:
            errors = decomposition.light(light, person.light[index])
            measured.add("light", "model", name, **errors)
        rebuilt = comparable(_render(albedo, normals, light))
        errors = decomposition.reconstruction(rebuilt, comparable(photo), mask)
        measured.add("reconstruction", "model", name, **errors)
    if len(linear) < 2:
        return
    measured.add(
        "consistency",
        "model",
        name,
        **metrics.consistency(color.to_srgb_numpy(outputs["albedo"]), outputs["normals"], mask),
    )
    for source, reference in _pairs(person, seed, pairs):
        for method, relight in _relighting(person).items():
            relit = comparable(relight(person, outputs, source, reference))
            errors = relighting.compare(relit, comparable(linear[reference]), mask)
            measured.add("cross_relighting", method, name, **errors)


def row(person, outputs, seed, pairs):
    """A row of `pictures.page`: the first pair, relit, and the maps; unknown labels are black."""
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
