"""A surface under lamps in the graph: diffuse shading with cast shadows, and highlights.

The lamps of a photo are `[K, 8]`: direction x, y, z; angular radius in radians; linear RGB; weight,
by which the colour is multiplied. A radius above pi / 2 is light from all sides, which casts no
shadow and makes no highlight. See `rendering.renderer` for the formulas.
"""

from __future__ import annotations

import dataclasses
import math

import tensorflow as tf

from tfrelight.lights import lamp
from tfrelight.photos import graph_filters
from tfrelight.rendering import catchlights, highlights, renderer
from tfrelight.rendering.graph import shadows
from tfrelight.rendering.graph.heights import LitSurface

__all__ = ["WetEyes", "render"]


@dataclasses.dataclass(frozen=True)
class WetEyes:
    """Eyes in all pixels of maps; see `rendering.Eyes`.

    Attributes:
      reflected: `[S, S, 3]` unit vectors.
      wet: `[S, S]` in [0, 1].
      blur: radians.
    """

    reflected: tf.Tensor
    wet: tf.Tensor
    blur: tf.Tensor


def render(
    surface: LitSurface, lamps: tf.Tensor, eyes: WetEyes | None = None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Renders a surface under lamps.

    Args:
      surface: of the head.
      lamps: `[K, 8]`.
      eyes: of the head; None: without.

    Returns:
      diffuse shading, irradiance over pi with cast shadows, the highlights of skin, and the
      catchlights of eyes, each `[S, S, 3]` linear RGB, at least 0.
    """
    directions, radii, colors, weights = tf.split(lamps, [3, 1, 3, 1], -1)
    directions, radii = tf.math.l2_normalize(directions, -1, 1e-12), radii[:, 0]
    colors = tf.maximum(colors * weights, 0.0)
    # A little more than the radius that rounding makes of pi / 2.
    even = radii > math.pi / 2.0 + 1e-3
    everywhere = tf.reduce_sum(tf.where(even[:, None], colors, 0.0), 0)
    counted = ~even & tf.reduce_any(colors > 0.0, -1)
    directions, colors = tf.boolean_mask(directions, counted), tf.boolean_mask(colors, counted)
    radii = tf.clip_by_value(tf.boolean_mask(radii, counted), 0.0, math.pi / 2.0)
    nothing = tf.zeros_like(surface.normals)

    def lit():
        seen = _scattered(surface, shadows.of_lamps(surface, directions, radii))
        cosine = tf.tensordot(directions, surface.normals, [[1], [2]])
        level = _irradiance(cosine, radii[:, None, None])[..., None] * seen
        lobes = _highlights(surface.normals, cosine, directions[:, 2], radii)[..., None]
        shine = lobes * seen[..., -1:]
        glints = nothing
        if eyes is not None:
            glints = _catchlights(eyes, directions, radii)[..., None] * seen[..., -1:]
            glints = _summed(glints, colors)
        return _summed(level, colors), _summed(shine, colors), glints

    dark = (nothing, nothing, nothing)
    diffuse, shine, glints = tf.cond(tf.size(radii) > 0, lit, lambda: dark)
    return diffuse + everywhere, shine, glints


def _summed(levels, colors):
    """Levels `[K, S, S, 1 or 3]` in colours `[K, 3]`, `[S, S, 3]`."""
    return tf.reduce_sum(levels * colors[:, None, None], 0)


def _irradiance(cosine, radius):
    """Exact shading by discs in colour 1; see `lights.Lamp.irradiance`."""
    radius = tf.maximum(radius, lamp.POINT)
    cosine = tf.clip_by_value(cosine, -1.0, 1.0)
    sine = tf.maximum(tf.sqrt(1.0 - cosine * cosine), 1e-9)
    far = 1.0 / tf.tan(radius)
    y = tf.clip_by_value(-far * cosine / sine, -1.0, 1.0)
    root = sine * tf.sqrt(1.0 - y * y)
    cut = cosine * tf.acos(y) - far * root
    cut = (cut + tf.atan2(root, far) / tf.square(tf.sin(radius))) / math.pi
    return tf.where(cosine > tf.sin(radius), cosine, tf.maximum(cut, 0.0))


def _highlights(normals, cosine, towards_camera, radii):
    """Highlights `[K, S, S]` of lamps in colour 1; see `rendering.highlights`."""
    n_v, n_l = tf.maximum(normals[..., 2], 0.0), tf.maximum(cosine, 0.0)
    v_l = towards_camera[:, None, None]
    inverse = tf.math.rsqrt(tf.maximum(2.0 + 2.0 * v_l, 1e-4))
    n_h = tf.minimum((n_l + n_v) * inverse, 1.0)
    grazing = tf.clip_by_value(1.0 - (1.0 + v_l) * inverse, 0.0, 1.0) ** 5
    fresnel = highlights.F0 + (1.0 - highlights.F0) * grazing
    wider = tf.square(tf.sin(radii) / 2.0)[:, None, None]
    total = tf.zeros_like(n_l)
    for alpha, share in highlights.LOBES:
        alpha2 = tf.minimum(1.0, alpha * alpha + wider)
        lobe = alpha2 / tf.square(n_h * n_h * (alpha2 - 1.0) + 1.0)
        masked = n_l * tf.sqrt(n_v * n_v * (1.0 - alpha2) + alpha2)
        masked += n_v * tf.sqrt(n_l * n_l * (1.0 - alpha2) + alpha2)
        total += share * lobe * fresnel * n_l / tf.maximum(2.0 * masked, 1e-4)
    return total


def _catchlights(eyes, directions, radii):
    """Catchlights `[K, S, S]` of lamps in colour 1; see `rendering.catchlights`."""
    size = (tf.square(tf.sin(radii)) + tf.square(eyes.blur))[:, None, None]
    away = 2.0 - 2.0 * tf.tensordot(directions, eyes.reflected, [[1], [2]])
    lobe = tf.exp(-tf.square(tf.maximum(away, 0.0) / size))
    return catchlights.F0 / size * eyes.wet * lobe


def _scattered(surface, seen):
    """Visibility `[K, S, S, 3]` of `[K, S, S]`, whose edges bleed red in skin."""
    millimetre = surface.head / renderer.HEAD
    planes = tf.transpose(seen, [1, 2, 0])
    blurred = [graph_filters.gaussian(planes, spread * millimetre) for spread in renderer.SPREAD]
    return tf.transpose(tf.stack(blurred, -1), [2, 0, 1, 3])
