"""Segmentation of a head: the network's mask, refined with the head's usual shape and colours.

A network trained on rendered heads is unsure about hats, shirts and whatever is close to hair. As
in GrabCut (Rother, Kolmogorov, Blake 2004), colour histograms of head and background and the
segmentation are refined in turn. A guided filter takes the place of graph cuts, which keeps soft
edges soft. The histograms are counted by direction from the face, so that a bush beside a cheek
does not count against hair of the same brown above the forehead. In the end the colours on both
sides of an edge tell its place to a pixel of the photo.
"""

from __future__ import annotations

import functools

import numpy as np

from tfrelight import color
from tfrelight.faces import find, framing, guided_filter
from tfrelight.photos import filters
from tfrelight.photos.blending import ramp

__all__ = ["head", "person", "turn"]

# Bins of the colour histograms along each channel, and the blur that fills their gaps, in bins.
_BINS, _BLUR = 16, 0.8
# Directions with histograms of their own, the blur between them, in directions, and the weight of a
# histogram of all directions.
_SECTORS, _SECTOR_BLUR, _ALL_SECTORS = 12, 1.0, 0.5
_ROUNDS = 5
# Weights of the log odds of the network and of the colours: clothes have any, and badges of others.
_NETWORK, _COLOUR, _COLOUR_OF_CLOTHES = 1.0, 1.4, 1.0
# Bounds of the network's probability, from 0 and from 1, and of the colours' log odds.
_NETWORK_BOUND, _COLOUR_BOUND = 0.02, 3.0
# Distance of the middle of a head behind its eyes, in interocular distances.
_BEHIND_EYES = 1.3
# Distance of the chin below the eyes, in interocular distances.
_CHIN = 1.2
# Sines between which a head begins to count as turned. Reach in front of the outline of the face,
# in interocular distances: of a nose, for each unit of the sine; and of hair on the far side of a
# frontal head, and how much less for each unit.
_FRONTAL = (0.2, 0.4)
_NOSE, _FAR_HAIR = 0.45, (1.2, 1.3)
# Log odds inside the outline of the face.
_FACE_ODDS = 5.0
# Guided filters in each round and at the end: radius as a share of the side, variance.
_ROUND_FILTER, _FINAL_FILTER = (0.016, 3e-4), (0.008, 1e-4)
# Half the width of an edge whose place the mask does not know, which is two pixels and a half of a
# network of 128, and radius of its surroundings, as shares of the side; shares of the surroundings
# between which they begin to tell their colour. By eye on a portrait whose ears glowed.
_EDGE, _BESIDE, _LEAST = 0.02, 0.05, (0.01, 0.03)
# Values of the mask between which a pixel changes sides.
_SIDES = (0.4, 0.6)
# Variance that is added to that of the colours on both sides, and squared distances of both, in
# variances, between which they tell an edge.
_SPREAD, _CLEAR = 1e-3, (4.0, 12.0)
# Pairs of channels.
_PRODUCTS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))


def head(
    photo: np.ndarray,
    network: np.ndarray,
    oval: np.ndarray,
    inside: np.ndarray,
    turned: float,
    with_body: bool = False,
) -> np.ndarray:
    """Segments the head, or the person, in a window of the framing `framing.HEAD`.

    Args:
      photo: `[S, S, 3]` sRGB-encoded, float in [0, 1].
      network: `[S, S]` in [0, 1], the network's mask.
      oval: `[S, S]` in [0, 1], 1 inside the outline of the face.
      inside: `[S, S]` bool, True for pixels inside the photo.
      turned: what `turn` gives.
      with_body: whether the network's mask and the result hold the body, too.

    Returns:
      `[S, S]` float32 in [0, 1], 1 on the head.
    """
    size = len(photo)
    shape = _shape(size, turned)
    certain = ramp(abs(turned), *_FRONTAL)
    ahead = certain * _in_front(oval, turned)
    if with_body:
        # Below the chin is a neck, but shoulders and hands may be anywhere.
        below = _place(size)[1] > _CHIN
        shape, ahead = np.where(below, np.maximum(shape, 0.0), shape), np.where(below, 0.0, ahead)
    prior = shape + _log_odds(network)
    prior += ahead * (-2.0 * _FACE_ODDS - prior)
    return _refined(photo, prior, _sure(oval, network, turned), inside, _COLOUR)


