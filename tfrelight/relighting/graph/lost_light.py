"""What a photo did not record, in the graph; see `relighting.lost_light`."""

from __future__ import annotations

import tensorflow as tf

from tfrelight.photos import filters, graph_filters
from tfrelight.photos.graph_filters import ramp
from tfrelight.relighting import lost_light
from tfrelight.relighting.graph.crop_maps import CropMaps, radius

__all__ = [
    "black",
    "darkened",
    "on_face",
    "residual",
    "shadows",
    "surface_color",
    "things",
]

# Width of the face of every crop, as a share of its side.
_WIDTH = 0.805
_SMALL, _TOLERANCE = (
    filters.disc(share * _WIDTH * lost_light.COARSE)
    for share in (lost_light.SMALL, lost_light.TOLERANCE)
)


def shadows(maps: CropMaps, shading: tf.Tensor) -> tf.Tensor:
    """`[S, S]` in [0, 1]: evidence that what is dark lies in shadow, and is not a dark thing."""
    count, size = lost_light.COARSE, maps.size
    inside = tf.reduce_any(maps.region, 0)
    width = tf.reduce_sum(tf.cast(inside, tf.float32)) * count / tf.cast(size, tf.float32)
    shade = _coarse(graph_filters.luminance(shading), size)
    lit = _coarse(tf.exp(tf.minimum(maps.residual, 0.0)), size)
    lit = graph_filters.eroded(graph_filters.dilated(lit, _SMALL), _SMALL)
    lit = graph_filters.eroded(lit, _TOLERANCE)
    # Of a crop the middle of the face is that of its outline.
    columns = tf.range(size)
    left = tf.reduce_min(tf.where(inside, columns, size))
    right = tf.reduce_max(tf.where(inside, columns, 0))
    place = (tf.range(count) * 2 + 1) * size // (2 * count)
    across = tf.clip_by_value(left + right - place, 0, size - 1) * count // size
    shade = graph_filters.gaussian(shade, lost_light.SMALL * width)
    there, lit = tf.gather(shade, across, axis=1), tf.gather(lit, across, axis=1)
    found = (
        ramp(lit, *lost_light.SEEN)
        * ramp(there / tf.reduce_max(shade), *lost_light.REACHED)
        * ramp(there / shade, *lost_light.FROM_THERE)
    )
    found = graph_filters.gaussian(found, lost_light.TOLERANCE * width / 2.0)
    found = tf.image.resize(found[..., None], [size, size])[..., 0]
    flesh = maps.probability("skin", "eyes", "mouth")
    return found if flesh is None else found * flesh


def _coarse(values, size):
    """A map `[S, S]` as `[COARSE, COARSE]`."""
    count = lost_light.COARSE
    smooth = graph_filters.box(values, radius(1.0 / count, size), "edge")
    rows = (tf.cast(tf.range(count), tf.float32) + 0.5) * tf.cast(size, tf.float32) / count
    rows = tf.cast(rows, tf.int32)
    return tf.gather(tf.gather(smooth, rows, axis=0), rows, axis=1)


def things(maps: CropMaps, evidence: tf.Tensor) -> tf.Tensor:
    """`[S, S]` in [0, 1]: 1 on what is dark by itself, such as lenses and beards."""
    found = ramp(-maps.residual, *lost_light.DARK_THING) * (1.0 - evidence)
    known = maps.probability("things")
    if known is None:
        return found
    return tf.maximum(found, known * ramp(-maps.residual, *lost_light.KNOWN_THING))


def residual(maps: CropMaps, evidence: tf.Tensor, dark_things: tf.Tensor) -> tf.Tensor:
    """`[S, S]`: the part of the residual that is light."""
    most, deepest = lost_light.MAX_RESIDUAL, lost_light.DEEPEST_SHADOW
    lowest = -most - (deepest - most) * evidence
    return tf.clip_by_value(maps.residual, lowest, most) * (1.0 - dark_things)


def black(maps: CropMaps, evidence: tf.Tensor, inside: tf.Tensor, metered: tf.Tensor) -> tf.Tensor:
    """`[S, S]` in [0, 1]: 1 where a shadow has no light left to multiply."""
    bright = graph_filters.luminance(maps.photo)
    side = 2 * radius(lost_light.AROUND, maps.size) + 1
    both = tf.stack([bright, graph_filters.luminance(maps.albedo)], -1)
    around, albedo = tf.unstack(graph_filters.box(both, side), axis=-1)
    level = around / tf.maximum(albedo, 1e-3)
    level /= tf.maximum(graph_filters.percentile(level, maps.region, 90.0), 1e-6)
    dark = tf.maximum(tf.minimum(lost_light.DARK_SHARE * metered, lost_light.DARK), 1e-6)
    found = evidence * ramp(level, lost_light.DIM, lost_light.BLACK)
    return found * ramp(bright, dark, dark / 2.0) * inside


def on_face(maps: CropMaps) -> tf.Tensor:
    """`[S, S]` in [0, 1]: 1 inside the face's outline, 0 outside, soft between."""
    sigma = 0.02 * tf.cast(maps.size, tf.float32)
    return graph_filters.gaussian(tf.cast(maps.region, tf.float32), sigma)


def surface_color(maps: CropMaps, shading: tf.Tensor) -> tf.Tensor:
    """`[S, S, 3]`: the colour of the surface under its own light; the largest channel is 1."""
    explained = tf.maximum(maps.albedo, 1e-3) * shading
    measured = (graph_filters.largest(maps.photo) < 0.8) & maps.region
    measured &= graph_filters.smallest(maps.photo) > 0.01
    ratio = maps.photo / explained
    error = tf.stack(
        [graph_filters.percentile(ratio[..., channel], measured, 50.0) for channel in range(3)]
    )
    most = lost_light.COLOR_ERROR
    error = tf.clip_by_value(error / tf.maximum(tf.reduce_mean(error), 1e-9), 1.0 / most, most)
    count, total = (tf.reduce_sum(tf.cast(where, tf.float32)) for where in (measured, maps.region))
    explained *= tf.where(count > lost_light.MEASURED * total, error, 1.0)
    return explained / graph_filters.largest(explained)[..., None]


def darkened(photo: tf.Tensor, surface: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Pixels `[..., 3]` times a factor; clipped channels darken as `lost_light.darkened` says."""
    after, limit = photo * factor, tf.maximum(photo * factor, photo)
    surface = tf.maximum(surface, lost_light.LEAST_CHANNEL)
    level = graph_filters.largest(photo / surface)[..., None]
    excess = ramp(photo, *lost_light.CLIPPED) * tf.maximum(level * surface - photo, 0.0)
    room = excess * factor
    shares = tf.where(room > 1e-6, (limit - after) / tf.maximum(room, 1e-6), 1.0)
    together = after + tf.minimum(graph_filters.smallest(shares)[..., None], 1.0) * room
    each = tf.minimum(after + room, limit)
    strongest = graph_filters.largest(factor)[..., None]
    return together + tf.clip_by_value((strongest - 0.9) / 0.2, 0.0, 1.0) * (each - together)
