"""The protocol of data sets that are read subject by subject: Photoface, SfSNet's faces, a folder.

What is known of a person is compared (`evaluation.people`); of a folder without lights that is
reconstruction, consistency and cross-relighting. `Reader` says what each data set's labels and
splits are; they are listed in docs/EVALUATION.md too.
"""

from __future__ import annotations

import functools

from absl import logging

from tfrelight.data import multilit, photoface, sfsnet_synthetic
from tfrelight.errors import InputError
from tfrelight.evaluation import lamps, people
from tfrelight.evaluation.measurements import Measurements

__all__ = ["READERS", "evaluate"]

READERS = {
    "photoface": photoface.Photoface,
    "sfsnet": sfsnet_synthetic.SfsnetSynthetic,
    "multilit": functools.partial(multilit.MultilitFolder, needs_labels=False),
}

SIZE = 128
PAIRS = 20
_ROWS = 12


def evaluate(predict, name, data_dir, split="test", limit=None, seed=0, strict=False):
    """Runs the protocol.

    Args:
      predict: function of `[K, H, W, 3]` sRGB photos to the model's dict of numpy arrays.
      name: one of `READERS`.
      data_dir: folder of the data set.
      split: one of the reader's splits.
      limit: only the first so many people; None for all.
      seed: of the pairs.
      strict: refuse what is broken instead of skipping it.

    Returns:
      The protocol as a dict, `Measurements`, and rows for `pictures.page`.

    Raises:
      InputError: see `Reader.subjects`; or the split holds nobody.
    """
    reader = READERS[name](data_dir, SIZE, labelled=True)
    measured, rows, rig = Measurements(), [], lamps.Rig()
    seen, empty = [], []
    for subject in reader.subjects(split, limit, strict):
        person = people.from_subject(subject)
        if not person.mask.any():
            empty.append(person.name)
            continue
        seen.append(person.name)
        outputs = predict(person.photos)
        people.measure(measured, person, outputs, seed, PAIRS)
        if person.lamps is not None:
            rig.add(person.name, person.lamps, outputs["light"])
        if len(rows) < _ROWS:
            rows.append(people.row(person, outputs, seed, PAIRS))
    if empty:
        logging.warning("Left out, no pixel to measure: %s", ", ".join(empty))
    if not seen:
        raise InputError(
            f"Nobody to measure in the split {split!r} of {reader.title} in {data_dir}. Choose "
            f"another --split: {', '.join(reader.splits)}."
        )
    rig.measure(measured)
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
