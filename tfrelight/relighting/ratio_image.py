"""A face under another light: the factor of each pixel, and replacements for clipped ones.

In linear RGB a matte surface under another light is `photo x shading_new / shading_old`. The
network gives the smooth shadings, and the photo keeps its detail. Cast shadows and highlights are
beyond second-order shading, so the ratio alone would carry them into the new light. The old shading
therefore includes the residual that the network leaves, and the white of highlights (`gloss`), the
more so the more the lights differ.
Where a shadow is black, albedo x shading replaces it; clipped channels are restored
(`lost_light`).
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from tfrelight import color, harmonics, rendering
from tfrelight.faces import guided_filter
from tfrelight.lights import Light
from tfrelight.photos import filters
from tfrelight.photos.blending import ramp
from tfrelight.relighting import eyes, gloss, hair, lost_light, materials, shoulder
from tfrelight.relighting.eyes import OldCatchlights
from tfrelight.relighting.face_maps import FaceMaps

__all__ = [
    "SETTINGS",
    "Change",
    "Relightable",
    "change",
    "exposure",
    "legibility",
    "own",
    "prepare",
    "rendered",
]

# Smallest shading, as a share of the brightest: a second-order light rings below zero, where a real
# one is only dark.
MIN_SHADING = 0.03
# Relative squared distance between two shadings over which the old shadows fade.
FADE_DISTANCE = 0.05
# Guided filter of the factor: radius as a share of the side, and variance of the encoded photo
# around the face, where hair, ears and neck end at edges, and inside it, where detail is skin.
GAIN = (0.01, 5e-2, 1.0)
# Largest factors, as natural logarithms: of skin, of skin in what is known to be a shadow, and of
# dark things, most of which are not matte.
MAX_LOG_FACTOR, IN_SHADOW, OF_THINGS = 2.5, 4.0, 0.7
# Share of the residual that is light around the face.
STRANDS = 0.4
# Percentile of the face's brightness by which exposure is metered.
METERED_PERCENTILE = 90.0
# Brightness of the lit part of a face below which it is relit by less: 8 steps of 8 bits.
LEGIBLE = 0.0024
# Largest factor by which exposure changes a light, when the photo's own light is of brightness 1.
MAX_EXPOSURE = 5.0
# Constants shared with the JavaScript port.
SETTINGS = {
    "min_shading": MIN_SHADING,
    "fade_distance": FADE_DISTANCE,
    "sheen": hair.SHEEN,
    "own_white": eyes.OWN_WHITE,
    "bluer": eyes.BLUER,
    "shoulder": shoulder.SHOULDER,
    "metered_percentile": METERED_PERCENTILE,
    "max_exposure": MAX_EXPOSURE,
}


@dataclasses.dataclass(frozen=True)
class Change:
    """The effect of a new light on a face, on the pixels of its maps.

    A linear pixel of the photo with guide g becomes `photo x factor x exp(slope g)`. Where the
    photo is black, `fill` replaces a share `lost` of that.

    Attributes:
      slope: `[S, S]`.
      factor: `[S, S, 3]`.
      lost: `[S, S]` in [0, 1], or None if it is 0 everywhere.
      fill: `[S, S, 3]` linear RGB, or None.
      surface_color: `[S, S, 3]`, by which clipped channels are restored (`lost_light`); None leaves
        them as they are.
    """

    slope: np.ndarray
    factor: np.ndarray
    lost: np.ndarray | None = None
    fill: np.ndarray | None = None
    surface_color: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Relightable:
    """A face, with everything needed to relight it that does not depend on the new light.

    Attributes:
      maps: of the face.
      shading: `[S, S, 3]` under its own light, at least a small share of its brightest value.
      white: `[3]`, colour of its own light on the face, of luminance 1.
      metered: brightness of the lit part of the face, linear.
      around: `[S, S, 3]`, the photo without detail, linear, above 0.
      radius: of the guided filter, pixels.
      epsilon: `[S, S, 1]`, variance of the guide below which it counts as flat.
      max_log_factor: `[S, S]`, the log of the largest factor.
      residual: `[S, S, 3]`, the log of the light that the shading leaves out.
      black: `[S, S]` in [0, 1], 1 where a shadow is black.
      surface_color: `[S, S, 3]`, colour of the surface under its own light, highlights included.
      skin: `[S, S]` in [0, 1], 1 on skin.
      eyes: where eyes are wet; None: not known.
      old_catchlights: of the photo, in the eyes; None: none.
    """

    maps: FaceMaps
    shading: np.ndarray
    white: np.ndarray
    metered: float
    around: np.ndarray
    radius: int
    epsilon: np.ndarray
    max_log_factor: np.ndarray
    residual: np.ndarray
    black: np.ndarray
    surface_color: np.ndarray
    skin: np.ndarray
    eyes: rendering.Eyes | None
    old_catchlights: OldCatchlights | None

    @functools.cached_property
    def relief(self) -> rendering.HeightField:
        """The surface that casts shadows, in the frame of the window."""
        return materials.relief(self.maps)


def prepare(maps: FaceMaps) -> Relightable:
    """Prepares a face for any number of new lights."""
    size = len(maps.guide)
    radius = max(1, round(GAIN[0] * size))
    epsilon = np.log(np.where(maps.region, GAIN[2], GAIN[1]).astype(np.float32))
    epsilon = np.exp(filters.gaussian(epsilon, radius))[..., None]
    # An average of the surroundings, so that detail keeps its contrast.
    side = 2 * max(1, round(0.01 * size)) + 1
    around = filters.box(np.moveaxis(maps.photo, -1, 0), side)
    around = np.moveaxis(np.maximum(around, 1e-4), 0, -1)
    shading = _floored(harmonics.shade(maps.normals, maps.light))
    metered = _metered(maps.photo[maps.region])
    evidence = lost_light.shadows(maps, shading)
    things = lost_light.things(maps, evidence)
    inside = lost_light.on_face(maps)
    # Beside the face nothing is filled, and so much would show the noise of black.
    most = MAX_LOG_FACTOR + evidence * inside * (IN_SHADOW - MAX_LOG_FACTOR)
    # Around it most of the residual is strands.
    explained = STRANDS + (1.0 - STRANDS) * inside
    white = shading[maps.region].mean(0)
    skin = materials.skin(maps, things)
    surface_color, faded = gloss.separated(maps, shading, skin)
    residual = lost_light.residual(maps, evidence, things) * explained
    wet, old_catchlights = eyes.find(maps, things, materials.head_height(maps), metered)
    return Relightable(
        maps,
        shading,
        white / color.luminance_numpy(white),
        metered,
        around,
        radius,
        epsilon,
        most + things * (OF_THINGS - most),
        residual[..., None] + faded,
        lost_light.black(maps, evidence, inside, metered),
        surface_color,
        skin,
        wet,
        old_catchlights,
    )


def own(face: Relightable) -> rendering.Rendering:
    """The rendering of a face under its own light, whose highlights the photo holds already."""
    diffuse = harmonics.shade(face.maps.normals, face.maps.light)
    return rendering.Rendering(diffuse, np.zeros_like(diffuse))


def rendered(
    face: Relightable, light: Light, shadows: float = 1.0, highlights: float = 1.0
) -> rendering.Rendering:
    """The rendering of a face under a light.

    Args:
      face: what `prepare` gives.
      light: in the photo's frame, with absolute colours (`Light.balanced`).
      shadows, highlights: shares of the cast shadows and of the highlights, 0 to 1.
    """
    diffuse = harmonics.shade(face.maps.normals, light.harmonics)
    if not light.lamps and not light.environments:
        return rendering.Rendering(diffuse, np.zeros_like(diffuse))
    # Shadows fall along the rows and columns of the window.
    sources = Light(lamps=light.lamps, environments=light.environments)
    sources = sources.turned(face.maps.window.rotation.T)
    found = rendering.render(face.relief, sources, shadows, highlights > 0.0, face.eyes)
    share = np.float32(highlights)
    shiny = found.highlights * (share * face.skin[..., None])
    glints = None if found.catchlights is None else found.catchlights * share
    return rendering.Rendering(diffuse + found.diffuse, shiny, glints)


def exposure(face: Relightable, new_rendering: rendering.Rendering) -> float:
    """The factor for a light with which the lit part of the face stays as bright as in the photo.

    Args:
      face: what `prepare` gives.
      new_rendering: of the face under the light (`rendered`).
    """
    maps = face.maps
    new = _floored(new_rendering.diffuse)
    log_ratio = _log_ratio(face, new, _sameness(face, new))[maps.region]
    shine = _shine(face, new_rendering)[maps.region]
    lit = _metered(maps.photo[maps.region] * np.exp(log_ratio) + shine)
    ratio = face.metered / max(lit, 1e-6)
    # A lamp behind the head hardly lights it and would get an unlimited factor.
    return min(ratio, MAX_EXPOSURE * _metered(face.shading[maps.region]))


def sameness(face: Relightable, new_rendering: rendering.Rendering) -> float:
    """How much a light is the face's own: 1 if the shadings differ by a factor alone, down to 0.

    Args:
      face: what `prepare` gives.
      new_rendering: of the face under the light (`rendered`).
    """
    return _sameness(face, _floored(new_rendering.diffuse))


def change(face: Relightable, new_rendering: rendering.Rendering, sameness: float) -> Change:
    """The effect of a light on a face.

    Args:
      face: what `prepare` gives.
      new_rendering: of the face under the light (`rendered`).
      sameness: what `sameness` gives of the face, or of the head above a body: by how much old
        shadows stay.
    """
    maps = face.maps
    new = _floored(new_rendering.diffuse)
    log_ratio = _log_ratio(face, new, sameness)
    if new_rendering.highlights.any():
        # As a factor, so that pores and wrinkles show in highlights.
        log_ratio = np.log(np.exp(log_ratio) + _shine(face, new_rendering) / face.around)
    # The same reduction for all channels keeps the colour.
    over = np.maximum(color.largest(log_ratio) - face.max_log_factor, 0.0)
    log_ratio = log_ratio - over[..., None]
    log_ratio = shoulder.shouldered(face.around, log_ratio)
    strands = maps.probability("hair")
    if strands is not None:
        white = new[maps.region].mean(0) if maps.region.any() else new.mean((0, 1))
        log_ratio = hair.with_sheen(log_ratio, face.around, white, strands)
    moist = maps.probability("eyes", "mouth")
    if moist is not None:
        eyes.less_blue(log_ratio, moist)
    slope, offset = guided_filter.coefficients(maps.guide, log_ratio, face.radius, face.epsilon)
    # Only brightness follows the guide, because the colour of light has no edges.
    shared = color.luminance_numpy(slope)
    offset += (slope - shared[..., None]) * maps.guide[..., None]
    slope, factor = shared, np.exp(offset)
    lost, fill = face.black * (1.0 - sameness), maps.albedo * new
    old, glints = face.old_catchlights, new_rendering.catchlights
    if old is not None:
        below = old.below * np.exp(log_ratio[old.places])
        eyes.lay_over(lost, fill, old.places, old.share * (1.0 - sameness), below)
    if face.eyes is not None and glints is not None and glints.any():
        # What they add up to white leaves as much less of what is below.
        most = color.largest(glints)
        glint_color = glints / np.maximum(most, 1e-6)[:, None]
        eyes.lay_over(lost, fill, face.eyes.places, np.minimum(most, 1.0), glint_color)
    if not np.any(lost * maps.mask > 0.01):
        return Change(slope, factor, surface_color=face.surface_color)
    return Change(slope, factor, lost, fill, face.surface_color)


def legibility(maps: FaceMaps) -> float:
    """How much of a face is there to be relit: 1, or less if the face is nearly black."""
    return min(1.0, _metered(maps.photo[maps.region]) / LEGIBLE)


def _metered(linear):
    """Brightness of the lit part of linear RGB `[N, 3]`."""
    # The root mean square keeps coloured light from burning out its strongest channel.
    brightness = np.sqrt(np.mean(linear**2, axis=-1))
    return float(np.percentile(brightness, METERED_PERCENTILE))


def _floored(values):
    """Shading, kept above a small share of its brightest value with a soft knee."""
    floor = MIN_SHADING * max(float(values.max()), 1e-3)
    return 0.5 * (values + np.sqrt(values * values + 4.0 * floor * floor))


def _sameness(face, new):
    """1 if the shadings are equal up to a factor, falling to 0 as they differ."""
    inside = face.maps.mask > 0.5
    if not inside.any():
        return 1.0
    old, new = color.luminance_numpy(face.shading)[inside], color.luminance_numpy(new)[inside]
    fit = old * (np.vdot(old, new) / np.vdot(old, old))
    distance = np.vdot(new - fit, new - fit) / np.vdot(new, new)
    return float(np.exp(-distance / FADE_DISTANCE))


def _log_ratio(face, new, sameness):
    """`[S, S, 3]`: log of the factor."""
    return np.log(new / face.shading) - (1.0 - sameness) * face.residual


def _shine(face, new_rendering):
    """`[S, S, 3]`: what highlights add; what is burnt has no room for them."""
    room = 1.0 - ramp(color.largest(face.around), shoulder.SHOULDER, 1.0)
    return room[..., None] * new_rendering.highlights
