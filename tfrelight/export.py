"""Exports a trained model for TensorFlow Serving.

`python -m tfrelight.export --model=runs/mixed --output_dir=models/tfrelight` writes
`models/tfrelight/1`, the next time `models/tfrelight/2`; `models/tfrelight` is TensorFlow Serving's
`--model_base_path`. A version appears complete or not at all. Its `manifest.json` describes it.
"""

from __future__ import annotations

from absl import flags

from tfrelight import files, progress
from tfrelight.commands import app
from tfrelight.errors import InputError
from tfrelight.models import locating

__all__ = ["main"]

flags.DEFINE_string("model", "compact-128", "Preset, or folder of a training run.")
flags.DEFINE_string("output_dir", None, "Folder of the model's numbered versions.", required=True)
flags.DEFINE_enum(
    "precision",
    "float32",
    ["float32", "bfloat16"],
    "Precision of convolutions. bfloat16 is for servers with a CPU that has AMX or AVX512-BF16; "
    "the export is refused if a value then differs by more than 0.01 (of a light, by more than 1 % "
    "of its largest coefficient).",
)
flags.DEFINE_bool(
    "warm_up", True, "Write warm-up requests, which a server runs before it offers the version."
)
flags.DEFINE_enum(
    "format",
    "saved_model",
    ["saved_model", "tflite", "onnx"],
    "saved_model writes the next version. tflite and onnx write or replace "
    "OUTPUT_DIR/tfrelight.tflite or .onnx, the signature decompose for photos of the network's own "
    "size.",
)


def main() -> None:
    """Exports the model that the flags name."""
    values = flags.FLAGS
    if values.format != "saved_model":
        for name in ("precision", "warm_up"):
            if values[name].present:
                raise InputError(f"--{name} is for --format=saved_model.")
    locating.locate(values.model)
    files.check_folder(values.output_dir)
    with progress.Progress(f"Exporting {values.model}"):
        if values.format == "saved_model":
            from tfrelight.serving import versions

            path = versions.publish(
                values.model, values.output_dir, values.precision, values.warm_up
            )
        else:
            from tfrelight.serving import conversion

            path = conversion.convert(values.model, values.output_dir, values.format)
    print(f"Exported {values.model} to {path}.")


if __name__ == "__main__":
    app.run(main)
