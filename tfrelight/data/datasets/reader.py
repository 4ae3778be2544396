"""The base class of data set readers: streaming, splits, limits, and broken files.

A reader knows one data set in its original layout. It lists **units** (a person, a session or a
photo) without opening them, and turns each unit into zero or more subjects
(`tfrelight.data.portrait`). It holds at most one shard of subjects in memory. Broken or unexpected
files are skipped; one warning counts and names them.
"""

from __future__ import annotations

import abc
import concurrent.futures
import functools
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from absl import logging

from tfrelight import files, threads
from tfrelight.data import records
from tfrelight.errors import InputError
from tfrelight.files import printable
from tfrelight.progress import Progress

__all__ = ["Problems", "Reader", "split_of"]

# A message names the first problems and counts the rest.
_NAMED = 5


class Problems:
    """Counts what a reader leaves out, and remembers the first few."""

    def __init__(self) -> None:
        self.count = 0
        self._first: list[str] = []

    def add(self, texts: Iterable[str]) -> None:
        """Adds problems, each a line that names its file."""
        for text in texts:
            self.count += 1
            if len(self._first) < _NAMED:
                self._first.append(text)

    def __str__(self):
        more = self.count - len(self._first)
        return "; ".join(self._first) + (f"; and {more} more" if more else "")

    def warn(self, where: str) -> None:
        """Logs one line if there were problems."""
        if self.count:
            logging.warning("Skipped %d in %s: %s", self.count, where, self)


def split_of(person: str) -> str:
    """Assigns a person to a split by name: 90 % train, 5 % validation, 5 % test."""
    number = zlib.crc32(person.encode()) % 20
    return {18: "validation", 19: "test"}.get(number, "train")


