"""Normals and albedo of photometric stereo as files: `sn.mat` and `albedo.mat` beside the photos.

The names and variables are those of the Photoface database's Matlab tool: `px`, `py`, `pz` in
`sn.mat`, `a` in `albedo.mat`, on the scale of 8-bit photos (255 is 1). A file without `pz` is
completed to unit vectors.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import os
import pathlib
import zlib

import numpy as np
import scipy.io
import tqdm

from tfrelight import files, pictures
from tfrelight.data import images
from tfrelight.data.reader import Problems
from tfrelight.errors import InputError

__all__ = ["ALBEDO", "NORMALS", "add", "exist", "outward", "read", "write"]

NORMALS, ALBEDO = "sn.mat", "albedo.mat"

# Rows of the picture that shows results, and the size of its parts.
_SHOWN, _SHOWN_SIZE = 8, 160


def outward(normals, valid):
    """The change of axes that makes a surface bulge towards the camera, as a head does.

    Tools do not agree on whether y falls or rises along the rows, or from where azimuths count, and
    their files do not say. Right of the middle of a head its normals turn to the right, above it
    up; of the eight ways to exchange and mirror x and y, this is the one with which they do, in the
    sense of the covariances between normal and place.

    Args:
      normals: `[H, W, 3]`.
      valid: `[H, W]` bool, not empty.

    Returns:
      `[2, 2]` float32, the identity where the frame is ours: x right, y up.
    """
    row, column = np.nonzero(valid)
    place = np.stack([column - column.mean(), row.mean() - row])
    turned = normals[valid][:, :2] - normals[valid][:, :2].mean(axis=0)
    covariance = place @ turned  # [place, normal]
    kept, exchanged = np.diag(covariance), np.diag(covariance[:, ::-1])
    if np.abs(kept).sum() >= np.abs(exchanged).sum():
        return np.diag(np.where(kept < 0, -1, 1)).astype(np.float32)
    return np.diag(np.where(exchanged < 0, -1, 1)).astype(np.float32)[:, ::-1]


def exist(folder):
    """Whether a folder holds both files."""
    folder = pathlib.Path(folder)
    return (folder / NORMALS).is_file() and (folder / ALBEDO).is_file()


def _load(path, names, optional=()):
    try:
        content = scipy.io.loadmat(path)
        found = {name: np.asarray(content[name], np.float32) for name in names}
        found.update(
            (name, np.asarray(content[name], np.float32)) for name in optional if name in content
        )
        return found
    except KeyError as error:
        raise InputError(f"{path.name} holds no variable {error}") from error
    # What scipy raises depends on where the file is broken.
    except (
        OSError,
        ValueError,
        TypeError,
        IndexError,
        NotImplementedError,
        zlib.error,
        scipy.io.matlab.MatReadError,
    ) as error:
        raise InputError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error


def read(folder, shape):
    """Normals and albedo from a folder.

    Args:
      folder: holds both files.
      shape: (H, W) of the photos.

    Returns:
      normals `[H, W, 3]` float32 unit vectors in our frame (`outward`), (0, 0, 1) where not valid;
      albedo `[H, W]` or `[H, W, 3]` float32 in [0, 1], 0 where not valid; valid `[H, W]` bool.

    Raises:
      InputError: a file is missing, broken, of another size, or empty of a surface.
    """
    folder = pathlib.Path(folder)
    for name in (NORMALS, ALBEDO):
        if not (folder / name).is_file():
            raise InputError(f"{name} is missing")
    parts = _load(folder / NORMALS, ("px", "py"), ("pz",))
    albedo = _load(folder / ALBEDO, ("a",))["a"] / 255.0
    x, y = parts["px"], parts["py"]
    z = parts.get("pz")
    if z is None:
        z = np.sqrt(np.maximum(1 - x**2 - y**2, 0))
    sizes = [x.shape, y.shape, z.shape, albedo.shape[:2]]
    if any(size != tuple(shape) for size in sizes):
        raise InputError(f"{NORMALS} and {ALBEDO} are not of the photos' size {shape}: {sizes}")
    vectors = np.stack([x, y, z], axis=-1)
    length = np.linalg.norm(vectors, axis=-1)
    brightness = albedo if albedo.ndim == 2 else albedo.max(axis=-1)
    valid = np.isfinite(length) & np.isfinite(brightness) & (length > 1e-3) & (brightness > 0)
    valid &= vectors[..., 2] > 0
    if not valid.any():
        raise InputError(f"{NORMALS} and {ALBEDO} hold no surface that faces the camera")
    normals = np.zeros_like(vectors) + np.float32([0, 0, 1])
    normals[valid] = vectors[valid] / length[valid, None]
    normals[valid, :2] = normals[valid, :2] @ outward(normals, valid).T
    albedo = np.where(valid if albedo.ndim == 2 else valid[..., None], albedo, 0)
    return normals, np.clip(albedo, 0, 1).astype(np.float32), valid


def write(folder, surface):
    """Writes both files, each whole or not at all.

    Args:
      folder: where the photos are.
      surface: `photometric_stereo.PhotometricStereo`. Where it is not valid, zeros are written.
    """
    folder = pathlib.Path(folder)
    vectors = np.where(surface.valid[..., None], surface.normals, 0).astype(np.float32)
    x, y, z = np.moveaxis(vectors, -1, 0)
    for name, content in (
        (ALBEDO, {"a": surface.albedo * np.float32(255)}),
        (NORMALS, {"px": x, "py": y, "pz": z}),
    ):
        # savemat appends .mat to names that do not end in it.
        with files.replacing(folder / name, suffix=".mat") as aside:
            scipy.io.savemat(aside, content, do_compression=True)


def add(reader, limit=None, strict=False, overwrite=False, picture=None):
    """Writes both files for every unit of a data set, from photometric stereo at the photos' size.

    Args:
      reader: of a data set with known lights; has the methods `folder` and `stereo`.
      limit: only the first so many units.
      strict: stop at what is broken; else it is named, counted and left out.
      overwrite: also where there are such files already; else those units are left as they are.
      picture: PNG file that shows the first few: photo, normals, albedo.

    Returns:
      dict: `written`, `present` and `skipped`, how many units.

    Raises:
      InputError: something is broken, if `strict`, or the folder is not that of the data set.
    """
    counts, problems, rows = {"written": 0, "present": 0, "skipped": 0}, Problems(), []

    def work(unit):
        broken = []
        try:
            surface, photo = reader.stereo(unit, broken)
        except (InputError, OSError) as error:
            return None, [*broken, str(error)]
        write(reader.folder(unit), surface)
        return _row(surface, photo), broken

    def pending():
        for unit in itertools.islice(reader.every_unit(), limit):
            folder = reader.folder(unit)
            if not overwrite and ((folder / NORMALS).exists() or (folder / ALBEDO).exists()):
                counts["present"] += 1
            else:
                yield unit

    workers = len(os.sched_getaffinity(0))
    with (
        concurrent.futures.ThreadPoolExecutor(workers) as pool,
        tqdm.tqdm(desc=f"Photometric stereo of {reader.title}", unit=" done", disable=None) as bar,
    ):
        todo = pending()
        while units := list(itertools.islice(todo, workers)):
            for unit, (done, broken) in zip(units, pool.map(work, units)):
                broken = [f"{reader.place(unit)}: {' '.join(line.split())}" for line in broken]
                if strict and broken:
                    raise InputError(f"{broken[0]}. Leave out --strict to skip it.")
                problems.add(broken)
                counts["written" if done else "skipped"] += 1
                if done and len(rows) < _SHOWN:
                    rows.append(done)
                bar.update()
    problems.warn(reader.title)
    if picture and rows:
        pictures.save(picture, pictures.page(rows))
    return counts


def _row(surface, photo):
    """Of a picture: a photo and what photometric stereo makes of it, the middle of each."""

    def middle(image):
        return images.resize(image, _SHOWN_SIZE, images.central_square(image.shape))

    normals = np.where(surface.valid[..., None], surface.normals, 0)
    return {
        "photo": pictures.encoded(middle(photo)),
        "normals": pictures.encoded_normals(middle(normals)),
        "albedo": pictures.encoded(middle(surface.albedo)),
    }
