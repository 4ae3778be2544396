"""The white that the colours of a light are relative to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfrelight.errors import InputError
from tfrelight.lights import Light
from tfrelight.relighting.ratio_image import Relightable

__all__ = ["balanced"]

_WHITE_BALANCES = ("keep", "neutral")


def balanced(light: Light, white_balance: str, faces: Sequence[Relightable]) -> list[Light]:
    """A light in the white of each face, or in absolute white.

    Args:
      light: of any colour.
      white_balance: "keep": relative to the photo's white on the face; "neutral": absolute.
      faces: what `ratio_image.prepare` gives.

    Raises:
      InputError: another `white_balance`.
    """
    if white_balance not in _WHITE_BALANCES:
        raise InputError(
            f"Invalid `white_balance`. Expected {' or '.join(_WHITE_BALANCES)}. "
            f"Received: {white_balance!r}."
        )
    keep = white_balance == "keep"
    return [light.balanced(face.white if keep else np.ones(3)) for face in faces]
