"""A guess at the light on a person, from the scene behind them."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tfrelight.errors import InputError
from tfrelight.lights import maps
from tfrelight.photos import filters

__all__ = ["project"]

# Side of the reduced picture, and height of the map, pixels: second-order light has no finer
# detail.
_SIZE = 64
# Smallest share of the picture that must be background.
_MIN_SHARE = 0.02
# Radiance of white pixels: a lamp or window that the photo clips is brighter than 1. The tone curve
# v = L / (1 + (1 - 1 / w) L) of Reinhard et al., "Photographic Tone Reproduction for Digital
# Images", 2002, scaled to reach 1 at L = w, is inverted.
_WHITE = 3.0


def project(image: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Second-order harmonics of an environment extrapolated from a photo's background.

    The approximation of Khan, Reinhard, Fleming and Bülthoff, "Image-Based Material Editing", 2006:
    direction (x, y, z) behind the person shows the picture at (x, y), and the unseen half in front
    of them mirrors that. The person, and a body assumed below the head, are filled in from their
    surroundings. A lamp behind the camera is missed.

    Args:
      image: `[H, W, 3]` linear RGB, at least 0.
      person: `[H, W]`: 1 on the person, or at least their head, 0 on the background.

    Returns:
      `[9, 3]`, of the picture's own brightness, which says little (see `Light.exposed`).

    Raises:
      InputError: hardly any background is visible.
    """
    behind = 1.0 - _with_body(_reduced(np.clip(person, 0, 1)))
    # Cells on the outline mix both: only nearly pure background counts.
    weight = np.where(filters.eroded(behind, np.ones((3, 3), bool)) > 0.9, 1.0, 0.0)
    if weight.mean() < _MIN_SHARE:
        raise InputError(
            f"Expected background on at least {_MIN_SHARE:.0%} of the photo. "
            f"Received: {weight.mean():.1%}. Use a photo with more background, or another light."
        )
    seen = np.clip(image, 0, 1)
    seen = seen / (1 - (1 - 1 / _WHITE) * seen)
    scene = np.stack([_reduced(channel) for channel in np.moveaxis(seen, -1, 0)], -1)
    scene = _filled(scene, weight)
    vectors, _ = maps.directions(_SIZE, 2 * _SIZE)
    column = (vectors[..., 0] + 1) / 2 * _SIZE - 0.5
    row = (1 - vectors[..., 1]) / 2 * _SIZE - 0.5
    return maps.project(filters.sampled(scene, row, column))


def _with_body(head):
    """The mask of a head and a body below it, which widens by a pixel a side every two rows."""
    body = head.copy()
    for row in range(1, len(body)):
        above = body[row - 1 : row]
        wider = filters.dilated(above, np.ones((3, 3), bool)) if row % 2 else above
        body[row] = np.maximum(body[row], wider[0])
    return body


def _reduced(plane):
    picture = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(picture.resize((_SIZE, _SIZE), Image.Resampling.BOX))


def _filled(scene, weight):
    """The scene, filled in where it has no weight from its surroundings, near before far."""
    known = scene * weight[..., None]
    total, covered = known, weight
    for sigma in (2, 4, 8, 16, 32):
        # Each scale counts where the finer ones found hardly anything.
        near = filters.gaussian(weight, sigma, mode="edge")
        mean = filters.gaussian(known, (sigma, sigma, 0), mode="edge")
        share = np.clip(near / 0.05, 0, 1) * np.maximum(1 - covered, 0)
        total = total + (share / np.maximum(near, 1e-9))[..., None] * mean
        covered = covered + share
    return total / np.maximum(covered, 1e-9)[..., None]
