"""Loads trained networks, from a preset or from a training run.

A preset is a trained network that comes with the package (`models.presets`). The folder of a
training run holds `model.json` (network, its arguments, versions) and `weights/last.weights.h5`.
`load_model` turns either into a Keras model for photos of any size.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from tfrelight import files
from tfrelight.errors import InputError
from tfrelight.models import layers, locating, networks, photo_arrays, presets
from tfrelight.models.locating import LAST
from tfrelight.version import __version__

__all__ = [
    "BEST",
    "BEST_BY",
    "BEST_BY_REAL",
    "BEST_SO_FAR",
    "LAST",
    "PhotoModel",
    "best_epoch",
    "describe",
    "load_model",
    "load_network",
    "of_any_size",
]

# Weights in a run folder of its best epoch: the last that `metrics.json` marks with `BEST_SO_FAR`.
# `best_epoch` alone does not tell it, because held-out people may come and go between resumes.
BEST = "weights/best.weights.h5"
BEST_SO_FAR = "best_so_far"
# Logs of an epoch: the loss on held-out synthetic portraits, and the cross-relighting loss on real
# people who are held out, if there are any.
BEST_BY, BEST_BY_REAL = "val_loss", "val_real_cross_relighting"


def best_epoch(epochs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The logs of a run's best epoch: the first with the lowest `BEST_BY_REAL`, or else `BEST_BY`.

    Args:
      epochs: the logs of all epochs, as in `metrics.json`. Every one needs `BEST_BY_REAL` for it to
        decide. An epoch whose number is not finite is never the best, unless all are so.
    """
    name = BEST_BY_REAL if all(BEST_BY_REAL in epoch for epoch in epochs) else BEST_BY
    return min(epochs, key=lambda epoch: epoch[name] if math.isfinite(epoch[name]) else math.inf)


def describe(folder: Path | str, network: str, arguments: dict[str, Any]) -> None:
    """Writes `model.json`, which tells `load_model` what network to build.

    Args:
      folder: the run folder.
      network: one of `networks.NETWORKS`.
      arguments: its arguments, JSON-serialisable.
    """
    description = {
        "network": network,
        "arguments": arguments,
        "tfrelight": __version__,
        "keras": keras.__version__,
    }
    files.write_json(Path(folder) / "model.json", description)


def load_network(model: Path | str = presets.DEFAULT) -> keras.Model:
    """Loads a trained network, whose input has one fixed size.

    Args:
      model: a preset (`presets.names`), a run folder, or one weights file in its `weights` folder.

    Returns:
      A functional model of `networks.NETWORKS`.

    Raises:
      InputError: `model` is neither a preset nor such a folder or file; or the description or the
        weights are missing, damaged, or belong to another network.
    """
    found = locating.locate(model)
    if isinstance(found, presets.WeightsPreset):
        network = networks.build(found.network, **found.arguments)
        presets.restore(network, found)
        return network
    if isinstance(found, Path):
        raise InputError(
            f"{found} is for LiteRT, and cannot be trained or exported. Expected a preset or the "
            "folder of a training run."
        )
    description, weights = found
    try:
        stored = json.loads(description.read_text())
        name, arguments = stored["network"], stored["arguments"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{description} is not a model description: {error}.") from error
    network = networks.build(name, **arguments)
    try:
        with warnings.catch_warnings():
            # Keras 3 only warns about weights that are not there.
            warnings.simplefilter("error", UserWarning)
            network.load_weights(weights)
    except (OSError, ValueError, KeyError, UserWarning) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{weights} does not hold the weights of {name} {arguments}: {reason}."
        ) from error
    return network


def load_model(model: Path | str = presets.DEFAULT) -> keras.Model:
    """Loads a trained model for photos of any size.

        model = tfrelight.load_model()
        maps = model.predict(images)  # [N, H, W, 3] sRGB-encoded, in [0, 1]
        maps["albedo"], maps["normals"], maps["light"], maps["mask"]

    Args:
      model: a preset (default: the package's own weights), a run folder, or one weights file in its
        `weights` folder.

    Returns:
      Model whose `predict` takes `[N, H, W, 3]` sRGB-encoded photos, float in [0, 1], and returns a
      dict: `albedo` `[N, H, W, 3]` linear RGB in [0, 1], `normals` `[N, H, W, 3]` unit vectors,
      `light` `[N, 9, 3]` (see `tfrelight.shading`), `mask` `[N, H, W, 1]` in [0, 1], and `parts`
      `[N, H, W, 7]`, probabilities in the order of `tfrelight.data.portrait.PARTS`, if the network
      tells parts apart. It raises `InputError` for integers, numbers in 0..255, and a photo without
      batch axis.

    Raises:
      InputError: see `load_network`.
    """
    return of_any_size(load_network(model))


@keras.saving.register_keras_serializable("tfrelight")
class PhotoModel(keras.Model):
    """A functional model that refuses what are no photos in [0, 1] (`photo_arrays.check`)."""

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """See `keras.Model`."""
        photo_arrays.check(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """See `keras.Model`."""
        photo_arrays.check(x)
        return super().predict(x, *args, **kwargs)

    def predict_on_batch(self, x: Any) -> Any:
        """See `keras.Model`."""
        photo_arrays.check(x)
        return super().predict_on_batch(x)


def of_any_size(network: keras.Model) -> keras.Model:
    """Wraps a network for photos of any size: resizes the photos, and resizes the maps back.

    Args:
      network: a functional model of `networks.NETWORKS`.

    Returns:
      The model that `load_model` describes.
    """
    size = network.input_shape[1]
    photos = keras.Input((None, None, 3), name="images", dtype="float32")
    outputs = network(layers.Resize(size, name="to_network", dtype="float32")(photos))

    def to_photo(name, **kwargs):
        layer = layers.Resize(name=f"{name}_to_photo", dtype="float32", **kwargs)
        return layer([outputs[name], photos])

    def named(name, tensor):
        return keras.layers.Activation("linear", name=name, dtype="float32")(tensor)

    # The albedo of `sfsnet` has no bounds.
    bounded = keras.layers.ReLU(max_value=1.0, dtype="float32")(to_photo("albedo"))
    maps = {
        "albedo": named("albedo", bounded),
        "normals": named("normals", to_photo("normals", unit=True)),
        "light": named("light", outputs["light"]),
        "mask": named("mask", to_photo("mask")),
    }
    if "parts" in outputs:
        maps["parts"] = named("parts", to_photo("parts"))
    return PhotoModel(photos, maps, name=network.name)
