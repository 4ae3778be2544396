"""A trained model as a function of photos, for evaluation and pseudo-labels."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tfrelight.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = ["predictor"]

# Photos that the model sees at once.
_BATCH = 16


def predictor(model: keras.Model) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Wraps a model as a function from photos to numpy arrays.

    Args:
      model: as `loading.load_model` returns it.

    Returns:
      Function from `[N, H, W, 3]` sRGB-encoded photos to the model's outputs, which may be called
      from several threads. It raises InputError if an output is not finite.
    """
    # Keras builds its function in the first call, and not for several at once.
    lock = threading.Lock()

    def predict(photos):
        with lock:
            outputs = model.predict(photos, batch_size=_BATCH, verbose=0)
        broken = [name for name, value in outputs.items() if not np.isfinite(value).all()]
        if broken:
            raise InputError(f"The model's output {broken[0]!r} is not finite for some photo.")
        return outputs

    return predict
