"""Catchlights: the images of lamps in the tears that cover an eye."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfrelight.lights import Lamp

__all__ = ["CORNEA", "Eyes", "of_lamp"]

# Radius of the cornea, millimetres (Gullstrand's eye: H. von Helmholtz, Treatise on Physiological
# Optics, volume I, appendix).
CORNEA = 7.7
# Reflectance of tears at normal incidence, refractive index 1.337.
F0 = 0.0208


@dataclasses.dataclass(frozen=True)
class Eyes:
    """The N pixels of maps in which eyes are wet.

    Attributes:
      places: rows and columns, `[N]` each.
      reflected: `[N, 3]`, where the camera's ray goes on from the cornea, unit vectors.
      wet: `[N]` in [0, 1].
      blur: least angular radius of what is seen in them, radians.
    """

    places: tuple[np.ndarray, np.ndarray]
    reflected: np.ndarray
    wet: np.ndarray
    blur: float


def of_lamp(eyes: Eyes, lamp: Lamp) -> np.ndarray:
    """Radiance `[N]` of the image of a lamp in colour 1, without shadows.

    A disc of angular radius r has 1 / sin² r times the radiance that a white surface facing it
    sends back. Its edge is soft, and it is no smaller than pixels tell.
    """
    size = np.float32(np.square(np.sin(lamp.radius)) + np.square(eyes.blur))
    away = 2.0 - 2.0 * eyes.reflected @ lamp.direction.astype(np.float32)
    return np.float32(F0) / size * eyes.wet * np.exp(-np.square(np.maximum(away, 0.0) / size))
