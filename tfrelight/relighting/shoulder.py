"""How bright pixels approach white instead of being clipped."""

from __future__ import annotations

import numpy as np

__all__ = ["SHOULDER", "shouldered"]

# Value from which on brighter ones approach 1 gradually instead of being clipped.
SHOULDER = 0.6


def shouldered(around: np.ndarray, log_ratio: np.ndarray) -> np.ndarray:
    """The log of the factor, reduced (but not below 0) where it would push a channel past white."""
    after = around * np.exp(log_ratio)
    # The same reduction for all channels keeps the colour.
    strongest = after.argmax(-1)[..., None]
    before, after, factor = (
        np.take_along_axis(values, strongest, -1) for values in (around, after, log_ratio)
    )
    room = 1.0 - SHOULDER
    bent = SHOULDER + room * np.tanh(np.maximum(after - SHOULDER, 0.0) / room)
    allowed = np.maximum(np.log(bent / before), 0.0)
    over = np.where(after > SHOULDER, np.maximum(factor - allowed, 0.0), 0.0)
    return log_ratio - over
