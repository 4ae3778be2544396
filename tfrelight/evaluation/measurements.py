"""Measurements of several methods on several subjects, and their statistics."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np

from tfrelight.evaluation import metrics

__all__ = ["Measurements"]


class Measurements:
    """Numbers by table, method, metric and subject.

    A table holds comparable numbers, for example `cross_relighting`; a method is one of its rows,
    for example `model`; a metric is a column.
    """

    def __init__(self) -> None:
        # table -> method -> metric -> list of (subject, value, weight), in the order of addition.
        self._values: dict[str, dict[str, dict[str, list[tuple[str, float, float]]]]] = (
            collections.defaultdict(
                lambda: collections.defaultdict(lambda: collections.defaultdict(list))
            )
        )

    def add(self, table: str, method: str, subject: str, **values: float) -> None:
        """Adds the numbers of one photo, pair or person."""
        for metric, value in values.items():
            self._values[table][method][metric].append((subject, float(value), 1.0))

    def add_ratios(
        self, table: str, method: str, subject: str, **ratios: tuple[float, float]
    ) -> None:
        """Adds ratios of counts of one photo, such as intersection over union.

        Their mean is the sum of all numerators over the sum of all denominators. It counts pixels,
        not photos: a part that a photo shows five pixels of weighs five pixels.

        Args:
          table, method, subject: as for `add`.
          **ratios: numerator and denominator, at least 0; without effect if the second is 0.
        """
        for metric, (numerator, denominator) in ratios.items():
            if denominator:
                entry = (subject, numerator / denominator, float(denominator))
                self._values[table][method][metric].append(entry)

    def summary(self, seed: int = 0) -> dict[str, Any]:
        """Statistics over all values.

        Args:
          seed: of the bootstrap.

        Returns:
          table -> method -> metric -> dict: `count`, `mean`, `std`, `median`, `mean_interval` and
          `median_interval` (95 %, over subjects; two NaN for a single subject).
        """
        return self._each(lambda entries: _statistics(entries, seed))

    def by_subject(self) -> dict[str, Any]:
        """The mean of each subject: table -> method -> metric -> subject -> number."""
        return self._each(_subject_means)

    def _each(self, function):
        return {
            table: {
                method: {metric: function(entries) for metric, entries in by_metric.items()}
                for method, by_metric in by_method.items()
            }
            for table, by_method in self._values.items()
        }


def _statistics(entries, seed):
    subjects, values, weights = zip(*entries)
    values, weights = np.array(values), np.array(weights)

    def mean(chosen):
        chosen = chosen.astype(int)
        return np.average(values[chosen], weights=weights[chosen])

    # The PSNR of equal images is infinite and has no standard deviation.
    with np.errstate(invalid="ignore"):
        return {
            "count": len(values),
            "mean": float(np.average(values, weights=weights)),
            "std": float(np.std(values)),
            "median": float(np.median(values)),
            # Resamples draw values together with their weights.
            "mean_interval": metrics.bootstrap_interval(
                np.arange(len(values)), subjects, seed, mean
            ),
            "median_interval": metrics.bootstrap_interval(values, subjects, seed, np.median),
        }


def _subject_means(entries):
    by_subject = collections.defaultdict(list)
    for subject, value, weight in entries:
        by_subject[subject].append((value, weight))
    return {
        subject: float(np.average(values, weights=weights))
        for subject, (values, weights) in (
            (subject, zip(*found)) for subject, found in by_subject.items()
        )
    }
