"""The Extended Yale B protocol: cross-relighting, light, normals and consistency on real photos.

Photos are the central 168x168 square, resized to 128x128, under flashes of |azimuth| <= 60 and
|elevation| <= 45 degrees. Everything is measured in the files' linear values, inside a central
ellipse and where photometric stereo is valid. The network gets the photos sRGB-encoded, as three
equal channels; the mean of its output channels is compared.

- Cross-relighting: 20 random ordered pairs (source, reference) for each subject. The relit source
  is compared with the reference after the best global scale, because the flashes' intensities are
  not calibrated.
- Albedo and normals are compared with photometric stereo, lights with the flash's direction and
  estimated intensity.

Our reading, where the protocol is open: the ellipse has semi-axes of 0.85 and 0.95 half widths,
windows of SSIM are weighted by the mask, and pairs are distinct. On the development test subjects
all ordered pairs then give si_rmse 0.175 without relighting, 0.087 for the ratio image from oracle
normals and 0.046 for oracle albedo and normals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tfrelight import color, harmonics, lights
from tfrelight.data.datasets import yale_b
from tfrelight.errors import InputError
from tfrelight.evaluation import cross_relighting, lamp_relighting, map_errors, metrics
from tfrelight.evaluation.measurements import Measurements
from tfrelight.photos import pictures

__all__ = ["YaleBPerson", "chosen", "ellipse", "evaluate", "person", "shaded"]

# Height and width of the photos, range of the flashes in degrees, pairs per subject.
SIZE = 128
MAX_AZIMUTH, MAX_ELEVATION = 60.0, 45.0
PAIRS = 20
# Semi-axes in units of half the width: inside the outline of the face on the database's crops.
ELLIPSE = (0.85, 0.95)
# A ratio image divides by the source's shading; below this it would amplify noise.
_MIN_SHADING = 0.05


class YaleBPerson(NamedTuple):
    """One test subject: photos, photometric stereo, and the outputs of a model.

    Attributes:
      name: the number, "31".
      photos: the K photos in the range of the flashes.
      directions: `[K, 3]` unit vectors towards the flashes.
      normals: `[H, W, 3]` unit, from photometric stereo over all flashes.
      albedo: `[H, W]` linear, from photometric stereo.
      mask: `[H, W]` bool, the pixels to measure.
      light: `[K, 9, 3]`, the flashes with their intensities from photometric stereo.
      oracle_light: `[K, 9]`, least-squares fit of photo = albedo x shading over the mask.
      outputs: the model's outputs for the K photos, numpy.
    """

    name: str
    photos: yale_b.YaleBPhotos
    directions: np.ndarray
    normals: np.ndarray
    albedo: np.ndarray
    mask: np.ndarray
    light: np.ndarray
    oracle_light: np.ndarray
    outputs: dict[str, np.ndarray]


def ellipse(size: int = SIZE, semi_axes: tuple[float, float] = ELLIPSE) -> np.ndarray:
    """The central ellipse as `[size, size]` bool.

    Args:
      size: height and width, pixels.
      semi_axes: (across, down), in units of half the width.
    """
    across, down = np.meshgrid(*[(np.arange(size) + 0.5) / (size / 2) - 1.0] * 2)
    return (across / semi_axes[0]) ** 2 + (down / semi_axes[1]) ** 2 < 1.0


def person(
    data_dir: Path | str,
    number: str,
    predict: Callable[[np.ndarray], dict[str, np.ndarray]],
    strict: bool = False,
) -> YaleBPerson:
    """Reads a subject and runs the model on its photos.

    Args:
      data_dir: the folder CroppedYale.
      number: the subject's number, "31".
      predict: function from `[K, H, W, 3]` sRGB-encoded photos to the model's outputs, numpy.
      strict: raise on broken photos instead of skipping them.

    Raises:
      InputError: see `datasets.yale_b.photos`; or fewer than two photos in the range of the
        flashes.
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
            "or more, and enough other photos for photometric stereo."
        )
    flashes = [
        lights.Light.from_direction(azimuth, elevation, intensity).coefficients
        for azimuth, elevation, intensity in zip(
            photos.azimuth, photos.elevation, surface.intensity[in_range]
        )
    ]
    basis = (harmonics.basis(surface.normals) * harmonics.ATTENUATION)[mask]
    light = np.linalg.lstsq(
        surface.albedo[mask][:, None] * basis, photos.images[:, mask].T, rcond=None
    )[0].T
    return YaleBPerson(
        number,
        photos,
        lights.direction_vector(photos.azimuth, photos.elevation),
        surface.normals,
        surface.albedo,
        mask,
        np.stack(flashes),
        light.astype(np.float32),
        predict(_encoded(photos)),
    )


