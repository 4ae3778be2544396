"""The manifest of an exported version: what it is, what it answers, and what made it."""

from __future__ import annotations

import datetime
import hashlib
import json
import platform
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import tfrelight
from tfrelight.models import bundled, presets
from tfrelight.serving import codecs, defaults

__all__ = ["describe", "graph_of", "origin", "weights_hash"]


def graph_of(folder):
    """The one `MetaGraphDef` of a SavedModel folder."""
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((Path(folder) / "saved_model.pb").read_bytes())
    (graph,) = saved.meta_graphs
    return graph


def weights_hash(network):
    """SHA-256 of the weights' values, in order, whatever file they came from."""
    digest = hashlib.sha256()
    for values in network.get_weights():
        digest.update(np.ascontiguousarray(values, "<f4"))
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


def origin(model):
    """Where a model is from, as far as it can be known.

    Args:
      model: what `presets.load_network` takes.

    Returns:
      dict: `preset`, its name or None; `figures`, the validation figures of a run's epoch whose
      weights these are; of a preset, what it says of itself (training data, licence, ...).
    """
    path = Path(model)
    if not path.exists():
        return {"preset": str(model), "figures": {}, **bundled.find(str(model)).about}
    metrics = (path if path.is_dir() else path.parent.parent) / "metrics.json"
    figures = {}
    if metrics.is_file():
        epochs = json.loads(metrics.read_text(encoding="utf-8"))["epochs"]
        best = path.name == Path(presets.BEST).name
        epoch = min(epochs, key=lambda e: e[presets.BEST_BY]) if best else epochs[-1]
        figures = {name: value for name, value in epoch.items() if name.startswith("val_")}
    return {"preset": None, "figures": figures}


def describe(folder, network, model, precision, warmed):
    """What `manifest.json` says.

    Args:
      folder: of the SavedModel.
      network: the exported one.
      model: what it was loaded from.
      precision: that its convolutions compute in.
      warmed: what `warm_up.write` gave.

    Returns:
      dict, ready for JSON. The version's number is not in it: that is the folder's name, and an
      operator may give it another.
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
            "tfrelight": tfrelight.__version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "signatures": {
            name: {"inputs": _tensors(signature.inputs), "outputs": _tensors(signature.outputs)}
            for name, signature in sorted(graph.signature_def.items())
            # Keras adds one that names the op which restores the weights.
            if signature.method_name
        },
        "operations": _operations(graph),
        "min_consumer": graph.graph_def.versions.min_consumer,
        "warm_up": warmed,
        "limits": {
            "photos": defaults.MAX_PHOTOS,
            "pixels": codecs.MAX_PIXELS,
            "pixels_of_all": codecs.MAX_PIXELS_OF_ALL,
        },
    }
