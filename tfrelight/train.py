"""Trains a network on pairs of photos: `python -m tfrelight.train --flagfile=configs/mixed.flags`.

The folder given as --workdir holds everything about the run; starting again with the same folder
and flags goes on where it stopped and reaches the numbers of an uninterrupted run.
"""

from absl import flags

from tfrelight import cli

flags.DEFINE_string("workdir", "runs/train", "Folder of the run; made if it is not there.")
flags.DEFINE_float(
    "max_minutes",
    0,
    "Stop after the epoch in which training has taken so many; start again to go on. 0: no limit.",
    lower_bound=0,
)

flags.DEFINE_string("network", "compact", "Network: compact or sfsnet.")
flags.DEFINE_string(
    "initial_weights",
    None,
    "Preset, run folder or weights file to begin with, as `compact-128`; default: random weights.",
)
flags.DEFINE_integer("size", 128, "Height and width of photos in the network.", lower_bound=16)
flags.DEFINE_integer("batch_size", 8, "Pairs a step; twice as many photos.", lower_bound=1)
flags.DEFINE_integer("epochs", 20, "Epochs; after each the run is saved.", lower_bound=1)
flags.DEFINE_integer("steps_per_epoch", 100, "Steps an epoch.", lower_bound=1)
flags.DEFINE_float("learning_rate", 2e-3, "Highest learning rate: warm-up to it, cosine to 0.")
flags.DEFINE_integer("warmup_steps", 100, "Steps of linear warm-up.", lower_bound=0)
flags.DEFINE_list(
    "learning_rate_drops",
    [],
    "Steps at which the learning rate falls to a tenth, as 15000,40000; in place of the cosine, "
    "and without a warm-up.",
)
flags.DEFINE_float("weight_decay", 1e-4, "AdamW's weight decay.", lower_bound=0)
flags.DEFINE_integer("seed", 0, "Of weights, order, and augmentation.", lower_bound=0)
flags.DEFINE_string("precision", "auto", "auto, float32, bfloat16 or float16.")
flags.DEFINE_string("strategy", "default", "default, mirrored or multi_worker (TF_CONFIG).")

flags.DEFINE_string(
    "synthetic_dir",
    None,
    "Folder that tfrelight.synthesize (or tfds.load) wrote: all its training people in place of the"
    " built-in ones; --synthetic_subjects, _lights and _seed are then without effect.",
)
flags.DEFINE_integer("synthetic_subjects", 320, "Built-in subjects to train on.", lower_bound=2)
flags.DEFINE_integer("synthetic_lights", 8, "Photos of each built-in subject.", lower_bound=2)
flags.DEFINE_integer("synthetic_seed", 0, "Which built-in subjects.", lower_bound=0)
flags.DEFINE_float(
    "synthetic_share",
    0.5,
    "Share of pairs that are synthetic and labelled.",
    lower_bound=0,
    upper_bound=1,
)
flags.DEFINE_string("yale_b_dir", None, "Folder of Extended Yale B, cropped (yaleB01, ...).")
flags.DEFINE_list("yale_b_subjects", None, "Its subjects to train on; default: this project's 22.")
flags.DEFINE_string("photoface_dir", None, "Folder PhotofaceDB of the Photoface database.")
flags.DEFINE_string("multilit_dir", None, "Folder of any multi-lit photos: PERSON/photo*.jpg ...")
flags.DEFINE_string(
    "sfsnet_dir", None, "Folder of SfSNet's synthetic faces, in place of built-in labelled ones."
)
flags.DEFINE_string("celeba_dir", None, "Folder of CelebA: single photos without labels.")
flags.DEFINE_string(
    "pseudo_label_dir", None, "Folder that tfrelight.pseudo_label wrote: single labelled photos."
)
flags.DEFINE_float(
    "single_share",
    0.2,
    "Share of pairs that are two single photos, where a folder of such is given.",
    lower_bound=0,
    upper_bound=1,
)
flags.DEFINE_integer(
    "limit", 0, "At most so many people of each data set, for a first look; 0: all.", lower_bound=0
)
flags.DEFINE_integer(
    "labelled_multilit_subjects", 0, "Multi-lit subjects that keep their labels.", lower_bound=0
)
flags.DEFINE_float(
    "labelled_multilit_share",
    0.5,
    "Their share of the multi-lit pairs, where others have none; 0: everybody has the same.",
    lower_bound=0,
    upper_bound=1,
)
flags.DEFINE_list(
    "rendered_targets",
    ["synthetic", "multilit"],
    "Which fully labelled photos (synthetic, multilit, single) reconstruction and cross-relighting "
    "compare with what the labels render; all others with the photo itself.",
)
flags.DEFINE_bool("strict", False, "Refuse broken photos instead of skipping them.")

for _name, _weight, _help in (
    ("reconstruction", 1.0, "Its own albedo x shading against each photo."),
    ("albedo", 2.0, "Albedo against its label."),
    ("normal", 1.0, "Normals against their label."),
    ("light", 0.5, "Light against its label."),
    ("mask", 0.2, "Mask against its label."),
    ("cross_relighting", 3.0, "The same under the other light of the pair; multi-lit."),
    ("albedo_consistency", 2.5, "The albedo of both photos of a pair; multi-lit."),
    ("normal_consistency", 0.5, "The normals of both photos of a pair; multi-lit."),
):
    flags.DEFINE_float(f"{_name}_weight", _weight, f"{_help} 0: off.", lower_bound=0)

# What may change between the starts of one run without changing its numbers.
_NOT_SETTINGS = ("workdir", "max_minutes")


def own_flags():
    """The flags that make a run's settings: all that change its numbers."""
    # Run with -m, this module's flags are filed under the script's path.
    own = flags.FLAGS.get_key_flags_for_module(flags.FLAGS.find_module_defining_flag("workdir"))
    return [flag for flag in own if flag.name not in _NOT_SETTINGS]


def main():
    """Trains as the flags say."""
    settings = {flag.name: flag.value for flag in own_flags()}

    from tfrelight.training import strategies

    # Before the other imports, which run operations of TensorFlow.
    strategy = strategies.create(flags.FLAGS.strategy)
    from tfrelight.training import run

    run.train(flags.FLAGS.workdir, settings, strategy, flags.FLAGS.max_minutes)


if __name__ == "__main__":
    cli.run(main)
