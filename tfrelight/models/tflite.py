"""Networks as `.tflite` files."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable

import keras
import tensorflow as tf
from keras.export import ExportArchive

__all__ = ["convert"]


def convert(
    network: keras.Model,
    decompose: Callable[[tf.Tensor], dict[str, tf.Tensor]] | None = None,
    half: bool = True,
) -> bytes:
    """A network as the content of a `.tflite` file.

    Args:
      network: a functional model of `networks.NETWORKS`.
      decompose: from photos `[1, S, S, 3]` to the outputs of the file; by default the network's.
      half: whether to store the weights in half precision, in half the bytes. The engine computes
        in float32 all the same.
    """
    size = network.input_shape[1]
    function = decompose or (lambda images: network(images, training=False))
    # By way of a SavedModel, because only then does the file keep the names of inputs and outputs.
    archive = ExportArchive()
    archive.track(network)
    spec = tf.TensorSpec([1, size, size, 3], tf.float32, name="images")
    archive.add_endpoint("decompose", function, [spec])
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.redirect_stdout(io.StringIO()):
            archive.write_out(folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["decompose"])
        if half:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        return converter.convert()
