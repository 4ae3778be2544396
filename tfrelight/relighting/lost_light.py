"""What a photo did not record: light in black shadows, and the excess of clipped channels.

A dark place on a face is a shadow or a dark thing: a lens, a beard, make-up, a mask. The photo does
not say which. Faces are symmetric, though, and so is most of what people wear on them. So a place
counts as shadow only if the light comes from the other side of the face, and the same place there
is lit and not dark. Everything else keeps the little light that the photo has of it.
"""

from __future__ import annotations

import numpy as np

from tfrelight import color
from tfrelight.photos import filters
from tfrelight.photos.blending import ramp
from tfrelight.relighting.face_maps import FaceMaps

__all__ = [
    "CLIPPED",
    "LEAST_CHANNEL",
    "black",
    "darkened",
    "on_face",
    "residual",
    "restored",
    "shadows",
    "surface_color",
    "things",
]

# Bounds of the residual, natural logarithms: anywhere, and below in what is known to be a shadow.
MAX_RESIDUAL, DEEPEST_SHADOW = 1.5, 4.0
# Values of the residual between which a darker place needs evidence that it is a shadow: one fifth
# and one ninth of the light that the maps explain. Shadows outdoors keep a quarter. And of what the
# network calls a thing: lenses are darker than it knows.
DARK_THING, KNOWN_THING = (1.6, 2.2), (0.3, 1.0)
# On the other side: shares of the explained light between which a place is lit; shares of the
# face's brightest shading between which the light reaches it; ratios of the shading there to that
# here. Chosen by eye on Extended Yale B and with `tools/measure_exposures.py`.
SEEN = (0.3, 0.6)
REACHED = (0.2, 0.4)
FROM_THERE = (1.3, 2.0)
# Side of the maps of evidence, pixels. Radius of what is too small for a thing, and distance by
# which faces are not symmetric, as shares of the face's width: a lens has a radius of 0.18.
COARSE = 64
SMALL, TOLERANCE = 0.11, 0.09
# A pixel is fully black up to the first ratio of its luminance to that of a lit surface of its
# albedo, and not at all from the second on.
BLACK, DIM = 0.02, 0.2
# Luminance from which on no pixel is black, as a share of the lit part of the face, and at most: 8
# bits hold 20 steps below it.
DARK_SHARE, DARK = 0.04, 0.01
# Side of the surroundings that must be black too, as a share of the maps' side.
AROUND = 0.03
# Linear values between which a channel counts as clipped; JPEG blurs the edges of clipped areas.
CLIPPED = (0.94, 0.99)
# Share of the face whose pixels tell how far the network's colours are off, and the largest factor
# that they may be off by: without a face's pixels it would be the background's that tell.
MEASURED, COLOR_ERROR = 0.2, 1.25
# Least channel of a surface's colour, as a share of the largest: skin under a sodium lamp has 0.1.
LEAST_CHANNEL = 0.1


