"""Cast shadows in the graph: how much of each lamp a point sees; see `rendering.shadows`.

All lamps are marched towards at once: the surface is turned so that each lies to the right.
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from tfrelight.rendering import height_field, horizon, shadows
from tfrelight.rendering.graph.heights import LitSurface

__all__ = ["horizons", "of_lamps"]

# Below all that a surface can rise to.
_NOTHING = -1e4
# Distances up to that of the longest side of maps at which a horizon is looked for.
_DISTANCES = tuple(horizon.distances(4096))


def of_lamps(surface: LitSurface, directions: tf.Tensor, radii: tf.Tensor) -> tf.Tensor:
    """The part of each lamp that each point sees, `[K, S, S]` in [0, 1].

    Args:
      surface: what is lit and casts the shadows.
      directions: `[K, 3]` unit vectors.
      radii: `[K]` angular radii, radians, 0 to pi / 2.
    """
    shape = tf.concat([tf.shape(radii), tf.shape(surface.mask)], 0)
    flat = tf.norm(directions[:, :2], axis=-1)
    wide = radii > shadows.NARROW
    narrow = ~wide & (flat >= 1e-3) & tf.reduce_any(surface.inside)
    all_seen = tf.ones(shape)
    marched = tf.cond(
        tf.reduce_any(narrow),
        lambda: _marched(surface, directions, flat, radii, narrow),
        lambda: all_seen,
    )
    looked_up = tf.cond(
        tf.reduce_any(wide), lambda: _looked_up(surface, directions, radii), lambda: all_seen
    )
    seen = tf.where(narrow[:, None, None], marched, all_seen)
    return tf.where(wide[:, None, None], looked_up, seen)


def horizons(height: tf.Tensor, towards: tf.Tensor, farthest: tf.Tensor) -> tf.Tensor:
    """Tangents of the steepest angles above the image's plane; see `horizon.horizon`.

    Args:
      height: `[S, S]` pixels.
      towards: `[K, 2]` unit vectors in the image, right and up.
      farthest: `[K]` distances up to which to look, pixels.

    Returns:
      `[K, S, S]`.
    """
    size = tf.shape(height)[0]
    across, down = towards[:, 0], -towards[:, 1]
    steep = tf.abs(down) > tf.abs(across)
    across, down = tf.where(steep, down, across), tf.where(steep, across, down)
    turned = tf.where(steep[:, None, None], tf.transpose(height), height)
    back = across < 0.0
    turned = tf.where(back[:, None, None], tf.reverse(turned, [2]), turned)
    slope = down / tf.maximum(tf.abs(across), 1e-6)
    # Along the longer axis each step is a pixel, so that only rows need to be interpolated.
    stride = tf.sqrt(1.0 + slope * slope)
    count = tf.minimum(size - 1, tf.cast(farthest / stride, tf.int32) + 1)
    padded = tf.pad(turned, [[0, 0], [size, size], [0, 0]], constant_values=horizon.FAR_BELOW)
    rows = tf.range(size)[None] + size
    steps = tf.constant(_DISTANCES, tf.int32)
    most = tf.reduce_max(count)

    def goes_on(index, _):
        return steps[index] <= most

    def further(index, found):
        number = steps[index]
        moved = slope * tf.cast(number, tf.float32)
        whole = tf.floor(moved)
        share = (moved - whole)[:, None, None]
        row = rows + tf.cast(whole, tf.int32)[:, None]
        ahead = padded[:, :, number:]
        upper = tf.gather(ahead, row, axis=1, batch_dims=1)
        lower = tf.gather(ahead, row + 1, axis=1, batch_dims=1)
        rise = upper + share * (lower - upper) - turned[:, :, : size - number]
        rise /= (tf.cast(number, tf.float32) * stride)[:, None, None]
        rise = tf.where((number <= count)[:, None, None], rise, _NOTHING)
        near = tf.maximum(found[:, :, : size - number], rise)
        return index + 1, tf.concat([near, found[:, :, size - number :]], 2)

    start = tf.fill(tf.shape(turned), _NOTHING)
    free = tf.TensorShape([None, None, None])
    _, found = tf.while_loop(
        goes_on, further, (0, start), shape_invariants=(tf.TensorShape([]), free)
    )
    found = tf.where(back[:, None, None], tf.reverse(found, [2]), found)
    return tf.where(steep[:, None, None], tf.transpose(found, [0, 2, 1]), found)


def _marched(surface, directions, flat, radii, counted):
    """The same of small lamps, those that `counted` says."""
    elevation = tf.atan2(directions[:, 2], flat)
    radius = tf.maximum(radii, shadows.PENUMBRA)
    far_below = horizon.FAR_BELOW
    highest = tf.reduce_max(tf.where(surface.inside, surface.relief, far_below))
    lowest = tf.reduce_min(tf.where(surface.inside, surface.relief, -far_below))
    least = tf.tan(tf.maximum(elevation - radius, math.radians(2.0)))
    size = tf.cast(tf.shape(surface.mask)[0], tf.float32)
    farthest = tf.minimum((highest - lowest) / least, size)
    towards = tf.where(
        counted[:, None], directions[:, :2] / tf.maximum(flat, 1e-6)[:, None], [[1.0, 0.0]]
    )
    farthest = tf.where(counted, farthest, 0.0)
    over = tf.atan(horizons(surface.height, towards, farthest))
    tangent = _tangent(surface.normals, towards)
    return _seen(elevation[:, None, None], over, tangent, radius[:, None, None])


def _tangent(normals, towards):
    """Angles `[K, S, S]` of the tangent plane above the image's, in directions `[K, 2]` of it."""
    x, y, z = tf.unstack(normals, axis=-1)
    rise = -(x * towards[:, 0, None, None] + y * towards[:, 1, None, None])
    return tf.atan2(rise, tf.maximum(z, 1e-3))


