"""Where the files of a trained model lie, without TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tfrelight.errors import InputError
from tfrelight.models import presets

__all__ = ["LAST", "TrainedRun", "locate"]

# Weights of the last epoch, in a run folder.
LAST = "weights/last.weights.h5"


class TrainedRun(NamedTuple):
    """The files of a trained network in a run folder.

    Attributes:
      description: `model.json`.
      weights: of one epoch.
    """

    description: Path
    weights: Path


def locate(model: Path | str) -> presets.WeightsPreset | TrainedRun | Path:
    """Finds the files of a model, without reading the weights.

    Args:
      model: what `tfrelight.load_model` takes, or a `.tflite` file, whose path is the answer.

    Raises:
      InputError: `model` is neither a preset, nor the folder of a training run, nor a weights file
        in such a folder, nor a `.tflite` file.
    """
    path = Path(model)
    if path.suffix == ".tflite":
        if not path.is_file():
            raise InputError(f"No such file: {path}.")
        return path
    if not path.exists() and len(path.parts) == 1:
        return presets.find(str(model))
    weights = path if path.name.endswith(".weights.h5") else path / LAST
    found = TrainedRun(weights.parent.parent / "model.json", weights)
    for file in found:
        if not file.is_file():
            raise InputError(
                f"No trained model in {str(path)!r}: {file} is missing. Expected the folder "
                "of a training run, or a file in its `weights` folder."
            )
    return found
