"""LPIPS (Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
2018), where the packages torch and lpips are installed.

They are no requirement: torch weighs as much as everything else together.
"""

from __future__ import annotations

import functools
import importlib

import numpy as np

from tfrelight import pictures

__all__ = ["distance", "left_out"]

_NETWORK = "alex"


@functools.lru_cache(maxsize=1)
def _loaded():
    """Torch and the network; or why there is none, a sentence."""
    try:
        torch, lpips = (importlib.import_module(name) for name in ("torch", "lpips"))
        # The first time, torch downloads the features of AlexNet.
        return torch, lpips.LPIPS(net=_NETWORK, verbose=False)
    except ImportError as error:
        return f"LPIPS is left out: {error}. It needs the packages torch and lpips."
    except OSError as error:
        reason = " ".join(str(error).split())
        return f"LPIPS is left out: the features of {_NETWORK} cannot be had. {reason}."


def left_out():
    """Why there is no LPIPS, a sentence; None where there is one."""
    loaded = _loaded()
    return loaded if isinstance(loaded, str) else None


def distance(estimate, reference, mask):
    """LPIPS (AlexNet) of two images, both black outside the mask; 0 if they are equal.

    Args:
      estimate: `[H, W]` or `[H, W, 3]` linear.
      reference: the same shape, linear.
      mask: `[H, W]` bool.

    Returns:
      A number; None where torch or lpips are missing (`left_out`).
    """
    loaded = _loaded()
    if isinstance(loaded, str):
        return None
    torch, network = loaded

    def tensor(image):
        # From sRGB in [0, 1] to [-1, 1], as the network wants it.
        encoded = 2.0 * pictures.encoded(image, mask) - 1.0
        return torch.from_numpy(np.float32(encoded.transpose(2, 0, 1)[None]))

    with torch.no_grad():
        return float(network(tensor(estimate), tensor(reference)))
