"""Normals and albedo of photometric stereo as files: `sn.mat` and `albedo.mat` beside the photos.

The names and variables are those of the Photoface database's Matlab tool: `px`, `py`, `pz` in
`sn.mat`, `a` in `albedo.mat`, on the scale of 8-bit photos (255 is 1). A file without `pz` is
completed to unit vectors.
"""

from __future__ import annotations

import pathlib
import zlib

import numpy as np
import scipy.io

from tfrelight import files
from tfrelight.errors import InputError

__all__ = ["ALBEDO", "NORMALS", "exist", "outward", "read", "write"]

NORMALS, ALBEDO = "sn.mat", "albedo.mat"


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
