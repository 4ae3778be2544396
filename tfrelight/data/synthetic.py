"""The built-in synthetic portraits as records, rendered once and kept in the user's cache."""

import concurrent.futures.process
import dataclasses

from tfrelight.data import records
from tfrelight.errors import InputError
from tfrelight.synthesis import portraits

__all__ = ["names", "rendered", "subjects"]


def names(settings, split, count):
    """Ids of the first `count` subjects of a split."""
    return [portraits.name(settings.seed, index) for index in portraits.indices(split, count)]


def subjects(settings, indices, processes=None):
    """`synthesis.portraits.subjects`, for commands.

    Raises:
      InputError: a rendering process was killed; start again to go on.
    """
    try:
        yield from portraits.subjects(settings, indices, processes=processes)
    except RuntimeError as error:
        if not isinstance(error.__cause__, concurrent.futures.process.BrokenProcessPool):
            raise
        raise InputError(f"{error} What was finished is kept.") from error


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

    def missing(numbers):
        return subjects(settings, [indices[i] for i in numbers], processes)

    return records.cached(f"synthetic-{split}", dataclasses.asdict(settings), count, missing)
