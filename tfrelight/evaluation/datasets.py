"""The protocol of data sets read by subject: Photoface, SfSNet's faces, a multi-lit folder.

It measures everything that a person's labels allow (`evaluation.people`); without labels, that is
reconstruction, consistency and cross-relighting. docs/EVALUATION.md lists the labels and splits of
each data set.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from tfrelight.data.datasets import multilit, photoface, sfsnet_synthetic
from tfrelight.data.datasets.reader import Reader
from tfrelight.errors import InputError
from tfrelight.evaluation import people
from tfrelight.evaluation.measurements import Measurements

__all__ = ["READERS", "check", "evaluate"]

READERS: dict[str, Callable[..., Reader]] = {
    "photoface": photoface.PhotofaceReader,
    "sfsnet": sfsnet_synthetic.SfsnetReader,
    "multilit": functools.partial(multilit.MultilitReader, needs_labels=False),
}

# Height and width of the photos; pairs per subject; people in the picture.
SIZE = 128
PAIRS = 20
_ROWS = 12


def check(name: str, data_dir: Path | str, split: str) -> None:
    """Checks that a split has people, without opening their files.

    Args:
      name, data_dir, split: see `evaluate`.

    Raises:
      InputError: there are none, or see `Reader.people`.
    """
    reader = READERS[name](data_dir, SIZE, labelled=True)
    if not reader.people(split, 1):
        raise _nobody(reader, split)


def _nobody(reader, split):
    return InputError(
        f"No people to measure in the split {split!r} of {reader.title} in {reader.data_dir}. "
        f"Choose another `split`: {', '.join(reader.splits)}."
    )


def evaluate(
    predict: Callable[[np.ndarray], dict[str, np.ndarray]],
    name: str,
    data_dir: Path | str,
    split: str = "test",
    limit: int | None = None,
    seed: int = 0,
    strict: bool = False,
) -> tuple[dict[str, Any], Measurements, list[dict[str, np.ndarray]]]:
    """Runs the protocol.

    Args:
      predict: function from `[K, H, W, 3]` sRGB-encoded photos to the model's outputs, numpy.
      name: one of `READERS`.
      data_dir: folder of the data set.
      split: one of the reader's splits.
      limit: measure the first `limit` people only; None for all.
      seed: of the pairs.
      strict: raise on broken files instead of skipping them.

    Returns:
      The protocol, the measurements, and rows for `pictures.page`.

    Raises:
      InputError: see `Reader.subjects`; or the split holds no people.
    """
    reader = READERS[name](data_dir, SIZE, labelled=True)
    measured = Measurements()
    rows: list[dict[str, np.ndarray]] = []
    seen, empty = [], []
    for subject in reader.subjects(split, limit, strict):
        person = people.from_subject(subject)
        if not person.mask.any():
            empty.append(person.name)
            continue
        seen.append(person.name)
        outputs = predict(person.photos)
        people.measure(measured, person, outputs, seed, PAIRS)
        if len(rows) < _ROWS:
            rows.append(people.row(person, outputs, seed, PAIRS))
    if empty:
        logging.warning("Skipped, because no pixel can be measured: %s", ", ".join(empty))
    if not seen:
        raise _nobody(reader, split)
    protocol = {
        "name": name,
        "split": split,
        "subjects": list(dict.fromkeys(seen)),
        "size": SIZE,
        "pairs_per_subject": PAIRS,
        "seed": seed,
        "min_directionality": people.MIN_DIRECTIONALITY,
        "values": "linear RGB, of grey photos its mean; after the best scale (rmse: as they are)",
    }
    return protocol, measured, rows
