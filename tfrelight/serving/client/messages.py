"""Requests and answers of TensorFlow Serving, as arrays and bytes."""

from __future__ import annotations

import numpy as np

from tfrelight.errors import InputError

__all__ = [
    "check_photos",
    "lights_for",
    "metadata",
    "metadata_request",
    "outputs",
    "predict_request",
    "status",
    "status_request",
]


def _set_spec(spec, target):
    """Fills a `ModelSpec` with a `(model, version, label)`."""
    model, version, label = target
    spec.name = model
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label


def predict_request(target, signature, inputs, wanted):
    """A `PredictRequest`.

    Args:
      target: (model, version or None, label or None).
      signature: name.
      inputs: dict of name to array; lists of bytes for strings.
      wanted: names of outputs, or None for all.
    """
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    _set_spec(request.model_spec, target)
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    request.output_filter.extend(wanted or ())
    return request


def outputs(response):
    """The outputs of a `PredictResponse`: arrays, and lists of bytes for strings."""
    import tensorflow as tf

    result = {}
    for name, proto in response.outputs.items():
        array = tf.make_ndarray(proto)
        result[name] = list(array) if array.dtype == object else array
    return result


def status_request(target):
    """A `GetModelStatusRequest`."""
    from tensorflow_serving.apis import get_model_status_pb2

    request = get_model_status_pb2.GetModelStatusRequest()
    _set_spec(request.model_spec, target)
    return request


def status(response):
    """Dict of version to the name of its state."""
    from tensorflow_serving.apis import get_model_status_pb2

    names = get_model_status_pb2.ModelVersionStatus.State
    return {one.version: names.Name(one.state) for one in response.model_version_status}


def metadata_request(target):
    """A `GetModelMetadataRequest` for the signatures."""
    from tensorflow_serving.apis import get_model_metadata_pb2

    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    _set_spec(request.model_spec, target)
    return request


def metadata(response):
    """Dict of signature to its `inputs` and `outputs`, each a dict of name to (dtype, shape)."""
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
        name: {"inputs": described(one.inputs), "outputs": described(one.outputs)}
        for name, one in signatures.signature_def.items()
        # Keras adds one that names the op which restores the weights.
        if one.method_name
    }


def check_photos(photos):
    """Raises `InputError` unless these are files' bytes."""
    if isinstance(photos, (bytes, str)) or not all(isinstance(one, bytes) for one in photos):
        raise InputError("Expected a list of photos, each the bytes of a JPEG or PNG file.")


def lights_for(light, number):
    """A light for each photo, `[N, 9, 3]` float32, from one or N.

    Raises:
      InputError: it is neither.
    """
    light = np.asarray(light, np.float32)
    if light.shape not in {(9, 3), (number, 9, 3)} or not np.all(np.isfinite(light)):
        raise InputError(
            f"Invalid light. Expected [9, 3] or [{number}, 9, 3] finite numbers. Received: "
            f"{list(light.shape)}{'' if np.all(np.isfinite(light)) else ', not all finite'}."
        )
    return np.broadcast_to(light, (number, 9, 3))
