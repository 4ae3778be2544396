"""Normals and albedo of photometric stereo as files: `sn.mat` and `albedo.mat` beside the photos.

Names and variables are those of the Photoface database's Matlab tool: `px`, `py`, `pz` in `sn.mat`,
and `a` in `albedo.mat`, where 255 is 1. If `pz` is missing, unit vectors determine it.
"""

from __future__ import annotations

import pathlib
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import scipy.io

from tfrelight import files
from tfrelight.errors import InputError

if TYPE_CHECKING:
    from tfrelight.stereo.calibrated import PhotometricStereo

__all__ = ["ALBEDO", "NORMALS", "exist", "outdated", "outward", "read", "write"]

NORMALS, ALBEDO = "sn.mat", "albedo.mat"
# The variable of `sn.mat` that tells what it was made of.
_STAMP = "tfrelight_stamp"

# What SciPy raises for a broken file, depending on where it is broken.
_BROKEN = (
    ValueError,
    TypeError,
    IndexError,
    NotImplementedError,
    zlib.error,
    scipy.io.matlab.MatReadError,
)


def outward(normals: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """The change of axes with which a surface bulges towards the camera, as a head does.

    Tools disagree on whether y points up or down and where azimuth starts, and their files do not
    say. On a head, normals right of the middle point right, and those above it point up. Of the
    eight ways to swap and mirror x and y, this one gives the largest covariances between normal and
    position.

    Args:
      normals: `[H, W, 3]`.
      valid: `[H, W]` bool, not empty.

    Returns:
      `[2, 2]` float32 matrix of x and y; the identity if the axes are ours, x right and y up.
    """
    row, column = np.nonzero(valid)
    place = np.stack([column - column.mean(), row.mean() - row])
    turned = normals[valid][:, :2] - normals[valid][:, :2].mean(axis=0)
    covariance = place @ turned  # [place, normal]
    kept, exchanged = np.diag(covariance), np.diag(covariance[:, ::-1])
    if np.abs(kept).sum() >= np.abs(exchanged).sum():
        return np.diag(np.where(kept < 0, -1, 1)).astype(np.float32)
    return np.diag(np.where(exchanged < 0, -1, 1)).astype(np.float32)[:, ::-1]


def exist(folder: pathlib.Path | str) -> bool:
    """Whether a folder has both files."""
    folder = pathlib.Path(folder)
    return (folder / NORMALS).is_file() and (folder / ALBEDO).is_file()


def outdated(folder: pathlib.Path | str, sources: Iterable[pathlib.Path]) -> bool:
    """Whether `write` made the files of other photos and lights than those that are there now.

    False for files of other programs, which do not say what they were made of.

    Args:
      folder: of the files.
      sources: the files that the surface is computed from.
    """
    folder = pathlib.Path(folder)
    try:
        found = scipy.io.loadmat(folder / NORMALS, variable_names=[_STAMP])
    # No file, or one that `read` refuses.
    except (OSError, *_BROKEN):
        return False
    return _STAMP in found and str(found[_STAMP][0]) != files.stamp(sources, folder)


def _load(path, names, optional=()):
    try:
        content = scipy.io.loadmat(path)
        found = {name: np.asarray(content[name], np.float32) for name in names}
        found.update(
            (name, np.asarray(content[name], np.float32)) for name in optional if name in content
        )
        return found
    except KeyError as error:
        raise InputError(f"{path.name} has no variable {error}") from error
    except (OSError, *_BROKEN) as error:
        raise InputError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error


def read(
    folder: pathlib.Path | str, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads normals and albedo.

    Args:
      folder: of both files.
      shape: (H, W) of the photos.

    Returns:
      normals `[H, W, 3]` float32 unit vectors in our frame (`outward`), (0, 0, 1) where not valid;
      albedo `[H, W]` or `[H, W, 3]` float32 linear in [0, 1], 0 where not valid; valid `[H, W]`
      bool.

    Raises:
      InputError: a file is missing, broken or of another size, or holds no surface.
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
    normals = np.zeros_like(vectors) + np.array([0, 0, 1], np.float32)
    normals[valid] = vectors[valid] / length[valid, None]
    normals[valid, :2] = normals[valid, :2] @ outward(normals, valid).T
    albedo = np.where(valid if albedo.ndim == 2 else valid[..., None], albedo, 0)
    return normals, np.clip(albedo, 0, 1).astype(np.float32), valid


def write(
    folder: pathlib.Path | str,
    surface: PhotometricStereo,
    sources: Iterable[pathlib.Path] | None = None,
) -> None:
    """Writes both files, each atomically; pixels that are not valid are 0.

    Args:
      folder: of the photos.
      surface: what `calibrated.solve` or `uncalibrated.solve` found.
      sources: the files that it was computed from, for `outdated`; None says nothing of them.
    """
    folder = pathlib.Path(folder)
    made_of = {} if sources is None else {_STAMP: files.stamp(sources, folder)}
    vectors = np.where(surface.valid[..., None], surface.normals, 0).astype(np.float32)
    x, y, z = np.moveaxis(vectors, -1, 0)
    for name, content in (
        (ALBEDO, {"a": surface.albedo * np.float32(255)}),
        (NORMALS, {"px": x, "py": y, "pz": z, **made_of}),
    ):
        # savemat appends .mat to names that do not end in it.
        with files.replacing(folder / name, suffix=".mat") as temporary:
            scipy.io.savemat(temporary, content, do_compression=True)
