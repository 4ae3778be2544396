"""Networks by name, and trained ones by preset or folder.

A preset is a trained network that comes with the package (`models.bundled`). A training run's
folder holds one too: `model.json` (network, its arguments, versions) and
`weights/last.weights.h5`. `load_model` gives either back as a Keras model that takes photos of any
size.
"""

import inspect
import json
from pathlib import Path

import keras

import tfrelight
from tfrelight import files
from tfrelight.errors import InputError
from tfrelight.models import bundled, layers
from tfrelight.models.compact import compact
from tfrelight.models.sfsnet import sfsnet

__all__ = ["NETWORKS", "build", "describe", "load_model", "load_network", "of_any_size", "size_of"]

NETWORKS = {"compact": compact, "sfsnet": sfsnet}

LAST = "weights/last.weights.h5"
BEST = "weights/best.weights.h5"
# The figure whose lowest value is best.
BEST_BY = "val_loss"


def build(network, **arguments):
    """A network by name.

    Args:
      network: one of `NETWORKS`.
      **arguments: of its function.

    Raises:
      InputError: no such network, or an argument it does not take.
    """
    if network not in NETWORKS:
        raise InputError(f"Unknown network {network!r}. Expected one of: {', '.join(NETWORKS)}.")
    try:
        inspect.signature(NETWORKS[network]).bind(**arguments)
    except TypeError as error:
        raise InputError(f"Invalid arguments for network {network!r}: {error}.") from error
    return NETWORKS[network](**arguments)


def describe(folder, network, arguments):
    """Writes `model.json` into a folder, so that `load_model` finds what to build."""
    description = {
        "network": network,
        "arguments": arguments,
        "tfrelight": tfrelight.__version__,
        "keras": keras.__version__,
    }
    files.write_json(Path(folder) / "model.json", description)


def load_network(model=bundled.DEFAULT):
    """A trained network, at its own size.

    Args:
      model: a preset (`bundled.names`), a run folder, or one weights file in its `weights` folder.

    Returns:
      The functional model of `NETWORKS`.

    Raises:
      InputError: neither a preset nor such a folder; or its description or weights are missing,
        damaged, or of another network.
    """
    path = Path(model)
    if not path.exists() and len(path.parts) == 1:
        preset = bundled.find(str(model))
        network = build(preset.network, **preset.arguments)
        bundled.restore(network, preset)
        return network
    weights = path if path.name.endswith(".weights.h5") else path / LAST
    description = weights.parent.parent / "model.json"
    for wanted in (description, weights):
        if not wanted.is_file():
            raise InputError(
                f"No trained model in {str(path)!r}: {wanted} is missing. Expected the --workdir "
                "of a training run, or a file in its `weights` folder."
            )
    try:
        stored = json.loads(description.read_text())
        name, arguments = stored["network"], stored["arguments"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{description} is not a model description: {error}.") from error
    network = build(name, **arguments)
    try:
        network.load_weights(weights)
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{weights} does not hold the weights of {name} {arguments}: {reason}."
        ) from error
    return network


def load_model(model=bundled.DEFAULT):
    """A trained model for photos of any size.

    Args:
      model: a preset (default: the package's own weights), a run folder, or one weights file in its
        `weights` folder.

    Returns:
      `keras.Model`; `predict(images)` takes `[N, H, W, 3]` sRGB float in [0, 1] and gives a dict:
      `albedo` `[N, H, W, 3]` linear RGB in [0, 1], `normals` `[N, H, W, 3]` unit vectors,
      `light` `[N, 9, 3]`, `mask` `[N, H, W, 1]` in [0, 1].

    Raises:
      InputError: see `load_network`.
    """
    return of_any_size(load_network(model))


def of_any_size(network):
    """A network for photos of any size: resized to the network's own, the maps resized back."""
    size = network.input_shape[1]
    photos = keras.Input((None, None, 3), name="images", dtype="float32")
    outputs = network(layers.Resize(size, name="to_network", dtype="float32")(photos))

    def to_photo(name, **kwargs):
        layer = layers.Resize(name=f"{name}_to_photo", dtype="float32", **kwargs)
        return layer([outputs[name], photos])

    def named(name, tensor):
        return keras.layers.Activation("linear", name=name, dtype="float32")(tensor)

    # `sfsnet` does not bound its albedo.
    bounded = keras.layers.ReLU(max_value=1.0, dtype="float32")(to_photo("albedo"))
    return keras.Model(
        photos,
        {
            "albedo": named("albedo", bounded),
            "normals": named("normals", to_photo("normals", unit=True)),
            "light": named("light", outputs["light"]),
            "mask": named("mask", to_photo("mask")),
        },
        name=network.name,
    )


def size_of(model):
    """Height and width of the network in a model that `load_model` or `of_any_size` gave."""
    if hasattr(model, "size"):
        # `serving.remote.RemoteModel`, which has no layers here.
        return model.size
    return model.get_layer("to_network").size
