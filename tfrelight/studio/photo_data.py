"""The data with which the page relights a photo by itself: pixels, and maps of heads and bodies.

One block of bytes: the length of a JSON header (uint32, little-endian); the header, padded with
spaces to a multiple of 4; the photo, `[H, W, 4]` uint8 RGBA, sRGB-encoded; and for each head, and
then for each body, its planes, `[P, S, S]` float32 little-endian, in the order of `PLANES`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfrelight.data import part_pictures
from tfrelight.data.portrait import PARTS
from tfrelight.faces import framing
from tfrelight.photos import filters
from tfrelight.relighting import (
    backdrop,
    compositing,
    decomposition,
    lost_light,
    parts,
    ratio_image,
)
from tfrelight.rendering import renderer

__all__ = ["LONGEST", "PLANES", "SETTINGS", "encode"]

# Longer side of the photo on the page, pixels.
LONGEST = 1600
PLANES = (
    *("normal_x", "normal_y", "normal_z"),
    *("photo_r", "photo_g", "photo_b"),
    *("albedo_r", "albedo_g", "albedo_b"),
    *("guide", "mask", "region", "residual_r", "residual_g", "residual_b"),
    *("epsilon", "black", "max_log_factor", "hair"),
    *("surface_r", "surface_g", "surface_b"),
    *("skin", "relief", "steep_x", "steep_y", "steep_z"),
    *("part_skin", "part_eyes", "part_mouth", "part_cloth", "part_things"),
    *("outline_slope", "outline_offset", "share"),
)
_HAIR = PARTS.index("hair")
# Constants with which the page relights.
SETTINGS = {
    **ratio_image.SETTINGS,
    "outline": compositing.OUTLINE,
    "clipped": lost_light.CLIPPED,
    "least_channel": lost_light.LEAST_CHANNEL,
    "behind": backdrop.BEHIND,
    "rendering": renderer.SETTINGS,
    "part_colours": part_pictures.COLOURS.tolist(),
}


def encode(decomposed: decomposition.Decomposition, fields: Mapping[str, Any]) -> bytes:
    """Encodes a photo for the page.

    Args:
      decomposed: the photo.
      fields: further fields of the header, JSON.
    """
    small = decomposed.shrunk(LONGEST)
    height, width = small.photo.size
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[..., :3] = small.photo.as_uint8()
    surfaces, blocks = [], [pixels]
    # The photo's own, which downloads use as well.
    for number, (face, prepared, head) in enumerate(
        zip(small.surfaces, decomposed.relightable, decomposed.head_indices)
    ):
        outline = compositing.outlines(small.surfaces, number)
        shares = np.zeros((*face.mask.shape, len(PARTS))) if face.parts is None else face.parts
        planes = np.dstack(
            [face.normals, face.photo, face.albedo]
            + [face.guide, face.mask, face.region, prepared.residual]
            + [prepared.epsilon[..., 0], prepared.black, prepared.max_log_factor]
            + [shares[..., _HAIR]]
            + [prepared.surface_color, prepared.skin, prepared.relief.relief]
            + [prepared.relief.normals, np.delete(shares, [0, _HAIR], -1), outline]
        )
        blocks.append(np.ascontiguousarray(np.moveaxis(planes, -1, 0), "<f4"))
        surfaces.append(
            {
                "size": len(face.guide),
                "corner": face.window.corner.tolist(),
                "inverse": np.linalg.inv(face.window.axes).tolist(),
                "box": [int(side) for side in face.box],
                "bounds": [int(side) for side in face.window.bounds(face.box)],
                "head": _head(face),
                "above": head,
                "light": face.light.astype(float).tolist(),
                "white": prepared.white.astype(float).tolist(),
                "legibility": ratio_image.legibility(decomposed.faces[head]),
                "radius": prepared.radius,
                "head_height": float(prepared.relief.head),
                "rotation": face.window.rotation[:2, :2].tolist(),
                "eyes": _eyes(prepared.eyes, len(face.guide)),
                "old_catchlights": _old_catchlights(prepared.old_catchlights, len(face.guide)),
            }
        )
    full = decomposed.photo.size
    header = {
        **fields,
        "height": full[0],
        "width": full[1],
        "view": {"height": height, "width": width},
        # A photo that is stored in grey cannot hold colours; another may take on the light's.
        "grey": "always" if decomposed.photo.mode == "L" else "maybe" if decomposed.is_grey else "",
        "relit": len(decomposed.faces),
        "parts": PARTS[1:] if parts.known(decomposed.faces) else [],
        "planes": PLANES,
        "surfaces": surfaces,
        "settings": SETTINGS,
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    length = len(text).to_bytes(4, "little")
    return b"".join([length, text, *(block.tobytes() for block in blocks)])


def _eyes(eyes, size):
    """Eyes as JSON can hold them; None: without."""
    if eyes is None:
        return None
    return {
        "places": _indices(eyes.places, size),
        "reflected": eyes.reflected.round(5).astype(float).tolist(),
        "wet": eyes.wet.round(5).astype(float).tolist(),
        "blur": eyes.blur,
    }


def _old_catchlights(old, size):
    """Catchlights of the photo likewise."""
    if old is None:
        return None
    return {
        "places": _indices(old.places, size),
        "share": old.share.round(5).astype(float).tolist(),
        "below": old.below.round(6).astype(float).tolist(),
    }


def _indices(places, size):
    rows, columns = places
    return (rows * size + columns).tolist()


def _head(face):
    """Left, top, right and bottom of the part that a new light may change."""
    size = len(face.mask)
    # Nothing changes below a mask of 0.45; its edges move a little with the photo's.
    rows, columns = np.nonzero(filters.dilated(face.mask, np.ones((9, 9), bool)) > 0.1)
    if not len(rows):
        return [0, 0, 0, 0]
    low, high = (columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1)
    window = framing.Window(
        face.window.corner + face.window.axes @ (np.array(low) / size),
        face.window.axes * (np.subtract(high, low) / size),
    )
    return [int(side) for side in window.bounds(face.box)]