class Reader(abc.ABC):
    """A data set in its original layout.

        reader = photoface.PhotofaceReader("PhotofaceDB", size=128, labelled=True)
        for subject in reader.subjects("train", limit=10):
            subject["images"]  # uint8 [K, 128, 128, 3], sRGB-encoded
        files = reader.records("train")  # the same as TFRecords, cached, for training

    Class attributes: `name`, of the cache and in TensorFlow Datasets; `title`, for messages;
    `version`, to be raised when the same files begin to give other subjects; `splits`; `multilit`,
    True if subjects have several photos.

    Args:
      data_dir: folder of the data set.
      size: height and width of the photos.
      labelled: include labels that need extra files or time.

    Raises:
      InputError: no such folder.
    """

    name: str
    title: str
    version: int
    splits: tuple[str, ...] = ("train", "validation", "test")
    multilit = True

    def __init__(self, data_dir: Path | str, size: int = 128, labelled: bool = False) -> None:
        self.data_dir = Path(data_dir)
        self.size = size
        self.labelled = labelled
        if not self.data_dir.is_dir():
            raise InputError(f"No such folder: {data_dir}. Expected {self.title}.")

    @abc.abstractmethod
    def units(self, split: str) -> Iterator[Any]:
        """Lists the units of a split, in order, without opening them.

        Raises:
          InputError: the folder does not hold the data set.
        """

    @abc.abstractmethod
    def person(self, unit: Any) -> str:
        """Id of the person in a unit. Each person is in one split."""

    def place(self, unit: Any) -> str:
        """Where a unit is, for messages."""
        return printable(unit)

    @abc.abstractmethod
    def read(self, unit: Any, problems: list[str]) -> list[dict[str, Any]]:
        """Reads the subjects of a unit.

        Args:
          unit: one of `units`.
          problems: receives a line about each file that is left out.

        Raises:
          InputError: nothing in the unit can be used.
        """

    @abc.abstractmethod
    def stamp(self) -> Any:
        """A JSON-serialisable value that changes when a file is added, removed or edited.

        `files.stamp` makes one of the files that `read` reads.
        """

    def every_unit(self) -> Iterator[Any]:
        """The units of all splits."""
        for split in self.splits:
            yield from self.units(split)

    def _limited(self, split, limit):
        if split not in self.splits:
            raise InputError(
                f"Unknown split {split!r} of {self.title}. Expected one of: "
                f"{', '.join(self.splits)}."
            )
        seen = 0
        for _, units in itertools.groupby(self.units(split), self.person):
            if seen == limit:
                return
            seen += 1
            yield from units

    def people(self, split: str = "train", limit: int | None = None) -> list[str]:
        """Ids of the first `limit` people of a split; all of them if None."""
        return list(dict.fromkeys(map(self.person, self._limited(split, limit))))

    def _read(self, unit):
        problems = []
        try:
            subjects = self.read(unit, problems)
        except (InputError, OSError) as error:
            subjects = []
            problems.append(" ".join(str(error).split()))
        return subjects, [f"{self.place(unit)}: {problem}" for problem in problems]

    def shards(
        self, split: str = "train", limit: int | None = None, strict: bool = False
    ) -> Iterator[tuple[range, Callable[[], tuple[list[dict[str, Any]], list[str]]]]]:
        """Groups the units of a split into shards without reading them.

        Args:
          split, limit, strict: see `subjects`.

        Yields:
          The numbers of a shard's units, and a function that reads the units and returns their
          subjects and a line about each problem.
        """
        with concurrent.futures.ThreadPoolExecutor(threads.available()) as pool:

            def read(units):
                subjects, problems = [], []
                for found, broken in pool.map(self._read, units):
                    if strict and broken:
                        raise InputError(f"{broken[0]}. Leave out `strict` to skip it.")
                    subjects += found
                    problems += broken
                return subjects, problems

            stream = self._limited(split, limit)
            for start in itertools.count(0, records.SUBJECTS_PER_SHARD):
                units = list(itertools.islice(stream, records.SUBJECTS_PER_SHARD))
                if not units:
                    return
                yield range(start, start + len(units)), functools.partial(read, units)

    def subjects(
        self, split: str = "train", limit: int | None = None, strict: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Yields the subjects of a split (`tfrelight.data.portrait`), in order.

        Args:
          split: one of `splits`.
          limit: read the first `limit` people only; None for all.
          strict: raise on broken files. Otherwise they are skipped, and one warning counts and
            names them.

        Raises:
          InputError: see `units`; or a file is broken and `strict` is set.
        """
        problems = Problems()
        for _, read in self.shards(split, limit, strict):
            subjects, broken = read()
            problems.add(broken)
            yield from subjects
        problems.warn(self.title)

    def records(
        self, split: str = "train", limit: int | None = None, strict: bool = False
    ) -> list[str]:
        """Writes `subjects` to record files in the user's cache, if they are not there yet.

        A file beside each shard keeps its problems, so that every call reports them.

        Returns:
          The paths, in order.

        Raises:
          InputError: see `subjects`; or the cache folder cannot be written.
        """
        settings = {
            "version": self.version,
            "folder": str(self.data_dir.resolve()),
            "stamp": self.stamp(),
            "size": self.size,
            "labelled": self.labelled,
            "split": split,
        }
        cache = records.cache(self.name, settings)
        paths, problems = [], Problems()
        with Progress(f"Reading {self.title}", "read") as bar:
            for numbers, read in self.shards(split, limit, strict):
                path = cache.folder / f"{numbers.start:06d}-{numbers.stop:06d}.tfrecord"
                report = path.with_suffix(".skipped.txt")
                if not path.exists():
                    subjects, broken = read()
                    with cache.writing():
                        if broken:
                            files.write_text(report, "\n".join(broken) + "\n")
                        records.write_shard(path, subjects)
                paths.append(str(path))
                if report.exists():
                    broken = report.read_text(encoding="utf-8").splitlines()
                    if strict:
                        raise InputError(f"{broken[0]}. Leave out `strict` to skip it.")
                    problems.add(broken)
                bar.update(len(numbers))
        problems.warn(self.title)
        return paths
