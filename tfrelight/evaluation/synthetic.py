"""The protocol of the built-in portraits: every map and light against its true one.

People of the test split, whom no training sees, under eight lights each. Everything is measured in
linear RGB over the head (mask of at least a half). Albedo is compared after the best scale for the
photo, windows of LMSE each after their own; cross-relighting after the best scale for the pair.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfrelight import color, harmonics, lights, metrics, pictures
from tfrelight.data import records, synthetic
from tfrelight.errors import InputError
from tfrelight.evaluation import relighting
from tfrelight.evaluation.measurements import Measurements
from tfrelight.synthesis import portraits

__all__ = ["evaluate"]

SUBJECTS = 40
PAIRS = 5
GROUPS = 6
# A light has a direction where its first-order part is at least this share of its constant one;
# that ratio is 1.7 for a lamp in the dark and 0 for the same light from everywhere.
MIN_DIRECTIONALITY = 0.2
_ROWS = 8


def _people(settings, count):
    """Test subjects as dicts of numpy arrays: `subject`, `photos` sRGB, `mask`, `albedo`, ..."""
    for record in tf.data.TFRecordDataset(synthetic.rendered(settings, "test", count)):
        features = records.parse(record)

        def decoded(png, channels, dtype, scale):
            return tf.io.decode_png(png, channels, dtype).numpy().astype(np.float32) / scale

        normals = decoded(features["normals"], 3, tf.uint16, 32767.5) - 1.0
        yield {
            "subject": features["subject"].numpy().decode(),
            "photos": np.stack([decoded(png, 3, tf.uint8, 255.0) for png in features["images"]]),
            "mask": decoded(features["mask"], 1, tf.uint8, 255.0)[..., 0] >= 0.5,
            "albedo": decoded(features["albedo"], 3, tf.uint16, 65535.0),
            "normals": normals / np.linalg.norm(normals, axis=-1, keepdims=True),
            "light": features["light"].numpy(),
        }


def _render(albedo, normals, light):
    return np.maximum(albedo * harmonics.shade(normals, light), 0.0)


# Each a function of a person, the model's outputs and the indices of source and reference to
# `[H, W, 3]` linear.
RELIGHTING = {
    "model": lambda person, outputs, source, reference: _render(
        outputs["albedo"][source], outputs["normals"][source], outputs["light"][reference]
    ),
    "no relighting": lambda person, outputs, source, reference: color.to_linear_numpy(
        person["photos"][source]
    ),
    "true albedo, normals and light": lambda person, outputs, source, reference: _render(
        person["albedo"], person["normals"], person["light"][reference]
    ),
}


def _pairs(person, seed):
    return relighting.ordered_pairs(
        len(person["photos"]), [seed, *person["subject"].encode()], PAIRS
    )


def _has_direction(light):
    grey = light.mean(axis=-1)
    return np.linalg.norm(grey[:, 1:4], axis=1) >= MIN_DIRECTIONALITY * np.abs(grey[:, 0])


def _measure(measured, person, outputs, seed):
    name, mask = person["subject"], person["mask"]
    photos = color.to_linear_numpy(person["photos"])
    directed = _has_direction(person["light"])
    truth = lights.direction(person["light"])
    guesses = {
        "model": lights.direction(outputs["light"]),
        "light at the camera": np.broadcast_to(np.float32([0, 0, 1]), truth.shape),
    }
    for method, guess in guesses.items():
        for angle in metrics.angular_degrees(guess, truth)[directed]:
            measured.add("light_direction", method, name, degrees=angle)
    for index, photo in enumerate(photos):
        albedo, normals = outputs["albedo"][index], outputs["normals"][index]
        light = outputs["light"][index]
        measured.add("normals", "model", name, **metrics.normals(normals, person["normals"], mask))
        scaled = albedo * metrics.best_scale(albedo, person["albedo"], mask)
        measured.add(
            "albedo",
            "model",
            name,
            si_mse=metrics.si_mse(albedo, person["albedo"], mask),
            lmse=metrics.lmse(albedo, person["albedo"], mask),
            dssim=metrics.dssim(scaled, person["albedo"], mask),
            rmse=metrics.rmse(albedo, person["albedo"], mask),
        )
        measured.add(
            "light",
            "model",
            name,
            coefficient_l2=metrics.coefficient_l2(light, person["light"][index]),
        )
        rebuilt = _render(albedo, normals, light)
        measured.add(
            "reconstruction",
            "model",
            name,
            si_rmse=metrics.si_rmse(rebuilt, photo, mask),
            rmse=metrics.rmse(rebuilt, photo, mask),
        )
    measured.add(
        "consistency",
        "model",
        name,
        **metrics.consistency(color.to_srgb_numpy(outputs["albedo"]), outputs["normals"], mask),
    )
    for source, reference in _pairs(person, seed):
        for method, relight in RELIGHTING.items():
            relit = relight(person, outputs, source, reference)
            measured.add(
                "cross_relighting",
                method,
                name,
                **relighting.compare(relit, photos[reference], mask),
            )


def _by_albedo(measured, luminance):
    """Adds a table of the model's main errors by how light people's albedo is.

    Args:
      measured: `Measurements` of all people.
      luminance: dict of subject to mean albedo luminance over the mask.
    """
    means = measured.by_subject()
    columns = {
        "normals_degrees": means["normals"]["model"]["degrees"],
        "albedo_si_mse": means["albedo"]["model"]["si_mse"],
        "cross_si_rmse": means["cross_relighting"]["model"]["si_rmse"],
    }
    ordered = sorted(luminance, key=luminance.get)
    groups = np.array_split(np.array(ordered, dtype=object), min(GROUPS, len(ordered)))
    for number, group in enumerate(groups, start=1):
        low, high = luminance[group[0]], luminance[group[-1]]
        for subject in group:
            measured.add(
                "by_albedo_luminance",
                f"{number}/{len(groups)}: {low:.3f} to {high:.3f}",
                subject,
                **{title: values[subject] for title, values in columns.items()},
            )


def _row(person, outputs, seed):
    mask = person["mask"]
    source, reference = _pairs(person, seed)[0]
    relit = RELIGHTING["model"](person, outputs, source, reference)
    target = color.to_linear_numpy(person["photos"][reference])
    shaded = harmonics.shade(outputs["normals"][source], outputs["light"][source])
    return {
        "source": person["photos"][source],
        "reference": person["photos"][reference],
        "relit": pictures.encoded(relit * metrics.best_scale(relit, target, mask)),
        "albedo": pictures.encoded(outputs["albedo"][source]),
        "true albedo": pictures.encoded(person["albedo"], mask),
        "normals": pictures.encoded_normals(outputs["normals"][source]),
        "true normals": pictures.encoded_normals(person["normals"], mask),
        "shading / 2": pictures.encoded(shaded / 2.0),
    }


def evaluate(predict, count=SUBJECTS, seed=0, settings=None):
    """Runs the protocol; renders the people that are not in the cache yet.

    Args:
      predict: function of `[K, H, W, 3]` sRGB photos to the model's dict of numpy arrays.
      count: number of test people.
      seed: of the pairs.
      settings: `synthesis.portraits.Settings`; None for its defaults.

    Returns:
      The protocol as a dict, `Measurements`, and rows for `pictures.page`.

    Raises:
      InputError: fewer than one person, or fewer than two lights.
    """
    settings = settings or portraits.Settings()
    if count < 1 or settings.lights < 2:
        raise InputError(
            "Expected at least 1 subject under at least 2 lights. "
            f"Received: {count} under {settings.lights}."
        )
    measured, rows, luminance = Measurements(), [], {}
    for person in _people(settings, count):
        outputs = predict(person["photos"])
        _measure(measured, person, outputs, seed)
        inside = person["albedo"][person["mask"]]
        luminance[person["subject"]] = float(inside.mean(axis=0) @ color.LUMINANCE)
        if len(rows) < _ROWS:
            rows.append(_row(person, outputs, seed))
    _by_albedo(measured, luminance)
    protocol = {
        "name": "synthetic",
        "split": "test",
        "subjects": count,
        "lights": settings.lights,
        "size": settings.size,
        "synthetic_seed": settings.seed,
        "pairs_per_subject": PAIRS,
        "seed": seed,
        "min_directionality": MIN_DIRECTIONALITY,
        "values": "linear RGB, after the best scale (rmse: as they are)",
    }
    return protocol, measured, rows
