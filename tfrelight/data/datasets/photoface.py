"""The Photoface database: sessions of four photos under four flashes, of 453 people.

Reads the original layout, a folder for each session inside a folder for each person:

    PhotofaceDB/1001/2008-02-23_12-21-31/im0.bmp ... im3.bmp, LightSource.m, metadata.txt

`metadata.txt` holds x and y of eleven landmarks, used to crop the face: outer and inner corner of
the left eye, brow, inner and outer corner of the right eye, left side, tip and right side of the
nose, left and right corner of the mouth, chin. `LightSource.m` holds zenith and azimuth of the four
lamps, in the order of the photos. The labels come from `sn.mat` and `albedo.mat` if the database's
Matlab tool or `python -m tfrelight.photometric_stereo` wrote them, else from photometric stereo.

Our reading, from descriptions of the database and without a copy of it: pixel values are linear;
angles are in degrees, or in radians if none exceeds 2 pi. The descriptions do not define where
azimuth starts, so the shape of the face decides (`mat_files.outward`).

Zafeiriou, Hansen, Atkinson, Argyriou, Petrou, Smith, Smith, "The Photoface database", CVPR
workshops 2011. For research, from its authors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tfrelight import files, lights
from tfrelight.data import images, portrait
from tfrelight.data.datasets.reader import Reader, split_of
from tfrelight.errors import InputError
from tfrelight.files import printable
from tfrelight.stereo import calibrated, mat_files

__all__ = ["PhotofaceReader", "Session", "angles", "landmarks", "photos", "surface"]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_LANDMARKS = 11
# Indices into the landmarks: corners of the eyes, corners of the mouth.
_EYES, _MOUTH = [0, 1, 3, 4], [8, 9]


class Session(NamedTuple):
    """The usable photos of one session.

    Attributes:
      images: `[K, H, W]` float32 linear grey in [0, 1].
      numbers: `[K]` int, each photo's position among all .bmp files sorted by name.
      files: number of .bmp files.
    """

    images: np.ndarray
    numbers: np.ndarray
    files: int


def _numbers(text):
    return np.array([float(number) for number in re.findall(_NUMBER, text)])


def landmarks(folder: Path) -> np.ndarray:
    """Reads the landmarks of a session: x and y in pixels, `[11, 2]`.

    Raises:
      InputError: `metadata.txt` is missing or does not hold 22 numbers.
    """
    path = folder / "metadata.txt"
    if not path.is_file():
        raise InputError(f"{path.name} is missing")
    numbers = _numbers(path.read_text(encoding="utf-8", errors="replace"))
    if len(numbers) != 2 * _LANDMARKS:
        raise InputError(f"{path.name} holds {len(numbers)} numbers instead of 22")
    return numbers.reshape(_LANDMARKS, 2)


def angles(folder: Path) -> np.ndarray:
    """Reads zenith and azimuth of a session's lamps from `LightSource.m`, `[L, 2]` radians.

    The file holds one matrix with two columns (zenith, azimuth) or two rows, or two vectors in this
    order.

    Raises:
      InputError: the file is missing or holds something else.
    """
    path = folder / "LightSource.m"
    if not path.is_file():
        raise InputError(f"{path.name} is missing")
    text = path.read_text(encoding="utf-8", errors="replace")
    text = re.sub(r"%.*", "", text).replace("...", " ")
    matrices = [
        [_numbers(row) for row in re.split(r"[;\n]", matrix) if _numbers(row).size]
        for matrix in re.findall(r"\[([^\]]*)\]", text)
    ]
    if len(matrices) == 2:
        matrices = [[np.concatenate(rows) for rows in matrices if rows]]
    rows = matrices[0] if len(matrices) == 1 else []
    if len(rows) == 2 and len(rows[0]) == len(rows[1]) != 2:
        rows = list(zip(*rows))
    if len(rows) < 2 or any(len(row) != 2 for row in rows):
        raise InputError(f"{path.name} does not hold zenith and azimuth of each lamp")
    found = np.array(rows, np.float64)
    return np.radians(found) if np.abs(found).max() > 2 * np.pi else found


def photos(folder: Path, problems: list[str]) -> Session:
    """Reads the photos of a session.

    Args:
      folder: the session's folder.
      problems: receives a line about each photo that is left out.

    Raises:
      InputError: fewer than two photos can be used.
    """
    paths = _photo_paths(folder)
    found = images.aligned(paths, lambda path: images.read(path, grey=True), problems)
    return Session(np.stack(list(found.values())), np.array(list(found), int), len(paths))


def _photo_paths(folder):
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == ".bmp")


def surface(folder: Path, session: Session) -> tuple[calibrated.PhotometricStereo, np.ndarray]:
    """Photometric stereo of a session, in this package's frame.

    Args:
      folder: the session's folder.
      session: its photos, of any size.

    Returns:
      The surface, and the unit vectors towards the photos' lamps, `[K, 3]`.

    Raises:
      InputError: `LightSource.m` is missing or has another number of lamps, fewer than three
        photos, or no surface found.
    """
    zenith, azimuth = angles(folder).T
    if len(zenith) != session.files:
        raise InputError(f"LightSource.m holds {len(zenith)} lamps for {session.files} photos")
    directions = np.stack(
        [np.sin(zenith) * np.cos(azimuth), np.sin(zenith) * np.sin(azimuth), np.cos(zenith)], -1
    )[session.numbers]
    solved = calibrated.solve(session.images, directions)
    if not solved.valid.any():
        raise InputError("photometric stereo found no surface")
    change = mat_files.outward(solved.normals, solved.valid)
    directions[:, :2] = directions[:, :2] @ change.T
    normals = solved.normals.copy()
    normals[..., :2] = normals[..., :2] @ change.T
    return solved._replace(normals=normals), directions.astype(np.float32)


class PhotofaceReader(Reader):
    """Reads sessions of the Photoface database; a unit is "PERSON/SESSION".

    Args:
      data_dir: the folder PhotofaceDB.
      size: height and width of the face's square.
      labelled: include normals, albedo and lights.
    """

    name = "photoface"
    title = "the Photoface database"
    version = 1

    def units(self, split: str) -> Iterator[str]:
        """See `Reader`; the name of a folder identifies the person."""
        found = False
        for folder in sorted(path for path in self.data_dir.iterdir() if path.is_dir()):
            for session in sorted(path.name for path in folder.iterdir() if path.is_dir()):
                found = True
                if split_of(self.person(folder.name)) == split:
                    yield f"{folder.name}/{session}"
        if not found:
            raise InputError(
                f"No sessions in {self.data_dir}. Expected folders such as "
                "1001/2008-02-23_12-21-31 with four .bmp files each."
            )

    def person(self, unit: str) -> str:
        """See `Reader`."""
        return printable(f"photoface-{unit.partition('/')[0]}")

    def stamp(self) -> Any:
        """See `Reader`."""
        found = self.data_dir.glob("*/*/*")
        return files.stamp((path for path in found if path.is_file()), self.data_dir)

    def read(self, unit: str, problems: list[str]) -> list[dict[str, Any]]:
        """See `Reader`."""
        folder = self.data_dir / unit
        session = photos(folder, problems)
        points = landmarks(folder)
        box = images.face_square(
            points[_EYES].mean(axis=0), points[_MOUTH].mean(axis=0), session.images.shape[1:]
        )
        small = np.stack([images.resize(image, self.size, box) for image in session.images])
        grey = np.repeat(images.encode(small)[..., None], 3, axis=-1)
        subject = portrait.unlabelled(self.person(unit), grey)
        if self.labelled:
            subject.update(self._labels(unit, session, box))
        return [subject]

    def folder(self, unit: str) -> Path:
        """The folder with a unit's files."""
        return self.data_dir / unit

    def sources(self, unit: str) -> list[Path]:
        """The files from which `stereo` computes the surface."""
        folder = self.folder(unit)
        return [*_photo_paths(folder), *folder.glob("LightSource.m")]

    def stereo(
        self, unit: str, problems: list[str]
    ) -> tuple[calibrated.PhotometricStereo, np.ndarray]:
        """Photometric stereo of a session at the photos' own size.

        Args:
          unit: the session.
          problems: receives a line about each photo that is left out.

        Returns:
          The surface, and the first photo, `[H, W]` linear grey.

        Raises:
          InputError: see `photos` and `surface`.
        """
        session = photos(self.folder(unit), problems)
        return surface(self.folder(unit), session)[0], session.images[0]

    def _labels(self, unit, session, box):
        folder = self.folder(unit)
        solved, directions = surface(folder, session)
        known = solved.normals, solved.albedo, solved.valid
        if mat_files.exist(folder) and not mat_files.outdated(folder, self.sources(unit)):
            known = mat_files.read(folder, session.images.shape[1:])
        x, y, z = directions.T
        azimuths, elevations = np.degrees(np.arctan2(-x, z)), np.degrees(np.arcsin(y))
        flashes = [
            lights.Light.from_direction(*angles).coefficients
            for angles in zip(azimuths, elevations)
        ]
        return portrait.labels(*images.resize_surface(*known, self.size, box), flashes)
