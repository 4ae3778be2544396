"""The built-in synthetic portraits as records, rendered once and kept in the user's cache."""

import dataclasses

from tfrelight.data import records
from tfrelight.synthesis import portraits

__all__ = ["names", "rendered"]


def names(settings, split, count):
    """Ids of the first `count` subjects of a split."""
    return [portraits.name(settings, index) for index in portraits.indices(split, count)]


def rendered(settings, split, count, processes=None):
    """TFRecord shards of the first `count` subjects of a split; what is not cached is rendered.

    Args:
      settings: `synthesis.portraits.Settings`.
      split: `train`, `validation` or `test`; no subject is in two.
      count: number of subjects.
      processes: to render with; None for one a core.

    Returns:
      list of paths.
    """
    indices = list(portraits.indices(split, count))

    def subjects(missing):
        return portraits.subjects(settings, [indices[i] for i in missing], processes=processes)

    return records.cached(f"synthetic-{split}", dataclasses.asdict(settings), count, subjects)
