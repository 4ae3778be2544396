"""The trained networks that come with the package.

`weights/presets.json` describes each: network, arguments, SHA-256 of its weights file, what it was
trained on. A weights file is a NumPy archive of half-precision arrays under the variables' names.
`tools/train_presets.py` makes both.
"""

import hashlib
import importlib.resources
import io
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfrelight import files
from tfrelight.errors import InputError

__all__ = ["DEFAULT", "FORMAT", "Preset", "find", "names", "restore", "write"]

DEFAULT = "compact-128"

# Changes when files of an older package would be misread.
FORMAT = 1

_INDEX = "presets.json"
_AGAIN = "Install the package again."


class Preset(NamedTuple):
    """A network's function and arguments, its weights file, and the hash that this must have.

    about: what `write` was told, for people.
    """

    name: str
    network: str
    arguments: dict
    path: Path
    sha256: str
    about: dict


def _folder():
    return importlib.resources.files("tfrelight.models") / "weights"


def _index(folder):
    path = folder / _INDEX
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise InputError(f"The list of presets is missing: expected {path}. {_AGAIN}") from error
    except ValueError as error:
        raise InputError(f"{path} is not a list of presets: {error}. {_AGAIN}") from error


def names(folder=None):
    """Names of the presets, the default first."""
    return sorted(_index(folder or _folder()), key=lambda name: (name != DEFAULT, name))


def _variables(network):
    """The network's variables by their names, as `stem/kernel`."""
    return {variable.name.split(":")[0]: variable for variable in network.weights}


def find(name, folder=None):
    """A preset.

    Args:
      name: one of `names`.
      folder: with `presets.json`; default: the package's.

    Returns:
      `Preset`.

    Raises:
      InputError: there is no such preset, or it is of another version of the package.
    """
    folder = folder or _folder()
    index = _index(folder)
    if name not in index:
        raise InputError(
            f"No trained model {name!r}. Expected a preset ({', '.join(names(folder))}) or the "
            "--workdir of a training run."
        )
    found = index[name]
    if found["format"] != FORMAT:
        raise InputError(
            f"The preset {name!r} is of another version of the package. Expected format {FORMAT}, "
            f"found {found['format']} in {folder / _INDEX}. {_AGAIN}"
        )
    own = ("file", "sha256", "format", "network", "arguments")
    about = {key: value for key, value in found.items() if key not in own}
    return Preset(
        name, found["network"], found["arguments"], folder / found["file"], found["sha256"], about
    )


def restore(network, preset):
    """Gives a network the weights of a preset.

    Args:
      network: as `preset.network` with `preset.arguments` makes it.
      preset: `Preset`.

    Raises:
      InputError: the weights file is missing, damaged, or of another network.
    """
    name, path = preset.name, preset.path
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The weights of the preset {name!r} cannot be read. Expected {path}, found: "
            f"{error.strerror}. {_AGAIN}"
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != preset.sha256:
        raise InputError(
            f"The weights of the preset {name!r} are damaged. Expected SHA-256 {preset.sha256}, "
            f"found {digest} in {path}. {_AGAIN}"
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    variables = _variables(network)
    wanted = {key: tuple(variable.shape) for key, variable in variables.items()}
    found = {key: array.shape for key, array in arrays.items()}
    if wanted != found:
        key = min(k for k in {**wanted, **found} if wanted.get(k) != found.get(k))
        raise InputError(
            f"The weights of the preset {name!r} are of another network. Expected {preset.network} "
            f"with {key} of shape {wanted.get(key)}, found {found.get(key)} in {path}."
        )
    for key, variable in variables.items():
        variable.assign(arrays[key].astype(np.float32))


def write(folder, name, network, arguments, model, about):
    """Adds a trained network to a folder of presets, or replaces it.

    Args:
      folder: path; made if not there.
      name: of the preset.
      network: its name in `presets.NETWORKS`.
      arguments: its function's.
      model: the network with its weights.
      about: dict of text and numbers for people: training data, licence, figures.

    Raises:
      InputError: a weight is not finite in half precision.
    """
    arrays = {}
    for key, variable in _variables(model).items():
        arrays[key] = variable.numpy().astype(np.float16)
        if not np.isfinite(arrays[key]).all():
            raise InputError(f"{key} of {name!r} is not finite in half precision.")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    content = buffer.getvalue()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    index = _index(folder) if (folder / _INDEX).exists() else {}
    index[name] = {
        "file": f"{name}.npz",
        "sha256": hashlib.sha256(content).hexdigest(),
        "format": FORMAT,
        "network": network,
        "arguments": arguments,
        **about,
    }
    with files.replacing(folder / f"{name}.npz") as path:
        Path(path).write_bytes(content)
    files.write_json(folder / _INDEX, index)
