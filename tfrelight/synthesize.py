"""Renders synthetic portraits: `python -m tfrelight.synthesize --subjects=2000 --output_dir=...`.

The same command again resumes. Of every twenty people eighteen are for training, one for
validation and one for testing. Load the set with
`tfds.load("synthetic_portraits", data_dir=...)`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from absl import flags

from tfrelight import files
from tfrelight.commands import app, cluster_flags
from tfrelight.errors import InputError

__all__ = ["main"]

flags.DEFINE_string("output_dir", None, "Folder to write to; made if it is missing.", required=True)
flags.DEFINE_integer("subjects", 2000, "Number of people.", lower_bound=1)
flags.DEFINE_integer("lights", 8, "Photos of each person, each under its own light.", lower_bound=1)
flags.DEFINE_integer("size", 128, "Height and width of the photos.", lower_bound=16)
flags.DEFINE_integer("seed", 0, "Seed of the people and their lights.", lower_bound=0)
flags.DEFINE_list(
    "framings",
    None,
    "How much of the people is in the photos, as shares: tight:0.3,face:0.22,head:0.22,bust:0.14,"
    "half:0.12 (the default); tight is brows to mouth, half to the waist.",
)
flags.DEFINE_string(
    "environment_dir", None, "Folder of EXR or HDR maps to use instead of built-in ones."
)
flags.DEFINE_string("skin_dir", None, "Folder of skin atlases for the MakeHuman base mesh.")
flags.DEFINE_string(
    "ict_facekit", None, "Folder or packed file of ICT-FaceKit, for half of the heads."
)
flags.DEFINE_integer("processes", None, "Number of processes; default: one a core.", lower_bound=1)
flags.DEFINE_string(
    "runner",
    None,
    "Apache Beam runner to use instead of --processes: DirectRunner, FlinkRunner, SparkRunner, "
    "DataflowRunner, ... All workers must see the folders of the other flags.",
)
flags.DEFINE_list(
    "beam_options",
    [],
    "Options of the runner, such as flink_master=localhost:8081,parallelism=8.",
)
cluster_flags.define()
flags.adopt_module_key_flags(cluster_flags)

_SETTINGS = ("lights", "size", "seed", "environment_dir", "skin_dir", "ict_facekit")


def _share(text):
    """The name and number in a text such as half:0.2."""
    name, _, number = text.partition(":")
    try:
        return name, float(number)
    except ValueError as error:
        raise InputError(
            f"Invalid --framings. Expected NAME:SHARE, such as half:0.2. Received: {text!r}."
        ) from error


def main() -> None:
    """Renders portraits as the flags say."""
    values = flags.FLAGS
    cluster_flags.check()
    if values.dask_scheduler is not None and values.processes is not None:
        raise InputError("--processes is not for --dask_scheduler: choose one.")
    if values.runner is not None and values.processes is not None:
        raise InputError(
            "--processes is not for --runner. Expected an option of the runner, such as "
            "--beam_options=direct_num_workers=4,direct_running_mode=multi_processing."
        )
    if values.beam_options and values.runner is None:
        raise InputError("--beam_options needs a --runner, such as --runner=DirectRunner.")
    if "://" not in values.output_dir:
        files.check_folder(values.output_dir)
    for name in ("environment_dir", "skin_dir", "ict_facekit"):
        path = values[name].value
        if path is not None and not Path(path).exists():
            raise InputError(f"No such file or folder: {path}. Expected that of --{name}.")
    from tfrelight.beam import synthesis_job
    from tfrelight.synthesis import dataset, portraits

    fields: dict[str, Any] = {name: values[name].value for name in _SETTINGS}
    if values.framings is not None:
        fields["framings"] = tuple(_share(text) for text in values.framings)
    settings = portraits.PortraitConfig(**fields)
    if values.runner is not None or values.dask_scheduler is not None:
        folder = synthesis_job.write(
            values.output_dir,
            settings,
            values.subjects,
            values.runner,
            values.beam_options,
            values.dask_scheduler,
        )
    else:
        folder = dataset.write(
            values.output_dir, settings, values.subjects, values.processes, progress=True
        )
    print(f"{values.subjects} subjects with {values.lights} photos each: {folder}")


if __name__ == "__main__":
    app.run(main)
