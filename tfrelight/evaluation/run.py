"""An evaluation from its settings to its report."""

from __future__ import annotations

import numpy as np

import tfrelight
from tfrelight.errors import InputError
from tfrelight.evaluation import pictures, report, yale_b
from tfrelight.training import pictures as files

__all__ = ["DATASETS", "run"]

DATASETS = ("yale_b", "synthetic")
_BATCH = 16


def predictor(model):
    """A function of `[N, H, W, 3]` sRGB photos to the model's dict, as numpy arrays.

    It raises InputError where the model gives what is not a number.
    """

    def predict(photos):
        outputs = model.predict(photos, batch_size=_BATCH, verbose=0)
        broken = [name for name, value in outputs.items() if not np.isfinite(value).all()]
        if broken:
            raise InputError(f"The model's {broken[0]} is not a finite number on some photo.")
        return outputs

    return predict


def run(settings):
    """Evaluates a model and writes what was asked for.

    Args:
      settings: the flags of `tfrelight.evaluate` by name.

    Returns:
      The report (`evaluation.report.document`).

    Raises:
      InputError: a setting is wrong, or the model or the data cannot be used.
    """
    for name in ("report", "picture"):
        if settings[name]:
            report.writable(settings[name])
    if settings["dataset"] == "yale_b" and not settings["data_dir"]:
        raise InputError("--dataset=yale_b needs --data_dir, Extended Yale B's folder CroppedYale.")
    predict = predictor(tfrelight.load_model(settings["model"]))
    protocol, measured, rows = yale_b.evaluate(
        predict,
        settings["data_dir"],
        settings["subjects"],
        seed=settings["seed"],
        strict=settings["strict"],
    )
    result = report.document(
        protocol, measured, model=settings["model"], settings=settings, seed=settings["seed"]
    )
    if settings["report"]:
        report.write(settings["report"], result)
    if settings["picture"]:
        files.save(settings["picture"], pictures.page(rows))
    return result
