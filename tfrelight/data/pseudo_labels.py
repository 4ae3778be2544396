"""Pseudo-labels: what a trained network says of single photos, where it explains them well.

The recipe of SfSNet: a network that learnt from synthetic portraits labels real photos, and the
next one learns from both. Here a photo is kept where albedo x shading gives it again to a given
error, else it is dropped. A network can explain a photo well and be wrong about it, so such labels
carry its mistakes on; the error keeps out what it does not understand at all.

    write(output_dir, reader, predict, max_error=0.05)

writes `labels-*.tfrecord` (`tfrelight.data.records`), a table of errors beside each, pictures of
the first photos that were kept and dropped, and in the end `pseudo_labels.json`. A run that was
stopped goes on where it was.
"""

from __future__ import annotations

import csv
import io
import json
import pathlib

import numpy as np
import tqdm

from tfrelight import color, harmonics, losses, pictures, shading
from tfrelight import files as whole_files
from tfrelight.data import portrait, records
from tfrelight.data.reader import Problems
from tfrelight.errors import InputError

__all__ = ["files", "reconstruction_errors", "write"]

_SETTINGS, _SUMMARY = "settings.json", "pseudo_labels.json"
# A mask of fewer votes, as a share of the photo, is no head.
_MIN_HEAD = 0.02
# Photos in each of the two pictures.
_SHOWN = 8


def reconstruction_errors(photos, outputs):
    """Mean difference between photos and what their labels give, over the heads.

    Pixels vote that the network takes for the head and that are neither black nor saturated
    (`losses.vote`).

    Args:
      photos: `[N, H, W, 3]` sRGB in [0, 1].
      outputs: the network's dict for them, numpy.

    Returns:
      `[N]`, sRGB in [0, 1]; infinite where hardly a pixel votes.
    """
    rendered = shading.render(outputs["albedo"], outputs["normals"], outputs["light"]).numpy()
    difference = np.abs(color.to_srgb_numpy(rendered) - photos).mean(axis=-1)
    votes = (outputs["mask"][..., 0] > 0.5) * losses.vote(photos).numpy()[..., 0]
    number = votes.sum(axis=(1, 2))
    errors = (difference * votes).sum(axis=(1, 2)) / np.maximum(number, 1)
    return np.where(number >= _MIN_HEAD * votes[0].size, errors, np.inf)


def _labelled(subject, outputs, index):
    """The subject dict of a photo with what the network says of it."""
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
    """Of a picture: the photo and what its labels give."""
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
    """The first few photos of each result, as `kept.png` and `dropped.png`."""

    def __init__(self, folder):
        self._folder = folder
        self._rows = {"kept": [], "dropped": []}

    def add(self, result, photo, outputs, index):
        rows = self._rows[result]
        if len(rows) < _SHOWN:
            rows.append(_row(photo, outputs, index))
            pictures.save(self._folder / f"{result}.png", pictures.page(rows))


def _start(folder, settings):
    """Makes the folder, or checks that it holds these labels."""
    path = folder / _SETTINGS
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        other = [name for name in settings if found.get(name) != settings[name]]
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
    output_dir, reader, predict, max_error, model="", split="train", limit=None, strict=False
):
    """Labels single photos and keeps those that the network explains.

    Args:
      output_dir: folder to write to; made if it is not there.
      reader: `data.reader.Reader` of single photos.
      predict: function of `[N, H, W, 3]` sRGB photos to the model's dict of numpy arrays.
      max_error: photos with a larger `reconstruction_errors` are dropped.
      model: what the network is called, for the settings that are kept with the labels.
      split, limit, strict: see `Reader.subjects`.

    Returns:
      dict, as in `pseudo_labels.json`: the settings; `photos`, `kept`, `dropped` and `broken`, how
      many; `error_quantiles`, of all photos with a head, at 5, 25, 50, 75 and 95 %.

    Raises:
      InputError: the folder holds something else or cannot be written; or see `Reader.subjects`.
    """
    folder = pathlib.Path(output_dir)
    settings = {
        "model": str(model),
        "photos": reader.name,
        "input_dir": str(reader.data_dir.resolve()),
        "split": split,
        "size": reader.size,
        "max_error": max_error,
        "limit": limit,
    }
    writing = records.writing(folder, "Make room, or choose a folder that can be written.")
    with writing:
        _start(folder, settings)
    shown = _Pictures(folder)
    tables = []
    with tqdm.tqdm(desc="Labelling", unit=" photos", disable=None) as bar:
        for numbers, read in reader.shards(split, limit, strict):
            path = folder / f"labels-{numbers.start:08d}-{numbers.stop:08d}.tfrecord"
            tables.append(path.with_suffix(".csv"))
            if not path.exists():
                _write_shard(path, tables[-1], *read(), predict, max_error, shown)
            bar.update(len(numbers))
    return _finish(folder, settings, tables, reader.title)


def _write_shard(path, table, subjects, broken, predict, max_error, shown):
    rows, kept = [("", "", text) for text in broken], []
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
    with records.writing(path.parent, "Make room; what is finished is kept."):
        # The records come last: where they are, the table is.
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
    quantiles = np.quantile(errors, [0.05, 0.25, 0.5, 0.75, 0.95]) if errors else []
    summary = {
        **settings,
        "labelled": photos,
        "kept": kept,
        "dropped": photos - kept,
        "broken": problems.count,
        "error_quantiles": [round(float(quantile), 5) for quantile in quantiles],
    }
    with records.writing(folder, "Make room; what is finished is kept."):
        whole_files.write_json(folder / _SUMMARY, summary)
    return summary


def files(output_dir, size) -> list:
    """The record files of a finished folder.

    Args:
      output_dir: what `write` wrote.
      size: height and width that the photos must have.

    Raises:
      InputError: nothing finished is there, nothing was kept, or the photos have another size.
    """
    folder = pathlib.Path(output_dir)
    try:
        summary = json.loads((folder / _SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"No finished pseudo-labels in {folder}. Expected what python -m "
            f"tfrelight.pseudo_label --output_dir={folder} writes."
        ) from error
    if summary["size"] != size:
        raise InputError(
            f"The photos in {folder} are {summary['size']} pixels wide. Expected {size}. Change "
            "--size, or label them again."
        )
    if not summary["kept"]:
        raise InputError(f"No photo was kept in {folder}. Label with a larger --max_error.")
    return sorted(str(path) for path in folder.glob("labels-*.tfrecord"))
