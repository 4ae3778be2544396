"""What the readers of data sets have in common: streaming, splits, limits, and broken files.

A reader knows one data set in its original layout. It lists **units**, which are what is read at
once (a person, a session, a photo), without opening them, and makes each into subjects
(`tfrelight.data.portrait`), none or more. At no time is more than a shard of them in memory. A file
that is broken, or not what it should be, is named, counted, and left out.
"""

from __future__ import annotations

import abc
import concurrent.futures
import functools
import itertools
import os
import pathlib
import zlib
from collections.abc import Iterable, Iterator

import tqdm
from absl import logging

from tfrelight import files
from tfrelight.data import records
from tfrelight.errors import InputError
from tfrelight.files import printable

__all__ = ["Problems", "Reader", "split_of"]

# Problems that a message names; of the others it gives the number.
_NAMED = 5


class Problems:
    """Counts what is left out, and remembers the first few."""

    def __init__(self):
        self.count = 0
        self._first = []

    def add(self, texts: Iterable[str]):
        """Adds problems, each a line that names the file."""
        for text in texts:
            self.count += 1
            if len(self._first) < _NAMED:
                self._first.append(text)

    def __str__(self):
        more = self.count - len(self._first)
        return "; ".join(self._first) + (f"; and {more} more" if more else "")

    def warn(self, where):
        """Logs one line, if there is anything to say."""
        if self.count:
            logging.warning("Skipped %d in %s: %s", self.count, where, self)


def split_of(person: str) -> str:
    """The split of a person: 90 % train, 5 % validation, 5 % test, told by the name alone."""
    number = zlib.crc32(person.encode()) % 20
    return {18: "validation", 19: "test"}.get(number, "train")


class Reader(abc.ABC):
    """A data set in its original layout.

    Class attributes: `name`, of the cache and in TensorFlow Datasets; `title`, for messages;
    `version`, to be raised whenever the same files begin to give other subjects; `splits`;
    `multilit`, whether subjects have several photos each, or one.

    Args:
      data_dir: folder of the data set.
      size: height and width of the photos.
      labelled: with labels, where reading or making them takes extra files or time.

    Raises:
      InputError: no such folder.
    """

    name: str
    title: str
    version: int
    splits: tuple = ("train", "validation", "test")
    multilit = True

    def __init__(self, data_dir, size=128, labelled=False):
        self.data_dir = pathlib.Path(data_dir)
        self.size = size
        self.labelled = labelled
        if not self.data_dir.is_dir():
            raise InputError(f"No such folder: {data_dir}. Expected that of {self.title}.")

    @abc.abstractmethod
    def units(self, split: str) -> Iterator:
        """The units of a split, in order, listed without opening them.

        Raises:
          InputError: the folder is not that of the data set.
        """

    @abc.abstractmethod
    def person(self, unit) -> str:
        """Id of the person whom a unit shows; a person is in one split."""

    def place(self, unit) -> str:
        """Where a unit is, for messages."""
        return printable(unit)

    @abc.abstractmethod
    def read(self, unit, problems: list) -> list:
        """The subjects of a unit.

        Args:
          unit: one of `units`.
          problems: lines are appended to it, for what is left out of the unit.

        Raises:
          InputError: nothing of the unit can be used.
        """

    @abc.abstractmethod
    def stamp(self):
        """JSON-serialisable: changes when what is read does, as far as folders show it."""

    def every_unit(self) -> Iterator:
        """The units of all splits."""
        for split in self.splits:
            yield from self.units(split)

    def _limited(self, split, limit) -> Iterator:
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

    def people(self, split="train", limit=None) -> list:
        """Ids of the first `limit` people of a split; None for all."""
        return list(dict.fromkeys(map(self.person, self._limited(split, limit))))

    def _read(self, unit):
        problems = []
        try:
            subjects = self.read(unit, problems)
        except (InputError, OSError) as error:
            subjects = []
            problems.append(" ".join(str(error).split()))
        return subjects, [f"{self.place(unit)}: {problem}" for problem in problems]

    def shards(self, split="train", limit=None, strict=False) -> Iterator[tuple]:
        """The units of a split, by shard, so that those that are done already need not be read.

        Args:
          split, limit, strict: see `subjects`.

        Yields:
          The units' numbers, a `range`; and a function without arguments that reads them: to their
          subjects, and to lines about what was left out.
        """
        with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:

            def read(units):
                subjects, problems = [], []
                for found, broken in pool.map(self._read, units):
                    if strict and broken:
                        raise InputError(f"{broken[0]}. Leave out --strict to skip it.")
                    subjects += found
                    problems += broken
                return subjects, problems

            stream = self._limited(split, limit)
            for start in itertools.count(0, records.SUBJECTS_PER_SHARD):
                units = list(itertools.islice(stream, records.SUBJECTS_PER_SHARD))
                if not units:
                    return
                yield range(start, start + len(units)), functools.partial(read, units)

    def subjects(self, split="train", limit=None, strict=False) -> Iterator[dict]:
        """The subjects of a split, one after the other.

        Args:
          split: one of `splits`.
          limit: only the first so many people (units, where every unit is a person of its own).
          strict: refuse what is broken; else it is left out, and one warning counts and names it.

        Raises:
          InputError: see `units`; or something is broken, if `strict`.
        """
        problems = Problems()
        for _, read in self.shards(split, limit, strict):
            subjects, broken = read()
            problems.add(broken)
            yield from subjects
        problems.warn(self.title)

    def records(self, split="train", limit=None, strict=False) -> list:
        """`subjects` as record files in the user's cache; what is there already is not read again.

        What was left out is told every time: a file beside each shard keeps it.

        Returns:
          list of paths, in order.

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
        # No bar where the output is no terminal.
        with tqdm.tqdm(desc=f"Reading {self.title}", unit=" read", disable=None) as bar:
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
                        raise InputError(f"{broken[0]}. Leave out --strict to skip it.")
                    problems.add(broken)
                bar.update(len(numbers))
        problems.warn(self.title)
        return paths
