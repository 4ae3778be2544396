"""The Extended Yale B protocol: cross-relighting, light, normals and consistency on real photos.

Photos are the central 168x168 square, resized to 128x128; those under flashes of |azimuth| <= 60
and |elevation| <= 45 degrees take part. Everything is measured in the files' own values, which are
linear, where photometric stereo holds and inside a central ellipse. The network gets the photos
sRGB-encoded, as three equal channels; its outputs are compared as the mean of channels.

Cross-relighting: 20 random ordered pairs (source, reference) a subject, two lights; the relit
source is compared with the reference after the best global scale, so that nobody is asked to guess
how strong an uncalibrated flash was.

Albedo and normals are compared with photometric stereo, lights with the flash's direction and its
estimated intensity; classes of light are the flashes (`evaluation.lamps`).

The protocol leaves open how large the ellipse is, how SSIM meets the mask and how pairs are drawn.
Here: semi-axes of 0.85 and 0.95 half widths, windows weighted by the mask, and distinct pairs. On
the development test subjects all ordered pairs then give si_rmse 0.175 without relighting, 0.087
for the ratio image from oracle normals and 0.046 for oracle albedo and normals.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfrelight import color, harmonics, lights, metrics, pictures, shading
from tfrelight.data import yale_b
from tfrelight.errors import InputError
from tfrelight.evaluation import decomposition, lamps, relighting
from tfrelight.evaluation.measurements import Measurements

__all__ = ["Person", "chosen", "ellipse", "evaluate", "person", "shaded"]

SIZE = 128
MAX_AZIMUTH, MAX_ELEVATION = 60.0, 45.0
PAIRS = 20
# Semi-axes in units of half the width: inside the face's outline on the database's crops.
ELLIPSE = (0.85, 0.95)
# A ratio image divides by the source's shading; below this it would only multiply noise.
_MIN_SHADING = 0.05


class Person(NamedTuple):
    """One test subject: photos, what photometric stereo says, and what a model says.

    Attributes:
      name: the number, "31".
      photos: `data.yale_b.Photos` in the light range, K of them.
      directions: `[K, 3]` unit vectors towards the flashes.
      normals: `[H, W, 3]` from photometric stereo over all lights.
      albedo: `[H, W]` linear, from photometric stereo.
      mask: `[H, W]` bool, what is measured.
      light: `[K, 9, 3]`, of the flashes, with their intensities from photometric stereo.
      oracle_light: `[K, 9]`, least squares of photo = albedo x shading over the mask.
      outputs: the model's dict for the K photos, numpy.
    """

    name: str
    photos: yale_b.Photos
    directions: np.ndarray
    normals: np.ndarray
    albedo: np.ndarray
    mask: np.ndarray
    light: np.ndarray
    oracle_light: np.ndarray
    outputs: dict


def ellipse(size=SIZE, semi_axes=ELLIPSE):
    """`[size, size]` bool: the central ellipse with these semi-axes (across, down)."""
    across, down = np.meshgrid(*[(np.arange(size) + 0.5) / (size / 2) - 1.0] * 2)
    return (across / semi_axes[0]) ** 2 + (down / semi_axes[1]) ** 2 < 1.0


def person(data_dir, number, predict, strict=False) -> Person:
    """Reads a subject and runs the model on its photos.

    Args:
      data_dir: the folder CroppedYale.
      number: of the subject, "31".
      predict: function of `[K, H, W, 3]` sRGB photos to the model's dict of numpy arrays.
      strict: refuse broken photos instead of skipping them.

    Raises:
      InputError: see `data.yale_b.photos`; or fewer than two photos in the light range.
    """
    everything = yale_b.photos(data_dir, number, SIZE, strict)
    surface = yale_b.stereo(everything)
    in_range = (np.abs(everything.azimuth) <= MAX_AZIMUTH) & (
        np.abs(everything.elevation) <= MAX_ELEVATION
    )
    photos = everything.only(in_range)
    mask = surface.valid & ellipse()
    if len(photos.images) < 2 or not mask.any():
        raise InputError(
            f"Too few photos of yaleB{number} in {data_dir} for the protocol: {len(photos.images)} "
            f"with |azimuth| <= {MAX_AZIMUTH:g} and |elevation| <= {MAX_ELEVATION:g}. Expected 2 "
            "or more, and enough under other lights for photometric stereo."
        )
    flashes = [
        lights.Light.from_direction(*angles, intensity=strength).coefficients
        for *angles, strength in zip(photos.azimuth, photos.elevation, surface.intensity[in_range])
    ]
    encoded = np.repeat(color.to_srgb_numpy(photos.images)[..., None], 3, axis=-1)
    basis = (harmonics.basis(surface.normals) * harmonics.ATTENUATION)[mask]
    light = np.linalg.lstsq(
        surface.albedo[mask][:, None] * basis, photos.images[:, mask].T, rcond=None
    )[0].T
    return Person(
        number,
        photos,
        lights.direction_vector(photos.azimuth, photos.elevation),
        surface.normals,
        surface.albedo,
        mask,
        np.stack(flashes),
        light.astype(np.float32),
        predict(encoded),
    )


def _grey_light(light):
    return np.repeat(light[..., None], 3, axis=-1)


def shaded(person, light):
    """Shading `[H, W]` of a person's stereo normals under a grey light `[9]`, at least 0."""
    return np.maximum(harmonics.shade(person.normals, _grey_light(light))[..., 0], 0.0)


def _model(person, source, reference):
    outputs = person.outputs
    return (
        shading.render(
            outputs["albedo"][source : source + 1],
            outputs["normals"][source : source + 1],
            outputs["light"][reference : reference + 1],
        )
        .numpy()[0]
        .mean(axis=-1)
    )


