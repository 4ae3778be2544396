"""Measures a trained model: `python -m tfrelight.evaluate --model=runs/mixed --dataset=yale_b ...`.

Prints tables with 95 % intervals over subjects. --report writes them and all details as JSON,
--markdown as text, and --picture a page with the model's maps of each subject. --against compares
with an earlier report, subject by subject.
"""

from __future__ import annotations

from absl import flags

from tfrelight.commands import app

__all__ = ["main"]

flags.DEFINE_string("model", "compact-128", "Preset, or folder of a training run.")
flags.DEFINE_string(
    "dataset",
    None,
    "yale_b; photoface; sfsnet (its synthetic faces); multilit (any folder PERSON/photo*.jpg); "
    "synthetic (the built-in portraits).",
    required=True,
)
flags.DEFINE_string("data_dir", None, "Folder of the data set, in its original layout.")
flags.DEFINE_string(
    "split",
    "test",
    "Split to measure: test, train or validation; yale_b: test, train or holdout; synthetic: test.",
)
flags.DEFINE_list(
    "subjects",
    None,
    "yale_b: numbers of people, as 31,32 (default: all of --split). synthetic: how many (40).",
)
flags.DEFINE_integer("limit", 0, "Most people to measure, for a first look; 0: all.", lower_bound=0)
flags.DEFINE_string("report", None, "JSON file to write, or to replace.")
flags.DEFINE_string("markdown", None, "Markdown file to write, or to replace.")
flags.DEFINE_string("picture", None, "PNG file to write, or to replace.")
flags.DEFINE_string("against", None, "Report to compare with: the --report of the same protocol.")
flags.DEFINE_bool("strict", False, "Refuse broken photos instead of skipping them.")
flags.DEFINE_integer("seed", 0, "Seed of the pairs and the intervals.", lower_bound=0)


def main() -> None:
    """Evaluates as the flags say."""
    # With -m, absl files the flags of this module under the script's path.
    own = flags.FLAGS.get_key_flags_for_module(flags.FLAGS.find_module_defining_flag("dataset"))
    settings = {flag.name: flag.value for flag in own}

    from tfrelight.evaluation import report
    from tfrelight.evaluation import settings as checking

    checking.check(settings)
    from tfrelight.evaluation import run

    print(report.tables(run.run(settings)))
    for name in ("report", "markdown", "picture"):
        if settings[name]:
            print(f"{name.capitalize()}: {settings[name]}")


if __name__ == "__main__":
    app.run(main)
