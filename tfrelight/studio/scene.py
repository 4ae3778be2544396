"""What a page needs to relight a photo by itself: its pixels and the maps of its faces.

One block of bytes: the length of a JSON header (uint32, little-endian), the header, filled up with
spaces to a multiple of 4, then what it describes: the photo as RGBA, sRGB-encoded, and for each
face its planes, float32.
"""

from __future__ import annotations

import json

import numpy as np
from scipy import ndimage

from tfrelight.faces import decomposition, framing, full_size, relighting

__all__ = ["LONGEST", "PLANES", "encode"]

# Longer side of what the page shows, pixels.
LONGEST = 1600
# Each face's planes `[S, S]` in this order.
PLANES = (
    *("normal_x", "normal_y", "normal_z"),
    *("photo_r", "photo_g", "photo_b"),
    *("albedo_r", "albedo_g", "albedo_b"),
    *("guide", "mask", "region", "residual", "epsilon", "black", "burnt"),
    *("outline_slope", "outline_offset", "share"),
)


def encode(decomposed, about) -> bytes:
    """A photo for the page.

    Args:
      decomposed: `faces.decomposition.Decomposition`.
      about: dict for the header, beside what is said here.
    """
    small = decomposed.shrunk(LONGEST)
    height, width = small.photo.size
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[..., :3] = small.photo.as_uint8()
    faces, blocks = [], [pixels]
    for number, face in enumerate(small.faces):
        ready = relighting.prepare(face)
        outline = full_size.outlines(small.faces, number)
        planes = np.dstack(
            [face.normals, face.photo, face.albedo]
            + [face.guide, face.mask, face.region, face.residual]
            + [ready.epsilon[..., 0], ready.black, ready.burnt, outline]
        )
        blocks.append(np.ascontiguousarray(np.moveaxis(planes, -1, 0), "<f4"))
        faces.append(
            {
                "size": len(face.guide),
                "corner": face.window.corner.tolist(),
                "inverse": np.linalg.inv(face.window.axes).tolist(),
                "box": [int(side) for side in face.box],
                "bounds": [int(side) for side in face.window.bounds(face.box)],
                "head": _head(face),
                "light": face.light.astype(float).tolist(),
                "radius": ready.radius,
            }
        )
    full = decomposed.photo.size
    header = {
        **about,
        "height": full[0],
        "width": full[1],
        "view": {"height": height, "width": width},
        "planes": PLANES,
        "faces": faces,
        "settings": {
            **relighting.SETTINGS,
            "outline": full_size.OUTLINE,
            "behind": decomposition.BEHIND,
        },
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    return b"".join([len(text).to_bytes(4, "little"), text, *(one.tobytes() for one in blocks)])


def _head(face):
    """Left, top, right, bottom of what a new light may change."""
    size = len(face.mask)
    # Nothing is changed below a mask of 0.45; its edges move a little with the photo's.
    rows, columns = np.nonzero(ndimage.maximum_filter(face.mask, 9) > 0.1)
    if not len(rows):
        return [0, 0, 0, 0]
    low, high = (columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1)
    window = framing.Window(
        face.window.corner + face.window.axes @ (np.array(low) / size),
        face.window.axes * (np.subtract(high, low) / size),
    )
    return [int(side) for side in window.bounds(face.box)]
