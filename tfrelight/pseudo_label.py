"""Labels single photos with a trained network: `python -m tfrelight.pseudo_label --model=...`.

Keeps the photos that albedo x shading reproduces well, as records with albedo, normals, light and
mask, and drops the others. Train on them with --pseudo_label_dir. The same command again resumes.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from tfrelight import files
from tfrelight.commands import app
from tfrelight.errors import InputError
from tfrelight.models import locating

__all__ = ["main"]

flags.DEFINE_string("model", "compact-128", "Preset, or folder of a training run.")
flags.DEFINE_string(
    "input_dir",
    None,
    "Folder of CelebA, whose lists give split and crop, or of any photos with one face each.",
    required=True,
)
flags.DEFINE_string("output_dir", None, "Folder to write to; made if it is missing.", required=True)
flags.DEFINE_integer("size", 128, "Height and width of the labelled photos.", lower_bound=16)
flags.DEFINE_float(
    "max_error",
    0.07,
    "Largest mean difference of a kept photo from its reconstruction (sRGB, 0 to 1).",
    lower_bound=0,
    upper_bound=1,
)
flags.DEFINE_integer("limit", 0, "Most photos to label, for a first look; 0: all.", lower_bound=0)
flags.DEFINE_bool("strict", False, "Refuse broken photos instead of skipping them.")


def main() -> None:
    """Labels photos as the flags say."""
    values = flags.FLAGS
    if not Path(values.input_dir).is_dir():
        raise InputError(f"No such folder: {values.input_dir}. Expected a folder of photos.")
    files.check_folder(values.output_dir)
    locating.locate(values.model)
    from tfrelight.data.datasets import celeba, photo_folder
    from tfrelight.models import loading
    from tfrelight.models.predictor import predictor
    from tfrelight.training import pseudo_labels

    reader: celeba.CelebAReader | photo_folder.PhotoFolderReader
    if celeba.is_celeba(values.input_dir):
        reader = celeba.CelebAReader(values.input_dir, values.size)
    else:
        reader = photo_folder.PhotoFolderReader(values.input_dir, values.size)
    summary = pseudo_labels.write(
        values.output_dir,
        reader,
        predictor(loading.load_model(values.model)),
        values.max_error,
        model=values.model,
        limit=values.limit or None,
        strict=values.strict,
    )
    print(
        "Kept {kept} of {labelled} photos ({dropped} dropped, {broken} broken). Errors at 5, 25, "
        "50, 75, 95 %: {error_quantiles}.".format(**summary)
    )
    if not summary["kept"]:
        raise InputError(
            f"No photo was kept. Look at dropped.png in {values.output_dir}. Expected photos "
            "cropped to one face, or a larger --max_error."
        )
    print(f"Look at kept.png and dropped.png in {values.output_dir}.")


if __name__ == "__main__":
    app.run(main)
