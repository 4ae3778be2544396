"""The photos that pages have open: in memory only, under names that cannot be guessed."""

from __future__ import annotations

import collections
import dataclasses
import secrets
import time

from tfrelight.studio.refusals import Refusal

__all__ = ["Opened"]

# Bytes that the maps of a face take, and what relighting it keeps.
_FACE = 12 * 2**20
# Bytes a pixel beside the photo's own: outlines of faces.
_OUTLINE = 1


@dataclasses.dataclass
class _Entry:
    decomposed: object
    size: int
    used: float


class Opened:
    """Decomposed photos by name, with limits of count, memory and time.

    Args:
      most: photos, at most.
      memory: bytes of all, at most.
      idle: seconds after which a photo that nobody asked for is forgotten.
      now: a clock in seconds.
    """

    def __init__(self, most, memory, idle, now=time.monotonic):
        self._most, self._memory, self._idle, self._now = most, memory, idle, now
        self._entries = collections.OrderedDict()

    def __len__(self):
        return len(self._entries)

    def check(self):
        """Refuses early what `add` would refuse.

        Raises:
          Refusal: as many are open as may be.
        """
        self.forget_idle()
        if len(self._entries) >= self._most or self._total() >= self._memory:
            raise Refusal(
                503,
                "full",
                f"{len(self._entries)} photos are open, as many as fit. Close the page of "
                f"another one, or try again in {max(1, round(self._idle / 60))} minutes.",
            )

    def add(self, decomposed) -> str:
        """Keeps a photo; returns its name.

        Raises:
          Refusal: as many are open as may be.
        """
        self.check()
        name = secrets.token_urlsafe(24)
        photo = decomposed.photo
        height, width = photo.size
        size = photo.nbytes + height * width * _OUTLINE + len(decomposed.faces) * _FACE
        self._entries[name] = _Entry(decomposed, size, self._now())
        return name

    def get(self, name):
        """The photo of that name.

        Raises:
          Refusal: there is none.
        """
        self.forget_idle()
        entry = self._entries.get(name)
        if entry is None:
            raise Refusal(
                404, "gone", "This photo is no longer open. Drop it on the page once more."
            )
        entry.used = self._now()
        return entry.decomposed

    def close(self, name):
        """Forgets a photo; nothing happens if there is none."""
        self._entries.pop(name, None)

    def forget_idle(self):
        """Forgets photos that nobody asked for in a long time."""
        oldest = self._now() - self._idle
        for name in [name for name, entry in self._entries.items() if entry.used < oldest]:
            del self._entries[name]

    def _total(self):
        return sum(entry.size for entry in self._entries.values())
