"""Runs photometric stereo on a data set and writes `sn.mat` and `albedo.mat` beside its photos."""

from __future__ import annotations

import concurrent.futures
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tfrelight import threads
from tfrelight.data import images
from tfrelight.data.datasets.reader import Problems
from tfrelight.errors import InputError
from tfrelight.photos import pictures
from tfrelight.progress import Progress
from tfrelight.stereo import calibrated, mat_files

__all__ = ["StereoReader", "write"]

# The preview picture: number of rows, and size of each part in pixels.
_ROWS, _PART = 8, 160


class StereoReader(Protocol):
    """A `Reader` that can do photometric stereo on its units."""

    title: str

    def every_unit(self) -> Iterator[Any]:
        """See `Reader`."""

    def place(self, unit: Any) -> str:
        """See `Reader`."""

    def folder(self, unit: Any) -> Path:
        """The folder with a unit's files, which receives the labels."""

    def sources(self, unit: Any) -> list[Path]:
        """The files that `stereo` reads: photos and their lights."""

    def stereo(
        self, unit: Any, problems: list[str]
    ) -> tuple[calibrated.PhotometricStereo, np.ndarray]:
        """The surface of a unit, and one of its photos, linear, at the photos' own size."""


def write(
    reader: StereoReader,
    limit: int | None = None,
    strict: bool = False,
    overwrite: bool = False,
    picture: Path | str | None = None,
) -> dict[str, int]:
    """Writes both files for every unit of a data set, at the photos' own size.

    Files that an earlier call wrote are written again if a photo or its light has changed since.

    Args:
      reader: a reader that can do photometric stereo.
      limit: only the first `limit` units; None for all.
      strict: raise on broken files. Otherwise they are skipped, and one warning counts and names
        them.
      overwrite: replace existing files. Otherwise units that have them, of these photos and
        lights or by another program, are left as they are.
      picture: PNG file to write, with photo, normals and albedo of the first units.

    Returns:
      dict: the number of units `written`, `present` and `skipped`.

    Raises:
      InputError: a file is broken and `strict` is set, or the folder does not hold the data set.
    """
    counts = {"written": 0, "present": 0, "skipped": 0}
    problems = Problems()
    rows: list[dict[str, np.ndarray]] = []

    def work(unit):
        broken = []
        try:
            surface, photo = reader.stereo(unit, broken)
        except (InputError, OSError) as error:
            return None, [*broken, str(error)]
        # The sources now, because `stereo` may have written lights that it estimated.
        mat_files.write(reader.folder(unit), surface, reader.sources(unit))
        return _row(surface, photo), broken

    def pending():
        for unit in itertools.islice(reader.every_unit(), limit):
            folder = reader.folder(unit)
            exist = any((folder / n).exists() for n in (mat_files.NORMALS, mat_files.ALBEDO))
            if exist and not overwrite and not mat_files.outdated(folder, reader.sources(unit)):
                counts["present"] += 1
            else:
                yield unit

    workers = threads.available()
    with (
        concurrent.futures.ThreadPoolExecutor(workers) as pool,
        Progress(f"Photometric stereo of {reader.title}", "done") as bar,
    ):
        todo = pending()
        while units := list(itertools.islice(todo, workers)):
            for unit, (done, broken) in zip(units, pool.map(work, units)):
                broken = [f"{reader.place(unit)}: {' '.join(line.split())}" for line in broken]
                if strict and broken:
                    raise InputError(f"{broken[0]}. Leave out `strict` to skip it.")
                problems.add(broken)
                counts["written" if done else "skipped"] += 1
                if done and len(rows) < _ROWS:
                    rows.append(done)
                bar.update()
    problems.warn(reader.title)
    if picture and rows:
        pictures.save(picture, pictures.page(rows))
    return counts


def _row(surface, photo):
    """A row of the preview: the central squares of photo, normals and albedo."""

    def middle(image):
        return images.resize(image, _PART, images.central_square(image.shape))

    normals = np.where(surface.valid[..., None], surface.normals, 0)
    return {
        "photo": pictures.encoded(middle(photo)),
        "normals": pictures.encoded_normals(middle(normals)),
        "albedo": pictures.encoded(middle(surface.albedo)),
    }
