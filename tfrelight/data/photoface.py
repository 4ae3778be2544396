"""The Photoface database: sessions of four photos under four flashes, of 453 people.

Reads the original layout, a folder a session in a folder a person:

    PhotofaceDB/1001/2008-02-23_12-21-31/im0.bmp ... im3.bmp, LightSource.m, metadata.txt

`metadata.txt` holds x and y of eleven landmarks, by which the face is cropped: outer and inner
corner of the left eye, brow, inner and outer corner of the right eye, left side, tip and right side
of the nose, left and right corner of the mouth, chin. `LightSource.m` holds zenith and azimuth of
the four lamps, in the order of the photos. Where the database's Matlab tool, or `python -m
tfrelight.photometric_stereo`, left `sn.mat` and `albedo.mat`, these are the labels of the surface;
else photometric stereo makes them.

Our reading, from descriptions of the database and without a copy of it: the camera's values are
linear; angles are degrees (radians where none passes 2 pi); and since it is not said from where
azimuths count, it is told by the face (`stereo_files.outward`).

Zafeiriou, Hansen, Atkinson, Argyriou, Petrou, Smith, Smith, "The Photoface database", CVPR
workshops 2011. For research, from its authors.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from tfrelight import lights
from tfrelight.data import images, photometric_stereo, portrait, stereo_files
from tfrelight.data.reader import Reader, split_of
from tfrelight.errors import InputError
from tfrelight.files import printable

__all__ = ["Photoface", "Session", "angles", "landmarks", "photos", "surface"]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_LANDMARKS = 11
# Indices of landmarks.
_EYES, _MOUTH = [0, 1, 3, 4], [8, 9]


class Session(NamedTuple):
    """The photos of one session that can be read.

    Attributes:
      images: `[K, H, W]` float32 linear grey in [0, 1].
      numbers: `[K]` int, each photo's place among all .bmp files, in the order of their names.
      files: number of .bmp files.
    """

    images: np.ndarray
    numbers: np.ndarray
    files: int


def _numbers(text):
    return np.array([float(number) for number in re.findall(_NUMBER, text)])


def landmarks(folder):
    """The landmarks of a session, `[11, 2]`: x and y in pixels.

    Raises:
      InputError: `metadata.txt` is missing, or holds other than 22 numbers.
    """
    path = folder / "metadata.txt"
    if not path.is_file():
        raise InputError(f"{path.name} is missing")
    numbers = _numbers(path.read_text(encoding="utf-8", errors="replace"))
    if len(numbers) != 2 * _LANDMARKS:
        raise InputError(f"{path.name} holds {len(numbers)} numbers instead of 22")
    return numbers.reshape(_LANDMARKS, 2)


def angles(folder):
    """Zenith and azimuth of the lamps of a session, `[L, 2]` radians, as `LightSource.m` has them.

    One matrix of two columns (zenith, azimuth) or two rows, or two vectors in this order.

    Raises:
      InputError: the file is missing, or holds something else.
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


def photos(folder, problems):
    """The photos of a session.

    Args:
      folder: of the session.
      problems: lines about photos that are left out are appended to it.

    Raises:
      InputError: fewer than two photos can be used.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".bmp")
    found = images.aligned(paths, lambda path: images.read(path, grey=True), problems)
    return Session(np.stack(list(found.values())), np.array(list(found), int), len(paths))


def surface(folder, session):
    """Photometric stereo of a session, with the lights in our frame.

    Args:
      folder: of the session.
      session: its photos, of any size.

    Returns:
      `photometric_stereo.PhotometricStereo`, and the directions of the photos' lamps, `[K, 3]`.

    Raises:
      InputError: `LightSource.m` is missing or not for these photos, or fewer than three photos.
    """
    zenith, azimuth = angles(folder).T
    if len(zenith) != session.files:
        raise InputError(f"LightSource.m holds {len(zenith)} lamps for {session.files} photos")
    directions = np.stack(
        [np.sin(zenith) * np.cos(azimuth), np.sin(zenith) * np.sin(azimuth), np.cos(zenith)], -1
    )[session.numbers]
    solved = photometric_stereo.solve(session.images, directions)
    if not solved.valid.any():
        raise InputError("photometric stereo found no surface")
    change = stereo_files.outward(solved.normals, solved.valid)
    directions[:, :2] = directions[:, :2] @ change.T
    normals = solved.normals.copy()
    normals[..., :2] = normals[..., :2] @ change.T
    return solved._replace(normals=normals), directions.astype(np.float32)


class Photoface(Reader):
    """Sessions of the Photoface database; a unit is "PERSON/SESSION".

    Args:
      data_dir: the folder PhotofaceDB.
      size: height and width of the face's square.
      labelled: with normals, albedo and lights.
    """

    name = "photoface"
    title = "the Photoface database"
    version = 1

    def units(self, split):
        """See `Reader`; people are told apart by the name of their folder."""
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

    def person(self, unit):
        """See `Reader`."""
        return printable(f"photoface-{unit.partition('/')[0]}")

    def stamp(self):
        """See `Reader`."""
        return [
            (session.name, session.stat().st_mtime_ns)
            for folder in sorted(self.data_dir.iterdir())
            if folder.is_dir()
            for session in sorted(folder.iterdir())
        ]

    def read(self, unit, problems):
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
        subject["lamps"] = tuple(session.numbers.tolist())
        if self.labelled:
            subject.update(self._labels(folder, session, box))
        return [subject]

    def folder(self, unit):
        """Where a unit's files are."""
        return self.data_dir / unit

    def stereo(self, unit, problems):
        """Photometric stereo of a unit at its photos' size, and one of them, `[H, W]` linear."""
        session = photos(self.folder(unit), problems)
        return surface(self.folder(unit), session)[0], session.images[0]

    def _labels(self, folder, session, box):
        solved, directions = surface(folder, session)
        known = solved.normals, solved.albedo, solved.valid
        if stereo_files.exist(folder):
            known = stereo_files.read(folder, session.images.shape[1:])
        x, y, z = directions.T
        azimuths, elevations = np.degrees(np.arctan2(-x, z)), np.degrees(np.arcsin(y))
        flashes = [
            lights.Light.from_direction(*angles).coefficients
            for angles in zip(azimuths, elevations)
        ]
        return portrait.labels(*images.resize_surface(*known, self.size, box), flashes)
