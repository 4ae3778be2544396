"""How hair answers more light."""

from __future__ import annotations

import numpy as np

from tfrelight import color

__all__ = ["with_sheen"]

# Share of the light that hair gains without taking on its colour.
SHEEN = 0.5


def with_sheen(
    log_ratio: np.ndarray, around: np.ndarray, white: np.ndarray, hair: np.ndarray
) -> np.ndarray:
    """The log of the factor, where a share of what hair gains has the colour of the light.

    Light that strands reflect at once is white, and only what enters them takes on their colour
    (Marschner et al., "Light Scattering from Human Hair Fibers", 2003). A factor alone would turn
    brown hair yellow.

    Args:
      log_ratio: `[S, S, 3]`, the log of the factor.
      around: `[S, S, 3]`, the photo without detail, linear, above 0.
      white: `[3]`, the colour of the new light.
      hair: `[S, S]` in [0, 1], the probability of hair.
    """
    white = white / color.luminance_numpy(white)
    gained = around * np.maximum(np.exp(log_ratio) - 1.0, 0.0)
    sheen = SHEEN * hair[..., None] * (color.luminance_numpy(gained)[..., None] * white - gained)
    return np.log(np.exp(log_ratio) + sheen / around)
