"""Pseudo-labels: a trained network's decompositions of single photos, as labels for training.

SfSNet's recipe: a network that learnt from synthetic portraits labels real photos, and the next
network learns from both. A photo is kept if albedo x shading reproduces it within a given error.
This drops photos that the network does not understand; the labels of the others still carry its
mistakes.

    write(output_dir, reader, predict, max_error=0.05)

writes `labels-*.tfrecord` (`tfrelight.data.records`) with a table of errors beside each, pictures
of the first photos that were kept and dropped, and finally `pseudo_labels.json`. The same call
resumes a run that was stopped.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tfrelight import color, harmonics, shading
from tfrelight import files as whole_files
from tfrelight.data import portrait, records
from tfrelight.data.datasets.reader import Problems, Reader
from tfrelight.errors import InputError
from tfrelight.models import losses
from tfrelight.photos import pictures
from tfrelight.progress import Progress

__all__ = ["files", "reconstruction_errors", "write"]

_SETTINGS, _SUMMARY = "settings.json", "pseudo_labels.json"
_MAKE_ROOM = "Make room and start again; finished files are kept."
# Photos with a smaller share of usable pixels show no head.
_MIN_HEAD = 0.02
# Photos in each of the two pictures.
_SHOWN = 8


def reconstruction_errors(photos: np.ndarray, outputs: dict[str, np.ndarray]) -> np.ndarray:
    """Mean difference between photos and albedo x shading, over the heads.

    The mean is over pixels of the network's mask that are neither black nor saturated
    (`losses.vote`).

    Args:
      photos: `[N, H, W, 3]` sRGB-encoded, in [0, 1].
      outputs: the network's outputs for them, numpy.

    Returns:
      `[N]`, sRGB-encoded, in [0, 1]; infinite if less than 2 % of the pixels are usable.
    """
    rendered = shading.render(outputs["albedo"], outputs["normals"], outputs["light"]).numpy()
    difference = np.abs(color.to_srgb_numpy(rendered) - photos).mean(axis=-1)
    usable = (outputs["mask"][..., 0] > 0.5) * losses.vote(photos).numpy()[..., 0]
    number = usable.sum(axis=(1, 2))
    errors = (difference * usable).sum(axis=(1, 2)) / np.maximum(number, 1)
    return np.where(number >= _MIN_HEAD * usable[0].size, errors, np.inf)


def _labelled(subject, outputs, index):
    """The subject dict of a photo with the network's outputs as labels."""
    mask = np.clip(outputs["mask"][index], 0, 1)
    return {
        **subject,
        **portrait.labels(
            outputs["normals"][index], outputs["albedo"][index], [outputs["light"][index]]
        ),
        "mask": np.round(mask * 255).astype(np.uint8),
        "has_mask": 1.0,
    }


def _row(photo, outputs, index):
    """A row of a picture: the photo, its labels, and albedo x shading."""
    albedo, normals, light = (outputs[name][index] for name in ("albedo", "normals", "light"))
    shaded = harmonics.shade(normals, light)
    return {
        "photo": photo,
        "albedo": pictures.encoded(albedo),
        "normals": pictures.encoded_normals(normals),
        "shading / 2": pictures.encoded(shaded / 2),
        "reconstruction": pictures.encoded(np.maximum(albedo * shaded, 0)),
        "mask": np.repeat(outputs["mask"][index], 3, axis=-1),
    }


class _Pictures:
    """Shows the first few photos of each result in `kept.png` and `dropped.png`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: dict[str, list[dict[str, np.ndarray]]] = {"kept": [], "dropped": []}

    def add(self, result, photo, outputs, index):
        rows = self._rows[result]
        if len(rows) < _SHOWN:
            rows.append(_row(photo, outputs, index))
            pictures.save(self._folder / f"{result}.png", pictures.page(rows))


def _stamp_of(model):
    """What changes when the weights of a model's folder or file do."""
    path = Path(model)
    weights = path / "weights"
    paths = weights.glob("*") if weights.is_dir() else [path] if path.is_file() else []
    return whole_files.stamp(paths, path)


def _start(folder, settings):
    """Creates the folder, or checks that it holds labels with the same settings."""
    path = folder / _SETTINGS
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        other = [name for name in settings if found.get(name) != settings[name]]
        for stamp, name in (("photos_stamp", "input_dir"), ("model_stamp", "model")):
            if other[:1] == [stamp]:
                raise InputError(
                    f"{settings[name]} has changed since {folder} was begun. Choose another output "
                    "folder, so that its labels are all of one kind."
                )
        if other:
            raise InputError(
                f"{folder} holds pseudo-labels with another {other[0]}: {found.get(other[0])!r} "
                f"instead of {settings[other[0]]!r}. Choose another output folder."
            )
        return
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty and holds no pseudo-labels. Choose another one.")
    folder.mkdir(parents=True, exist_ok=True)
    whole_files.write_json(path, settings)


