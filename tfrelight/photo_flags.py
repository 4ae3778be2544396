"""The flags that commands on photos share; without TensorFlow."""

from absl import flags

__all__ = ["define"]


def define(overwrite=True):
    """Defines the flags.

    Args:
      overwrite: also --overwrite, for commands that write where they are told.
    """
    flags.DEFINE_string("model", "compact-128", "Preset, or folder of a training run.")
    flags.DEFINE_string("faces", "all", "Which: all, largest, or how many, from the largest on.")
    flags.DEFINE_bool("whole_image", False, "Take each photo for a crop of one face; search none.")
    if overwrite:
        flags.DEFINE_bool("overwrite", False, "Write over files that exist.")
