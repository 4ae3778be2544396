"""Portrait intrinsic decomposition and relighting with TensorFlow and Keras.

`import tfrelight` is cheap: TensorFlow is imported when the first name that needs it is used.
"""

import importlib
import os

# TensorFlow reads this once, when its library loads. `setdefault` leaves a user's own choice alone.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

__version__ = "0.1.0"

__all__ = ["Light", "__version__", "decompose", "load_model", "relight"]


def __getattr__(name):
    if name == "Light":
        from tfrelight.lights import Light

        return Light
    if name in ("decompose", "relight"):
        # Modules that can be called, so that `python -m tfrelight.relight` may have the name too.
        return importlib.import_module(f"tfrelight.{name}")
    if name == "load_model":
        from tfrelight.models.presets import load_model

        return load_model
    raise AttributeError(f"module 'tfrelight' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
