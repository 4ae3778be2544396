"""The manifest of an exported version: its origin, signatures, limits and package versions."""

from __future__ import annotations

import datetime
import hashlib
import json
import platform
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from tfrelight.models import loading, presets
from tfrelight.serving import codecs, defaults
from tfrelight.version import __version__

__all__ = ["describe", "graph_of", "origin", "weights_hash"]


def graph_of(folder: Path | str) -> meta_graph_pb2.MetaGraphDef:
    """Reads the graph of a SavedModel.

    Raises:
      OSError: the folder holds no readable SavedModel.
    """
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((Path(folder) / "saved_model.pb").read_bytes())
    (graph,) = saved.meta_graphs
    return graph


def weights_hash(network: keras.Model) -> str:
    """SHA-256 of the weights' values, in order; it does not depend on their file format."""
    digest = hashlib.sha256()
    for values in network.get_weights():
        digest.update(np.ascontiguousarray(values, "<f4").data)
    return digest.hexdigest()


def _operations(graph):
    nodes = [node.op for node in graph.graph_def.node]
    nodes += [
        node.op for function in graph.graph_def.library.function for node in function.node_def
    ]
    return sorted(set(nodes))


def _tensors(infos):
    return {
        name: {
            "dtype": tf.dtypes.as_dtype(info.dtype).name,
            "shape": tf.TensorShape(info.tensor_shape).as_list(),
        }
        for name, info in sorted(infos.items())
    }


def origin(model: Path | str) -> dict[str, Any]:
    """Describes where a model's weights come from.

    Args:
      model: what `loading.load_network` takes.

    Returns:
      `preset`: its name, or None; `figures`: the validation figures of the run's epoch that saved
      these weights. For a preset, its description as well (training data, licence, ...).
    """
    path = Path(model)
    if not path.exists():
        return {"preset": str(model), "figures": {}, **presets.find(str(model)).about}
    metrics = (path if path.is_dir() else path.parent.parent) / "metrics.json"
    figures = {}
    if metrics.is_file():
        epochs = json.loads(metrics.read_text(encoding="utf-8"))["epochs"]
        if path.name == Path(loading.BEST).name:
            epochs = [epoch for epoch in epochs if epoch.get(loading.BEST_SO_FAR)]
        epoch = epochs[-1] if epochs else {}
        figures = {name: value for name, value in epoch.items() if name.startswith("val_")}
    return {"preset": None, "figures": figures}


def describe(
    folder: Path | str,
    network: keras.Model,
    model: Path | str,
    precision: str,
    warm_up: list[dict[str, Any]],
) -> dict[str, Any]:
    """The contents of `manifest.json`.

    They do not include the version's number, because an operator may rename the folder.

    Args:
      folder: of the SavedModel.
      network: the exported network.
      model: what it was loaded from.
      precision: that its convolutions compute in.
      warm_up: the requests that `warm_up.write` wrote.

    Returns:
      dict, ready for JSON.
    """
    graph = graph_of(folder)
    return {
        **origin(model),
        "model": {
            "network": network.name,
            "size": network.input_shape[1],
            "parameters": network.count_params(),
        },
        "weights_sha256": weights_hash(network),
        "precision": precision,
        "created": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "versions": {
            "tfrelight": __version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "signatures": {
            name: {"inputs": _tensors(signature.inputs), "outputs": _tensors(signature.outputs)}
            for name, signature in sorted(graph.signature_def.items())
            # Keras adds one without a method, for the operation that restores the weights.
            if signature.method_name
        },
        "operations": _operations(graph),
        "min_consumer": graph.graph_def.versions.min_consumer,
        "warm_up": warm_up,
        "limits": {
            "photos": defaults.MAX_PHOTOS,
            "pixels": codecs.MAX_PIXELS,
            "pixels_of_all": codecs.MAX_PIXELS_OF_ALL,
        },
    }