def write(
    output_dir: Path | str,
    reader: Reader,
    predict: Callable[[np.ndarray], dict[str, np.ndarray]],
    max_error: float,
    model: Path | str = "",
    split: str = "train",
    limit: int | None = None,
    strict: bool = False,
) -> dict[str, Any]:
    """Labels single photos and keeps those that the network explains.

    Args:
      output_dir: folder to write to; it is created if necessary.
      reader: reader of single photos.
      predict: function from `[N, H, W, 3]` sRGB-encoded photos to the model's outputs, numpy.
      max_error: drop photos with larger `reconstruction_errors`.
      model: the model's name, recorded with the labels.
      split, limit, strict: see `Reader.subjects`.

    Returns:
      The content of `pseudo_labels.json`: the settings; the numbers `labelled`, `kept`, `dropped`
      and `broken`; `error_quantiles` over all photos with a head, at 5, 25, 50, 75 and 95 %.

    Raises:
      InputError: the folder holds something else, labels of other photos, or cannot be written; no
        photo can be read; or see `Reader.subjects`.
    """
    folder = Path(output_dir)
    settings = {
        "model": str(model),
        "photos": reader.name,
        "input_dir": str(reader.data_dir.resolve()),
        "split": split,
        "size": reader.size,
        "max_error": max_error,
        "limit": limit,
        "photos_stamp": reader.stamp(),
        "model_stamp": _stamp_of(model),
    }
    writing = records.writing(folder, "Make room, or choose a folder that can be written.")
    with writing:
        _start(folder, settings)
    shown = _Pictures(folder)
    tables = []
    with Progress("Labelling", "photos") as bar:
        for numbers, read in reader.shards(split, limit, strict):
            path = folder / f"labels-{numbers.start:08d}-{numbers.stop:08d}.tfrecord"
            tables.append(path.with_suffix(".csv"))
            if not path.exists():
                _write_shard(path, tables[-1], *read(), predict, max_error, shown)
            bar.update(len(numbers))
    return _finish(folder, settings, tables, reader.title)


def _write_shard(path, table, subjects, broken, predict, max_error, shown):
    rows = [("", "", text) for text in broken]
    kept = []
    if subjects:
        photos = np.concatenate([subject["images"] for subject in subjects]) / np.float32(255)
        outputs = predict(photos)
        for index, error in enumerate(reconstruction_errors(photos, outputs)):
            subject = subjects[index]
            result = "kept" if error <= max_error else "dropped"
            if result == "kept":
                kept.append(_labelled(subject, outputs, index))
            rows.append((subject["subject"], f"{error:.5f}", result))
            shown.add(result, photos[index], outputs, index)
    text = io.StringIO()
    csv.writer(text).writerows([("photo", "error", "result"), *rows])
    with records.writing(path.parent, _MAKE_ROOM):
        # The records come last, so that a shard always has its table.
        whole_files.write_text(table, text.getvalue())
        records.write_shard(path, kept)


def _finish(folder, settings, tables, title):
    errors, kept, photos, problems = [], 0, 0, Problems()
    for table in tables:
        with open(table, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if not row["photo"]:
                    problems.add([row["result"]])
                    continue
                photos += 1
                kept += row["result"] == "kept"
                if np.isfinite(float(row["error"])):
                    errors.append(float(row["error"]))
    problems.warn(title)
    if not photos:
        raise InputError(
            f"No photo of {title} was labelled, and {problems.count} were skipped. "
            f"Expected photos in {settings['input_dir']} that can be read."
        )
    quantiles = np.quantile(errors, [0.05, 0.25, 0.5, 0.75, 0.95]) if errors else []
    summary = {
        **settings,
        "labelled": photos,
        "kept": kept,
        "dropped": photos - kept,
        "broken": problems.count,
        "error_quantiles": [round(float(quantile), 5) for quantile in quantiles],
    }
    with records.writing(folder, _MAKE_ROOM):
        whole_files.write_json(folder / _SUMMARY, summary)
    return summary


def files(output_dir: Path | str, size: int) -> list[str]:
    """The record files of a finished folder.

    Args:
      output_dir: folder that `write` wrote.
      size: the expected height and width of the photos.

    Raises:
      InputError: the folder is not finished, no photo was kept, or the photos have another size.
    """
    folder = Path(output_dir)
    try:
        summary = json.loads((folder / _SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"No finished pseudo-labels in {folder}. Write them with python -m "
            f"tfrelight.pseudo_label --output_dir={folder}."
        ) from error
    if summary["size"] != size:
        raise InputError(
            f"The photos in {folder} are {summary['size']} pixels wide. Expected {size}. Change "
            "`size`, or label the photos again."
        )
    if not summary["kept"]:
        raise InputError(f"No photo was kept in {folder}. Label again with a larger `max_error`.")
    return sorted(str(path) for path in folder.glob("labels-*.tfrecord"))
