"""Makes the weights that come with the package: renders people, trains, writes the weights file.

    python tools/train_presets.py --folder=presets --yale_b_dir=CroppedYale

renders the people into `presets/people`, trains `configs/synthetic.flags` on them in three stages
(`_STAGES`), measures the result on the built-in test people and, if its folder is given, on
Extended Yale B, and writes `tfrelight/models/weights`. The same command resumes after a stop.
docs/RESULTS.md has the times on two CPU cores with bfloat16.
"""

import json
import pathlib
import subprocess
import sys

from absl import flags

from tfrelight.commands import app

# Flags of `tfrelight.synthesize` for files that this package does not bring (docs/SYNTHETIC.md).
_ASSETS = ("ict_facekit", "environment_dir", "skin_dir")

flags.DEFINE_string("folder", "presets", "Folder for people, runs and reports.")
flags.DEFINE_string("weights_dir", "tfrelight/models/weights", "Folder of presets to write to.")
flags.DEFINE_integer("people", 2400, "People to render; nine in ten of them are for training.")
flags.DEFINE_integer("test_people", 120, "Built-in people to measure on.")
flags.DEFINE_integer("epochs", 50, "Epochs of the first stage, of 8 pairs per step.")
flags.DEFINE_integer("steps_per_epoch", 100, "Steps per epoch.")
for _name in _ASSETS:
    flags.DEFINE_string(_name, None, f"--{_name} of tfrelight.synthesize, for the people.")
flags.DEFINE_string("yale_b_dir", None, "Folder of Extended Yale B, for measuring only.")

_NAME = "compact-128"
# Each stage starts from the weights of the one before. It has a length, in units of the first, and
# flags beyond the configuration. In the first, strong albedo consistency keeps shadows out of the
# albedo, but also detail, which returns in the second. The third compares with the photos, because
# the labels lack what is dark under every light (between the lips, in nostrils, in the corners of
# the eyes) and second-order shading cannot make it dark; stronger consistency keeps the photos'
# shadows out.
_STAGES = (
    (1.0, ("--albedo_consistency_weight=3", "--mask_weight=0.1")),
    (0.5, ("--learning_rate=1.5e-3",)),
    (
        0.6,
        (
            "--learning_rate=1.5e-3",
            "--albedo_consistency_weight=3",
            "--rendered_targets=multilit",
        ),
    ),
)


def _run(module, *arguments):
    command = [sys.executable, "-m", f"tfrelight.{module}", *arguments]
    print(" ".join(command), flush=True)
    if subprocess.run(command, check=False).returncode:
        sys.exit(f"error: tfrelight.{module} failed. Fix what it reports and start again.")


def _measured(run, folder):
    """Mean and median of every metric, by protocol."""
    datasets = {"synthetic": f"--subjects={flags.FLAGS.test_people}"}
    if flags.FLAGS.yale_b_dir:
        datasets["yale_b"] = f"--data_dir={flags.FLAGS.yale_b_dir}"
    found = {}
    for dataset, which in datasets.items():
        report = folder / f"{dataset}.json"
        _run("evaluate", f"--model={run}", f"--dataset={dataset}", which, f"--report={report}")
        results = json.loads(report.read_text())["results"]
        found[dataset] = {
            f"{group}: {metric}": {
                statistic: round(values[statistic], 4)
                for statistic in ("mean", "median")
                if isinstance(values.get(statistic), (int, float))
            }
            for group, methods in results.items()
            for metric, values in methods.get("model", {}).items()
        }
    return found


def main():
    """Renders, trains, measures, and writes the weights."""
    values = flags.FLAGS
    folder = pathlib.Path(values.folder)
    people = folder / "people"
    folder.mkdir(parents=True, exist_ok=True)
    assets = [f"--{name}={values[name].value}" for name in _ASSETS if values[name].value]
    _run("synthesize", f"--subjects={values.people}", f"--output_dir={people}", *assets)
    run, steps = None, 0
    for number, (length, different) in enumerate(_STAGES, start=1):
        before, run = run, folder / f"{_NAME}-stage{number}"
        epochs = max(1, round(length * values.epochs))
        steps += epochs * values.steps_per_epoch
        _run(
            "train",
            "--flagfile=configs/synthetic.flags",
            f"--synthetic_dir={people}",
            f"--workdir={run}",
            f"--epochs={epochs}",
            f"--steps_per_epoch={values.steps_per_epoch}",
            # Learns the parts a little faster than the default.
            "--parts_weight=1",
            *([f"--initial_weights={before}"] if before else []),
            *different,
        )
    figures = _measured(run, folder)

    from tfrelight.models import loading, presets
    from tfrelight.synthesis import portraits

    description = json.loads((run / "model.json").read_text())
    presets.write(
        values.weights_dir,
        _NAME,
        description["network"],
        description["arguments"],
        loading.load_network(run),
        {
            "trained_on": f"{values.people} synthetic people of this package (generator version "
            f"{portraits.PortraitConfig().version}), without those of the "
            f"validation and test splits; {steps} steps of 8 pairs, seed 0; no real photo",
            "licence": "Apache-2.0; the body model derives from CC0 data",
            "research_only": False,
            "figures": figures,
        },
    )
    print(f"{values.weights_dir}: {_NAME}")


if __name__ == "__main__":
    app.run(main)
