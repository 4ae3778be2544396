"""The `decompose` signature as TensorFlow Lite or ONNX, for photos of the network's own size."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from keras.export import ExportArchive

from tfrelight import files, shading
from tfrelight.errors import InputError
from tfrelight.models import presets
from tfrelight.serving import agreement, defaults, signatures

__all__ = ["convert", "run_onnx", "run_tflite"]

# The newest that tf2onnx 1.17 writes was 18; 17 is read by every onnxruntime since 2022.
_OPSET = 17


def _images(number, network):
    size = network.input_shape[1]
    return tf.TensorSpec([number, size, size, 3], tf.float32, name="images")


def _decompose(network):
    """The signature at the network's own size: resizing has no operation in either format."""

    def decompose(images):
        maps = network(images, training=False)
        shade = shading.shade(maps["normals"], maps["light"])
        # `sfsnet` does not bound its albedo.
        return {**maps, "albedo": tf.clip_by_value(maps["albedo"], 0.0, 1.0), "shading": shade}

    return decompose


def _tflite(network, path):
    # From a SavedModel: only so does the file keep the names of inputs and outputs.
    archive = ExportArchive()
    archive.track(network)
    archive.add_endpoint("decompose", _decompose(network), [_images(1, network)])
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.redirect_stdout(io.StringIO()):
            archive.write_out(folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["decompose"])
        path.write_bytes(converter.convert())


def _onnx(network, path):
    try:
        import onnxruntime  # noqa: F401 - to check with, below
        import tf2onnx
    except ImportError as error:
        raise InputError(
            f"Cannot write ONNX: {error.name} is not installed. Install it with pip install "
            '"tfrelight[onnx]" (Python 3.10 and later).'
        ) from error
    specs = [_images(None, network)]
    tf2onnx.convert.from_function(
        tf.function(_decompose(network), specs),
        input_signature=specs,
        opset=_OPSET,
        output_path=str(path),
    )


def run_tflite(path, images):
    """What a `.tflite` file answers, a dict of arrays."""
    interpreter = tf.lite.Interpreter(str(path))
    return interpreter.get_signature_runner()(images=images)


def run_onnx(path, images):
    """What an `.onnx` file answers, a dict of arrays."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"images": images})))


_FORMATS = {"tflite": (_tflite, run_tflite), "onnx": (_onnx, run_onnx)}


def convert(model, output_dir, kind):
    """Writes `tfrelight.tflite` or `tfrelight.onnx`.

    Input `images` `[N, size, size, 3]` float32 sRGB in [0, 1], `size` the network's own (N is 1 in
    TensorFlow Lite); outputs as the signature's.

    Args:
      model: what `tfrelight.load_model` takes.
      output_dir: folder; made if it is not there.
      kind: `tflite` or `onnx`.

    Returns:
      path of the file.

    Raises:
      InputError: there is no such model, a package is missing, or the file answers otherwise than
        the SavedModel's signature (see `agreement`).
    """
    write, run = _FORMATS[kind]
    network = presets.load_network(model)
    path = Path(output_dir) / f"{defaults.MODEL_NAME}.{kind}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path, suffix=f".{kind}") as aside:
        write(network, aside)
        photos = agreement.probes(network.input_shape[1])
        exported, _ = signatures.functions(network)["decompose"]
        for photo in np.split(photos, len(photos)):
            expected, answer = exported(tf.constant(photo)), run(aside, photo)
            agreement.expect(expected, answer, f"The {kind} file", "Use the SavedModel.")
    return path
