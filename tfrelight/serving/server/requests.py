"""The checks of TensorFlow Serving on a request before the graph runs, in its order and words."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import predict_pb2

from tfrelight.serving.server import tensors
from tfrelight.serving.server.errors import RequestError

__all__ = ["CheckedRequest", "check"]

# Methods of the signatures that `Predict` may call.
_METHODS = (
    "tensorflow/serving/predict",
    "tensorflow/serving/classify",
    "tensorflow/serving/regress",
)


@dataclasses.dataclass(frozen=True)
class CheckedRequest:
    """A request that may run.

    Attributes:
      signature: its name.
      inputs: arrays by name.
      outputs: names of the outputs to send, sorted.
      size: bytes that the arrays take.
    """

    signature: str
    inputs: dict[str, np.ndarray]
    outputs: tuple[str, ...]
    size: int = 0


def _braces(names):
    return "{" + ",".join(sorted(names)) + "}"


def _check_inputs(given, expected):
    """Checks that a request has the inputs of its signature and no others."""
    if len(given) != len(expected):
        raise RequestError(
            "INVALID_ARGUMENT",
            f"input size does not match signature: {len(given)}!={len(expected)} "
            f"len({_braces(given)}) != len({_braces(expected)}). "
            f"Sent extra: {_braces(set(given) - set(expected))}. "
            f"Missing but required: {_braces(set(expected) - set(given))}.",
        )
    for alias, info in sorted(expected.items()):
        if alias not in given:
            raise RequestError(
                "INVALID_ARGUMENT",
                f"Signature input alias: {alias}(feed name: {info.name}) not found in request and "
                f"no default value provided. Inputs expected to be in the set {_braces(expected)}.",
            )


def _outputs(output_filter, available):
    names = []
    for alias in output_filter:
        if alias not in available:
            raise RequestError(
                "INVALID_ARGUMENT",
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {_braces(available)}.",
            )
        if alias in names:
            raise RequestError("INVALID_ARGUMENT", f"duplicate output tensor alias: {alias}")
        names.append(alias)
    return tuple(sorted(names or available))


def check(
    request: predict_pb2.PredictRequest,
    signatures: Mapping[str, meta_graph_pb2.SignatureDef],
    limit: int,
) -> CheckedRequest:
    """Checks a request against a model's signatures.

    Args:
      request: the message.
      signatures: of the model, by name.
      limit: bytes that the request's tensors may take together.

    Raises:
      RequestError: with TensorFlow Serving's code and text.
    """
    name = request.model_spec.signature_name or "serving_default"
    if name not in signatures:
        raise RequestError("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
    signature = signatures[name]
    if signature.method_name not in _METHODS:
        raise RequestError(
            "INTERNAL",
            "Expected prediction signature method_name to be one of "
            f"{{{', '.join(_METHODS)}}}. Was: {signature.method_name}",
        )
    _check_inputs(request.inputs, signature.inputs)
    arrays, size = {}, 0
    for alias, proto in request.inputs.items():
        try:
            arrays[alias] = tensors.to_array(proto, limit - size)
        except ValueError as error:
            text = f"tensor parsing error: {alias} ({error})"
            raise RequestError("INVALID_ARGUMENT", text) from error
        size += tensors.nbytes(arrays[alias])
    return CheckedRequest(name, arrays, _outputs(request.output_filter, signature.outputs), size)