def _encoded(photos):
    """`[K, H, W, 3]` sRGB-encoded photos of equal channels."""
    return np.repeat(color.to_srgb_numpy(photos.images)[..., None], 3, axis=-1)


def _grey_light(light):
    return np.repeat(light[..., None], 3, axis=-1)


def shaded(person: YaleBPerson, light: np.ndarray) -> np.ndarray:
    """Shading `[H, W]`, at least 0, of a person's stereo normals under a grey light `[9]`."""
    return np.maximum(harmonics.shade(person.normals, _grey_light(light))[..., 0], 0.0)


def _model(person, source, reference):
    albedo, normals = (person.outputs[key][source] for key in ("albedo", "normals"))
    return harmonics.render(albedo, normals, person.outputs["light"][reference]).mean(axis=-1)


def _ratio_image(person, source, reference):
    before, after = (shaded(person, person.oracle_light[i]) for i in (source, reference))
    return person.photos.images[source] * after / np.maximum(before, _MIN_SHADING)


# Functions from a person and the indices of source and reference to `[H, W]` linear.
RELIGHTING = {
    "model": _model,
    "no relighting": lambda person, source, _: person.photos.images[source],
    "oracle normals, ratio image": _ratio_image,
    "oracle albedo and normals": lambda person, _, reference: (
        person.albedo * shaded(person, person.oracle_light[reference])
    ),
}

# Functions from a person to `[K, 3]` vectors towards the light.
DIRECTIONS = {
    "model": lambda person: lights.direction(person.outputs["light"]),
    "least squares, oracle albedo and normals": lambda person: lights.direction(
        _grey_light(person.oracle_light)
    ),
}


def _pairs(person, seed):
    return cross_relighting.ordered_pairs(
        len(person.photos.images), [seed, int(person.name)], PAIRS
    )


def _relighting(measured, person, seed):
    for source, reference in _pairs(person, seed):
        photo = person.photos.images[reference]
        for method, relight in RELIGHTING.items():
            compared = cross_relighting.compare(
                relight(person, source, reference), photo, person.mask
            )
            measured.add("cross_relighting", method, person.name, **compared)


def _decomposition(measured, person):
    guesses = {method: towards(person) for method, towards in DIRECTIONS.items()}
    map_errors.measure_directions(measured, person.name, guesses, person.directions)
    map_errors.measure(
        measured,
        person.name,
        person.outputs,
        person.photos.images,
        person.mask,
        person.albedo,
        person.normals,
        person.light,
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


def chosen(
    data_dir: Path | str, subjects: Sequence[str] | None = None, split: str = "test"
) -> list[str]:
    """The numbers of the people to measure, after checking that they are present.

    Args:
      data_dir: the folder CroppedYale.
      subjects: numbers, such as "31"; None for all people of the split.
      split: one of `datasets.yale_b.SPLITS`.

    Raises:
      InputError: no such folder, person or split, or a person is named twice.
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


def evaluate(
    predict: Callable[[np.ndarray], dict[str, np.ndarray]],
    data_dir: Path | str,
    subjects: Sequence[str],
    seed: int = 0,
    strict: bool = False,
) -> tuple[dict[str, Any], Measurements, list[dict[str, np.ndarray]]]:
    """Runs the protocol.

        predict = predictor.predictor(tfrelight.load_model())
        people = yale_b.chosen("CroppedYale")
        protocol, measured, rows = yale_b.evaluate(predict, "CroppedYale", people)
        measured.summary()["cross_relighting"]["model"]["si_rmse"]["mean"]

    Args:
      predict: function from `[K, H, W, 3]` sRGB-encoded photos to the model's outputs, numpy.
      data_dir: the folder CroppedYale.
      subjects: numbers of people, from `chosen`.
      seed: of the pairs.
      strict: raise on broken photos instead of skipping them.

    Returns:
      The protocol, the measurements, and rows for `pictures.page`.

    Raises:
      InputError: see `person`.
    """
    measured = Measurements()
    rows: list[dict[str, np.ndarray]] = []
    for number in subjects:
        subject = person(data_dir, number, predict, strict)
        _relighting(measured, subject, seed)
        lamp_relighting.measure(
            measured,
            subject.name,
            _encoded(subject.photos),
            subject.outputs,
            subject.light,
            (subject.albedo, subject.normals),
            subject.mask,
            _pairs(subject, seed),
        )
        _decomposition(measured, subject)
        rows.append(_row(subject, seed))
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
