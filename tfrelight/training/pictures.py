"""Pictures of a network's decompositions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tfrelight import shading
from tfrelight.data import part_pictures
from tfrelight.photos import pictures

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["decompositions"]


def decompositions(network: keras.Model, pair: dict[str, dict[str, tf.Tensor]]) -> np.ndarray:
    """A page with a row for each pair: photo, maps, and the photo under its partner's light.

    Args:
      network: with the outputs of `models.layers.heads`.
      pair: `{"a": portraits, "b": portraits}` of B pairs.

    Returns:
      `pictures.page` with seven columns. If the network tells parts apart, two more show them
      and their label, and a legend below the page names their colours.
    """
    a = {name: value.numpy() for name, value in network(pair["a"]["image"]).items()}
    partner = network(pair["b"]["image"])["light"].numpy()
    shaded = shading.shade(a["normals"], a["light"]).numpy()
    again = shading.render(a["albedo"], a["normals"], a["light"]).numpy()
    relit = shading.render(a["albedo"], a["normals"], partner).numpy()
    rows = []
    for index in range(len(partner)):
        row = {
            "photo": pair["a"]["image"][index].numpy(),
            "albedo": pictures.encoded(a["albedo"][index]),
            "normals": pictures.encoded_normals(a["normals"][index]),
            # Halved to show shading up to 2.
            "shading / 2": pictures.encoded(shaded[index] / 2.0),
            "reconstruction": pictures.encoded(again[index]),
            "relit": pictures.encoded(relit[index]),
            "partner": pair["b"]["image"][index].numpy(),
        }
        if "parts" in a:
            row["parts"] = _coloured(a["parts"][index].argmax(-1))
            row["label parts"] = _coloured(pair["a"]["parts"][index, ..., 0].numpy())
        rows.append(row)
    page = pictures.page(rows)
    if "parts" not in a:
        return page
    legend = part_pictures.legend(page.shape[1]) / np.float32(255.0)
    return np.concatenate([page, legend])


def _coloured(parts):
    return part_pictures.picture(parts) / np.float32(255.0)
