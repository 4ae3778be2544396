"""Exports a trained model for TensorFlow Serving.

`python -m tfrelight.export --model=runs/mixed --output_dir=models/tfrelight` writes
`models/tfrelight/1`, the next time `models/tfrelight/2`: TensorFlow Serving's `--model_base_path`
is `models/tfrelight`. A version appears whole or not at all.
"""

from absl import flags

from tfrelight import cli

flags.DEFINE_string("model", "compact-128", "Preset, or folder of a training run.")
flags.DEFINE_string("output_dir", None, "Folder of the model's numbered versions.", required=True)


def main():
    """Exports as the flags say."""
    from tfrelight.serving import versions

    path = versions.publish(flags.FLAGS.model, flags.FLAGS.output_dir)
    print(f"Exported {flags.FLAGS.model} to {path}.")


if __name__ == "__main__":
    cli.run(main)
