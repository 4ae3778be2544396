"""Crops through the network: brightened where they are dark, and with their mirror images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from tfrelight import color, harmonics

__all__ = ["Network", "gain", "predict"]

# Crops in a batch: 32 of 128x128 take 0.5 GB in the compact network.
_BATCH = 32
# Linear value below which a face is brightened for the network, which rarely saw darker ones.
DARK_FACE = 0.12
_MIRROR = np.diag([-1.0, 1.0, 1.0]).astype(np.float32)


class Network(Protocol):
    """A trained model: what `engines.load` or `load_model` gives, or a `RemoteModel`."""

    def predict_on_batch(self, images: np.ndarray, /) -> dict[str, np.ndarray]:
        """Maps of `[N, H, W, 3]` sRGB crops in [0, 1], as `load_model` describes them."""
        ...


def gain(face: np.ndarray) -> float:
    """The factor in linear RGB that makes a dark face as bright as those that networks know.

    Args:
      face: `[N, 3]` uint8, sRGB-encoded pixels of the face.
    """
    # A face that the photo shows only a sliver of has no brightness of its own.
    bright = np.percentile(face.max(-1), 90.0) if len(face) else 255.0
    linear = float(color.to_linear_numpy(bright / 255.0))
    return max(1.0, DARK_FACE / max(linear, 1e-3))


def predict(
    model: Network, cuts: Sequence[np.ndarray], gains: Sequence[float]
) -> list[dict[str, np.ndarray]]:
    """The network's outputs for each crop: the mean of it and its mirror image.

    Args:
      model: what `tfrelight.load_model` gives.
      cuts: each `[S, S, 3]` uint8, sRGB-encoded.
      gains: by which each is brightened, in linear RGB; the lights are of the crops as they are.
    """
    results: list[dict[str, np.ndarray]] = []
    for start in range(0, len(cuts), _BATCH // 2):
        batch = np.stack(
            [
                _brightened(cut, gain)
                for cut, gain in zip(cuts[start : start + _BATCH // 2], gains[start:])
            ]
        )
        outputs = model.predict_on_batch(np.concatenate([batch, batch[:, :, ::-1]]))
        plain, mirrored = (
            {name: value[half] for name, value in outputs.items()}
            for half in (slice(len(batch)), slice(len(batch), None))
        )
        mirrored = {
            name: value if name == "light" else value[:, :, ::-1]
            for name, value in mirrored.items()
        }
        mirrored["normals"] = mirrored["normals"] * _MIRROR.diagonal()
        mirrored["light"] = harmonics.rotate(mirrored["light"], _MIRROR)
        mean = {name: (plain[name] + mirrored[name]) / 2.0 for name in plain}
        mean["light"] /= np.reshape(gains[start : start + len(batch)], (-1, 1, 1))
        results += [{name: mean[name][k] for name in mean} for k in range(len(batch))]
    return results


def _brightened(cut, gain):
    """A crop `[S, S, 3]` uint8 in [0, 1], multiplied by a gain in linear RGB."""
    photo = cut.astype(np.float32) / 255.0
    return photo if gain == 1.0 else color.to_srgb_numpy(gain * color.to_linear_numpy(photo))
