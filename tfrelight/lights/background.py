"""A guess at what lights a person from the scene one sees behind them."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage

from tfrelight.errors import InputError
from tfrelight.lights import maps

__all__ = ["project"]

# Width and height that the picture is brought to, and the map's height: second-order light has no
# finer detail.
_SIZE = 64
# Least share of the picture that must be background.
_LEAST = 0.02
# Radiance that white stands for. A lamp or window that is clipped in the photo is brighter than it
# shows; the curve v = L / (1 + (1 - 1 / w) L) of Reinhard et al., "Photographic Tone Reproduction
# for Digital Images", 2002, scaled to reach 1 at L = w, is undone.
_WHITE = 8.0


def project(image, person) -> np.ndarray:
    """Second-order harmonics of an environment made up from a photo's background.

    The approximation of Khan, Reinhard, Fleming and Bülthoff, "Image-Based Material Editing", 2006:
    the picture is stretched over the half of the sphere behind the person, direction (x, y, z)
    showing its point (x, y), and mirrored to the half before them, which no one sees. What the
    person hides is filled in from around them. So light comes from the side on which the picture is
    bright, with the picture's colours; what lies behind the camera is unknown, and a lamp there is
    missed.

    Args:
      image: `[H, W, 3]` linear RGB, at least 0.
      person: `[H, W]`, 1 where the person is, 0 where the background is.

    Returns:
      `[9, 3]`; its brightness is the picture's, and means little (see `Light.exposed`).

    Raises:
      InputError: hardly any background is visible.
    """
    behind = 1.0 - _reduced(np.clip(person, 0, 1))
    # A cell on the outline is a mixture of both: only nearly pure ones are looked at.
    weight = np.where(ndimage.minimum_filter(behind, 3, mode="nearest") > 0.9, 1.0, 0.0)
    if weight.mean() < _LEAST:
        raise InputError(
            f"Expected to see the scene behind the person on at least {_LEAST:.0%} of the photo. "
            f"Received: {weight.mean():.1%}. Use a photo with more background, or another light."
        )
    seen = np.clip(image, 0, 1)
    seen = seen / (1 - (1 - 1 / _WHITE) * seen)
    scene = np.stack([_reduced(channel) for channel in np.moveaxis(seen, -1, 0)], -1)
    scene = _filled(scene, weight)
    vectors, _ = maps.directions(_SIZE, 2 * _SIZE)
    column = (vectors[..., 0] + 1) / 2 * _SIZE - 0.5
    row = (1 - vectors[..., 1]) / 2 * _SIZE - 0.5
    radiance = [
        ndimage.map_coordinates(channel, [row, column], order=1, mode="nearest")
        for channel in np.moveaxis(scene, -1, 0)
    ]
    return maps.project(np.stack(radiance, -1))


def _reduced(plane):
    picture = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(picture.resize((_SIZE, _SIZE), Image.Resampling.BOX))


def _filled(scene, weight):
    """The scene where it has no weight: from around it, near before far."""
    known = scene * weight[..., None]
    total, covered = known, weight
    for sigma in (2, 4, 8, 16, 32):
        # Each scale counts where the finer ones found next to nothing.
        near = ndimage.gaussian_filter(weight, sigma, mode="nearest")
        mean = ndimage.gaussian_filter(known, (sigma, sigma, 0), mode="nearest")
        share = np.clip(near / 0.05, 0, 1) * np.maximum(1 - covered, 0)
        total = total + (share / np.maximum(near, 1e-9))[..., None] * mean
        covered = covered + share
    return total / np.maximum(covered, 1e-9)[..., None]
