"""Adds normals and albedo to photos under known lights: `python -m tfrelight.photometric_stereo`.

Writes sn.mat (px, py, pz) and albedo.mat (a) beside the photos of every session or person, as
Photoface's Matlab tool does. Starting again goes on where it stopped. With --model, people of a
multi-lit folder need no lights.csv: the lights of their photos are told and written as well.
"""

from absl import flags

from tfrelight import cli

flags.DEFINE_string(
    "dataset",
    None,
    "photoface; yale_b; or multilit: PERSON/photo*.jpg ... with lights.csv.",
    required=True,
)
flags.DEFINE_string("data_dir", None, "Folder of the data set.", required=True)
flags.DEFINE_integer(
    "limit", 0, "At most so many sessions or people, for a first look; 0: all.", lower_bound=0
)
flags.DEFINE_string(
    "model",
    None,
    "Preset (compact-128) or folder of a training run, for --dataset=multilit: tells lights that "
    "are not in a lights.csv. "
    "The photos must be of one distant lamp each, in the dark; 8 or more of each person.",
)
flags.DEFINE_bool("strict", False, "Stop at what is broken instead of skipping it.")
flags.DEFINE_bool("overwrite", False, "Also where there are such files already.")
flags.DEFINE_string("picture", None, "PNG file to write: the first photos, normals and albedos.")


def main():
    """Does what the flags say."""
    values = flags.FLAGS
    from tfrelight.data import multilit, photoface, stereo_files, yale_b
    from tfrelight.errors import InputError
    from tfrelight.evaluation import report

    readers = {
        "photoface": photoface.Photoface,
        "yale_b": yale_b.ExtendedYaleB,
        "multilit": multilit.MultilitFolder,
    }
    if values.dataset not in readers:
        raise InputError(
            f"Unknown dataset {values.dataset!r}. Expected one of: {', '.join(readers)}."
        )
    if values.picture:
        report.writable(values.picture)
    options = {}
    if values.model:
        if values.dataset != "multilit":
            raise InputError("--model is for --dataset=multilit: all other lights are known.")
        import tfrelight
        from tfrelight.evaluation.run import predictor

        options["predict"] = predictor(tfrelight.load_model(values.model))
    counts = stereo_files.add(
        readers[values.dataset](values.data_dir, **options),
        values.limit or None,
        values.strict,
        values.overwrite,
        values.picture,
    )
    print(
        "{written} written, {present} left as they were, {skipped} skipped: {names} beside the "
        "photos.".format(**counts, names=f"{stereo_files.NORMALS} and {stereo_files.ALBEDO}")
    )


if __name__ == "__main__":
    cli.run(main)
