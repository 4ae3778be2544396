"""How exact variants of `compact` become, all trained alike on synthetic portraits.

    python benchmarks/exactness.py --flagfile=configs/synthetic.flags --workdir=runs/exactness \
      --synthetic_dir=presets/people --epochs=5 --measure_dir=CroppedYale --networks=compact,deeper

Takes every flag of `tfrelight.train`; --workdir gets a run for each network. Stopped, it goes on
where it was. Measured are the development training people of Extended Yale B, of whom none of these
runs has seen a photo, so that the test people choose nothing.
"""

import pathlib

import variants
from absl import flags

from tfrelight import cli, train

flags.DEFINE_list("networks", ["compact"], f"compact, sfsnet, {', '.join(variants.VARIANTS)}.")
flags.DEFINE_string("measure_dir", None, "Folder CroppedYale, to measure on.", required=True)

# Title, group and metric of the report, statistic, digits.
_COLUMNS = (
    ("cross-relighting, si-RMSE", "cross_relighting", "si_rmse", "mean", 4),
    ("light, median degrees", "light_direction", "degrees", "median", 1),
    ("normals, mean degrees", "normals", "degrees", "mean", 1),
    ("albedo across lights", "consistency", "albedo", "mean", 3),
)


def main():
    """Trains and measures each, and prints a line of a Markdown table after each."""
    from tfrelight.evaluation import run as evaluation
    from tfrelight.training import run as training

    variants.register()
    settings = {flag.name: flag.value for flag in train.own_flags()}
    measuring = {
        "dataset": "yale_b",
        "data_dir": flags.FLAGS.measure_dir,
        "split": "train",
        "subjects": None,
        **dict.fromkeys(("report", "markdown", "picture", "against")),
        "limit": settings["limit"],
        "strict": False,
        "seed": 0,
    }
    titles = ["network", *(column[0] for column in _COLUMNS)]
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for name in flags.FLAGS.networks:
        workdir = pathlib.Path(flags.FLAGS.workdir) / name
        training.train(workdir, {**settings, "network": name})
        results = evaluation.run({**measuring, "model": str(workdir)})["results"]
        cells = [name]
        for _, group, metric, statistic, digits in _COLUMNS:
            found = results[group]["model"][metric]
            low, high = found[f"{statistic}_interval"]
            cells.append(f"{found[statistic]:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]")
        lines.append("| " + " | ".join(cells) + " |")
        print("\n".join(lines), flush=True)


if __name__ == "__main__":
    cli.run(main)
