"""The paper's ablation: `python -m tfrelight.experiments --flagfile=configs/ablation.flags`.

Trains with and without the multi-lit losses in both settings of the paper, measures every run on
Extended Yale B and writes tables with paired differences. It first prints how many runs there are
and which are done. The same command again resumes. The flags of tfrelight.train apply to all runs:
--yale_b_dir, --epochs, --batch_size ...; --max_minutes stops after an epoch.
"""

from __future__ import annotations

from absl import flags

from tfrelight import files
from tfrelight.commands import app, config_flags
from tfrelight.errors import InputError
from tfrelight.training.config import TrainConfig

__all__ = ["main"]

flags.DEFINE_string("output_dir", "runs/ablation", "Folder of all runs, reports and tables.")
flags.DEFINE_list(
    "settings",
    ["limited", "mixed"],
    "limited: real photos, with labels for some people; mixed: labelled synthetic portraits and "
    "real photos without labels.",
)
flags.DEFINE_list(
    "labels", ["1", "22", "0", "2", "5"], "limited: numbers of people with labels, one run each."
)
flags.DEFINE_list(
    "variants",
    ["supervised", "all", "cross_relighting", "consistency"],
    "Losses of the runs: supervised (with reconstruction), or these and the multi-lit ones named.",
)
flags.DEFINE_list("seeds", ["0"], "One run each; the tables show their means.")
flags.DEFINE_list(
    "test_subjects", None, "People of Extended Yale B to measure; default: its test people."
)
flags.DEFINE_bool("dry_run", False, "Print the runs without starting them.")
config_flags.define(TrainConfig)
flags.adopt_module_key_flags(config_flags)

# Flags of tfrelight.train that differ between runs, and the flags that set them here.
_SET_BY = {
    "workdir": "--output_dir",
    "seed": "--seeds",
    "labelled_multilit_subjects": "--labels",
}


def main() -> int | None:
    """Runs the remaining experiments; exit status 3 if a run failed."""
    values = flags.FLAGS
    for name, instead in _SET_BY.items():
        if values[name].present:
            raise InputError(f"--{name} is each run's own. Expected {instead}.")
    config = config_flags.read(TrainConfig)
    config.check_files()
    files.check_folder(values.output_dir)
    from tfrelight.evaluation.ablation import plan

    runs = plan.runs(values.settings, values.labels, values.variants, values.seeds)
    for name in plan.MULTILIT:
        if not values[f"{name}_weight"].value:
            raise InputError(f"--{name}_weight=0 leaves nothing to compare. Expected above 0.")
    if not values.yale_b_dir:
        raise InputError("Expected --yale_b_dir, the folder CroppedYale of Extended Yale B.")

    from tfrelight.data.datasets import yale_b as people
    from tfrelight.evaluation import yale_b
    from tfrelight.evaluation.ablation.run import Ablation

    tested = yale_b.chosen(values.yale_b_dir, values.test_subjects)
    reader = people.YaleBReader(values.yale_b_dir, people=values.yale_b_subjects)
    trained = list(reader.units("train"))[: values.limit or None]
    both = sorted(set(trained) & set(tested))
    if both:
        raise InputError(f"Subject {both[0]!r} would be trained on and measured. Choose others.")
    most = max(run.labels for run in runs)
    if most > len(trained):
        raise InputError(
            f"Invalid --labels. Expected at most {len(trained)}, the people to train on. "
            f"Received: {most}."
        )
    ablation = Ablation(values.output_dir, runs, config, tested)
    print(ablation.overview(), flush=True)
    if values.dry_run:
        return None
    failed = ablation.go_on(values.max_minutes)
    print(ablation.overview())
    print(f"Tables: {ablation.path / 'results.md'}")
    return 3 if failed else None


if __name__ == "__main__":
    app.run(main)
