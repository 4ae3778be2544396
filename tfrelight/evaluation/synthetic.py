"""The protocol of the built-in portraits: every map and light against the truth.

It measures people of the test split, whom no training sees, under eight lights each, over the head
(mask of at least 0.5; see `evaluation.people`). The main errors also come for six equal groups of
people by the luminance of their albedo (mean over the head with hair and clothes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfrelight import color
from tfrelight.data import records
from tfrelight.errors import InputError
from tfrelight.evaluation import people
from tfrelight.evaluation.measurements import Measurements
from tfrelight.synthesis import cache, portraits

__all__ = ["GROUPS", "PAIRS", "SUBJECTS", "evaluate"]

# Test people, pairs per person, groups by albedo, and people in the picture.
SUBJECTS = 40
PAIRS = 5
GROUPS = 6
_ROWS = 8


def _people(settings, count):
    """Test subjects as `people.Person`."""
    for record in tf.data.TFRecordDataset(cache.rendered(settings, "test", count)):
        yield people.from_subject(records.to_subject(records.parse(record)))


def _by_albedo(measured, luminance):
    """Adds a table of the model's main errors by the luminance of people's albedo.

    Args:
      measured: measurements of all people.
      luminance: dict from subjects to mean albedo luminance over the mask.
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


def evaluate(
    predict: Callable[[np.ndarray], dict[str, np.ndarray]],
    count: int = SUBJECTS,
    seed: int = 0,
    settings: portraits.PortraitConfig | None = None,
) -> tuple[dict[str, Any], Measurements, list[dict[str, np.ndarray]]]:
    """Runs the protocol; renders people who are not in the cache yet.

    Args:
      predict: function from `[K, H, W, 3]` sRGB-encoded photos to the model's outputs, numpy.
      count: number of test people.
      seed: of the pairs.
      settings: of the portraits; None for the defaults.

    Returns:
      The protocol, the measurements, and rows for `pictures.page`.

    Raises:
      InputError: fewer than one person, or fewer than two lights.
    """
    settings = settings or portraits.PortraitConfig()
    if count < 1 or settings.lights < 2:
        raise InputError(
            "Expected at least 1 subject under at least 2 lights. "
            f"Received: {count} under {settings.lights}."
        )
    measured = Measurements()
    rows: list[dict[str, np.ndarray]] = []
    luminance: dict[str, float] = {}
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