def _no_relighting(person, source, reference):
    return person.photos.images[source]


def _ratio_image(person, source, reference):
    before, after = (shaded(person, person.oracle_light[i]) for i in (source, reference))
    return person.photos.images[source] * after / np.maximum(before, _MIN_SHADING)


def _albedo_times_shading(person, source, reference):
    return person.albedo * shaded(person, person.oracle_light[reference])


# Each a function of a person and the indices of source and reference to `[H, W]` linear.
RELIGHTING = {
    "model": _model,
    "no relighting": _no_relighting,
    "oracle normals, ratio image": _ratio_image,
    "oracle albedo and normals": _albedo_times_shading,
}

# Each a function of a person to `[K, 3]` vectors towards the light.
DIRECTIONS = {
    "model": lambda person: lights.direction(person.outputs["light"]),
    "light at the camera": lambda person: np.float32([[0, 0, 1]] * len(person.photos.images)),
    "least squares, oracle albedo and normals": lambda person: lights.direction(
        _grey_light(person.oracle_light)
    ),
}


def _pairs(person, seed):
    return relighting.ordered_pairs(len(person.photos.images), [seed, int(person.name)], PAIRS)


def _relighting(measured, person, seed):
    for source, reference in _pairs(person, seed):
        photo = person.photos.images[reference]
        for method, relight in RELIGHTING.items():
            compared = relighting.compare(relight(person, source, reference), photo, person.mask)
            measured.add("cross_relighting", method, person.name, **compared)


def _decomposition(measured, person):
    mask, outputs = person.mask, person.outputs
    for method, directions in DIRECTIONS.items():
        for angle in metrics.angular_degrees(directions(person), person.directions):
            measured.add("light_direction", method, person.name, degrees=angle)
    for index, photo in enumerate(person.photos.images):
        measured.add(
            "normals",
            "model",
            person.name,
            **metrics.normals(outputs["normals"][index], person.normals, mask),
        )
        albedo = outputs["albedo"][index].mean(axis=-1)
        errors = decomposition.albedo(albedo, person.albedo, mask)
        measured.add("albedo", "model", person.name, **errors)
        errors = decomposition.light(outputs["light"][index], person.light[index])
        measured.add("light", "model", person.name, **errors)
        errors = decomposition.reconstruction(_model(person, index, index), photo, mask)
        measured.add("reconstruction", "model", person.name, **errors)
    measured.add(
        "consistency",
        "model",
        person.name,
        **metrics.consistency(color.to_srgb_numpy(outputs["albedo"]), outputs["normals"], mask),
    )


def _row(person, seed):
    source, reference = _pairs(person, seed)[0]
    photo, outputs, mask = person.photos.images[reference], person.outputs, person.mask
    relit = _model(person, source, reference)
    shaded = harmonics.shade(outputs["normals"][source], outputs["light"][source])
    return {
        "source": pictures.encoded(person.photos.images[source]),
        "reference": pictures.encoded(photo),
        "relit": pictures.encoded(relit * metrics.best_scale(relit, photo, mask)),
        "albedo": pictures.encoded(outputs["albedo"][source]),
        "normals": pictures.encoded_normals(outputs["normals"][source]),
        "stereo normals": pictures.encoded_normals(person.normals, mask),
        "shading / 2": pictures.encoded(shaded / 2.0),
    }


def chosen(data_dir, subjects=None, split="test") -> list:
    """The numbers of the people to measure, all of whom are there.

    Args:
      data_dir: the folder CroppedYale.
      subjects: numbers, such as "31"; None for all of the split.
      split: one of `data.yale_b.SPLITS`.

    Raises:
      InputError: no such folder, no such person, no such split, or a person named twice.
    """
    if split not in yale_b.SPLITS:
        raise InputError(
            f"Unknown split {split!r} of Extended Yale B. Expected one of: "
            f"{', '.join(yale_b.SPLITS)}."
        )
    subjects = list(subjects or yale_b.SPLITS[split])
    for number in subjects:
        yale_b.folder_of(data_dir, number)
        if subjects.count(number) > 1:
            raise InputError(f"Subject {number!r} is named twice. Name each person once.")
    return subjects


def evaluate(predict, data_dir, subjects, seed=0, strict=False):
    """Runs the protocol.

    Args:
      predict: function of `[K, H, W, 3]` sRGB photos to the model's dict of numpy arrays.
      data_dir: the folder CroppedYale.
      subjects: numbers of people, as `chosen` gives them.
      seed: of the pairs.
      strict: refuse broken photos instead of skipping them.

    Returns:
      The protocol as a dict, `Measurements`, and rows for `pictures.page`.

    Raises:
      InputError: see `person`.
    """
    measured, rows, rig = Measurements(), [], lamps.Rig()
    for number in subjects:
        of_person = person(data_dir, number, predict, strict)
        _relighting(measured, of_person, seed)
        _decomposition(measured, of_person)
        angles = zip(of_person.photos.azimuth, of_person.photos.elevation)
        rig.add(number, list(angles), of_person.outputs["light"])
        rows.append(_row(of_person, seed))
    rig.measure(measured)
    protocol = {
        "name": "yale_b",
        "subjects": list(subjects),
        "size": SIZE,
        "max_azimuth": MAX_AZIMUTH,
        "max_elevation": MAX_ELEVATION,
        "pairs_per_subject": PAIRS,
        "seed": seed,
        "ellipse_semi_axes": ELLIPSE,
        "values": "linear, after the best global scale (rmse: as they are)",
    }
    return protocol, measured, rows
