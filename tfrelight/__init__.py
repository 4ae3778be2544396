"""Portrait intrinsic decomposition and relighting with TensorFlow and Keras.

With a portrait `photo.jpg` in the current folder:

    import tfrelight

    decomposed = tfrelight.decompose("photo.jpg")
    decomposed.relight("left").save("left.jpg")
    albedo, normals, light = decomposed.albedo(), decomposed.normals(), decomposed.light

    lamp = tfrelight.Light.from_direction(azimuth=40, elevation=30, temperature=3000)
    tfrelight.relight("photo.jpg", lamp).save("warm.jpg")

`relight` puts a photo under another light. `decompose` gives its albedo, normals, shading, mask and
light; `light_of` gives only the light. A `Light` comes from a name, a direction, an environment map
or a file (`tfrelight.lights`). `load_model` loads a trained network; without one the functions use
the default. Wrong input raises `InputError`.

`import tfrelight` is cheap: it imports TensorFlow when you first use a name that needs it.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from tfrelight import native
from tfrelight.errors import InputError
from tfrelight.version import __version__

if TYPE_CHECKING:
    from tfrelight.decompose import decompose
    from tfrelight.lights import Light
    from tfrelight.models.loading import load_model
    from tfrelight.relight import relight
    from tfrelight.relighting.pipeline import light_of

# TensorFlow reads this once, when its library loads. `setdefault` keeps a user's own choice.
if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "3":
    # TensorFlow 2.21 greets before it reads that.
    native.quiet_import("tensorflow")

__all__ = [
    "InputError",
    "Light",
    "__version__",
    "decompose",
    "light_of",
    "load_model",
    "relight",
]

_DEFINED_IN = {
    "Light": "tfrelight.lights",
    "light_of": "tfrelight.relighting.pipeline",
    "load_model": "tfrelight.models.loading",
}


def __getattr__(name: str) -> Any:
    if name in ("decompose", "relight"):
        # These modules are callable, so that the name works for `python -m tfrelight.relight` too.
        return importlib.import_module(f"tfrelight.{name}")
    if name in _DEFINED_IN:
        return getattr(importlib.import_module(_DEFINED_IN[name]), name)
    raise AttributeError(f"module 'tfrelight' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
