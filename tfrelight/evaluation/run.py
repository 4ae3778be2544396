"""Runs an evaluation, from its settings to its report."""

from __future__ import annotations

from typing import Any

from tfrelight.evaluation import comparison, datasets, report, synthetic, yale_b
from tfrelight.evaluation import settings as checking
from tfrelight.models import loading, predictor
from tfrelight.photos import pictures
from tfrelight.progress import Progress

__all__ = ["run"]


def _limit(settings):
    return settings["limit"] or None


def _yale_b(settings):
    found = yale_b.chosen(settings["data_dir"], settings["subjects"], settings["split"])
    found = found[: _limit(settings)]
    return lambda predict: yale_b.evaluate(
        predict, settings["data_dir"], found, seed=settings["seed"], strict=settings["strict"]
    )


def _synthetic(settings):
    count = int(settings["subjects"][0]) if settings["subjects"] else synthetic.SUBJECTS
    number = min(count, _limit(settings) or count)
    return lambda predict: synthetic.evaluate(predict, number, seed=settings["seed"])


def _read(settings):
    name, data_dir, split = (settings[key] for key in ("dataset", "data_dir", "split"))
    datasets.check(name, data_dir, split)
    return lambda predict: datasets.evaluate(
        predict,
        name,
        data_dir,
        split,
        _limit(settings),
        seed=settings["seed"],
        strict=settings["strict"],
    )


# Functions that look for the people and return a function from a predictor to the results.
PROTOCOLS = {
    "yale_b": _yale_b,
    "synthetic": _synthetic,
    **dict.fromkeys(datasets.READERS, _read),
}


def run(settings: dict[str, Any]) -> dict[str, Any]:
    """Evaluates a model and writes the files that the settings name.

    Args:
      settings: the flags of `tfrelight.evaluate` by name.

    Returns:
      The report (`evaluation.report.document`).

    Raises:
      InputError: a setting is wrong, or the model or the data cannot be used.
    """
    checking.check(settings)
    other = comparison.load(settings["against"]) if settings["against"] else None
    measure = PROTOCOLS[settings["dataset"]](settings)
    predict = predictor.predictor(loading.load_model(settings["model"]))
    with Progress("Measuring", "photos") as bar:

        def counted(photos):
            outputs = predict(photos)
            bar.update(len(photos))
            return outputs

        protocol, measured, rows = measure(counted)
        result = report.document(protocol, measured, settings)
    try:
        if other:
            result["against"] = comparison.differences(result, other, settings["seed"])
    finally:
        # Written even if the reports cannot be compared, because measuring takes long.
        if settings["report"]:
            report.write(settings["report"], result)
        if settings["markdown"]:
            report.write_markdown(settings["markdown"], result)
        if settings["picture"]:
            pictures.save(settings["picture"], pictures.page(rows))
    return result