def person(
    photo: np.ndarray, network: np.ndarray, oval: np.ndarray, inside: np.ndarray, turned: float
) -> np.ndarray:
    """Segments a person in a window of any framing, as `head` without its usual shape.

    Args:
      photo, network, oval, inside, turned: see `head`.

    Returns:
      `[S, S]` float32 in [0, 1], 1 on the person.
    """
    sure = _sure(oval, network, turned)
    return _refined(photo, _log_odds(network), sure, inside, _COLOUR_OF_CLOTHES)


def _sure(oval, network, turned):
    """`[S, S]` bool: where the outline of the face decides alone.

    The outline of a turned head may reach past its forehead and nose, where the network knows
    better.
    """
    return (oval > 0.5) & (network >= 0.5 * ramp(abs(turned), *_FRONTAL))


def _log_odds(network):
    probability = np.clip(network, _NETWORK_BOUND, 1.0 - _NETWORK_BOUND)
    return _NETWORK * np.log(probability / (1.0 - probability))


def _refined(photo, prior, sure, inside, weight):
    """A mask from the log odds `prior`, and of colours that the mask itself tells with a weight.

    What is `sure`, `[S, S]` bool, is in the mask.
    """
    size = len(photo)
    guide = color.luminance_numpy(photo)
    bins = np.minimum((photo * _BINS).astype(int), _BINS - 1) @ (_BINS * _BINS, _BINS, 1)
    bins += _sectors(size) * _BINS**3
    in_rounds, at_the_end = (
        _guided(guide, settings) for settings in (_ROUND_FILTER, _FINAL_FILTER)
    )
    prior = prior.astype(np.float32)
    odds = np.where(sure, np.float32(_FACE_ODDS), prior)
    for _ in range(_ROUNDS):
        share = 1.0 / (1.0 + np.exp(-odds))
        head_colours = _histograms(bins, share * inside)
        other_colours = _histograms(bins, (1.0 - share) * inside)
        colours = np.log(head_colours / other_colours)[bins]
        odds = prior + weight * np.clip(colours, -_COLOUR_BOUND, _COLOUR_BOUND)
        odds = in_rounds.filtered(odds[None])[0]
        odds = np.where(sure, np.float32(_FACE_ODDS), odds)
    mask = at_the_end.filtered(1.0 / (1.0 + np.exp(-odds[None])))[0]
    mask = np.clip(mask, 0.0, 1.0).astype(np.float32)
    return np.where(sure, mask, _matted(photo, mask, inside))


def _matted(photo, mask, inside):
    """The mask, along its edge told by the colours on both sides, where these differ.

    A pixel on an edge is a mixture of what lies on both sides of it. The mask knows the place of
    the edge to a pixel of the network, and the photo to one of its own.
    """
    size = len(mask)
    edge = max(1, round(_EDGE * size))
    side = 2 * max(1, round(_BESIDE * size)) + 1
    square = np.ones((2 * edge + 1, 2 * edge + 1), bool)
    own_side = ramp(mask, *_SIDES)
    within, without = (filters.eroded(where, square) for where in (own_side, 1.0 - own_side))
    band = (within < 1.0) & (without < 1.0)
    pixels = photo[band].astype(np.float32)
    (own, own_spread, own_count), (other, other_spread, other_count) = (
        _colours(photo, weight * inside, side, band) for weight in (within, without)
    )
    apart = own - other
    spread = own_spread + other_spread + _SPREAD * np.eye(3, dtype=np.float32)
    # Fisher's linear discriminant: of all mixtures of the channels it tells both sides best.
    weights = np.linalg.solve(spread, apart[..., None])[..., 0]
    distance = (weights * apart).sum(-1)
    share = (weights * (pixels - other)).sum(-1) / np.maximum(distance, 1e-6)
    sure = ramp(distance, *_CLEAR) * ramp(np.minimum(own_count, other_count), *_LEAST)
    sure *= ((1.0 - within) * (1.0 - without))[band]
    matted = mask.copy()
    matted[band] += sure * (np.clip(share, 0.0, 1.0) - mask[band])
    return matted


