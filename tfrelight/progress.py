"""Progress of long work: a bar on a terminal, elsewhere a plain line on stderr every ten seconds.

    with progress.Progress("Rendering", "people", total=2000) as bar:
        for person in people:
            render(person)
            bar.update()

Without a terminal, as in a log file, a notebook or a job, this prints

    Rendering: 120 of 2000 people, 10 s
    Rendering: 242 of 2000 people, 20 s

and nothing for work that takes less than ten seconds.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

__all__ = ["SECONDS", "Progress", "on_terminal", "track"]

# Between two lines.
SECONDS = 10.0

Item = TypeVar("Item")


def on_terminal() -> bool:
    """Whether people see stderr as it is written, so that a bar can be drawn."""
    return sys.stderr is not None and sys.stderr.isatty()


class Progress:
    """Shows the progress of the work in its block.

    A thread writes the lines, so that they also come while one step takes long.

    Args:
      what: is done, such as "Rendering".
      unit: what is counted, in the plural; empty if nothing is, and then a terminal shows nothing.
      total: number of units; None if unknown.
      done: units that an earlier run has finished.
    """

    def __init__(self, what: str, unit: str = "", total: int | None = None, done: int = 0) -> None:
        self._what, self._unit, self._total, self._done = what, unit, total, done
        self._bar: tqdm | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Progress:
        if on_terminal():
            if self._unit:
                self._bar = tqdm(
                    desc=self._what, total=self._total, unit=f" {self._unit}", initial=self._done
                )
        else:
            self._thread = threading.Thread(target=self._write_lines, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._bar is not None:
            self._bar.close()

    def update(self, count: int = 1) -> None:
        """Counts units that are done."""
        self._done += count
        if self._bar is not None:
            self._bar.update(count)

    def _write_lines(self):
        started = time.monotonic()
        while not self._ended.wait(SECONDS):
            print(self._line(time.monotonic() - started), file=sys.stderr, flush=True)

    def _line(self, seconds):
        parts = []
        if self._unit:
            of = "" if self._total is None else f" of {self._total}"
            parts.append(f"{self._done}{of} {self._unit}")
        minutes, seconds = divmod(round(seconds), 60)
        parts.append(f"{minutes} min {seconds} s" if minutes else f"{seconds} s")
        return f"{self._what}: {', '.join(parts)}"


def track(items: Iterable[Item], what: str, unit: str, total: int | None = None) -> Iterator[Item]:
    """Yields items and counts each as done when the next one is asked for.

    Args:
      items: to yield.
      what, unit, total: see `Progress`.
    """
    with Progress(what, unit, total) as progress:
        for item in items:
            yield item
            progress.update()
