"""A face under lamps in the graph: the factor of each pixel; see `relighting.ratio_image`."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from tfrelight.photos import graph_filters
from tfrelight.photos.graph_filters import luminance, ramp
from tfrelight.relighting import eyes as of_eyes
from tfrelight.relighting import hair as of_hair
from tfrelight.relighting import ratio_image
from tfrelight.relighting import shoulder as of_shoulder
from tfrelight.relighting.graph import eyes, gloss, lost_light, materials
from tfrelight.relighting.graph.crop_maps import CropMaps, radius
from tfrelight.rendering.graph import renderer

__all__ = ["CHANNELS", "change", "shouldered"]

# Slope, factor, share of black, fill, colour of the surface: what `change` gives.
CHANNELS = (1, 3, 1, 3, 3)


@dataclasses.dataclass(frozen=True)
class _Prepared:
    """A face without a new light; the attributes are those of `ratio_image.Relightable`."""

    maps: CropMaps
    own: tf.Tensor
    shading: tf.Tensor
    white: tf.Tensor
    metered: tf.Tensor
    around: tf.Tensor
    radius: tf.Tensor
    epsilon: tf.Tensor
    max_log_factor: tf.Tensor
    residual: tf.Tensor
    black: tf.Tensor
    surface_color: tf.Tensor
    skin: tf.Tensor
    eyes: eyes.FoundEyes | None


def change(maps: CropMaps, lamps: tf.Tensor) -> tf.Tensor:
    """The effect of lamps on a face, metered so that its lit part stays as bright.

    Args:
      maps: of the face.
      lamps: `[K, 8]` (`rendering.graph.renderer`), in colours relative to the photo's white.

    Returns:
      `[S, S, 11]`, of `CHANNELS`: what `ratio_image.Change` says.
    """
    face = _prepared(maps)
    wet = None if face.eyes is None else face.eyes.wet
    diffuse, shine, glints = renderer.render(materials.relief(maps), lamps, wet)
    diffuse, shine = diffuse * face.white, shine * face.white * face.skin[..., None]
    share = tf.minimum(1.0, face.metered / ratio_image.LEGIBLE)
    # What is burnt has no room for highlights.
    room = 1.0 - ramp(graph_filters.largest(face.around), of_shoulder.SHOULDER, 1.0)[..., None]
    shine *= room
    factor = share * _exposure(face, diffuse, shine)
    glints *= factor * face.white
    diffuse, shine = (1.0 - share) * face.own + factor * diffuse, factor * shine
    new = _floored(diffuse)
    same = _sameness(face, new)
    log_ratio = _log_ratio(face, new, same)
    log_ratio = tf.math.log(tf.exp(log_ratio) + shine / face.around)
    over = tf.maximum(graph_filters.largest(log_ratio) - face.max_log_factor, 0.0)
    log_ratio = shouldered(face.around, log_ratio - over[..., None])
    hair = maps.probability("hair")
    if hair is not None:
        log_ratio = _with_sheen(face, log_ratio, new, hair)
    white = maps.probability("eyes", "mouth")
    if white is not None:
        log_ratio = _less_blue(log_ratio, white)
    slope, offset = graph_filters.guided(maps.guide, log_ratio, face.radius, face.epsilon)
    shared = luminance(slope)[..., None]
    offset += (slope - shared) * maps.guide[..., None]
    lost, fill = (face.black * (1.0 - same))[..., None], maps.albedo * new
    if face.eyes is not None:
        old = (face.eyes.old * (1.0 - same))[..., None]
        lost, fill = _over(lost, fill, old, face.eyes.below * tf.exp(log_ratio))
        most = graph_filters.largest(glints)[..., None]
        lost, fill = _over(lost, fill, tf.minimum(most, 1.0), glints / tf.maximum(most, 1e-6))
    lost = tf.where(tf.reduce_any(lost * maps.mask[..., None] > 0.01), lost, 0.0)
    return tf.concat([shared, tf.exp(offset), lost, fill, face.surface_color], -1)


def _prepared(maps):
    size = maps.size
    reach = radius(ratio_image.GAIN[0], size)
    flat = tf.where(maps.region, ratio_image.GAIN[2], ratio_image.GAIN[1])
    flat = graph_filters.gaussian(tf.math.log(flat), tf.cast(reach, tf.float32))
    around = graph_filters.box(maps.photo, 2 * radius(0.01, size) + 1)
    own = maps.shade(maps.light)
    shading = _floored(own)
    metered = _metered(maps.photo, maps.region)
    evidence = lost_light.shadows(maps, shading)
    things = lost_light.things(maps, evidence)
    inside = lost_light.on_face(maps)
    most = ratio_image.MAX_LOG_FACTOR
    most += evidence * inside * (ratio_image.IN_SHADOW - most)
    explained = ratio_image.STRANDS + (1.0 - ratio_image.STRANDS) * inside
    white = _mean(shading, maps.region)
    residual = lost_light.residual(maps, evidence, things) * explained
    skin = materials.skin(maps, things)
    surface_color, faded = gloss.separated(maps, shading, skin)
    return _Prepared(
        maps,
        own,
        shading,
        white / luminance(white),
        metered,
        tf.maximum(around, 1e-4),
        reach,
        tf.exp(flat)[..., None],
        most + things * (ratio_image.OF_THINGS - most),
        residual[..., None] + faded,
        lost_light.black(maps, evidence, inside, metered),
        surface_color,
        skin,
        eyes.find(maps, things, metered),
    )


def _exposure(face, diffuse, shine):
    """The factor with which the lit part of the face stays as bright as in the photo."""
    maps, new = face.maps, _floored(diffuse)
    log_ratio = _log_ratio(face, new, _sameness(face, new))
    after = _metered(maps.photo * tf.exp(log_ratio) + shine, maps.region)
    most = ratio_image.MAX_EXPOSURE * _metered(face.shading, maps.region)
    return tf.minimum(face.metered / tf.maximum(after, 1e-6), most)


def _metered(linear, region):
    """Brightness of the lit part of linear RGB `[S, S, 3]`."""
    brightness = tf.sqrt(tf.reduce_mean(tf.square(linear), -1))
    return graph_filters.percentile(brightness, region, ratio_image.METERED_PERCENTILE)


def _mean(values, region):
    """Mean `[3]` of the pixels of a region."""
    weight = tf.cast(region, tf.float32)[..., None]
    return tf.reduce_sum(values * weight, [0, 1]) / tf.reduce_sum(weight)


def _floored(values):
    """Shading, kept above a small share of its brightest value with a soft knee."""
    floor = ratio_image.MIN_SHADING * tf.maximum(tf.reduce_max(values), 1e-3)
    return 0.5 * (values + tf.sqrt(values * values + 4.0 * floor * floor))


def _sameness(face, new):
    """1 if the shadings are equal up to a factor, falling to 0 as they differ."""
    weight = tf.cast(face.maps.mask > 0.5, tf.float32)
    old, new = luminance(face.shading) * weight, luminance(new) * weight
    fit = old * tf.math.divide_no_nan(tf.reduce_sum(old * new), tf.reduce_sum(old * old))
    distance = tf.reduce_sum(tf.square(new - fit))
    distance = tf.math.divide_no_nan(distance, tf.reduce_sum(new * new))
    return tf.exp(-distance / ratio_image.FADE_DISTANCE)


def _log_ratio(face, new, sameness):
    """`[S, S, 3]`: log of the factor."""
    return tf.math.log(new / face.shading) - (1.0 - sameness) * face.residual


def _with_sheen(face, log_ratio, new, hair):
    """The log of the factor, where a share of what hair gains has the colour of the light."""
    white = _mean(new, face.maps.region)
    white /= luminance(white)
    gained = face.around * tf.maximum(tf.exp(log_ratio) - 1.0, 0.0)
    sheen = luminance(gained)[..., None] * white - gained
    sheen *= of_hair.SHEEN * hair[..., None]
    return tf.math.log(tf.exp(log_ratio) + sheen / face.around)


def _less_blue(log_ratio, white):
    """The log of the factor, less blue on eyes and teeth."""
    brightness = luminance(log_ratio)[..., None]
    bluer = ramp(log_ratio[..., 2] - log_ratio[..., 0], *of_eyes.BLUER)
    share = of_eyes.OWN_WHITE * white * bluer
    return log_ratio + share[..., None] * (brightness - log_ratio)


def _over(lost, fill, share, color):
    """Share and colour of a layer over another one."""
    below = lost * (1.0 - share)
    total = below + share
    mixed = (below * fill + share * color) / tf.maximum(total, 1e-9)
    return total, tf.where(total > 0.0, mixed, fill)


def shouldered(around: tf.Tensor, log_ratio: tf.Tensor) -> tf.Tensor:
    """The log of the factor, reduced (but not below 0) where it would push a channel past white."""
    every = around * tf.exp(log_ratio)
    strongest = tf.one_hot(tf.argmax(every, -1), 3)
    before, after, factor = (
        tf.reduce_sum(values * strongest, -1, keepdims=True)
        for values in (around, every, log_ratio)
    )
    shoulder, room = of_shoulder.SHOULDER, 1.0 - of_shoulder.SHOULDER
    bent = shoulder + room * tf.tanh(tf.maximum(after - shoulder, 0.0) / room)
    allowed = tf.maximum(tf.math.log(bent / before), 0.0)
    return log_ratio - tf.where(after > shoulder, tf.maximum(factor - allowed, 0.0), 0.0)
