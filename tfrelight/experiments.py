"""The paper's ablation: `python -m tfrelight.experiments --flagfile=configs/ablation.flags`.

Trains with and without the multi-lit losses, in both settings of the paper, measures every run on
Extended Yale B and writes tables with paired differences. Says first how many runs there are and
which are done; starting again goes on where it stopped. Every flag of tfrelight.train is one of all
runs: --yale_b_dir, --epochs, --batch_size ...; --max_minutes stops after an epoch.
"""

from absl import flags

from tfrelight import cli, train
from tfrelight.errors import InputError

flags.DEFINE_string("output_dir", "runs/ablation", "Folder of all runs, reports and tables.")
flags.DEFINE_list(
    "settings",
    ["limited", "mixed"],
    "limited: real photos, labels for some of the people; mixed: labelled synthetic portraits and "
    "real photos without labels.",
)
flags.DEFINE_list(
    "labels", ["1", "22", "0", "2", "5"], "limited: how many people have labels, a run each."
)
flags.DEFINE_list(
    "variants",
    ["supervised", "all", "cross_relighting", "consistency"],
    "Which losses: supervised and reconstruction only, or with those multi-lit ones.",
)
flags.DEFINE_list("seeds", ["0"], "A run each; tables are of their means.")
flags.DEFINE_list("test_subjects", None, "Extended Yale B's people to measure; default: its test.")
flags.DEFINE_bool("dry_run", False, "Only say what there is to do.")
flags.adopt_module_key_flags(train)

# What tells the runs apart, and the flags that say it.
_OF_RUNS = {
    "workdir": "--output_dir",
    "seed": "--seeds",
    "labelled_multilit_subjects": "--labels",
}


def main():
    """Does what is left of the experiments; status 3 if a run failed."""
    values = flags.FLAGS
    for name, instead in _OF_RUNS.items():
        if values[name].present:
            raise InputError(f"--{name} is each run's own. Expected {instead}.")
    from tfrelight.ablation import plan

    runs = plan.runs(values.settings, values.labels, values.variants, values.seeds)
    for name in plan.MULTILIT:
        if not values[f"{name}_weight"].value:
            raise InputError(f"--{name}_weight=0 leaves nothing to compare. Expected above 0.")
    if not values.yale_b_dir:
        raise InputError("Expected --yale_b_dir, Extended Yale B's folder CroppedYale.")

    from tfrelight.ablation.run import Ablation
    from tfrelight.data import yale_b as people
    from tfrelight.evaluation import yale_b

    tested = yale_b.chosen(values.yale_b_dir, values.test_subjects)
    reader = people.ExtendedYaleB(values.yale_b_dir, people=values.yale_b_subjects)
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
    own = train.own_flags()
    ablation = Ablation(
        values.output_dir,
        runs,
        {flag.name: flag.value for flag in own},
        {flag.name: flag.default for flag in own},
        tested,
    )
    print(ablation.overview(), flush=True)
    if values.dry_run:
        return None
    failed = ablation.go_on(values.max_minutes)
    print(ablation.overview())
    print(f"Tables: {ablation.path / 'results.md'}")
    return 3 if failed else None


if __name__ == "__main__":
    cli.run(main)
