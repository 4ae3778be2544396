"""Compares the accuracy of variants of `compact`, trained with equal settings.

    python benchmarks/exactness.py --flagfile=configs/synthetic.flags --epochs=5 \
      --synthetic_dir=presets/people --measure_dir=CroppedYale --networks=compact,deeper

It takes the flags of `tfrelight.train`, apart from those that the comparison decides. Each network
trains in OUTPUT_DIR/NETWORK, and the same command resumes after a stop. It measures the development
training people of Extended Yale B (the first --limit of them), so that the test people take no part
in any choice; none of the measured people may be trained on.
"""

import dataclasses
import pathlib

import variants
from absl import flags

from tfrelight.commands import app, config_flags
from tfrelight.errors import InputError
from tfrelight.training.config import TrainConfig

flags.DEFINE_list("networks", ["compact"], f"compact, sfsnet, {', '.join(variants.VARIANTS)}.")
flags.DEFINE_string("measure_dir", None, "Folder CroppedYale to measure on.", required=True)
flags.DEFINE_string("output_dir", "runs/exactness", "Folder of the runs.")
config_flags.define(TrainConfig)
flags.adopt_module_key_flags(config_flags)

# Flags of training that the comparison decides, and what it expects in their place.
_REFUSED = {
    "network": "--networks",
    "max_minutes": "no limit",
    "strategy": "one device",
    "yale_b_dir": "no photos of the people to measure",
}
# Title, group and metric of the report, statistic, digits.
_COLUMNS = (
    ("cross-relighting, si-RMSE", "cross_relighting", "si_rmse", "mean", 4),
    ("light, median degrees", "light_direction", "degrees", "median", 1),
    ("normals, mean degrees", "normals", "degrees", "mean", 1),
    ("albedo across lights", "consistency", "albedo", "mean", 3),
)


def main():
    """Trains and measures each network and prints its row of a Markdown table."""
    values = flags.FLAGS
    for name, instead in _REFUSED.items():
        if values[name].present:
            raise InputError(f"This comparison does not take --{name}. Expected {instead}.")
    from tfrelight.evaluation import yale_b
    from tfrelight.models import networks, precision
    from tfrelight.training import run as training

    variants.register()
    for name in values.networks:
        if name not in networks.NETWORKS:
            raise InputError(
                f"Invalid --networks. Expected some of: {', '.join(networks.NETWORKS)}. "
                f"Received: {name!r}."
            )
    people = yale_b.chosen(values.measure_dir, split="train")[: values.limit or None]
    config = config_flags.read(TrainConfig)
    lines = ["| network | " + " | ".join(title for title, *_ in _COLUMNS) + " |"]
    lines.append("|---" * (len(_COLUMNS) + 1) + "|")
    for name in values.networks:
        folder = pathlib.Path(values.output_dir) / name
        training.train(dataclasses.replace(config, workdir=str(folder), network=name))
        # The precision of `tfrelight.evaluate`.
        precision.set_precision("float32")
        lines.append(f"| {name} | " + " | ".join(_cells(folder, people)) + " |")
        print(*lines, sep="\n", flush=True)
        lines = []


def _cells(folder, people):
    """The figures of a run's network on some people, each with its interval."""
    import tfrelight
    from tfrelight.evaluation import yale_b
    from tfrelight.models import predictor

    predict = predictor.predictor(tfrelight.load_model(folder))
    results = yale_b.evaluate(predict, flags.FLAGS.measure_dir, people)[1].summary(0)
    for _, group, metric, statistic, digits in _COLUMNS:
        found = results[group]["model"][metric]
        low, high = found[f"{statistic}_interval"]
        yield f"{found[statistic]:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


if __name__ == "__main__":
    app.run(main)
