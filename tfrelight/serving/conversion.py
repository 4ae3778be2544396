"""Exports `decompose` as TensorFlow Lite or ONNX, for photos of the network's own size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

from tfrelight import files, shading
from tfrelight.errors import InputError
from tfrelight.models import litert, loading, tflite
from tfrelight.serving import defaults, parity, signatures

__all__ = ["convert", "run_onnx", "run_tflite"]

# Every onnxruntime since 2022 reads opset 17; tf2onnx 1.17 writes up to 18.
_OPSET = 17


def _decompose(network):
    """The signature without resizing, for which neither format has an operation."""

    def decompose(images):
        maps = network(images, training=False)
        shade = shading.shade(maps["normals"], maps["light"])
        # The network `sfsnet` does not bound its albedo.
        return {**maps, "albedo": tf.clip_by_value(maps["albedo"], 0.0, 1.0), "shading": shade}

    return decompose


def _tflite(network, path):
    path.write_bytes(tflite.convert(network, _decompose(network), half=False))


def _onnx(network, path):
    try:
        import onnxruntime  # noqa: F401 - `convert` checks the file with it
        import tf2onnx
    except ImportError as error:
        raise InputError(
            f"Cannot write ONNX: {error.name} is not installed. Install it with pip install "
            '"tfrelight[onnx]".'
        ) from error
    size = network.input_shape[1]
    specs = [tf.TensorSpec([None, size, size, 3], tf.float32, name="images")]
    tf2onnx.convert.from_function(
        tf.function(_decompose(network), specs),
        input_signature=specs,
        opset=_OPSET,
        output_path=str(path),
    )


def run_tflite(path: Path | str, images: np.ndarray) -> dict[str, np.ndarray]:
    """Runs a `.tflite` file; see `convert` for input and outputs."""
    return litert.runner(Path(path).read_bytes())(images=images)


def run_onnx(path: Path | str, images: np.ndarray) -> dict[str, np.ndarray]:
    """Runs an `.onnx` file; see `convert` for input and outputs."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"images": images})))


_FORMATS = {"tflite": (_tflite, run_tflite), "onnx": (_onnx, run_onnx)}


def convert(model: Path | str, output_dir: Path | str, kind: str) -> Path:
    """Writes `tfrelight.tflite` or `tfrelight.onnx`.

    The file's input is `images`, `[N, size, size, 3]` float32, sRGB-encoded in [0, 1], where `size`
    is the network's own and N is 1 in TensorFlow Lite. Its outputs are those of the signature
    `decompose`.

    Args:
      model: what `tfrelight.load_model` takes.
      output_dir: folder; created if missing.
      kind: `tflite` or `onnx`.

    Returns:
      path of the file.

    Raises:
      InputError: the model does not exist, a package is missing, or the file's outputs differ from
        the signature's by more than `parity.TOLERANCE`.
    """
    write, run = _FORMATS[kind]
    network = loading.load_network(model)
    path = Path(output_dir) / f"{defaults.MODEL_NAME}.{kind}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path, suffix=f".{kind}") as aside:
        write(network, aside)
        photos = parity.probes(network.input_shape[1])
        exported, _ = signatures.functions(network)["decompose"]
        for photo in np.split(photos, len(photos)):
            expected, found = exported(tf.constant(photo)), run(aside, photo)
            parity.expect(expected, found, f"The {kind} file", "Use the SavedModel.")
    return path
