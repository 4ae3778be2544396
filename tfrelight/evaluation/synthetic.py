"""The protocol of the built-in portraits: every map and light against its true one.

People of the test split, whom no training sees, under eight lights each, measured over the head
(mask of at least a half) as `evaluation.people` says. The main errors are also given for six groups
of equal size by how light people's albedo is (luminance, mean over the head with hair and clothes).
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfrelight import color
from tfrelight.data import portrait, records, synthetic
from tfrelight.errors import InputError
from tfrelight.evaluation import people
from tfrelight.evaluation.measurements import Measurements
from tfrelight.synthesis import portraits

__all__ = ["evaluate"]

SUBJECTS = 40
PAIRS = 5
GROUPS = 6
_ROWS = 8


def _people(settings, count):
    """Test subjects as `people.Person`."""
    for record in tf.data.TFRecordDataset(synthetic.rendered(settings, "test", count)):
        features = records.parse(record)

        def decoded(png, channels, dtype):
            return tf.io.decode_png(png, channels, dtype).numpy()

        yield people.from_subject(
            {
                "subject": features["subject"].numpy().decode(),
                "images": np.stack([decoded(png, 3, tf.uint8) for png in features["images"]]),
                "mask": decoded(features["mask"], 1, tf.uint8),
                "albedo": decoded(features["albedo"], 3, tf.uint16),
                "normals": decoded(features["normals"], 3, tf.uint16),
                "light": features["light"].numpy(),
                **{f"has_{label}": 1.0 for label in portrait.LABELS},
            }
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
        # Relative to the albedo itself, so that dark skin is not favoured.
        "albedo_lmse": means["albedo"]["model"]["lmse"],
        "light_si_error": means["light"]["model"]["si_error"],
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
        outputs = predict(person.photos)
        people.measure(measured, person, outputs, seed, PAIRS)
        inside = person.albedo[person.mask]
        luminance[person.name] = float(inside.mean(axis=0) @ color.LUMINANCE)
        if len(rows) < _ROWS:
            rows.append(people.row(person, outputs, seed, PAIRS))
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
        "min_directionality": people.MIN_DIRECTIONALITY,
        "values": "linear RGB, after the best scale (rmse: as they are)",
    }
    return protocol, measured, rows
