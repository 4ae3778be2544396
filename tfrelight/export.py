"""Exports a trained model for TensorFlow Serving.

`python -m tfrelight.export --model=runs/mixed --output_dir=models/tfrelight` writes
`models/tfrelight/1`, the next time `models/tfrelight/2`: TensorFlow Serving's `--model_base_path`
is `models/tfrelight`. A version appears whole or not at all; its `manifest.json` says what it is.
"""

from absl import flags

from tfrelight import cli

flags.DEFINE_string("model", "compact-128", "Preset, or folder of a training run.")
flags.DEFINE_string("output_dir", None, "Folder of the model's numbered versions.", required=True)
flags.DEFINE_enum(
    "precision",
    "float32",
    ["float32", "bfloat16"],
    "What convolutions compute in. bfloat16 is for servers whose CPU has AMX or AVX512-BF16, and "
    "refused if a value then differs by more than 0.01 (of a light, by 1 % of its largest).",
)
flags.DEFINE_bool("warm_up", True, "Write requests that a server answers before it serves.")
flags.DEFINE_enum(
    "format",
    "saved_model",
    ["saved_model", "tflite", "onnx"],
    "saved_model: the next version. tflite, onnx: OUTPUT_DIR/tfrelight.tflite or .onnx, the "
    "network alone: photos of its own size in; albedo, normals, light, mask out.",
)


def main():
    """Exports as the flags say."""
    values = flags.FLAGS
    if values.format == "saved_model":
        from tfrelight.serving import versions

        path = versions.publish(values.model, values.output_dir, values.precision, values.warm_up)
    else:
        from tfrelight.errors import InputError
        from tfrelight.serving import conversion

        for name in ("precision", "warm_up"):
            if values[name].present:
                raise InputError(f"--{name} is for --format=saved_model.")
        path = conversion.convert(values.model, values.output_dir, values.format)
    print(f"Exported {values.model} to {path}.")


if __name__ == "__main__":
    cli.run(main)
