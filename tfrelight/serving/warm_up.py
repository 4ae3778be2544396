"""Warm-up requests, which a server runs before it offers a version.

TensorFlow prepares a signature at its first run, and again for each new size of photos; warm-up
spares the first clients that time.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from tfrelight import lights
from tfrelight.errors import InputError
from tfrelight.lights import lamp_rows
from tfrelight.serving import defaults

__all__ = ["photo", "requests", "write"]

# Photos, height, width: typical sizes of files and of arrays. TensorFlow Serving accepts 1,000
# records, and refuses a version whose warm-up fails.
_FILES = ((1, 256, 256), (1, 1024, 768), (4, 512, 512))
_ARRAYS = ((1, 128, 128), (1, 256, 256), (4, 128, 128))


def photo(height: int, width: int) -> np.ndarray:
    """A smooth picture, `[H, W, 3]` uint8; warm-up depends on the size alone."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    y, x = y / height, x / width
    channels = [0.5 + 0.4 * np.sin(6 * x + 3 * y), 0.3 + 0.5 * y, 0.2 + 0.6 * x]
    return np.round(np.stack(channels, -1) * 255).astype(np.uint8)


def _jpeg(height, width):
    data = io.BytesIO()
    Image.fromarray(photo(height, width)).save(data, "JPEG")
    return data.getvalue()


def _inputs(names, number, height, width):
    """Arrays for the inputs of a signature, by name."""
    # A lamp that is marched towards, one that is looked up, and even light.
    light = lights.Light.preset("left") + lights.Light.preset("overcast")
    values = {
        "light": np.repeat(light.coefficients[None], number, axis=0),
        "lamps": np.repeat(lamp_rows.rows(light)[None], number, axis=0),
    }
    if "image_bytes" in names:
        values["image_bytes"] = np.array([_jpeg(height, width)] * number, object)
    else:
        images = np.repeat(photo(height, width)[None] / np.float32(255.0), number, axis=0)
        values.update(images=images, references=images)
    return {name: values[name] for name in names}


def requests(
    signatures: Mapping[str, Sequence[str]],
) -> list[tuple[str, tuple[int, int, int], dict[str, np.ndarray]]]:
    """Makes the warm-up requests for signatures.

    Args:
      signatures: name to the names of its inputs.

    Returns:
      list of (signature, (photos, height, width), arrays by input name).
    """
    return [
        (signature, size, _inputs(names, *size))
        for signature, names in sorted(signatures.items())
        for size in (_FILES if "image_bytes" in names else _ARRAYS)
    ]


def write(folder: Path | str, signatures: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Writes the warm-up requests of a SavedModel.

    Args:
      folder: of the SavedModel.
      signatures: name to the names of its inputs.

    Returns:
      `signature`, `photos`, `height` and `width` of each request.

    Raises:
      InputError: the package `tensorflow-serving-api` is not installed.
    """
    try:
        from tensorflow_serving.apis import prediction_log_pb2
    except ImportError as error:
        raise InputError(
            "Cannot write warm-up requests: tensorflow-serving-api is not installed. Install it "
            'with pip install "tfrelight[serving]", or export with --nowarm_up.'
        ) from error
    path = Path(folder) / defaults.WARM_UP
    path.parent.mkdir(parents=True, exist_ok=True)
    written = []
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, (number, height, width), inputs in requests(signatures):
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name = defaults.MODEL_NAME
            request.model_spec.signature_name = signature
            for name, value in inputs.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
            writer.write(log.SerializeToString())
            size = {"photos": number, "height": height, "width": width}
            written.append({"signature": signature, **size})
    return written
