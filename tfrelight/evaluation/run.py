"""An evaluation from its settings to its report."""

from __future__ import annotations

import numpy as np

import tfrelight
from tfrelight import pictures
from tfrelight.errors import InputError
from tfrelight.evaluation import against, datasets, report, synthetic, yale_b

__all__ = ["predictor", "run"]

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


def _limit(settings):
    return settings["limit"] or None


def _yale_b(settings):
    if not settings["data_dir"]:
        raise InputError("--dataset=yale_b needs --data_dir, Extended Yale B's folder CroppedYale.")
    found = yale_b.chosen(settings["data_dir"], settings["subjects"], settings["split"])
    found = found[: _limit(settings)]
    return lambda predict: yale_b.evaluate(
        predict, settings["data_dir"], found, seed=settings["seed"], strict=settings["strict"]
    )


def _synthetic(settings):
    if settings["data_dir"]:
        raise InputError("--dataset=synthetic is built in and takes no --data_dir.")
    if settings["split"] != "test":
        raise InputError(
            f"--dataset=synthetic is measured on --split=test. Received: {settings['split']}."
        )
    count = settings["subjects"] or [str(synthetic.SUBJECTS)]
    if len(count) != 1 or not count[0].isdecimal() or int(count[0]) < 1:
        raise InputError(
            "Invalid --subjects. Expected one number of people for --dataset=synthetic, 1 or more. "
            f"Received: {','.join(count)}."
        )
    number = min(int(count[0]), _limit(settings) or int(count[0]))
    return lambda predict: synthetic.evaluate(predict, number, seed=settings["seed"])


def _read(settings):
    name = settings["dataset"]
    if not settings["data_dir"]:
        raise InputError(f"--dataset={name} needs --data_dir, the folder of the data set.")
    if settings["subjects"]:
        raise InputError(
            f"--subjects is not for --dataset={name}. Choose with --split and --limit."
        )
    return lambda predict: datasets.evaluate(
        predict,
        name,
        settings["data_dir"],
        settings["split"],
        _limit(settings),
        seed=settings["seed"],
        strict=settings["strict"],
    )


# Each checks the settings and gives a function of a predictor to what was measured.
PROTOCOLS = {
    "yale_b": _yale_b,
    "synthetic": _synthetic,
    **dict.fromkeys(datasets.READERS, _read),
}


def run(settings):
    """Evaluates a model and writes what was asked for.

    Args:
      settings: the flags of `tfrelight.evaluate` by name.

    Returns:
      The report (`evaluation.report.document`).

    Raises:
      InputError: a setting is wrong, or the model or the data cannot be used.
    """
    if settings["dataset"] not in PROTOCOLS:
        raise InputError(
            f"Unknown dataset {settings['dataset']!r}. Expected one of: {', '.join(PROTOCOLS)}."
        )
    for name in ("report", "markdown", "picture"):
        if settings[name]:
            report.writable(settings[name])
    other = against.load(settings["against"]) if settings["against"] else None
    measure = PROTOCOLS[settings["dataset"]](settings)
    protocol, measured, rows = measure(predictor(tfrelight.load_model(settings["model"])))
    result = report.document(protocol, measured, settings)
    try:
        if other:
            result["against"] = against.differences(result, other, settings["seed"])
    finally:
        # Also where the two cannot be compared: measuring took its time.
        if settings["report"]:
            report.write(settings["report"], result)
        if settings["markdown"]:
            report.write_markdown(settings["markdown"], result)
        if settings["picture"]:
            pictures.save(settings["picture"], pictures.page(rows))
    return result
