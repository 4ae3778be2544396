"""The maps of a crop of one face in the graph; see `relighting.face_maps`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from tfrelight import color, shading
from tfrelight.data.portrait import PARTS
from tfrelight.photos import graph_filters
from tfrelight.relighting import face_maps, inference

__all__ = ["CropMaps", "of_outputs", "predict", "radius", "side"]

# Harmonics that a mirror image changes the sign of: x, xy, xz.
_ODD = np.where(np.isin(np.arange(9), (3, 4, 7)), -1.0, 1.0).astype(np.float32)[:, None]


@dataclasses.dataclass(frozen=True)
class CropMaps:
    """The maps of one face on S x S pixels; the attributes are those of `face_maps.FaceMaps`.

    `parts` is `[S, S, 7]`, or None from a network that does not tell parts apart.
    """

    photo: tf.Tensor
    guide: tf.Tensor
    albedo: tf.Tensor
    normals: tf.Tensor
    mask: tf.Tensor
    region: tf.Tensor
    residual: tf.Tensor
    light: tf.Tensor
    parts: tf.Tensor | None

    @property
    def size(self) -> tf.Tensor:
        """S."""
        return tf.shape(self.guide)[0]

    def probability(self, *names: str) -> tf.Tensor | None:
        """`[S, S]` in [0, 1]: that a pixel shows one of these `PARTS`; None without `parts`."""
        if self.parts is None:
            return None
        return tf.add_n([self.parts[..., PARTS.index(name)] for name in names])

    def shade(self, light: tf.Tensor) -> tf.Tensor:
        """`[S, S, 3]`: shading under harmonics `[9, 3]`."""
        return shading.shade(self.normals[None], light[None])[0]


def side(height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """S, the side of the maps of a photo."""
    return tf.clip_by_value(tf.maximum(height, width), face_maps.SMALLEST, face_maps.LARGEST)


def radius(share: float, size: tf.Tensor) -> tf.Tensor:
    """A radius in pixels, at least 1, that is a share of the maps' side."""
    pixels = tf.round(share * tf.cast(size, tf.float32))
    return tf.maximum(1, tf.cast(pixels, tf.int32))


def face_oval(size: tf.Tensor) -> tf.Tensor:
    """`[S, S]` bool: inside the ellipse of `window_weights.oval`, as Pillow draws it."""
    side_ = tf.cast(size, tf.float32)
    low_x, low_y, high_x, high_y = (tf.floor(share * side_) for share in (0.1, 0.05, 0.9, 0.95))
    index = tf.range(side_)
    across = (index - (low_x + high_x) / 2.0) / ((high_x - low_x + 1.0) / 2.0)
    down = (index - (low_y + high_y) / 2.0) / ((high_y - low_y + 1.0) / 2.0)
    return tf.square(across)[None] + tf.square(down)[:, None] <= 1.0


def predict(network: Callable[..., dict[str, tf.Tensor]], cuts: tf.Tensor) -> dict[str, tf.Tensor]:
    """The network's outputs for crops: the mean of each and its mirror image; see `inference`.

    Args:
      network: of crops of this size.
      cuts: `[N, s, s, 3]` sRGB-encoded.
    """
    inside = face_oval(tf.shape(cuts)[1])
    linear = color.to_linear(cuts)
    strongest = graph_filters.largest(linear)
    level = tf.map_fn(lambda one: graph_filters.percentile(one, inside, 90.0), strongest)
    gain = tf.maximum(1.0, inference.DARK_FACE / tf.maximum(level, 1e-3))[:, None, None, None]
    cuts = tf.where(gain > 1.0, color.to_srgb(gain * linear), cuts)
    outputs = network(tf.concat([cuts, tf.reverse(cuts, [2])], 0), training=False)
    result = {}
    for name, value in outputs.items():
        plain, mirrored = tf.split(value, 2)
        if name == "light":
            result[name] = (plain + mirrored * _ODD) / 2.0 / gain[..., 0]
            continue
        mirrored = tf.reverse(mirrored, [2])
        if name == "normals":
            mirrored *= [-1.0, 1.0, 1.0]
        result[name] = (plain + mirrored) / 2.0
    return result


def of_outputs(photo: tf.Tensor, output: Mapping[str, tf.Tensor]) -> CropMaps:
    """The maps of a photo.

    Args:
      photo: `[H, W, 3]` sRGB-encoded, floats in [0, 1] or uint8.
      output: of `predict` for this photo, `[s, s, ...]`.
    """
    height, width = tf.unstack(tf.shape(photo)[:2])
    size = side(height, width)
    encoded = graph_filters.cut(photo[None], size)[0]
    linear, guide = color.to_linear(encoded), graph_filters.luminance(encoded)

    def onto(name):
        return tf.image.resize(output[name], [size, size])

    def filtered(values, settings):
        share, epsilon = settings
        slope, offset = graph_filters.guided(guide, values, radius(share, size), epsilon)
        return slope * guide[..., None] + offset

    normals = tf.math.l2_normalize(filtered(onto("normals"), face_maps.NORMALS), -1, 1e-12)
    albedo = tf.clip_by_value(onto("albedo"), 0.0, 1.0)
    mask = tf.clip_by_value(filtered(onto("mask"), face_maps.MASK)[..., 0], 0.0, 1.0)
    light, noise = output["light"], face_maps.NOISE
    explained = graph_filters.luminance(shading.render(albedo[None], normals[None], light[None])[0])
    residual = tf.math.log((graph_filters.luminance(linear) + noise) / (explained + noise))
    residual = filtered(residual[..., None], face_maps.RESIDUAL)[..., 0]
    parts = None
    if "parts" in output:
        parts = tf.clip_by_value(filtered(onto("parts"), face_maps.OF_PARTS), 0.0, 1.0)
    return CropMaps(linear, guide, albedo, normals, mask, face_oval(size), residual, light, parts)
