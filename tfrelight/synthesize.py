"""Renders synthetic portraits: `python -m tfrelight.synthesize --subjects=2000 --output_dir=...`.

Starting again with the same flags goes on where it stopped. Of every twenty people eighteen are for
training, one for validation, one for testing. Load the set with
`tfds.load("synthetic_portraits", data_dir=...)`.
"""

from absl import flags

from tfrelight import cli
from tfrelight.errors import InputError

flags.DEFINE_string("output_dir", None, "Folder to write to; made if not there.", required=True)
flags.DEFINE_integer("subjects", 2000, "Number of people.", lower_bound=1)
flags.DEFINE_integer("lights", 8, "Photos of each, every one under its own light.", lower_bound=1)
flags.DEFINE_integer("size", 128, "Height and width of the photos.", lower_bound=16)
flags.DEFINE_integer("seed", 0, "Which people, in which light.", lower_bound=0)
flags.DEFINE_string("environment_dir", None, "Folder of EXR or HDR maps in place of built-in ones.")
flags.DEFINE_string("skin_dir", None, "Folder of skin atlases for the MakeHuman base mesh.")
flags.DEFINE_string("ict_facekit", None, "Folder or packed file of ICT-FaceKit: half the heads.")
flags.DEFINE_integer("processes", None, "Processes; default: one a core.", lower_bound=1)
flags.DEFINE_string(
    "runner",
    None,
    "Render with Apache Beam on this runner (DirectRunner, FlinkRunner, SparkRunner, "
    "DataflowRunner, ...) in place of --processes. All workers must see the folders given.",
)
flags.DEFINE_list(
    "beam_options", [], "Options of the runner, as flink_master=localhost:8081,parallelism=8."
)

_SETTINGS = ("lights", "size", "seed", "environment_dir", "skin_dir", "ict_facekit")


def main():
    """Renders as the flags say."""
    values = flags.FLAGS
    if values.runner is not None and values.processes is not None:
        raise InputError(
            "--processes is not for --runner. Expected the runner's own, as "
            "--beam_options=direct_num_workers=4,direct_running_mode=multi_processing."
        )
    if values.beam_options and values.runner is None:
        raise InputError("--beam_options needs a --runner, as --runner=DirectRunner.")
    from tfrelight.synthesis import beam_pipeline, dataset, portraits

    settings = portraits.Settings(**{name: values[name].value for name in _SETTINGS})
    if values.runner is not None:
        folder = beam_pipeline.write(
            values.output_dir, settings, values.subjects, values.runner, values.beam_options
        )
    else:
        folder = dataset.write(
            values.output_dir, settings, values.subjects, values.processes, progress=True
        )
    print(f"{values.subjects} subjects with {values.lights} photos each: {folder}")


if __name__ == "__main__":
    cli.run(main)
