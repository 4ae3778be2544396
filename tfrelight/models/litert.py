"""LiteRT, which runs `.tflite` files without TensorFlow."""

from __future__ import annotations

import importlib.util
from typing import Any

from tfrelight import native, threads
from tfrelight.errors import InputError

__all__ = ["installed", "runner"]


def installed() -> bool:
    """Whether the package ai-edge-litert is installed."""
    return importlib.util.find_spec("ai_edge_litert") is not None


def runner(content: bytes) -> Any:
    """The function that runs the network in a `.tflite` file.

    Args:
      content: of the file, with one signature.

    Returns:
      LiteRT's signature runner: it takes the inputs by name and returns a dict of the outputs, and
      has `get_input_details` and `get_output_details`. Not for several threads at a time. It
      computes in as many threads as this one may use now.

    Raises:
      InputError: neither ai-edge-litert nor TensorFlow, which holds an older LiteRT, is installed.
      ValueError, RuntimeError: this is no such file.
    """
    try:
        from ai_edge_litert import interpreter
    except ImportError:
        try:
            from tensorflow.lite.python import interpreter
        except ImportError as error:
            raise InputError(
                "LiteRT is not installed. Install it with pip install ai-edge-litert; where it has "
                'no wheel, TensorFlow has it too: pip install "tfrelight[train]".'
            ) from error
    with native.quiet():
        network = interpreter.Interpreter(model_content=content, num_threads=threads.count())
        network.allocate_tensors()
    return network.get_signature_runner()
