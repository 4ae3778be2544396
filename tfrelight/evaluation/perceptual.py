"""LPIPS, if the packages torch and lpips are installed.

They are not required, because torch is as large as all other packages together.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", 2018.
"""

from __future__ import annotations

import functools
import importlib

import numpy as np

from tfrelight.photos import pictures

__all__ = ["distance", "left_out"]

_NETWORK = "alex"


@functools.lru_cache(maxsize=1)
def _loaded():
    """Torch and the network, or a sentence that says why LPIPS is missing."""
    try:
        torch, lpips = (importlib.import_module(name) for name in ("torch", "lpips"))
        # On first use, torch downloads the features of AlexNet.
        return torch, lpips.LPIPS(net=_NETWORK, verbose=False)
    except ImportError as error:
        return f"LPIPS is left out: {error}. It needs the packages torch and lpips."
    except OSError as error:
        reason = " ".join(str(error).split())
        return f"LPIPS is left out: cannot load the features of {_NETWORK}. {reason}."


def left_out() -> str | None:
    """A sentence that says why LPIPS is missing; None if it is available."""
    loaded = _loaded()
    return loaded if isinstance(loaded, str) else None


def distance(estimate: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> float | None:
    """LPIPS (AlexNet) between two images, both black outside the mask; 0 if they are equal.

    Args:
      estimate: `[H, W]` or `[H, W, 3]` linear.
      reference: the same shape, linear.
      mask: `[H, W]` bool.

    Returns:
      The distance; None if torch or lpips is missing (`left_out`).
    """
    loaded = _loaded()
    if isinstance(loaded, str):
        return None
    torch, network = loaded

    def tensor(image):
        # The network expects sRGB-encoded values in [-1, 1].
        encoded = 2.0 * pictures.encoded(image, mask) - 1.0
        return torch.from_numpy(encoded.transpose(2, 0, 1)[None].astype(np.float32))

    with torch.no_grad():
        return float(network(tensor(estimate), tensor(reference)))
