"""Pictures of what a network has learnt."""

import os
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw

from tfrelight import color, shading

__all__ = ["decompositions", "save"]

COLUMNS = ("photo", "albedo", "normals", "shading", "reconstruction", "relit", "partner")
_TITLE_HEIGHT = 14


def decompositions(network, pair):
    """A row for each pair: photo, its maps, and the photo under the partner's light.

    Args:
      network: with the outputs of `models.layers.heads`.
      pair: `{"a": portraits, "b": portraits}` of B pairs.

    Returns:
      `[14 + B H, 7 W, 3]` sRGB float in [0, 1]: a line of titles, then the rows.
    """
    a = network(pair["a"]["image"], training=False)
    b = network(pair["b"]["image"], training=False)
    shaded = shading.shade(a["normals"], a["light"])
    cells = {
        "photo": pair["a"]["image"],
        "albedo": color.to_srgb(a["albedo"]),
        "normals": (a["normals"] + 1.0) / 2.0,
        # Half, so that shading up to 2 is seen.
        "shading": color.to_srgb(shaded / 2.0),
        "reconstruction": color.to_srgb(shading.render(a["albedo"], a["normals"], a["light"])),
        "relit": color.to_srgb(shading.render(a["albedo"], a["normals"], b["light"])),
        "partner": pair["b"]["image"],
    }
    rows = tf.concat([cells[name] for name in COLUMNS], axis=2).numpy()
    width = rows.shape[2] // len(COLUMNS)
    return np.concatenate([_titles(width), rows.reshape(-1, rows.shape[2], 3)])


def _titles(width):
    strip = Image.new("RGB", (width * len(COLUMNS), _TITLE_HEIGHT), "white")
    draw = ImageDraw.Draw(strip)
    for number, title in enumerate(COLUMNS):
        draw.text((number * width + 3, 1), title, fill="black")
    return np.asarray(strip, np.float32) / 255.0


def save(path, image):
    """Writes an sRGB float image as PNG, aside and renamed."""
    path = Path(path)
    aside = path.with_name(path.name + ".part")
    pixels = np.round(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)
    Image.fromarray(pixels).save(aside, format="PNG")
    os.replace(aside, path)
