"""How exact variants of `compact` become, all trained alike.

    python benchmarks/exactness.py --flagfile=configs/synthetic.flags --epochs=5 \
      --synthetic_dir=presets/people --measure_dir=CroppedYale --networks=compact,deeper

Takes the flags of `tfrelight.train` but those that OUTPUT_DIR/NETWORK, a run of each, or this
comparison decides. Stopped, it goes on where it was. Measured are the development training people
of Extended Yale B, so that the test people choose nothing: train on none of them (--limit holds for
them too).
"""

import pathlib

import variants
from absl import flags

from tfrelight import cli, train
from tfrelight.errors import InputError

flags.DEFINE_list("networks", ["compact"], f"compact, sfsnet, {', '.join(variants.VARIANTS)}.")
flags.DEFINE_string("measure_dir", None, "Folder CroppedYale, to measure on.", required=True)
flags.DEFINE_string("output_dir", "runs/exactness", "Folder of the runs.")
flags.adopt_module_key_flags(train)

_REFUSED = {
    "network": "--networks",
    "max_minutes": "no limit",
    "strategy": "one device",
    "yale_b_dir": "no photos of those who are measured",
}
# Title, group and metric of the report, statistic, digits.
_COLUMNS = (
    ("cross-relighting, si-RMSE", "cross_relighting", "si_rmse", "mean", 4),
    ("light, median degrees", "light_direction", "degrees", "median", 1),
    ("normals, mean degrees", "normals", "degrees", "mean", 1),
    ("albedo across lights", "consistency", "albedo", "mean", 3),
)


def main():
    """Trains and measures each, and prints a line of a Markdown table for each."""
    values = flags.FLAGS
    for name, instead in _REFUSED.items():
        if values[name].present:
            raise InputError(f"--{name} is not for this comparison. Expected {instead}.")
    from tfrelight.evaluation import yale_b
    from tfrelight.models import precision, presets
    from tfrelight.training import run as training

    variants.register()
    for name in values.networks:
        if name not in presets.NETWORKS:
            raise InputError(
                f"Invalid --networks. Expected some of: {', '.join(presets.NETWORKS)}. "
                f"Received: {name!r}."
            )
    people = yale_b.chosen(values.measure_dir, split="train")[: values.limit or None]
    settings = {flag.name: flag.value for flag in train.own_flags()}
    lines = ["| network | " + " | ".join(title for title, *_ in _COLUMNS) + " |"]
    lines.append("|---" * (len(_COLUMNS) + 1) + "|")
    for name in values.networks:
        folder = pathlib.Path(values.output_dir) / name
        training.train(folder, {**settings, "network": name})
        # As `tfrelight.evaluate` does, whatever trained.
        precision.set_precision("float32")
        lines.append(f"| {name} | " + " | ".join(_cells(folder, people)) + " |")
        print(*lines, sep="\n", flush=True)
        lines = []


def _cells(folder, people):
    """What the network of a run makes of some people, a figure with its interval each."""
    import tfrelight
    from tfrelight.evaluation import run, yale_b

    predict = run.predictor(tfrelight.load_model(folder))
    results = yale_b.evaluate(predict, flags.FLAGS.measure_dir, people)[1].summary(0)
    for _, group, metric, statistic, digits in _COLUMNS:
        found = results[group]["model"][metric]
        low, high = found[f"{statistic}_interval"]
        yield f"{found[statistic]:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


if __name__ == "__main__":
    cli.run(main)
