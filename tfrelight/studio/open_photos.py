"""The photos that pages have open: in memory only, under unguessable names."""

from __future__ import annotations

import collections
import dataclasses
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tfrelight.studio.errors import StudioError

if TYPE_CHECKING:
    from tfrelight.relighting.decomposition import Decomposition

__all__ = ["OpenPhotos"]

# Bytes of the maps of a head or body, and of what relighting it keeps.
_SURFACE_BYTES = 12 * 2**20
# Bytes per pixel beside the photo's own: outlines of people.
_OUTLINE_BYTES = 1


@dataclasses.dataclass
class _Entry:
    decomposed: Decomposition
    size: int
    used: float


class OpenPhotos:
    """Decomposed photos by name, limited in number, memory and time.

    Args:
      limit: photos, at most.
      memory: bytes of all photos, at most.
      idle: seconds after which an unused photo is forgotten.
      now: clock, in seconds.
    """

    def __init__(
        self, limit: int, memory: int, idle: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit, self._memory, self._idle, self._now = limit, memory, idle, now
        self._entries: collections.OrderedDict[str, _Entry] = collections.OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def check_capacity(self) -> None:
        """Checks that `add` would accept a photo.

        Raises:
          StudioError: the limit of photos or memory is reached.
        """
        self.forget_idle()
        if len(self._entries) >= self._limit or self._total() >= self._memory:
            raise StudioError(
                503,
                "full",
                f"{len(self._entries)} photos are open, as many as fit. Close the page of "
                f"another one, or try again in {max(1, round(self._idle / 60))} minutes.",
            )

    def add(self, decomposed: Decomposition) -> str:
        """Keeps a photo. Returns its name.

        Raises:
          StudioError: the limit of photos or memory is reached.
        """
        self.check_capacity()
        name = secrets.token_urlsafe(24)
        photo = decomposed.photo
        height, width = photo.size
        surfaces = len(decomposed.surfaces)
        size = photo.nbytes + height * width * _OUTLINE_BYTES + surfaces * _SURFACE_BYTES
        self._entries[name] = _Entry(decomposed, size, self._now())
        return name

    def get(self, name: str) -> Decomposition:
        """Finds a photo by name.

        Raises:
          StudioError: there is none.
        """
        self.forget_idle()
        entry = self._entries.get(name)
        if entry is None:
            raise StudioError(
                404, "gone", "This photo is no longer open. Drop it on the page again."
            )
        entry.used = self._now()
        return entry.decomposed

    def close(self, name: str) -> None:
        """Forgets a photo; an unknown name is ignored."""
        self._entries.pop(name, None)

    def forget_idle(self) -> None:
        """Forgets photos that were not used for `idle` seconds."""
        oldest = self._now() - self._idle
        for name in [name for name, entry in self._entries.items() if entry.used < oldest]:
            del self._entries[name]

    def _total(self):
        return sum(entry.size for entry in self._entries.values())
