"""Measurements of several methods on several subjects, and what they come to."""

from __future__ import annotations

import collections

import numpy as np

from tfrelight import metrics

__all__ = ["Measurements"]


class Measurements:
    """Numbers by table, method, metric and subject.

    A table holds what may be compared, for example `cross_relighting`; a method is a row of it, for
    example `model`; a metric is a column.
    """

    def __init__(self):
        # table -> method -> metric -> list of (subject, value), in the order they came.
        self._values = collections.defaultdict(
            lambda: collections.defaultdict(lambda: collections.defaultdict(list))
        )

    def add(self, table, method, subject, **values):
        """Adds the numbers of one photo, pair or person."""
        for metric, value in values.items():
            self._values[table][method][metric].append((subject, float(value)))

    def summary(self, seed=0):
        """Statistics over all values.

        Args:
          seed: of the bootstrap.

        Returns:
          table -> method -> metric -> dict: `count`, `mean`, `std`, `median`, `mean_interval` and
          `median_interval` (95 %, over subjects; two NaN for a single subject).
        """
        return self._each(lambda pairs: _statistics(*zip(*pairs), seed))

    def by_subject(self):
        """The mean of each subject: table -> method -> metric -> subject -> number."""
        return self._each(_subject_means)

    def _each(self, function):
        return {
            table: {
                method: {metric: function(pairs) for metric, pairs in of_metric.items()}
                for method, of_metric in of_method.items()
            }
            for table, of_method in self._values.items()
        }


def _statistics(subjects, values, seed):
    # PSNR of equal images is infinite, and then has no deviation.
    with np.errstate(invalid="ignore"):
        return {
            "count": len(values),
            "mean": float(np.mean(values)),
            "std": float(np.std(values)),
            "median": float(np.median(values)),
            "mean_interval": metrics.bootstrap_interval(values, subjects, seed),
            "median_interval": metrics.bootstrap_interval(values, subjects, seed, np.median),
        }


def _subject_means(pairs):
    values = collections.defaultdict(list)
    for subject, value in pairs:
        values[subject].append(value)
    return {subject: float(np.mean(of_subject)) for subject, of_subject in values.items()}
