"""The built-in synthetic portraits as records, rendered once and kept in the user's cache."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from tfrelight import progress
from tfrelight.data import records
from tfrelight.errors import InputError
from tfrelight.processes import KilledError
from tfrelight.synthesis import portraits

__all__ = ["names", "rendered", "subjects"]


def names(settings: portraits.PortraitConfig, split: str, count: int) -> list[str]:
    """Ids of the first `count` subjects of a split."""
    return [portraits.name(settings.seed, index) for index in portraits.indices(split, count)]


def subjects(
    settings: portraits.PortraitConfig, indices: Iterable[int], processes: int | None = None
) -> Iterator[dict[str, Any]]:
    """`portraits.subjects` for what keeps finished portraits.

    Raises:
      InputError: a rendering process was killed; it says that they are kept.
    """
    try:
        yield from portraits.subjects(settings, indices, processes=processes)
    except KilledError as error:
        raise InputError(f"{error} Finished portraits are kept.") from error


def rendered(
    settings: portraits.PortraitConfig, split: str, count: int, processes: int | None = None
) -> list[str]:
    """TFRecord shards of the first `count` subjects of a split; renders those not in the cache.

    Args:
      settings: of the portraits.
      split: `train`, `validation` or `test`; each subject is in one split.
      count: number of subjects.
      processes: number of rendering processes; None for one per core.

    Returns:
      The paths, in order.

    Raises:
      InputError: a rendering process was killed, or the cache folder cannot be written.
    """
    indices = list(portraits.indices(split, count))

    def missing(numbers):
        people = subjects(settings, [indices[i] for i in numbers], processes)
        return progress.track(people, "Rendering synthetic people", "people", len(numbers))

    return records.cached(f"synthetic-{split}", dataclasses.asdict(settings), count, missing)
