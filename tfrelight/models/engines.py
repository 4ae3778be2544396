"""Runs a trained network: by LiteRT or OpenVINO, which need no TensorFlow, or by TensorFlow.

An engine is a `relighting.inference.Network`; `size_of` gives the size of its photos. LiteRT and
OpenVINO run files that `tfrelight.export --format=tflite` writes; presets come with such a file,
whose weights have half precision. OpenVINO takes longer to start and is several times faster on
processors that compute in bfloat16, with that many digits.
"""

from __future__ import annotations

import functools
import hashlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfrelight import threads
from tfrelight.data.portrait import PARTS
from tfrelight.errors import InputError
from tfrelight.models import litert, locating, photo_arrays, presets

if TYPE_CHECKING:
    import keras

__all__ = ["ENGINES", "LiteRT", "OpenVINO", "load", "size_of", "start"]

ENGINES = ("auto", "litert", "openvino", "tensorflow")
# The outputs of every network, and those of some.
_OUTPUTS = ("albedo", "normals", "light", "mask")
_OPTIONAL = ("parts",)


class LiteRT:
    """A network in a `.tflite` file.

        network = engines.LiteRT("exported/tfrelight.tflite")
        tfrelight.relight("photo.jpg", "left", model=network).save("left.jpg")

    Threads take turns.

    Args:
      path: of the file, whose signature takes `images` `[1, S, S, 3]` and gives the maps.

    Attributes:
      size: S, height and width of the photos, pixels.
      sha256: hash of the file, hexadecimal.

    Raises:
      InputError: the file is missing, damaged, or holds another kind of network; or LiteRT is not
        installed.
    """

    def __init__(self, path: Path | str) -> None:
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise InputError(f"Cannot read the network {path}: {error.strerror}.") from error
        self._open(content, str(path), hashlib.sha256(content).hexdigest())
        self._start(Path(path))
        self._source: Path | str = Path(path).absolute()

    @classmethod
    def of_preset(cls, preset: presets.WeightsPreset) -> LiteRT:
        """The network of a preset.

        Raises:
          InputError: its file is missing or damaged, or LiteRT is not installed.
        """
        network = cls.__new__(cls)
        content = presets.content(preset.name, preset.tflite, preset.tflite_sha256)
        network._open(content, preset.name, preset.tflite_sha256)
        network._start(preset.tflite)
        network._source = preset.name
        return network

    def __reduce__(self) -> tuple[Any, ...]:
        # In another process the network is opened again, once.
        return _opened, (type(self), self._source, self.sha256)

    def _open(self, content, name, sha256):
        try:
            self._run = litert.runner(content)
        except InputError:
            raise
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:120]
            raise InputError(
                f"{name} is not a network. Expected a file that "
                f"`tfrelight.export --format=tflite` writes. Received: {reason}."
            ) from error
        inputs, outputs = (
            {key: tuple(map(int, value["shape"])) for key, value in details.items()}
            for details in (self._run.get_input_details(), self._run.get_output_details())
        )
        self.size = inputs.get("images", (0, 0))[1]
        self._outputs = (*_OUTPUTS, *(key for key in _OPTIONAL if key in outputs))
        expected = _shapes(self.size)
        if inputs != {"images": (1, self.size, self.size, 3)} or any(
            outputs.get(key) != expected[key] for key in self._outputs
        ):
            raise InputError(
                f"{name} is another network. Expected images [1, S, S, 3], {', '.join(_OUTPUTS)}. "
                f"Received: {_listed(inputs)}; {_listed(outputs)}."
            )
        self.sha256 = sha256
        self._lock = threading.Lock()

    def _start(self, path):
        """Prepares what runs the network in the file, which has been read."""

    def predict_on_batch(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Runs the network.

        Args:
          images: `[N, size, size, 3]` sRGB-encoded in [0, 1].

        Returns:
          `albedo` `[N, size, size, 3]`, linear RGB in [0, 1]; `normals` `[N, size, size, 3]`, unit
          vectors; `light` `[N, 9, 3]`, linear RGB; `mask` `[N, size, size, 1]` in [0, 1]; and
          `parts` `[N, size, size, 7]`, probabilities, if the network has them.

        Raises:
          InputError: see `photo_arrays.check`, or photos of another size.
        """
        photo_arrays.check(images)
        if images.shape[1:3] != (self.size, self.size):
            raise InputError(
                f"Expected photos of {self.size}x{self.size} pixels. Received: "
                f"{images.shape[1]}x{images.shape[2]}."
            )
        with self._lock:
            found = [self._run(images=image[None]) for image in images.astype(np.float32)]
        return {name: np.concatenate([one[name] for one in found]) for name in self._outputs}


def _shapes(size):
    """The shape of each output for one photo."""
    pixels = {"albedo": 3, "normals": 3, "mask": 1, "parts": len(PARTS)}
    maps = {name: (1, size, size, channels) for name, channels in pixels.items()}
    return {**maps, "light": (1, 9, 3)}


def _listed(tensors):
    return ", ".join(f"{name} {list(shape)}" for name, shape in sorted(tensors.items()))


class OpenVINO(LiteRT):
    """A network in a `.tflite` file, run by OpenVINO; see `LiteRT`."""

    def _start(self, path):
        try:
            import openvino
        except ImportError as error:
            raise InputError(
                'OpenVINO is not installed. Install it with pip install "tfrelight[fast]".'
            ) from error
        core = openvino.Core()
        try:
            read = core.read_model(path)
            settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads.count()}
            network = core.compile_model(read, "CPU", settings)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[-120:]
            raise InputError(
                f"OpenVINO cannot run {path}: {reason} Choose the engine litert."
            ) from error
        # OpenVINO knows the outputs by the names of their tensors.
        tensors = {
            name: details["name"] for name, details in self._run.get_output_details().items()
        }

        def run(images):
            found = network(images)
            return {name: found[tensors[name]] for name in self._outputs}

        self._run = run


@functools.lru_cache(maxsize=4)
def _opened(kind, source, sha256):
    network = kind(source) if isinstance(source, Path) else kind.of_preset(presets.find(source))
    if network.sha256 != sha256:
        raise InputError(f"The network {source} changed while it was in use. Start again.")
    return network


def load(model: Path | str = presets.DEFAULT, engine: str = "auto") -> LiteRT | keras.Model:
    """Loads a network for `tfrelight.relight`, `tfrelight.decompose` and films.

    Args:
      model: a preset, a `.tflite` file, or what else `tfrelight.load_model` takes.
      engine: one of `ENGINES`; "auto" takes LiteRT for `.tflite` files, and for presets if it is
        installed, and TensorFlow otherwise.

    Raises:
      InputError: no such model or engine, or this engine cannot run this model.
    """
    if engine not in ENGINES:
        raise InputError(f"Unknown engine {engine!r}. Expected one of: {', '.join(ENGINES)}.")
    found = locating.locate(model)
    if engine == "auto":
        engine = _automatic(found)
    if engine == "tensorflow":
        if isinstance(found, Path):
            raise InputError(f"TensorFlow does not run {model}. Choose the engine litert.")
        return _tensorflow(model)
    kind = OpenVINO if engine == "openvino" else LiteRT
    if isinstance(found, Path):
        return kind(found)
    if isinstance(found, presets.WeightsPreset):
        return kind.of_preset(found)
    raise InputError(
        f"The engine {engine} runs presets and .tflite files. Received: {model}. Write such a file "
        f"with tfrelight export --format=tflite --output_dir=FOLDER --model={model}"
    )


def _automatic(found):
    """The engine that suits what `locating.locate` finds."""
    if isinstance(found, Path):
        return "litert"
    is_preset = isinstance(found, presets.WeightsPreset)
    return "litert" if is_preset and litert.installed() else "tensorflow"


def start() -> None:
    """Starts LiteRT, if it is installed.

    It greets on stderr when it first runs a network, which is hidden only while no other thread
    runs (`native.quiet`).
    """
    if litert.installed():
        load(presets.DEFAULT, "litert")


def size_of(model: Any) -> int:
    """Height and width of the photos that a network takes, pixels.

    Args:
      model: an engine, `serving.remote.RemoteModel`, or a model of `loading.load_model` or
        `loading.of_any_size`.
    """
    return model.size if hasattr(model, "size") else model.get_layer("to_network").size


def _tensorflow(model) -> Any:
    # TensorFlow takes seconds to import.
    from tfrelight.models import loading

    return loading.load_model(model)
