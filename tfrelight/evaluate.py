"""Measures a trained model: `python -m tfrelight.evaluate --model=runs/mixed --dataset=yale_b ...`.

Prints tables with 95 % intervals over subjects; --report writes them and all details as JSON,
--markdown as a page of text, --picture a page with what the model made of each subject. --against
compares with an earlier report, subject by subject.
"""

from absl import flags

from tfrelight import cli

flags.DEFINE_string("model", "compact-128", "Preset, or folder of a training run.")
flags.DEFINE_string(
    "dataset",
    None,
    "yale_b; photoface; sfsnet: its synthetic faces; multilit: any folder PERSON/photo*.jpg; or "
    "synthetic: the built-in ones.",
    required=True,
)
flags.DEFINE_string("data_dir", None, "Folder of the data set, in its original layout.")
flags.DEFINE_string(
    "split",
    "test",
    "Whom to measure: test, train, validation; yale_b: test, train, kept_aside; synthetic: test.",
)
flags.DEFINE_list(
    "subjects",
    None,
    "yale_b: numbers of people, as 31,32; default: all of --split. synthetic: how many (40).",
)
flags.DEFINE_integer("limit", 0, "At most so many people, for a first look; 0: all.", lower_bound=0)
flags.DEFINE_string("report", None, "JSON file to write.")
flags.DEFINE_string("markdown", None, "Markdown file to write.")
flags.DEFINE_string("picture", None, "PNG file to write.")
flags.DEFINE_string("against", None, "Another --report, of the same protocol: paired differences.")
flags.DEFINE_bool("strict", False, "Refuse broken photos instead of skipping them.")
flags.DEFINE_integer("seed", 0, "Of the pairs and the intervals.", lower_bound=0)


def main():
    """Evaluates as the flags say."""
    # Run with -m, this module's flags are filed under the script's path.
    own = flags.FLAGS.get_key_flags_for_module(flags.FLAGS.find_module_defining_flag("dataset"))
    settings = {flag.name: flag.value for flag in own}

    from tfrelight.evaluation import report, run

    print(report.tables(run.run(settings)))


if __name__ == "__main__":
    cli.run(main)