def shadows(maps: FaceMaps, shading: np.ndarray) -> np.ndarray:
    """`[S, S]` in [0, 1]: evidence that what is dark lies in shadow, and is not a dark thing.

    Args:
      maps: of the face.
      shading: `[S, S, 3]` under its own light, above 0.
    """
    size = len(maps.guide)
    shade = _coarse(color.luminance_numpy(shading))
    lit = _coarse(np.exp(np.minimum(maps.residual, 0.0)))
    # Nostrils, eyes and lips are dark and small. Things are large, and their edges count as well.
    width = maps.region.any(0).sum() * COARSE / size
    small = filters.disc(SMALL * width)
    lit = filters.eroded(filters.dilated(lit, small), small)
    lit = filters.eroded(lit, filters.disc(TOLERANCE * width))
    across = _other_side(maps)[(np.arange(COARSE) * 2 + 1) * size // (2 * COARSE)]
    across = across * COARSE // size
    # Noses have a lit and a dark side of their own.
    shade = filters.gaussian(shade, SMALL * width)
    there = shade[:, across]
    found = (
        ramp(lit[:, across], *SEEN)
        * ramp(there / shade.max(), *REACHED)
        * ramp(there / shade, *FROM_THERE)
    )
    found = filters.gaussian(found, TOLERANCE * width / 2.0)
    places = (np.arange(size) + 0.5) * COARSE / size - 0.5
    found = filters.sampled(found, places[:, None], places[None])
    flesh = maps.probability("skin", "eyes", "mouth")
    return found if flesh is None else found * flesh


def _coarse(values):
    """A map `[S, S]` as `[COARSE, COARSE]`: filters take less time, and evidence is smooth."""
    size = len(values)
    smooth = filters.box(values, max(1, round(size / COARSE)), mode="edge")
    rows = ((np.arange(COARSE) + 0.5) * size / COARSE).astype(int)
    return smooth[rows][:, rows]


def _other_side(maps):
    """`[S]`: for each column that of the same place on the other half of the face."""
    size = len(maps.guide)
    columns = np.flatnonzero(maps.region.any(0))
    left, right = columns[0], columns[-1] + 1.0
    middle = (left + right) / 2.0
    if maps.face is not None:
        # Of a turned head one half looks narrower.
        eyes = maps.window.place(maps.face.eyes.mean(0))[0] * size
        middle = np.clip(eyes, left + 0.2 * (right - left), right - 0.2 * (right - left))
    place = np.arange(size) + 0.5 - middle
    to_right = (right - middle) / (middle - left)
    mirrored = middle - place * np.where(place < 0, to_right, 1.0 / to_right)
    return np.clip(np.floor(mirrored), 0, size - 1).astype(int)


def things(maps: FaceMaps, evidence: np.ndarray) -> np.ndarray:
    """`[S, S]` in [0, 1]: 1 on what is dark by itself, such as lenses and beards.

    What the network calls a thing is one in spite of evidence that it lies in shadow.

    Args:
      maps: of the face.
      evidence: what `shadows` gives.
    """
    found = ramp(-maps.residual, *DARK_THING) * (1.0 - evidence)
    known = maps.probability("things")
    return found if known is None else np.maximum(found, known * ramp(-maps.residual, *KNOWN_THING))


def residual(maps: FaceMaps, evidence: np.ndarray, dark_things: np.ndarray) -> np.ndarray:
    """The part of the residual that is light, `[S, S]`: shadows and highlights, not dark things.

    Args:
      maps: of the face.
      evidence: what `shadows` gives.
      dark_things: what `things` gives.
    """
    lowest = -MAX_RESIDUAL - (DEEPEST_SHADOW - MAX_RESIDUAL) * evidence
    return np.clip(maps.residual, lowest, MAX_RESIDUAL) * (1.0 - dark_things)


def black(maps: FaceMaps, evidence: np.ndarray, inside: np.ndarray, metered: float) -> np.ndarray:
    """`[S, S]` in [0, 1]: 1 where a shadow has no light left to multiply.

    Args:
      maps: of the face.
      evidence: what `shadows` gives.
      inside: what `on_face` gives.
      metered: brightness of the lit part of the face, linear.
    """
    size = len(maps.guide)
    bright = color.luminance_numpy(maps.photo)
    # An average of the surroundings, because a shadow is large; lashes and make-up are not.
    side = 2 * max(1, round(AROUND * size)) + 1
    around, albedo = (
        filters.box(values, side) for values in (bright, color.luminance_numpy(maps.albedo))
    )
    level = around / np.maximum(albedo, 1e-3)
    level /= max(np.percentile(level[maps.region], 90.0), 1e-6)
    dark = max(min(DARK_SHARE * metered, DARK), 1e-6)
    found = evidence * ramp(level, DIM, BLACK) * ramp(bright, dark, dark / 2.0)
    # Networks give a black collar the albedo of the neck.
    return found * inside


def on_face(maps: FaceMaps) -> np.ndarray:
    """`[S, S]` in [0, 1]: 1 inside the face's outline, 0 outside, soft between."""
    return filters.gaussian(maps.region.astype(np.float32), 0.02 * len(maps.guide))


def surface_color(maps: FaceMaps, shading: np.ndarray) -> np.ndarray:
    """`[S, S, 3]`: the colour of the surface under its own light; the largest channel is 1.

    It says how far a clipped channel lies above the others.

    Args:
      maps: of the face.
      shading: `[S, S, 3]` under its own light, above 0.
    """
    explained = np.maximum(maps.albedo, 1e-3) * shading
    # The network's colours are off by a little. The pixels that nothing clipped tell by how much.
    photo, known = maps.photo[maps.region], explained[maps.region]
    measured = (color.largest(photo) < 0.8) & (color.smallest(photo) > 0.01)
    if measured.sum() > MEASURED * len(photo):
        error = np.median(photo[measured] / known[measured], axis=0)
        explained = explained * np.clip(error / error.mean(), 1.0 / COLOR_ERROR, COLOR_ERROR)
    explained = explained / color.largest(explained)[..., None]
    return explained.astype(np.float32)


def restored(photo: np.ndarray, surface: np.ndarray) -> np.ndarray:
    """Pixels with the excess of their clipped channels, judged by the other channels.

    Args:
      photo: `[..., 3]` linear RGB in [0, 1].
      surface: `[..., 3]`, what `surface_color` gives.

    Returns:
      `[..., 3]` linear RGB, at least `photo`.
    """
    surface = np.maximum(surface, LEAST_CHANNEL)
    level = color.largest(photo / surface)[..., None]
    return photo + ramp(photo, *CLIPPED) * np.maximum(level * surface - photo, 0.0)


def darkened(photo: np.ndarray, surface: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Pixels times a factor; clipped channels darken only as far as what they would have measured.

    No channel becomes brighter by that than it is in the photo, so that a factor of 1 changes
    nothing.

    Args:
      photo, surface: see `restored`.
      factor: `[..., 3]`.

    Returns:
      `[..., 3]` linear RGB.
    """
    after, limit = photo * factor, np.maximum(photo * factor, photo)
    room = restored(photo, surface) * factor - after
    # Where all channels get darker, one share for all of them keeps white from turning yellow.
    shares = np.where(room > 1e-6, (limit - after) / np.maximum(room, 1e-6), 1.0)
    together = after + np.minimum(color.smallest(shares)[..., None], 1.0) * room
    # Where light of another colour brightens a channel, the others must not stay behind.
    each = np.minimum(after + room, limit)
    apart = np.clip((color.largest(factor)[..., None] - 0.9) / 0.2, 0.0, 1.0)
    return together + apart * (each - together)
