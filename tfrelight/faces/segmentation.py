"""A head against what is around it: the network's mask, held to where heads are and to colours.

A network that has learnt from rendered heads is unsure of hats, shirts and what is close to hair.
What a head window shows is known roughly, though: where the face is, that a head and a neck
surround it, and that hair, skin and background differ in colour. As in GrabCut (Rother,
Kolmogorov, Blake 2004) colour histograms of both and the segmentation are improved in turn; in
place of graph cuts a guided filter makes neighbours agree, which leaves soft edges soft. What lies
to the left of a head says little of what lies above it: colours are counted by direction, too, so
that a bush beside a cheek is told from hair of the same brown.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy import ndimage

from tfrelight import color
from tfrelight.faces import framing, guided

__all__ = ["head"]

# Of the colour histograms, a side; and the blur that fills their gaps, in bins.
_BINS, _BLUR = 16, 0.8
# Directions that have histograms of their own, how far these blend into each other, and what all
# directions together count beside them.
_SECTORS, _BLEND, _ALL = 12, 1.0, 0.5
_ROUNDS = 5
# Weights of the network's log odds and of the colours', and bounds of each.
_NETWORK, _COLOUR = 1.0, 1.4
_NETWORK_CERTAIN, _COLOUR_CERTAIN = 0.02, 3.0
# Log odds inside the outline of the face.
_SURE = 5.0
# Guided filters while it is found and at the end: radius as a share of the side, variance.
_AGREE, _EDGES = (0.016, 3e-4), (0.008, 1e-4)


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
    guide = photo @ np.float32(color.LUMINANCE)
    bins = np.minimum((photo * _BINS).astype(int), _BINS - 1) @ (_BINS * _BINS, _BINS, 1)
    bins += _sectors(size) * _BINS**3
    odds = np.where(oval > 0.5, _SURE, prior)
    for _ in range(_ROUNDS):
        share = 1.0 / (1.0 + np.exp(-odds))
        head_colours = _histograms(bins, share * inside)
        other_colours = _histograms(bins, (1.0 - share) * inside)
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


def _histograms(bins, weights):
    """Probabilities of colours by direction, `[sectors * bins^3]`, none of them 0."""
    counts = np.bincount(bins.ravel(), weights.ravel(), _SECTORS * _BINS**3)
    counts = counts.reshape([_SECTORS] + [_BINS] * 3).astype(np.float32)
    counts = ndimage.gaussian_filter(counts, (0, _BLUR, _BLUR, _BLUR))
    blended = ndimage.gaussian_filter1d(counts, _BLEND, axis=0, mode="wrap")
    everywhere = _ALL * _shares(counts.sum(0).reshape(1, -1))
    return ((1.0 - _ALL) * _shares(blended.reshape(_SECTORS, -1)) + everywhere).ravel()


def _shares(counts):
    """Counts `[..., K]` as shares of their sum, as if a thousandth were spread over all K."""
    total = np.maximum(counts.sum(-1, keepdims=True), 1.0)
    counts = counts + 1e-3 * total / counts.shape[-1]
    return counts / counts.sum(-1, keepdims=True)


@functools.lru_cache(maxsize=4)
def _place(size):
    """Across and down from the middle between the eyes, in distances between the eyes."""
    share, row = framing.HEAD
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    return (x - 0.5) / share, (y - row) / share


@functools.lru_cache(maxsize=4)
def _sectors(size):
    """`[S, S]`: in which direction from the middle of the face a pixel lies, 0 to 11."""
    across, down = _place(size)
    turn = np.arctan2(down - 0.3, across) / (2.0 * np.pi) + 0.5
    return np.minimum((turn * _SECTORS).astype(int), _SECTORS - 1)


@functools.lru_cache(maxsize=4)
def _shape(size):
    """Log odds of a head with hair and a neck, by place in the window."""
    across, down = _place(size)
    # Adults have 63 mm between the eyes, and heads 155 mm wide and 230 mm high; hair comes on top.
    skull = 12.0 * (1.0 - np.sqrt((across / 1.5) ** 2 + (down / 2.15) ** 2))
    neck = np.where(down > 1.2, np.minimum(6.0 * (0.95 - np.abs(across)), 1.0), -4.0)
    return np.maximum(np.clip(skull, -4.0, 4.0), np.maximum(neck, -4.0))
