"""The example schema: a subject as readers yield it, a portrait as the network trains on it.

A **subject** (numpy) is one person, still, under K lights. Readers and the synthesis yield
subjects, and a record holds one:

| key | type, shape | meaning |
|---|---|---|
| `subject` | str | id; a subject is never in two splits |
| `images` | uint8 `[K, H, W, 3]` | sRGB-encoded RGB, pixel-aligned |
| `mask` | uint8 `[H, W, 1]` | person (255) against background (0); 255 if unknown |
| `albedo` | uint16 `[H, W, 3]` | linear albedo x 65535; 0 where unknown |
| `normals` | uint16 `[H, W, 3]` | (n + 1) / 2 x 65535, unit; (0, 0, 1) where unknown |
| `light` | float32 `[K, 9, 3]` | spherical harmonics of the incoming radiance |
| `parts` | uint8 `[H, W, 1]` | what each pixel shows, an index into `PARTS`; or absent |
| `depth` | uint16 `[H, W, 1]` | distance behind the plane of the eyes (`encode_depth`); or absent |
| `unlit` | uint8 `[K, H, W, 1]` | 255 where the photo's light does not reach; or absent |
| `has_NAME` of `LABELS` | float | 1 if the label is known, else 0 |

Synthetic subjects hold four more (`tfrelight.synthesis.portraits.subject`):

| key | type, shape | meaning |
|---|---|---|
| `light_fit` | float32 `[K, 9, 3]` | least squares on the true shading, regularised to `light` |
| `shading` | uint16 `[K, H, W, 3]` | true shading without cast shadows / its scale x 65535 |
| `shading_scale` | float32 `[K]` | the scale: the largest value of each photo's shading |
| `visibility` | uint8 `[K, H, W, 3]` | shading with cast shadows over shading without, x 255 |

Shading is linear RGB: the whole incoming light, not only its second order, convolved with the
clipped cosine. Photo = albedo x shading x visibility, apart from highlights, subsurface scattering
and the camera.

A **portrait** (TensorFlow) is one photo of a subject: `image` float32 `[H, W, 3]` sRGB-encoded in
[0, 1], `mask` `[H, W, 1]` in [0, 1], `albedo` `[H, W, 3]` linear, `normals` `[H, W, 3]` unit,
`light` `[9, 3]`, `parts` uint8 `[H, W, 1]`, `depth` `[H, W, 1]` in widths of the photo, `unlit`
`[H, W, 1]` in [0, 1], `subject`, and the seven weights as float32 scalars. What is absent from the
subject is 0, with weight 0. A **pair** is
`{"a": portrait, "b": portrait}`. Two more weights are the same in both portraits: `multilit` is 1
if they show one subject under two lights, 0 if they are single photos of two subjects; `rendered`
is 1 if the photometric losses may compare with the rendered labels instead of the photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = [
    "BLACK",
    "LABELS",
    "PARTS",
    "SATURATED",
    "decode_albedo",
    "decode_depth",
    "decode_normals",
    "decode_photo",
    "encode_albedo",
    "encode_depth",
    "encode_normals",
    "encode_shading",
    "labels",
    "unlabelled",
]

# sRGB-encoded. Above the first a pixel may be saturated; below the second it is too dark to carry a
# signal. Neither shows albedo x shading.
SATURATED = 0.98
BLACK = 0.02

# The labels, each with a weight `has_NAME`.
LABELS = ("mask", "albedo", "normals", "light", "parts", "depth", "unlit")

# What a pixel shows, by its value in `parts`. Skin includes lips, hair includes brows and beard,
# things are what people wear or hold besides cloth. Another person is background.
PARTS = ("background", "skin", "hair", "eyes", "mouth", "cloth", "things")

# Depth is stored between minus and plus this many widths of the photo.
_DEEPEST = 4.0


def encode_albedo(albedo: np.ndarray) -> np.ndarray:
    """Linear albedo, float `[H, W, 3]`, clipped to [0, 1], as the schema's uint16."""
    return np.round(np.clip(albedo, 0.0, 1.0) * 65535.0).astype(np.uint16)


def encode_normals(normals: np.ndarray) -> np.ndarray:
    """Unit normals, float `[H, W, 3]`, as the schema's uint16."""
    return np.round((np.clip(normals, -1.0, 1.0) + 1.0) * 0.5 * 65535.0).astype(np.uint16)


def encode_shading(shading: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Linear shading, at least 0, float `[K, H, W, 3]`, as the schema's uint16 and scales `[K]`."""
    # The floor only avoids a division by 0: shading that is 0 everywhere stays 0.
    scale = np.maximum(shading.max((1, 2, 3)), 1e-6).astype(np.float32)
    return np.round(shading / scale[:, None, None, None] * 65535.0).astype(np.uint16), scale


def encode_depth(depth: np.ndarray) -> np.ndarray:
    """Depth, float `[H, W, 1]` in widths of the photo, clipped to ±4, as the schema's uint16.

    Depth is the distance behind the plane through the eyes that is parallel to the photo, positive
    away from the camera. Its unit makes it independent of the scale: half as large a person has
    half the depth.
    """
    share = (np.clip(depth, -_DEEPEST, _DEEPEST) + _DEEPEST) / (2 * _DEEPEST)
    return np.round(share * 65535.0).astype(np.uint16)


def decode_photo(values: Any) -> Any:
    """Decodes an 8-bit photo or mask to [0, 1]; float32, numpy or TensorFlow."""
    return values / 255.0


def decode_albedo(values: Any) -> Any:
    """Decodes 16-bit albedo to linear values in [0, 1]; float32, numpy or TensorFlow."""
    return values / 65535.0


def decode_normals(values: Any) -> Any:
    """Decodes 16-bit normals to unit vectors, up to rounding; float32, numpy or TensorFlow."""
    return values / 32767.5 - 1.0


def decode_depth(values: Any) -> Any:
    """Decodes 16-bit depth to widths of the photo; float32, numpy or TensorFlow."""
    return values * (2 * _DEEPEST / 65535.0) - _DEEPEST


def unlabelled(subject: str, images: np.ndarray) -> dict[str, Any]:
    """A subject without labels.

    Args:
      subject: its id.
      images: uint8 `[K, H, W, 3]`, sRGB-encoded.

    Returns:
      A subject dict with empty labels of weight 0.
    """
    count, height, width, _ = images.shape
    return {
        "subject": subject,
        "images": images,
        "mask": np.full((height, width, 1), 255, np.uint8),
        "albedo": np.zeros((height, width, 3), np.uint16),
        "normals": encode_normals(np.broadcast_to([0.0, 0.0, 1.0], (height, width, 3))),
        "light": np.zeros((count, 9, 3), np.float32),
        **{f"has_{label}": 0.0 for label in LABELS},
    }


def labels(
    normals: np.ndarray, albedo: np.ndarray, light: Sequence[np.ndarray] | None = None
) -> dict[str, Any]:
    """The entries of a subject dict for a known surface and, if given, its lights.

    Args:
      normals: `[H, W, 3]` unit.
      albedo: `[H, W, 3]` linear, 0 where unknown.
      light: K lights `[9, 3]`, or None.
    """
    found: dict[str, Any] = {
        "normals": encode_normals(normals),
        "albedo": encode_albedo(albedo),
        "has_normals": 1.0,
        "has_albedo": 1.0,
    }
    if light is not None:
        found.update(light=np.stack(light).astype(np.float32), has_light=1.0)
    return found
