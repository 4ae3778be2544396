"""The algebra of lights: what a sum of lamps, environment maps and harmonics is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from tfrelight import harmonics
from tfrelight.errors import InputError
from tfrelight.lights import directions, formats
from tfrelight.lights.environment import Environment
from tfrelight.lights.lamp import Lamp

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

__all__ = ["LightSum"]

Self = TypeVar("Self", bound="LightSum")


class LightSum:
    """A sum of lamps, environment maps and harmonics; `Light` is one.

    Arguments, attributes and errors are those of `Light`.
    """

    # So that numpy leaves `array * light` to this class, which takes only numbers and colours.
    __array_ufunc__ = None

    def __init__(
        self,
        coefficients: ArrayLike | None = None,
        relative: ArrayLike | None = None,
        lamps: Iterable[Lamp] = (),
        environments: Iterable[Environment] = (),
    ) -> None:
        self.harmonics = formats.checked(np.zeros((9, 3)) if coefficients is None else coefficients)
        if relative is None:
            grey = (self.harmonics == self.harmonics[:, :1]).all()
            relative = self.harmonics if grey else np.zeros((9, 3))
        self.relative_harmonics = formats.checked(relative)
        # What is black is no part of the light.
        self.lamps = tuple(lamp for lamp in lamps if lamp.color.any())
        self.environments = tuple(one for one in environments if one.gain.any())
        total, related = self.harmonics.astype(np.float64), self.relative_harmonics.astype(float)
        parts: list[Lamp | Environment] = [*self.lamps, *self.environments]
        for part in parts:
            projected = part.coefficients()
            total = total + projected
            related = related + projected * part.relative
        self.coefficients = formats.checked(total)
        self.relative = formats.checked(related)

    def __add__(self: Self, other: LightSum | int) -> Self:
        if isinstance(other, (int, float)) and other == 0:  # the start value of `sum`
            return self
        if not isinstance(other, LightSum):
            return NotImplemented
        return type(self)(
            self.harmonics + other.harmonics,
            self.relative_harmonics + other.relative_harmonics,
            self.lamps + other.lamps,
            self.environments + other.environments,
        )

    __radd__ = __add__

    def __mul__(self: Self, factor: ArrayLike) -> Self:
        try:
            factor = np.asarray(factor, np.float32)
        except (TypeError, ValueError):
            return NotImplemented
        if factor.shape not in ((), (3,)) or not np.isfinite(factor).all() or (factor < 0).any():
            raise InputError(
                "Expected to multiply a light by a finite number of at least 0, or by three, R, G "
                f"and B. Received: {factor.tolist()}."
            )
        return type(self)(
            self.harmonics * factor,
            self.relative_harmonics * factor,
            [lamp.scaled(factor) for lamp in self.lamps],
            [one.scaled(factor) for one in self.environments],
        )

    __rmul__ = __mul__

    def rotated(
        self: Self, azimuth: float = 0.0, elevation: float = 0.0, roll: float = 0.0
    ) -> Self:
        """The light, rotated together with its environment.

        `Light.from_direction(0, 0).rotated(azimuth=60, elevation=15)` is
        `Light.from_direction(60, 15)`. Roll is applied first, azimuth last.

        Args:
          azimuth: degrees about the vertical axis, positive towards the left of the image.
          elevation: degrees about the horizontal axis, positive towards the top of the image.
          roll: degrees about the optical axis, positive from the right of the image to its top.

        Raises:
          InputError: an angle is not finite.
        """
        if not np.isfinite([azimuth, elevation, roll]).all():
            raise InputError(
                "Invalid rotation. Expected finite angles in degrees. Received: "
                f"azimuth={azimuth}, elevation={elevation}, roll={roll}."
            )
        return self.turned(directions.rotation_matrix(azimuth, elevation, roll))

    def mirrored(self: Self) -> Self:
        """The light with left and right exchanged, for the mirror image of a photo."""
        return self.turned(np.diag([-1.0, 1.0, 1.0]))

    def turned(self: Self, matrix: np.ndarray) -> Self:
        """The light, turned about the person by an orthogonal matrix `[3, 3]`."""
        return type(self)(
            harmonics.rotate(self.harmonics, matrix),
            harmonics.rotate(self.relative_harmonics, matrix),
            [lamp.turned(matrix) for lamp in self.lamps],
            [one.turned(matrix) for one in self.environments],
        )

    def softened(self: Self, degrees: float) -> Self:
        """The light with every lamp grown to at least an angular radius; harmonics and maps stay.

        Raises:
          InputError: not 0 to 90.
        """
        if not 0.0 <= degrees <= 90.0:
            raise InputError(f"Invalid softness. Expected 0 to 90 degrees. Received: {degrees}.")
        least = float(np.radians(degrees))
        return type(self)(
            self.harmonics,
            self.relative_harmonics,
            [dataclasses.replace(lamp, radius=max(lamp.radius, least)) for lamp in self.lamps],
            self.environments,
        )

    def balanced(self: Self, white: ArrayLike) -> Self:
        """The light for a photo, with absolute colours.

        Args:
          white: `[3]` linear RGB of luminance 1, the photo's white; (1, 1, 1) takes the light's
            colours as they are.
        """
        shift = np.asarray(white, np.float32) - 1.0
        return type(self)(
            self.harmonics + self.relative_harmonics * shift,
            np.zeros((9, 3)),
            [
                dataclasses.replace(lamp.scaled(1.0 + lamp.relative * shift), relative=False)
                for lamp in self.lamps
            ],
            [
                dataclasses.replace(one.scaled(1.0 + one.relative * shift), relative=False)
                for one in self.environments
            ],
        )

    def __array__(self, dtype: DTypeLike = None) -> np.ndarray:
        return self.coefficients if dtype is None else self.coefficients.astype(dtype)

    def __eq__(self, other):
        if not isinstance(other, LightSum):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self):
        return hash(self._key())

    def _key(self):
        # Adding 0 makes -0 equal to 0.
        arrays = (self.harmonics, self.relative_harmonics)
        return (
            *((values + 0.0).tobytes() for values in arrays),
            *(part.key() for part in (*self.lamps, *self.environments)),
        )
