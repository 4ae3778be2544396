"""Eyes: where they are wet, and what the photo's own lamps left on them."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfrelight import color
from tfrelight.photos import filters
from tfrelight.photos.blending import ramp
from tfrelight.relighting.face_maps import FaceMaps
from tfrelight.rendering import Eyes, renderer
from tfrelight.rendering.catchlights import CORNEA

__all__ = ["OldCatchlights", "find", "lay_over", "less_blue"]

# Least area of an eye, square millimetres: half closed ones have 60.
LEAST_AREA = 30.0
# Standard deviation of the distance of an eye from where it was detected, millimetres.
DETECTED = 8.0
# Distance from the middle of the pupil, as a share of the cornea's radius, between which it ends,
# and between which old catchlights are looked for: the iris has 0.75.
EDGE, OLD = (0.78, 0.6), (0.6, 0.45)
# Radius, pixels of the maps, of bright spots that are old catchlights; how much brighter than what
# is around they are; and how bright beside the lit part of the face, which irises are not.
SPOT, BRIGHTER, BRIGHT = 3.0, (1.4, 2.2), (0.4, 0.7)
# Probabilities of an eye between which it counts.
CERTAIN = (0.15, 0.4)
# Least size of a catchlight, pixels of the maps.
SMALLEST = 0.6
# Share of a bluer colour of the light that eyes and mouths leave out, and the difference between
# the logarithms of blue and red from which on. By eye: under moonlight teeth looked painted.
OWN_WHITE, BLUER = 0.85, (0.0, 0.2)
# Probability of eyes and mouth below which that changes less than 8 bits hold.
LEAST = 0.002


@dataclasses.dataclass(frozen=True)
class OldCatchlights:
    """The M pixels of maps in which the photo has catchlights.

    Attributes:
      places: rows and columns, `[M]` each.
      share: `[M]` in [0, 1].
      below: `[M, 3]` linear RGB: the eye without them.
    """

    places: tuple[np.ndarray, np.ndarray]
    share: np.ndarray
    below: np.ndarray


def find(
    maps: FaceMaps, things: np.ndarray, head: float, metered: float
) -> tuple[Eyes, OldCatchlights | None] | tuple[None, None]:
    """The eyes of a face; None if the network does not tell parts apart, or of a body.

    Args:
      maps: of the face.
      things: `[S, S]`, what `lost_light.things` gives.
      head: height of the head, pixels of the maps.
      metered: brightness of the lit part of the face, linear.
    """
    known = maps.probability("eyes")
    if known is None or maps.head_window is not None:
        return None, None
    rows, columns = np.nonzero(known > CERTAIN[0])
    if not len(rows):
        return None, None
    # Of the maps the part around the eyes is enough.
    reach = 2 * int(SPOT) + 1
    first = max(int(rows.min()) - reach, 0), max(int(columns.min()) - reach, 0)
    part = tuple(
        slice(low, min(int(places.max()) + reach + 1, len(known)))
        for low, places in zip(first, (rows, columns))
    )
    sure = ramp(known[part], *CERTAIN) * maps.mask[part] * (1.0 - things[part])
    millimetre = head / renderer.HEAD
    across, down = _from_pupils(maps, sure, part, millimetre)
    radius = np.float32(CORNEA * millimetre)
    away = np.hypot(across, down) / radius
    wet = sure * ramp(away, *EDGE)
    inside = np.nonzero(wet > 1e-3)
    if not len(inside[0]):
        return None, None
    x, y = across[inside] / radius, -down[inside] / radius
    z = np.sqrt(np.maximum(1.0 - x * x - y * y, 0.0))
    reflected = np.stack([2 * z * x, 2 * z * y, 2 * z * z - 1], -1).astype(np.float32)
    blur = 2.0 * SMALLEST / float(radius)
    eyes = Eyes(_moved(inside, first), reflected, wet[inside], blur)
    share, below = _old(maps.photo[part], sure * ramp(away, *OLD), metered)
    if share.max() <= 0.01:
        return eyes, None
    bright = np.nonzero(share > 1e-3)
    return eyes, OldCatchlights(_moved(bright, first), share[bright], below[bright])


def _moved(places, first):
    """Places in a part of the maps as places in the maps."""
    return tuple(one + low for one, low in zip(places, first))


def _from_pupils(maps, sure, part, millimetre):
    """Columns and rows from the middle of the nearest pupil; infinite without any."""
    rows, columns = np.mgrid[part].astype(np.float32)
    middle = (len(maps.mask) - 1) / 2
    if maps.face is not None:
        middle = _place(maps, maps.face.eyes.mean(0))[0]
    across, down = np.full((2, *sure.shape), np.inf, np.float32)
    for number, half in enumerate((columns < middle, columns >= middle)):
        weight = sure * half
        if maps.face is not None:
            x, y = _place(maps, maps.face.eyes[number])
            near = np.square(columns - x) + np.square(rows - y)
            weight = weight * np.exp(-0.5 * near / np.square(DETECTED * millimetre))
        area = weight.sum()
        if area < LEAST_AREA * millimetre * millimetre:
            continue
        # Iris and pupil are the dark part of an eye.
        level = (weight * maps.guide[part]).sum() / area
        weight = weight * np.maximum(level - maps.guide[part], 0.0)
        total = max(float(weight.sum()), 1e-9)
        x, y = (weight * columns).sum() / total, (weight * rows).sum() / total
        closer = np.hypot(columns - x, rows - y) < np.hypot(across, down)
        across, down = np.where(closer, columns - x, across), np.where(closer, rows - y, down)
    return across, down


def _place(maps, point):
    """Column and row of a point of the photo in the maps, pixels."""
    return maps.window.place(point) * len(maps.guide) - 0.5


def _old(photo, where, metered):
    """How much of each pixel is a catchlight of the photo, and the eye without them."""
    disc, below = filters.disc(SPOT), np.zeros_like(photo)
    for channel in range(3):
        below[..., channel] = filters.dilated(filters.eroded(photo[..., channel], disc), disc)
    bright, under = color.luminance_numpy(photo), color.luminance_numpy(below)
    spots = ramp(bright / np.maximum(under, 1e-3), *BRIGHTER)
    spots *= ramp(bright / max(metered, 1e-6), *BRIGHT)
    return filters.dilated(spots, filters.disc(1.0)) * where, below


def less_blue(log_ratio: np.ndarray, white: np.ndarray) -> None:
    """Makes the log of the factor less blue on eyes and teeth, in place.

    They are white and moist, lie deep, and get much light that skin around them has sent back.

    Args:
      log_ratio: `[S, S, 3]`.
      white: `[S, S]`, the probability of eyes and mouth.
    """
    where = white > LEAST
    factor, share = log_ratio[where], OWN_WHITE * white[where]
    share = share * ramp(factor[:, 2] - factor[:, 0], *BLUER)
    brightness = color.luminance_numpy(factor)[:, None]
    log_ratio[where] = factor + share[:, None] * (brightness - factor)


def lay_over(
    lost: np.ndarray,
    fill: np.ndarray,
    places: tuple[np.ndarray, np.ndarray],
    share: np.ndarray,
    colors: np.ndarray,
) -> None:
    """Lays a colour over what replaces the photo at some pixels, in place.

    Args:
      lost, fill: `[S, S]` and `[S, S, 3]`, share and colour.
      places: rows and columns of N pixels.
      share, colors: `[N]` and `[N, 3]`.
    """
    below = lost[places] * (1.0 - share)
    total = below + share
    mixed = below[:, None] * fill[places] + share[:, None] * colors
    lost[places] = total
    fill[places] = np.where(
        total[:, None] > 0.0, mixed / np.maximum(total, 1e-9)[:, None], fill[places]
    )
