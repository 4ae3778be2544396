"""TensorFlow Serving's requests from arrays and bytes, and arrays and bytes from its responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfrelight.errors import InputError
from tfrelight.lights import Light, as_light, lamp_rows
from tfrelight.models import photo_arrays

if TYPE_CHECKING:
    from tfrelight.lights import LightLike

__all__ = [
    "check_photos",
    "metadata",
    "metadata_request",
    "outputs",
    "predict_request",
    "relighting",
    "status",
    "status_request",
]


# Inputs that hold photos as arrays.
_PHOTOS = ("images", "references")

# Model, version or None, label or None.
_Target = tuple[str, int | None, str | None]


def _set_spec(spec, target):
    """Fills a `ModelSpec`."""
    model, version, label = target
    spec.name = model
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label


def predict_request(
    target: _Target,
    signature: str,
    inputs: Mapping[str, np.ndarray | Sequence[bytes]],
    output_filter: Sequence[str] | None,
) -> Any:
    """Builds a `PredictRequest`.

    Args:
      target: (model, version or None, label or None).
      signature: its name.
      inputs: arrays by name; a list of bytes for a string input.
      output_filter: names of the outputs to send, or None for all.

    Raises:
      InputError: photos that are not `[N, H, W, 3]` floats in [0, 1].
    """
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    _set_spec(request.model_spec, target)
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        if name in _PHOTOS:
            photo_arrays.check(value)
        if isinstance(value, np.ndarray) and value.dtype == np.float64:
            value = value.astype(np.float32)  # as all signatures take
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    request.output_filter.extend(output_filter or ())
    return request


def outputs(response: Any) -> dict[str, np.ndarray | list[bytes]]:
    """The outputs of a `PredictResponse`: arrays by name; a list of bytes for a string output."""
    import tensorflow as tf

    result = {}
    for name, proto in response.outputs.items():
        array = tf.make_ndarray(proto)
        result[name] = list(array) if array.dtype == object else array
    return result


def status_request(target: _Target) -> Any:
    """Builds a `GetModelStatusRequest`; see `predict_request`."""
    from tensorflow_serving.apis import get_model_status_pb2

    request = get_model_status_pb2.GetModelStatusRequest()
    _set_spec(request.model_spec, target)
    return request


def status(response: Any) -> dict[int, str]:
    """The state of each version in a `GetModelStatusResponse`, by number."""
    from tensorflow_serving.apis import get_model_status_pb2

    names = get_model_status_pb2.ModelVersionStatus.State
    return {status.version: names.Name(status.state) for status in response.model_version_status}


def metadata_request(target: _Target) -> Any:
    """Builds a `GetModelMetadataRequest` for the signatures; see `predict_request`."""
    from tensorflow_serving.apis import get_model_metadata_pb2

    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    _set_spec(request.model_spec, target)
    return request


def metadata(response: Any) -> dict[str, dict[str, dict[str, tuple]]]:
    """The signatures in a `GetModelMetadataResponse`.

    Returns:
      name to `inputs` and `outputs`, each a name to (dtype, shape).
    """
    import tensorflow as tf
    from tensorflow_serving.apis import get_model_metadata_pb2

    def described(infos):
        return {
            name: (
                tf.dtypes.as_dtype(info.dtype).name,
                tf.TensorShape(info.tensor_shape).as_list(),
            )
            for name, info in infos.items()
        }

    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    return {
        name: {"inputs": described(signature.inputs), "outputs": described(signature.outputs)}
        for name, signature in signatures.signature_def.items()
        # Keras adds one without a method, for the operation that restores the weights.
        if signature.method_name
    }


def check_photos(photos: Sequence[bytes]) -> None:
    """Checks that photos are a list of bytes.

    Raises:
      InputError: they are something else.
    """
    if isinstance(photos, (bytes, str)) or not all(isinstance(photo, bytes) for photo in photos):
        raise InputError("Expected a list of photos, each the bytes of a JPEG or PNG file.")


def relighting(light: LightLike, number: int) -> tuple[str, dict[str, np.ndarray]]:
    """The signature that puts files under a light, and its input for the light.

    Args:
      light: what `lights.as_light` takes, such as a name, for all photos, or coefficients
        `[N, 9, 3]`, one for each.
      number: N, of the photos.

    Returns:
      `relight_lamps_bytes` and `lamps` `[N, K, 8]` float32 for a light of lamps alone
      (`lights.lamp_rows`), or else `relight_bytes` and `light` `[N, 9, 3]` float32.

    Raises:
      InputError: no light of that name or in that file, another shape, or values that are not
        finite.
    """
    if isinstance(light, (str, Path)):
        light = as_light(light)
    rows = lamp_rows.rows(light) if isinstance(light, Light) else None
    if rows is not None:
        return "relight_lamps_bytes", {"lamps": np.broadcast_to(rows, (number, *rows.shape))}
    light = np.asarray(light, np.float32)
    if light.shape not in {(9, 3), (number, 9, 3)} or not np.all(np.isfinite(light)):
        raise InputError(
            f"Invalid light. Expected [9, 3] or [{number}, 9, 3] finite numbers. Received: "
            f"{list(light.shape)}{'' if np.all(np.isfinite(light)) else ', not all finite'}."
        )
    return "relight_bytes", {"light": np.broadcast_to(light, (number, 9, 3))}
