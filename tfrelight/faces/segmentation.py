"""A head against what is around it: the network's mask, held to where heads are and to colours.

Networks that have learnt from rendered heads before simple backdrops take parts of a busy one for
the head. What a head window shows is known roughly, though: where the face is, that a head and a
neck surround it, and that hair, skin and background differ in colour. As in GrabCut (Rother,
Kolmogorov, Blake 2004) colour histograms of both and the segmentation are improved in turn; in
place of graph cuts a guided filter makes neighbours agree, which leaves soft edges soft.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from tfrelight.faces import framing, guided

__all__ = ["head"]

# Of the colour histograms, a side; and the blur that fills their gaps, in bins.
_BINS, _BLUR = 16, 0.8
_ROUNDS = 5
# Weights of the network's log odds and of the colours', and bounds of each.
_NETWORK, _COLOUR = 0.25, 1.4
_NETWORK_CERTAIN, _COLOUR_CERTAIN = 0.02, 3.0
# Log odds inside the outline of the face.
_SURE = 5.0
# Guided filters while it is found and at the end: radius as a share of the side, variance.
_AGREE, _EDGES = (0.02, 1e-3), (0.015, 5e-4)


def head(photo, network, oval, inside):
    """The head in a window `framing.HEAD`.

    Args:
      photo: `[S, S, 3]` sRGB-encoded, float in [0, 1].
      network: `[S, S]`, the network's mask.
      oval: `[S, S]` in [0, 1], the inside of the face's outline.
      inside: `[S, S]` bool, which pixels lie inside the photo.

    Returns:
      `[S, S]` in [0, 1].
    """
    size = len(photo)
    certain = np.clip(network, _NETWORK_CERTAIN, 1.0 - _NETWORK_CERTAIN)
    prior = _shape(size) + _NETWORK * np.log(certain / (1.0 - certain))
    guide = photo @ np.float32([0.2126, 0.7152, 0.0722])
    bins = np.minimum((photo * _BINS).astype(int), _BINS - 1) @ (_BINS * _BINS, _BINS, 1)
    odds = np.where(oval > 0.5, _SURE, prior)
    for _ in range(_ROUNDS):
        share = 1.0 / (1.0 + np.exp(-odds))
        head_colours = _histogram(bins, share * inside)
        other_colours = _histogram(bins, (1.0 - share) * inside)
        colours = np.log(head_colours / other_colours)[bins]
        odds = prior + _COLOUR * np.clip(colours, -_COLOUR_CERTAIN, _COLOUR_CERTAIN)
        odds = _smooth(guide, odds, _AGREE)
        odds = np.where(oval > 0.5, _SURE, odds)
    found = _smooth(guide, 1.0 / (1.0 + np.exp(-odds)), _EDGES)
    return np.clip(found, 0.0, 1.0).astype(np.float32)


def _smooth(guide, values, settings):
    radius, epsilon = settings
    radius = max(1, round(radius * len(guide)))
    return guided.filtered(guide, values[..., None], radius, epsilon)[..., 0]


def _histogram(bins, weights):
    """`[bins^3]` probabilities of colours, none of them 0."""
    counts = np.bincount(bins.ravel(), weights.ravel(), _BINS**3).reshape([_BINS] * 3)
    counts = ndimage.gaussian_filter(counts, _BLUR)
    # As if a thousandth of the pixels were spread over all colours.
    counts += 1e-3 * max(counts.sum(), 1.0) / counts.size
    return counts.ravel() / counts.sum()


def _shape(size):
    """Log odds of a head with hair and a neck, by place in the window."""
    share, row = framing.HEAD
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    # In distances between the eyes, from the middle between them. Adults have 63 mm there, and
    # heads 155 mm wide and 230 mm high; hair comes on top.
    across, down = (x - 0.5) / share, (y - row) / share
    skull = 9.0 * (1.0 - np.sqrt((across / 1.6) ** 2 + (down / 2.15) ** 2))
    neck = np.where(down > 1.2, np.minimum(6.0 * (0.95 - np.abs(across)), 1.0), -4.0)
    return np.maximum(np.clip(skull, -4.0, 4.0), np.maximum(neck, -4.0))
