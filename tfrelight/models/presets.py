"""The trained networks that come with the package.

`weights/presets.json` describes each: network, arguments, SHA-256 of its files, and its training
data. A weights file is a NumPy archive of half-precision arrays, named as the network's variables;
beside it is the same network for LiteRT. `tools/train_presets.py` makes all of them.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tfrelight import files
from tfrelight.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = [
    "DEFAULT",
    "FORMAT",
    "WeightsPreset",
    "content",
    "find",
    "names",
    "restore",
    "variables",
    "write",
]

DEFAULT = "compact-128"

# Raise it when older files would be misread.
FORMAT = 1

_INDEX = "presets.json"
_REINSTALL = "Install the package again."


class WeightsPreset(NamedTuple):
    """A trained network that comes with the package.

    Attributes:
      name: of the preset.
      network: one of `networks.NETWORKS`.
      arguments: the network's arguments.
      path: the weights file.
      sha256: hash of the weights file, hexadecimal.
      tflite: the network with its weights, for `engines.LiteRT`.
      tflite_sha256: hash of that file.
      about: training data, licence and figures, for people (see `write`).
    """

    name: str
    network: str
    arguments: dict[str, Any]
    path: Path
    sha256: str
    tflite: Path
    tflite_sha256: str
    about: dict[str, Any]


def _folder():
    return importlib.resources.files("tfrelight.models") / "weights"


def _index(folder):
    path = folder / _INDEX
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise InputError(
            f"The list of presets is missing: expected {path}. {_REINSTALL}"
        ) from error
    except ValueError as error:
        raise InputError(f"{path} is not a list of presets: {error}. {_REINSTALL}") from error


def names(folder: Path | None = None) -> list[str]:
    """Names of the presets, the default first.

    Args:
      folder: holds `presets.json`; by default the package's own.
    """
    return sorted(_index(folder or _folder()), key=lambda name: (name != DEFAULT, name))


def variables(network: keras.Model) -> dict[str, keras.Variable]:
    """The network's variables by name, such as `stem/kernel`."""
    # Keras 3 names a variable `kernel`, and has the layer in `path`.
    return {getattr(v, "path", v.name).split(":")[0]: v for v in network.weights}


def find(name: str, folder: Path | None = None) -> WeightsPreset:
    """Finds a preset by name.

    Args:
      name: one of `names`.
      folder: holds `presets.json`; by default the package's own.

    Raises:
      InputError: there is no such preset, or it belongs to another version of the package.
    """
    folder = folder or _folder()
    index = _index(folder)
    if name not in index:
        raise InputError(
            f"No trained model {name!r}. Expected a preset ({', '.join(names(folder))}) or the "
            "folder of a training run."
        )
    found = index[name]
    if found["format"] != FORMAT:
        raise InputError(
            f"The preset {name!r} belongs to another version of the package. Expected format "
            f"{FORMAT}, found {found['format']} in {folder / _INDEX}. {_REINSTALL}"
        )
    own = ("file", "sha256", "tflite", "tflite_sha256", "format", "network", "arguments")
    about = {key: value for key, value in found.items() if key not in own}
    return WeightsPreset(
        name,
        found["network"],
        found["arguments"],
        folder / found["file"],
        found["sha256"],
        folder / found["tflite"],
        found["tflite_sha256"],
        about,
    )


def content(name: str, path: Path, sha256: str) -> bytes:
    """The bytes of a preset's file.

    Args:
      name: of the preset, for errors.
      path: of the file.
      sha256: its hash, hexadecimal.

    Raises:
      InputError: the file is missing or damaged.
    """
    try:
        read = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The weights of the preset {name!r} cannot be read. Expected {path}, found: "
            f"{error.strerror}. {_REINSTALL}"
        ) from error
    digest = hashlib.sha256(read).hexdigest()
    if digest != sha256:
        raise InputError(
            f"The weights of the preset {name!r} are damaged. Expected SHA-256 {sha256}, "
            f"found {digest} in {path}. {_REINSTALL}"
        )
    return read


def restore(network: keras.Model, preset: WeightsPreset) -> None:
    """Loads a preset's weights into a network.

    Args:
      network: built from `preset.network` and `preset.arguments`.
      preset: from `find`.

    Raises:
      InputError: the weights file is missing or damaged, or belongs to another network.
    """
    name, path = preset.name, preset.path
    with np.load(io.BytesIO(content(name, path, preset.sha256)), allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    by_name = variables(network)
    expected = {key: tuple(variable.shape) for key, variable in by_name.items()}
    found = {key: array.shape for key, array in arrays.items()}
    if expected != found:
        key = min(k for k in {**expected, **found} if expected.get(k) != found.get(k))
        raise InputError(
            f"The weights of the preset {name!r} belong to another network. Expected "
            f"{preset.network} with {key} of shape {expected.get(key)}, found {found.get(key)} in "
            f"{path}."
        )
    for key, variable in by_name.items():
        variable.assign(arrays[key].astype(np.float32))


def write(
    folder: Path | str,
    name: str,
    network: str,
    arguments: dict[str, Any],
    model: keras.Model,
    about: dict[str, Any],
) -> None:
    """Adds a trained network to a folder of presets, or replaces it.

    Args:
      folder: folder of presets; it is created if necessary.
      name: name of the preset.
      network: one of `networks.NETWORKS`.
      arguments: the network's arguments.
      model: the trained network.
      about: training data, licence and figures, for people; JSON-serialisable.

    Raises:
      InputError: a weight is not finite in half precision.
    """
    arrays = {}
    for key, variable in variables(model).items():
        arrays[key] = variable.numpy().astype(np.float16)
        if not np.isfinite(arrays[key]).all():
            raise InputError(f"{key} of {name!r} is not finite in half precision.")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    # Imported here because only this function needs TensorFlow.
    from tfrelight.models import tflite

    contents = {f"{name}.npz": buffer.getvalue(), f"{name}.tflite": tflite.convert(model)}
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    index = _index(folder) if (folder / _INDEX).exists() else {}
    index[name] = {
        "file": f"{name}.npz",
        "sha256": hashlib.sha256(contents[f"{name}.npz"]).hexdigest(),
        "tflite": f"{name}.tflite",
        "tflite_sha256": hashlib.sha256(contents[f"{name}.tflite"]).hexdigest(),
        "format": FORMAT,
        "network": network,
        "arguments": arguments,
        **about,
    }
    for file, content_of_file in contents.items():
        with files.replacing(folder / file) as path:
            Path(path).write_bytes(content_of_file)
    files.write_json(folder / _INDEX, index)