def _colours(photo, weight, side, where):
    """Of weighted pixels around the N pixels `where`: mean, covariance, and their share.

    `[N, 3]`, `[N, 3, 3]` and `[N]`.
    """
    planes = np.moveaxis(photo, -1, 0).astype(np.float32) * weight
    products = [planes[k] * photo[..., c] for k, c in _PRODUCTS]
    sums = filters.box(np.stack([*planes, *products, weight]), side)[:, where]
    total = np.maximum(sums[-1], 1e-6)
    mean = sums[:3] / total
    spread = np.empty((len(total), 3, 3), np.float32)
    for number, (k, c) in enumerate(_PRODUCTS, start=3):
        spread[:, k, c] = spread[:, c, k] = sums[number] / total - mean[k] * mean[c]
    return mean.T, spread, sums[-1]


def _in_front(oval, turned):
    """`[S, S]` bool: True in front of a turned head, further than its nose reaches."""
    size = len(oval)
    columns = np.arange(size)
    inside = oval > 0.5
    rows = inside.any(1)
    if turned > 0:
        edge = np.where(rows, size - 1 - inside[:, ::-1].argmax(1), np.max(columns * inside))
    else:
        edge = np.where(rows, inside.argmax(1), np.where(inside, columns, size).min())
    # Of a head that is turned a little, hair on the far side reaches further than the nose.
    hair = _FAR_HAIR[0] - _FAR_HAIR[1] * abs(turned)
    reach = framing.HEAD[0] * size * max(_NOSE * abs(turned), hair)
    ahead = (columns - edge[:, None]) * np.sign(turned)
    return ahead > reach


def turn(face: find.Face, window: framing.Window) -> float:
    """The sine of the angle by which a head is turned to the right of its window; -1 to 1."""
    # Eyes are apart in space, and less so in the picture of a head that is turned.
    apart = float(np.linalg.norm(face.eyes[1] - face.eyes[0])) / face.interocular_distance
    sine = np.sqrt(max(0.0, 1.0 - min(apart, 1.0) ** 2))
    towards = (window.place(face.eyes.mean(0)) - window.place(face.oval.mean(0)))[0]
    return float(np.copysign(sine, towards))


def _guided(guide, settings):
    radius, epsilon = settings
    return guided_filter.GuidedFilter(guide, max(1, round(radius * len(guide))), epsilon)


def _histograms(bins, weights):
    """Probabilities of colours by direction, `[sectors * bins^3]`, all above 0."""
    counts = np.bincount(bins.ravel(), weights.ravel(), _SECTORS * _BINS**3)
    counts = counts.reshape([_SECTORS] + [_BINS] * 3).astype(np.float32)
    counts = filters.gaussian(counts, (0, _BLUR, _BLUR, _BLUR))
    blended = filters.gaussian(counts, (_SECTOR_BLUR, 0, 0, 0), mode="wrap")
    everywhere = _ALL_SECTORS * _shares(counts.sum(0).reshape(1, -1))
    return ((1.0 - _ALL_SECTORS) * _shares(blended.reshape(_SECTORS, -1)) + everywhere).ravel()


def _shares(counts):
    """Counts `[..., K]` as shares of their sum, after spreading a thousandth of it over all K."""
    total = np.maximum(counts.sum(-1, keepdims=True), 1.0)
    counts = counts + 1e-3 * total / counts.shape[-1]
    return counts / counts.sum(-1, keepdims=True)


@functools.lru_cache(maxsize=4)
def _place(size):
    """`[S, S]` twice: offsets right and down from between the eyes, in interocular distances."""
    share, row = framing.HEAD
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    return (x - 0.5) / share, (y - row) / share


@functools.lru_cache(maxsize=4)
def _sectors(size):
    """`[S, S]`: the direction of each pixel from the middle of the face, 0 to 11."""
    across, down = _place(size)
    turn = np.arctan2(down - 0.3, across) / (2.0 * np.pi) + 0.5
    return np.minimum((turn * _SECTORS).astype(int), _SECTORS - 1)


def _shape(size, turned):
    """`[S, S]`: log odds of a head with hair and a neck, by position in the window."""
    across, down = _place(size)
    # The middle of a head is behind its eyes.
    across = across + _BEHIND_EYES * turned
    # Adults have 63 mm between the eyes and heads 155 mm wide and 230 mm high; hair adds to that.
    skull = 12.0 * (1.0 - np.sqrt((across / 1.5) ** 2 + (down / 2.15) ** 2))
    neck = np.where(down > _CHIN, np.minimum(6.0 * (0.95 - np.abs(across)), 1.0), -4.0)
    return np.maximum(np.clip(skull, -4.0, 4.0), np.maximum(neck, -4.0))
