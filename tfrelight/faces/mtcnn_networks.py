"""The three networks of MTCNN, run in numpy.

Zhang et al. 2016, "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks" (arXiv 1604.02878). The trained weights are those in the package `mtcnn`, whose own code
needs TensorFlow.
"""

from __future__ import annotations

import functools
import importlib.util
import io
import pathlib
import pickle

import numpy as np

from tfrelight.errors import InputError

__all__ = ["load", "normalized", "onet", "pnet", "rnet"]

_NETWORKS = ("pnet", "rnet", "onet")
# Arrays of each.
_ARRAYS = [13, 16, 21]
# What unpacking a damaged file raises.
_DAMAGE = (
    OSError,
    ValueError,
    RuntimeError,
    EOFError,
    KeyError,
    ImportError,
    pickle.UnpicklingError,
)
_INSTALL = "Install it with pip install mtcnn."


@functools.lru_cache(maxsize=1)
def load() -> dict[str, list[np.ndarray]]:
    """Loads the weights: kernels `[h, w, in, out]`, biases and slopes, in the order of the layers.

    Raises:
      InputError: the package `mtcnn` is not installed.
    """
    package = importlib.util.find_spec("mtcnn")
    if package is None or package.origin is None:
        raise InputError(f"Face detection needs the package mtcnn. {_INSTALL}")
    # Not imported, because that needs TensorFlow.
    folder = pathlib.Path(package.origin).parent / "assets" / "weights"
    try:
        import joblib
        import lz4.frame

        packed = {name: (folder / f"{name}.lz4").read_bytes() for name in _NETWORKS}
        # Unpacked here: of a file that joblib unpacks, lz4 complains when Python 3.13 closes it.
        found = {
            name: joblib.load(io.BytesIO(lz4.frame.decompress(content)))
            for name, content in packed.items()
        }
        if [len(found[name]) for name in _NETWORKS] != _ARRAYS:
            raise ValueError("weights of another network")
        return found
    except _DAMAGE as error:
        raise InputError(f"The package mtcnn lacks its weights: {error}. {_INSTALL}") from error


def normalized(pixels: np.ndarray) -> np.ndarray:
    """Pixels uint8 as the networks take them, float32."""
    return (pixels.astype(np.float32) - 127.5) / 128


def pnet(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets of the box `[N, h, w, 4]` and probability `[N, h, w]` at every cell.

    Args:
      images: `[N, H, W, 3]` from `normalized`; cells of 12 pixels lie 2 pixels apart.
    """
    w = load()["pnet"]
    x = _pool(_slope(_convolve(images, *w[0:2]), w[2]), 2)
    x = _slope(_convolve(x, *w[3:5]), w[5])
    x = _slope(_convolve(x, *w[6:8]), w[8])
    return _convolve(x, *w[9:11]), _probability(_convolve(x, *w[11:13]))


def rnet(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets of the box `[N, 4]`, no points, and probabilities `[N]`.

    Args:
      images: `[N, 24, 24, 3]` from `normalized`.
    """
    w = load()["rnet"]
    x = _flat(_slope(_convolve(_begun(images, w), *w[6:8]), w[8]))
    x = _slope(x @ w[9] + w[10], w[11])
    return x @ w[12] + w[13], np.zeros((len(x), 0, 2)), _probability(x @ w[14] + w[15])


def onet(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets of the box `[N, 4]`, points `[N, 5, 2]` in shares of it, probabilities `[N]`.

    Args:
      images: `[N, 48, 48, 3]` from `normalized`.
    """
    w = load()["onet"]
    x = _pool(_slope(_convolve(_begun(images, w), *w[6:8]), w[8]), 2)
    x = _flat(_slope(_convolve(x, *w[9:11]), w[11]))
    x = _slope(x @ w[12] + w[13], w[14])
    # Five x, then five y.
    points = np.stack(np.split(x @ w[17] + w[18], 2, axis=1), -1)
    return x @ w[15] + w[16], points, _probability(x @ w[19] + w[20])


def _begun(images, w):
    """The first two layers, which the last two networks have alike."""
    x = _pool(_slope(_convolve(images, *w[0:2]), w[2]), 3)
    return _pool(_slope(_convolve(x, *w[3:5]), w[5]), 3, within=True)


def _convolve(x, kernel, bias):
    """Convolution without a border."""
    height, width, channels, filters = kernel.shape
    windows = np.lib.stride_tricks.sliding_window_view(x, (height, width), (1, 2))
    columns = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, height * width * channels)
    values = columns @ kernel.reshape(-1, filters)
    values += bias
    return values.reshape(*windows.shape[:3], filters)


def _slope(x, slopes):
    """PReLU, with a slope for each channel, in place."""
    below = np.minimum(x, 0)
    below *= slopes.reshape(-1) - 1
    x += below
    return x


def _pool(x, size, within=False):
    """The largest of each square, every second one; `within`: of whole squares only."""
    rows, columns = x.shape[1:3]
    if within:
        rows, columns = (rows - size) // 2 + 1, (columns - size) // 2 + 1
    else:
        missing = [max(2 * (-(-length // 2) - 1) + size - length, 0) for length in (rows, columns)]
        border = [(0, 0), *((gap // 2, gap - gap // 2) for gap in missing), (0, 0)]
        x = np.pad(x, border, constant_values=-np.inf)
        rows, columns = -(-rows // 2), -(-columns // 2)
    shifted = [
        x[:, down : down + 2 * rows - 1 : 2, right : right + 2 * columns - 1 : 2]
        for down in range(size)
        for right in range(size)
    ]
    return functools.reduce(np.maximum, shifted)


def _flat(x):
    """Feature maps as vectors, column by column, as the networks were trained."""
    return x.transpose(0, 2, 1, 3).reshape(len(x), -1)


def _probability(logits):
    """Of the second of two classes."""
    # In 32 bits the best boxes of a large face would all have probability 1, and any of them win.
    first, second = np.moveaxis(logits.astype(np.float64), -1, 0)
    return 1 / (1 + np.exp(first - second))
