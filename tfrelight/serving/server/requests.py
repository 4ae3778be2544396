"""What TensorFlow Serving checks of a request before it runs the graph, in its order and words."""

from __future__ import annotations

import dataclasses

from tfrelight.serving.server import tensors
from tfrelight.serving.server.refusal import Refusal

__all__ = ["Checked", "check", "check_method", "signature_name"]

_PREDICT = "tensorflow/serving/predict"
_CLASSIFY = "tensorflow/serving/classify"
_REGRESS = "tensorflow/serving/regress"


@dataclasses.dataclass(frozen=True)
class Checked:
    """A request that may run.

    Its signature, arrays by input, the outputs that it wants, and the bytes that the arrays take.
    """

    signature: str
    inputs: dict
    outputs: tuple
    size: int = 0


def signature_name(spec):
    """The signature that a `ModelSpec` asks for."""
    return spec.signature_name or "serving_default"


def _braces(names):
    return "{" + ",".join(sorted(names)) + "}"


def _check_inputs(given, wanted):
    """As many inputs as the signature has, and the same ones."""
    if len(given) != len(wanted):
        raise Refusal(
            "INVALID_ARGUMENT",
            f"input size does not match signature: {len(given)}!={len(wanted)} "
            f"len({_braces(given)}) != len({_braces(wanted)}). "
            f"Sent extra: {_braces(set(given) - set(wanted))}. "
            f"Missing but required: {_braces(set(wanted) - set(given))}.",
        )
    for alias, info in sorted(wanted.items()):
        if alias not in given:
            raise Refusal(
                "INVALID_ARGUMENT",
                f"Signature input alias: {alias}(feed name: {info.name}) not found in request and "
                f"no default value provided. Inputs expected to be in the set {_braces(wanted)}.",
            )


def _outputs(wanted, available):
    seen = []
    for alias in wanted:
        if alias not in available:
            raise Refusal(
                "INVALID_ARGUMENT",
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {_braces(available)}.",
            )
        if alias in seen:
            raise Refusal("INVALID_ARGUMENT", f"duplicate output tensor alias: {alias}")
        seen.append(alias)
    return tuple(sorted(seen or available))


def check(request, signatures, largest):
    """Checks a `PredictRequest` against a model's signatures.

    Args:
      request: the message.
      signatures: dict of name to `SignatureDef`.
      largest: bytes that its tensors may take together.

    Returns:
      `Checked`.

    Raises:
      Refusal: as TensorFlow Serving would.
    """
    name = signature_name(request.model_spec)
    if name not in signatures:
        raise Refusal("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
    signature = signatures[name]
    if signature.method_name not in (_PREDICT, _CLASSIFY, _REGRESS):
        raise Refusal(
            "INTERNAL",
            "Expected prediction signature method_name to be one of "
            f"{{{_PREDICT}, {_CLASSIFY}, {_REGRESS}}}. Was: {signature.method_name}",
        )
    _check_inputs(request.inputs, signature.inputs)
    arrays, size = {}, 0
    for alias, proto in request.inputs.items():
        try:
            arrays[alias] = tensors.array_of(proto, largest - size)
        except ValueError as error:
            text = f"tensor parsing error: {alias} ({error})"
            raise Refusal("INVALID_ARGUMENT", text) from error
        size += tensors.bytes_of(arrays[alias])
    return Checked(name, arrays, _outputs(request.output_filter, signature.outputs), size)


def check_method(spec, signatures, kind):
    """Refuses a `Classify` or `Regress` of a model that has no such signature.

    Args:
      spec: the `ModelSpec`.
      signatures: dict of name to `SignatureDef`.
      kind: `classification` or `regression`.

    Raises:
      Refusal: always, unless the signature is of that kind.
    """
    name = signature_name(spec)
    if name not in signatures:
        raise Refusal("INVALID_ARGUMENT", f"No signature was found with the name: {name}")
    method = {"classification": _CLASSIFY, "regression": _REGRESS}[kind]
    found = signatures[name].method_name
    if found != method:
        raise Refusal(
            "INVALID_ARGUMENT",
            f"Expected {kind} signature method_name to be {method}. Was: {found}",
        )
