"""Pictures of what a network has learnt."""

from tfrelight import pictures, shading

__all__ = ["decompositions"]


def decompositions(network, pair):
    """A row for each pair: photo, its maps, and the photo under the partner's light.

    Args:
      network: with the outputs of `models.layers.heads`.
      pair: `{"a": portraits, "b": portraits}` of B pairs.

    Returns:
      `pictures.page` of seven columns.
    """
    a = {name: value.numpy() for name, value in network(pair["a"]["image"]).items()}
    partner = network(pair["b"]["image"])["light"].numpy()
    shaded = shading.shade(a["normals"], a["light"]).numpy()
    again = shading.render(a["albedo"], a["normals"], a["light"]).numpy()
    relit = shading.render(a["albedo"], a["normals"], partner).numpy()
    rows = []
    for index in range(len(partner)):
        rows.append(
            {
                "photo": pair["a"]["image"][index].numpy(),
                "albedo": pictures.encoded(a["albedo"][index]),
                "normals": pictures.encoded_normals(a["normals"][index]),
                # Half, so that shading up to 2 is seen.
                "shading / 2": pictures.encoded(shaded[index] / 2.0),
                "reconstruction": pictures.encoded(again[index]),
                "relit": pictures.encoded(relit[index]),
                "partner": pair["b"]["image"][index].numpy(),
            }
        )
    return pictures.page(rows)
