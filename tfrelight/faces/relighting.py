"""A face under another light: by which factor each pixel changes, and what replaces a few.

In linear RGB a matte surface under another light is `photo x shading_new / shading_old`: the
network gives the smooth shadings, the photo keeps its detail. Where the old light left shadows or
highlights that second-order shading cannot say, the ratio alone would carry them into the new
light; so the old shading also takes on what the network leaves unexplained, the more the further
the new light is from the old. Where the photo is black or burnt out there is nothing to multiply:
albedo x shading takes its place.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage

from tfrelight import harmonics
from tfrelight.faces import guided
from tfrelight.faces.maps import FaceMaps, luminance

__all__ = ["SETTINGS", "Change", "Relightable", "change", "exposure", "prepare"]

# Shading is at least this share of the light's brightest: a second-order light rings below zero,
# where a real one is only dark.
_FLOOR = 0.03
# Relative squared distance of two shadings over which the old shadows fade.
_APART = 0.02
# The factor, guided by the photo: radius as a share of the side, and variance of the encoded photo
# around a face, where hair, ears and neck end at edges, and inside it, where detail is skin.
_GAIN = (0.01, 5e-2, 1.0)
# Largest factor, log.
_MOST = 2.5
# Where the photo holds nothing to multiply: luminance over the albedo's, fully and at most, and the
# luminance below which that may be.
_BLACK, _DIM, _DARK = 0.01, 0.12, 0.02
_AROUND = 0.03
# The same at the other end, of the luminance: a single channel of bright skin saturates early.
_LIGHT, _WHITE = 0.88, 0.98
# Luminance from which on what becomes brighter approaches 1 slowly instead of being cut off.
_SHOULDER = 0.6
# The brightest tenth of the face is what exposure is measured by.
_METERED = 90.0
# Factors by which exposure may change a light.
_TURNED = (0.2, 5.0)
# What a program that does the same elsewhere must know: `tfrelight.studio`'s page.
SETTINGS = {
    "floor": _FLOOR,
    "apart": _APART,
    "most": _MOST,
    "shoulder": _SHOULDER,
    "metered": _METERED,
    "turned": _TURNED,
}


@dataclasses.dataclass(frozen=True)
class Change:
    """What a new light does to a face, on the maps' grid.

    A pixel of the photo with guide g becomes `photo x factor x exp(slope g)`, and with a share
    `lost` of it, `fill`.

    Attributes:
      slope: `[S, S]`.
      factor: `[S, S, 3]`.
      lost: `[S, S]` in [0, 1], or None where that is 0 everywhere.
      fill: `[S, S, 3]` linear RGB, or None.
    """

    slope: np.ndarray
    factor: np.ndarray
    lost: np.ndarray | None = None
    fill: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Relightable:
    """A face, and what of relighting it does not depend on the new light, on the maps' grid.

    Attributes:
      maps: of the face.
      shading: `[S, S, 3]` under its own light, at least a small share of its brightest.
      metered: brightness of the lit part of the face, linear.
      around: `[S, S, 3]`, the photo without detail, linear, above 0.
      radius: of the guided filter, pixels.
      epsilon: `[S, S, 1]`, variance of the guide below which it counts as flat.
      black: `[S, S]` in [0, 1], where the photo is black although the albedo is not.
      burnt: `[S, S]` in [0, 1], where the photo is burnt out.
    """

    maps: FaceMaps
    shading: np.ndarray
    metered: float
    around: np.ndarray
    radius: int
    epsilon: np.ndarray
    black: np.ndarray
    burnt: np.ndarray


def prepare(maps: FaceMaps) -> Relightable:
    """A face, ready to be relit as often as one likes."""
    size = len(maps.guide)
    radius = max(1, round(_GAIN[0] * size))
    epsilon = np.log(np.where(maps.region, _GAIN[2], _GAIN[1]).astype(np.float32))
    epsilon = np.exp(ndimage.gaussian_filter(epsilon, radius))[..., None]
    # Of the surroundings, so that detail keeps its contrast.
    side = 2 * max(1, round(0.01 * size)) + 1
    around = np.maximum(ndimage.uniform_filter(maps.photo, (side, side, 0)), 1e-4)
    bright = luminance(maps.photo)
    return Relightable(
        maps,
        _floored(harmonics.shade(maps.normals, maps.light)),
        _metered(maps.photo[maps.region]),
        around,
        radius,
        epsilon,
        _black(maps, bright),
        _ramp(bright, _LIGHT, _WHITE),
    )


def exposure(face: Relightable, light) -> float:
    """The factor for `light` that leaves the lit part of the face as bright as it is in the photo.

    Args:
      face: as `prepare` gives it.
      light: `[9, 3]`, in the photo's frame.
    """
    maps = face.maps
    new = _floored(harmonics.shade(maps.normals, light))
    log_ratio = _log_ratio(face, new, _sameness(face, new))[maps.region]
    ratio = face.metered / max(_metered(maps.photo[maps.region] * np.exp(log_ratio)), 1e-6)
    # A lamp behind the head lights none of it, and is not turned up without end.
    return float(np.clip(ratio, *_TURNED))


def change(face: Relightable, light) -> Change:
    """What a light does to a face.

    Args:
      face: as `prepare` gives it.
      light: `[9, 3]`, in the photo's frame.
    """
    maps = face.maps
    new = _floored(harmonics.shade(maps.normals, light))
    sameness = _sameness(face, new)
    log_ratio = np.minimum(_log_ratio(face, new, sameness), _MOST)
    log_ratio = _shouldered(face.around, log_ratio)
    slope, offset = guided.coefficients(maps.guide, log_ratio, face.radius, face.epsilon)
    # What follows the guide is brightness; colour of light has no edges of its own.
    shared = luminance(slope)
    offset += (slope - shared[..., None]) * maps.guide[..., None]
    slope, factor = shared, np.exp(offset)
    darkened = np.clip(-luminance(log_ratio), 0.0, 1.0)
    lost = np.maximum(face.black, face.burnt * darkened) * (1.0 - sameness)
    if not np.any(lost * maps.mask > 0.01):
        return Change(slope, factor)
    return Change(slope, factor, lost, maps.albedo * new)


def _metered(linear):
    """Brightness of the lit part of linear RGB `[N, 3]`."""
    # Root mean square of the channels: coloured light is not turned up until they burn out.
    return float(np.percentile(np.sqrt(np.mean(linear**2, axis=-1)), _METERED))


def _floored(values):
    """Shading that is not below a small share of its brightest, with a soft knee."""
    floor = _FLOOR * max(float(values.max()), 1e-3)
    return 0.5 * (values + np.sqrt(values * values + 4.0 * floor * floor))


def _sameness(face, new):
    """1 if the shadings are equal up to brightness, falling to 0 as they differ."""
    inside = face.maps.mask > 0.5
    if not inside.any():
        return 1.0
    old, new = luminance(face.shading)[inside], luminance(new)[inside]
    fit = old * (np.vdot(old, new) / np.vdot(old, old))
    apart = np.vdot(new - fit, new - fit) / np.vdot(new, new)
    return float(np.exp(-apart / _APART))


def _log_ratio(face, new, sameness):
    """`[S, S, 3]`, log of the factor."""
    return np.log(new / face.shading) - ((1.0 - sameness) * face.maps.residual)[..., None]


def _shouldered(around, log_ratio):
    """The factor, less where it would push a channel past white; never below 1 for that."""
    after = around * np.exp(log_ratio)
    # All channels alike, so that the colour stays.
    strongest = after.argmax(-1)[..., None]
    before, after, factor = (
        np.take_along_axis(values, strongest, -1) for values in (around, after, log_ratio)
    )
    room = 1.0 - _SHOULDER
    bent = _SHOULDER + room * np.tanh(np.maximum(after - _SHOULDER, 0.0) / room)
    allowed = np.maximum(np.log(bent / before), 0.0)
    over = np.where(after > _SHOULDER, np.maximum(factor - allowed, 0.0), 0.0)
    return log_ratio - over


def _black(maps, bright):
    """`[S, S]`: where the photo, of luminance `bright`, is black although the albedo is not."""
    # Of the surroundings: lashes and make-up are black by themselves, a shadow with all around it.
    side = 2 * max(1, round(_AROUND * len(bright))) + 1
    around, albedo = (
        ndimage.uniform_filter(values, side) for values in (bright, luminance(maps.albedo))
    )
    black = _ramp(around / np.maximum(albedo, 1e-3), _DIM, _BLACK) * _ramp(bright, _DARK, _DARK / 2)
    # A collar is black by itself, and networks give it the neck's albedo: skin is known of a face.
    return black * ndimage.gaussian_filter(maps.region.astype(np.float32), 0.02 * len(bright))


def _ramp(values, start, end):
    """0 at `start` and 1 at `end`, smooth between."""
    share = np.clip((values - start) / (end - start), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)
