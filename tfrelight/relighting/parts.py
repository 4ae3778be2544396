"""What each pixel of a photo shows, from the parts of its faces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfrelight.data.portrait import PARTS
from tfrelight.errors import InputError
from tfrelight.relighting import compositing

if TYPE_CHECKING:
    from tfrelight.relighting.face_maps import FaceMaps

__all__ = ["known", "likeliest"]


def known(faces: Sequence[FaceMaps]) -> bool:
    """Whether the network that made the maps tells parts apart."""
    return all(face.parts is not None for face in faces)


def likeliest(
    size: tuple[int, int], faces: Sequence[FaceMaps], layers: Sequence[compositing.Layer]
) -> np.ndarray:
    """The likeliest part of each pixel on a face, and 0, background, off all of them.

    A pixel is on a face if the opacities of all faces there add up to at least a half.

    Args:
      size: H, W of the photo.
      faces: of the photo.
      layers: what `compositing.alphas` gave.

    Returns:
      `[H, W]` uint8, indices into `data.portrait.PARTS`.

    Raises:
      InputError: the network does not tell parts apart.
    """
    if not known(faces):
        raise InputError(
            "This network does not tell parts apart. Expected one with the output `parts`, as "
            "`tfrelight.train` makes them."
        )
    shares = [face.parts for face in faces if face.parts is not None]
    result, highest = np.zeros(size, np.uint8), np.zeros(size, np.float32)
    # One part at a time, because all parts of a large photo take too much memory.
    for part in range(1, len(PARTS)):
        values = (
            face.window.uncut(of_face[..., part], box)
            for face, of_face, (box, _) in zip(faces, shares, layers)
        )
        probability = compositing.paste(size, layers, values)
        np.copyto(result, part, where=probability > highest)
        np.maximum(highest, probability, out=highest)
    result[compositing.paste(size, layers, [1.0] * len(faces)) < 0.5] = 0
    return result
