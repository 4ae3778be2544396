"""Labels single photos with a trained network: `python -m tfrelight.pseudo_label --model=...`.

Photos that the network explains, whose albedo x shading gives them again, are kept as records with
albedo, normals, light and mask; the others are dropped. Train on them with --pseudo_label_dir.
Starting again with the same flags goes on where it stopped.
"""

from absl import flags

from tfrelight import cli

flags.DEFINE_string("model", "compact-128", "Preset, or folder of a training run.")
flags.DEFINE_string(
    "input_dir",
    None,
    "Folder of CelebA (its lists are used: split, crop), or of any photos of one face each.",
    required=True,
)
flags.DEFINE_string("output_dir", None, "Folder to write to; made if not there.", required=True)
flags.DEFINE_integer("size", 128, "Height and width of the labelled photos.", lower_bound=16)
flags.DEFINE_float(
    "max_error",
    0.07,
    "Photos with a larger mean difference from their reconstruction (sRGB, 0 to 1) are dropped.",
    lower_bound=0,
    upper_bound=1,
)
flags.DEFINE_integer("limit", 0, "At most so many photos, for a first look; 0: all.", lower_bound=0)
flags.DEFINE_bool("strict", False, "Refuse broken photos instead of skipping them.")


def main():
    """Labels as the flags say."""
    values = flags.FLAGS
    import tfrelight
    from tfrelight.data import celeba, photo_folder, pseudo_labels
    from tfrelight.evaluation.run import predictor

    kind = celeba.CelebA if celeba.is_celeba(values.input_dir) else photo_folder.PhotoFolder
    reader = kind(values.input_dir, values.size)
    summary = pseudo_labels.write(
        values.output_dir,
        reader,
        predictor(tfrelight.load_model(values.model)),
        values.max_error,
        model=values.model,
        limit=values.limit or None,
        strict=values.strict,
    )
    print(
        "Kept {kept} of {labelled} photos ({dropped} dropped, {broken} broken). Errors at 5, 25, "
        "50, 75, 95 %: {error_quantiles}.".format(**summary)
    )
    print(f"Look at kept.png and dropped.png in {values.output_dir}.")


if __name__ == "__main__":
    cli.run(main)