def _seen(elevation, over, tangent, radius):
    """The part of a disc above the horizon, of that above the tangent plane."""
    whole = _above((elevation - tangent) / radius)
    part = _above((elevation - tf.maximum(over, tangent)) / radius)
    share = part / tf.maximum(whole, 1e-3)
    return tf.where(whole > 1e-3, tf.minimum(share, 1.0), 1.0)


def _above(height):
    """The part of a disc of radius 1 above a line at `-height` from its centre; see `shadows`."""
    height = tf.clip_by_value(height, -1.0, 1.0)
    square = height * height
    return 0.5 + height * (0.6366 - square * (0.0232 + 0.1134 * square))


def _points(directions, radii):
    """Directions `[K, POINTS, 3]` spread over discs, half of them the mirror images of the rest."""
    count = shadows.POINTS // 2
    index = np.arange(count, dtype=np.float32) + np.float32(0.5)
    angle = index * np.float32(np.pi * (3.0 - np.sqrt(5.0)))
    height = 1.0 - (1.0 - tf.cos(radii))[:, None] * (index / count)
    radius = tf.sqrt(tf.maximum(1.0 - height * height, 0.0))
    upright = tf.abs(directions[:, 1:2]) < 0.9
    aside = tf.where(upright, [[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])
    x = tf.math.l2_normalize(tf.linalg.cross(aside, directions), -1, 1e-18)
    y = tf.linalg.cross(directions, x)
    points = (
        (radius * np.cos(angle))[..., None] * x[:, None]
        + (radius * np.sin(angle))[..., None] * y[:, None]
        + height[..., None] * directions[:, None]
    )
    side = tf.linalg.cross(tf.ones_like(directions) * [0.0, 1.0, 0.0], directions)
    side = tf.math.l2_normalize(side, -1, 1e-18)[:, None]
    mirrored = points - 2.0 * tf.reduce_sum(points * side, -1, keepdims=True) * side
    return tf.concat([points, mirrored], 1)


def _looked_up(surface, directions, radii):
    """The part of each of K wide lamps that each point sees, `[K, S, S]`."""
    small, step = surface.reduced(height_field.COARSE)
    turns = np.arange(horizon.AROUND) * 2.0 * np.pi / horizon.AROUND
    around = tf.constant(np.stack([np.cos(turns), np.sin(turns)], -1), tf.float32)
    side = tf.shape(small.mask)[0]
    farthest = tf.fill([horizon.AROUND], tf.cast(side, tf.float32))
    known = tf.atan(horizons(small.height, around, farthest))
    points = tf.reshape(_points(directions, radii), [-1, 3])
    x, y, z = tf.unstack(points, axis=-1)
    flat = tf.sqrt(x * x + y * y)
    turn = tf.atan2(y, x) * (horizon.AROUND / (2.0 * np.pi))
    first = tf.floor(turn)
    share = (turn - first)[:, None, None]
    first = tf.cast(first, tf.int32)
    before = tf.gather(known, tf.math.floormod(first, horizon.AROUND))
    after = tf.gather(known, tf.math.floormod(first + 1, horizon.AROUND))
    towards = points[:, :2] / tf.maximum(flat, 1e-6)[:, None]
    radius = tf.repeat(radii, shadows.POINTS)[:, None, None] / 4.0
    elevation = tf.atan2(z, flat)[:, None, None]
    over = before + share * (after - before)
    part = _seen(elevation, over, _tangent(small.normals, towards), radius)
    cosine = tf.tensordot(points, small.normals, [[1], [2]])
    cosine = tf.reshape(tf.maximum(cosine, 0.0), [-1, shadows.POINTS, side, side])
    part = tf.reshape(part, [-1, shadows.POINTS, side, side])
    lit, seen = tf.reduce_sum(cosine, 1), tf.reduce_sum(cosine * part, 1)
    found = tf.where(lit > 1e-6, seen / tf.maximum(lit, 1e-6), 1.0)
    size = tf.shape(surface.mask)[0]
    large = tf.image.resize(tf.transpose(found, [1, 2, 0]), [side * step, side * step])
    return tf.transpose(large[:size, :size], [2, 0, 1])
