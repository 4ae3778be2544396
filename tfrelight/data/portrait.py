"""The one example schema: a subject as readers yield it, a portrait as the network trains on it.

A **subject** (numpy; what readers and the synthesis yield, and what a record holds) is one person,
still, under K lights:

| key | type, shape | meaning |
|---|---|---|
| `subject` | str | id; a subject is never in two splits |
| `images` | uint8 `[K, H, W, 3]` | sRGB-encoded RGB, pixel-aligned |
| `mask` | uint8 `[H, W, 1]` | person (255) against background (0); 255 where not known |
| `albedo` | uint16 `[H, W, 3]` | linear albedo x 65535; 0 where no label is known |
| `normals` | uint16 `[H, W, 3]` | (n + 1) / 2 x 65535, unit; (0, 0, 1) where there is no surface |
| `light` | float32 `[K, 9, 3]` | spherical harmonics of the incoming radiance |
| `has_mask`, `has_albedo`, `has_normals`, `has_light` | float | 1 if the label is known, else 0 |

Readers of a rig that is the same for all people add `lamps`, K ids of the lamp that was on; they
are for evaluation, and not in records. Synthetic subjects hold four more
(`tfrelight.synthesis.portraits.subject`):

| key | type, shape | meaning |
|---|---|---|
| `light_fit` | float32 `[K, 9, 3]` | least squares on the true shading, held to `light` |
| `shading` | uint16 `[K, H, W, 3]` | true shading without cast shadows / its scale x 65535 |
| `shading_scale` | float32 `[K]` | the scale: the largest value of each photo's shading |
| `visibility` | uint8 `[K, H, W, 3]` | shading with cast shadows over shading without, x 255 |

Shading is linear RGB, the whole incoming light (not only its second order) convolved with the
clipped cosine; photo = albedo x shading x visibility but for highlights, subsurface scattering and
the camera.

A **portrait** (TensorFlow) is one photo of a subject: `image` float32 `[H, W, 3]` sRGB in [0, 1],
`mask` `[H, W, 1]` in [0, 1], `albedo` `[H, W, 3]` linear, `normals` `[H, W, 3]` unit, `light`
`[9, 3]`, `subject`, and the four weights as float32 scalars. A **pair** is
`{"a": portrait, "b": portrait}`: one subject, two lights. In its portraits the weight `multilit` is
1; two single photos, which show different subjects, may stand in for a pair, with 0. The weight
`rendered` says whether photometric losses may compare with what a portrait's labels render.
"""

import numpy as np

__all__ = ["LABELS", "encode_albedo", "encode_normals", "encode_shading", "labels", "unlabelled"]

# The labels that a weight `has_NAME` switches.
LABELS = ("mask", "albedo", "normals", "light")


def encode_albedo(albedo):
    """Linear albedo in [0, 1], float `[H, W, 3]`, as the schema's uint16."""
    return np.round(np.clip(albedo, 0.0, 1.0) * 65535.0).astype(np.uint16)


def encode_normals(normals):
    """Unit normals, float `[H, W, 3]`, as the schema's uint16."""
    return np.round((np.clip(normals, -1.0, 1.0) + 1.0) * 0.5 * 65535.0).astype(np.uint16)


def encode_shading(shading):
    """Shading at least 0, float `[K, H, W, 3]`, as the schema's uint16, and its scales `[K]`."""
    scale = np.maximum(shading.max((1, 2, 3)), 1e-6).astype(np.float32)
    return np.round(shading / scale[:, None, None, None] * 65535.0).astype(np.uint16), scale


def unlabelled(subject, images):
    """A subject of which only the photos are known.

    Args:
      subject: its id.
      images: uint8 `[K, H, W, 3]`, sRGB-encoded.

    Returns:
      A subject dict: the labels are empty and their weights 0.
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


def labels(normals, albedo, light=None):
    """The entries of a subject dict for a surface that is known, and its lights where they are.

    Args:
      normals: `[H, W, 3]` unit.
      albedo: `[H, W, 3]` linear, 0 where the surface is not known.
      light: K lights `[9, 3]`, or None.
    """
    found = {
        "normals": encode_normals(normals),
        "albedo": encode_albedo(albedo),
        "has_normals": 1.0,
        "has_albedo": 1.0,
    }
    if light is not None:
        found.update(light=np.stack(light).astype(np.float32), has_light=1.0)
    return found
