"""Adds normals and albedo to photos under known lights: `python -m tfrelight.photometric_stereo`.

Writes sn.mat (px, py, pz) and albedo.mat (a) beside the photos of every session or person, as
Photoface's Matlab tool does. The same command again resumes. With --model, people of a multi-lit
folder need no lights.csv: the command estimates the lights of their photos and writes them too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from absl import flags

from tfrelight import files
from tfrelight.commands import app
from tfrelight.errors import InputError
from tfrelight.models import locating

__all__ = ["main"]

_DATASETS = ("photoface", "yale_b", "multilit")

flags.DEFINE_string(
    "dataset",
    None,
    "photoface; yale_b; or multilit (PERSON/photo*.jpg with lights.csv).",
    required=True,
)
flags.DEFINE_string("data_dir", None, "Folder of the data set.", required=True)
flags.DEFINE_integer(
    "limit", 0, "Most sessions or people to process, for a first look; 0: all.", lower_bound=0
)
flags.DEFINE_string(
    "model",
    None,
    "Preset (compact-128) or folder of a training run, for --dataset=multilit: estimates lights "
    "that are not in a lights.csv. Expects photos of one distant lamp each in a dark room, 8 or "
    "more of each person.",
)
flags.DEFINE_bool("strict", False, "Stop at broken data instead of skipping it.")
flags.DEFINE_bool("overwrite", False, "Overwrite existing files.")
flags.DEFINE_string(
    "picture", None, "PNG file to write or replace, with the first photos, normals and albedos."
)


def main() -> None:
    """Writes normals and albedo as the flags say."""
    values = flags.FLAGS
    if values.dataset not in _DATASETS:
        raise InputError(
            f"Unknown dataset {values.dataset!r}. Expected one of: {', '.join(_DATASETS)}."
        )
    if values.model and values.dataset != "multilit":
        raise InputError(
            "--model is for --dataset=multilit. The lights of other data sets are known."
        )
    if not Path(values.data_dir).is_dir():
        raise InputError(f"No such folder: {values.data_dir}. Expected photos of people.")
    if values.picture:
        files.check_new(values.picture, overwrite=True)
    if values.model:
        locating.locate(values.model)
    from tfrelight.data.datasets import multilit, photoface, stereo_labels, yale_b
    from tfrelight.stereo import mat_files

    readers = (photoface.PhotofaceReader, yale_b.YaleBReader, multilit.MultilitReader)
    reader = dict(zip(_DATASETS, readers))[values.dataset]
    options: dict[str, Any] = {}
    if values.model:
        from tfrelight.models import loading
        from tfrelight.models.predictor import predictor

        options["predict"] = predictor(loading.load_model(values.model))
    counts = stereo_labels.write(
        reader(values.data_dir, **options),
        values.limit or None,
        values.strict,
        values.overwrite,
        values.picture,
    )
    if not counts["written"] + counts["present"]:
        unknown = values.dataset == "multilit" and not values.model
        raise InputError(
            f"Nothing was written: {counts['skipped']} of {counts['skipped']} skipped, see above."
            + (
                " Write the photos' lights into a lights.csv (photo,azimuth,elevation), or let "
                "--model=compact-128 estimate them."
                if unknown
                else ""
            )
        )
    print(
        "{written} written, {present} already there, {skipped} skipped: {names} beside the "
        "photos in {folder}.".format(
            **counts,
            names=f"{mat_files.NORMALS} and {mat_files.ALBEDO}",
            folder=values.data_dir,
        )
    )
    if values.picture and counts["written"]:
        print(f"Picture: {values.picture}")


if __name__ == "__main__":
    app.run(main)
