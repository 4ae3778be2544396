"""`Light`: everything that lights a portrait."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import numpy as np

from tfrelight import files, harmonics
from tfrelight.errors import InputError
from tfrelight.lights import (
    background,
    colors,
    directions,
    formats,
    light_json,
    maps,
    presets,
    sphere,
)
from tfrelight.lights.environment import Environment
from tfrelight.lights.lamp import Lamp
from tfrelight.lights.light_sum import LightSum
from tfrelight.photos import pictures

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Light"]

# Integral of Y_00 over the sphere: the only coefficient of a white environment of radiance 1.
_WHITE = np.sqrt(4.0 * np.pi)


class Light(LightSum):
    """Everything that lights a portrait: lamps, environment maps and second-order harmonics.

        key = Light.from_direction(azimuth=40, elevation=25, temperature=5000)
        light = key + 0.5 * Light.preset("rim")

    Lights add up, as radiance does. A number or a colour scales one: `0.5 * light`,
    `light * (1, 0.8, 0.6)`. Lights are immutable; operations return new ones. numpy takes a light
    as an array `[9, 3]`, and notebooks show a lit sphere.

    What is drawn uses the lamps and maps themselves. `coefficients` is the projection of the whole
    light, which is what networks know of one.

    A photo has a white of its own, which the camera and the lamps gave it. The colours of lamps,
    named lights and environment maps are relative to it: a white lamp keeps the photo's colours.
    Lights that were measured in a photo have absolute colours. A sum may hold some of both.

    Args:
      coefficients: `[9, 3]`, finite: the part of the light that is known no better. None: 0.
      relative: `[9, 3]`, the part of `coefficients` whose colours are relative to the photo's
        white. None: all of them if they are grey, otherwise none.
      lamps: the lamps.
      environments: the environment maps.

    Attributes:
      harmonics, relative_harmonics: the first two arguments, read-only.
      lamps, environments: tuples.
      coefficients: `[9, 3]` float32, read-only, linear RGB, in the order and frame of
        `tfrelight.harmonics`.
      relative: `[9, 3]`, the part of them whose colours are relative to the photo's white.

    Raises:
      InputError: another shape, or values that are not finite.
    """

    @classmethod
    def even(cls, level: float = 1.0, color: ArrayLike = (1.0, 1.0, 1.0)) -> Light:
        """Even light from everywhere: every normal has the shading `level * color`, linear RGB."""
        coefficients = np.zeros((9, 3))
        coefficients[0] = _WHITE
        return cls(coefficients) * level * color

    @classmethod
    def from_direction(
        cls,
        azimuth: float,
        elevation: float,
        intensity: float = 1.0,
        ambient: float = 0.0,
        color: ArrayLike = (1.0, 1.0, 1.0),
        temperature: float | None = None,
        radius: float = 0.0,
        distance: float | None = None,
    ) -> Light:
        """A lamp, plus even light from everywhere.

        `coefficients` keep only three bands, in which a point lamp gives a surface that faces it
        1.06 times `intensity`.

        Args:
          azimuth: degrees, positive towards the left of the image.
          elevation: degrees, positive towards the top of the image.
          intensity: shading of a surface that faces the lamp, at least 0.
          ambient: shading that the even light adds, at least 0.
          color: `[3]` linear RGB of both, at least 0.
          temperature: kelvin, of both; its colour multiplies `color` (`colors.of_temperature`).
          radius: angular radius of the lamp, degrees: 0 is a point, 30 a large soft box, 90 half
            the sphere.
          distance: from the middle of the face, in heights of the head (23 cm): 2 is a candle
            before it. None: so far that it lights all of the face alike.

        Raises:
          InputError: a number is not finite, or out of its range.
        """
        if not (np.isfinite([azimuth, elevation]).all() and 0 <= radius <= 90):
            raise InputError(
                "Invalid light. Expected a finite azimuth and elevation and a radius of 0 to 90 "
                f"degrees. Received: azimuth={azimuth}, elevation={elevation}, radius={radius}."
            )
        if distance is not None and not distance > 0.5:
            raise InputError(f"Invalid `distance`. Expected more than 0.5. Received: {distance}.")
        towards = directions.direction_vector(azimuth, elevation)
        away = np.inf if distance is None else distance
        lamp = cls(lamps=[Lamp(towards, float(np.radians(radius)), np.ones(3), away)])
        light = lamp * intensity + cls.even() * ambient
        return light * color * (1.0 if temperature is None else colors.of_temperature(temperature))

    @classmethod
    def preset(cls, name: str) -> Light:
        """A named light, of exposure 1 (see `exposure`); docs/LIGHTS.md shows them all.

        Raises:
          InputError: no such name; the message lists all names.
        """
        if name not in presets.PRESETS:
            known = ", ".join(presets.PRESETS)
            raise InputError(f"Unknown light {name!r}. Expected one of: {known}.")
        lamps = [cls.from_direction(**lamp) for lamp in presets.PRESETS[name].lamps]
        return sum(lamps[1:], lamps[0]).exposed()

    @classmethod
    def from_environment(cls, environment: pathlib.Path | str | np.ndarray) -> Light:
        """The light of an environment map, with the brightness of the map (see `exposed`).

        The person faces the middle of the map; `rotated(azimuth=...)` turns the environment.

        Args:
          environment: path of an EXR or Radiance HDR file, or `[h, 2 h, 3]` linear RGB:
            equirectangular, seen from inside, row 0 up.

        Raises:
          InputError, OSError: see `maps.read`.
        """
        if isinstance(environment, np.ndarray):
            radiance = maps.checked(environment)[:, ::-1]
            if len(radiance) > maps.DETAIL:
                radiance = maps.shrunk(radiance, maps.DETAIL)
        else:
            radiance = maps.load(environment, height=maps.DETAIL)
        return cls(environments=[Environment.of(radiance)])

    @classmethod
    def from_background(cls, image: np.ndarray, person: np.ndarray) -> Light:
        """A guess at the light on a person, from the scene behind them (`background.project`).

        Args:
          image: `[H, W, 3]` linear RGB, at least 0.
          person: `[H, W]`: 1 on the person, or at least their head, 0 on the background.

        Raises:
          InputError: hardly any background is visible.
        """
        return cls(background.project(image, person), np.zeros((9, 3)))

    @classmethod
    def from_numbers(cls, numbers: ArrayLike, order: str = "tfrelight") -> Light:
        """A light from 9 or 27 numbers in a tool's order (`formats.decode`).

        Raises:
          InputError: see `formats.decode`.
        """
        return cls(formats.decode(numbers, order))

    @classmethod
    def from_file(cls, path: pathlib.Path | str, order: str | None = None) -> Light:
        """A light from a file: JSON that `save` wrote, or text with 9 or 27 numbers.

        Args:
          path: of the file.
          order: of the numbers (`formats.ORDERS`); None means "tfrelight".

        Raises:
          InputError: the file holds something else.
          OSError: the file cannot be read.
        """
        text = files.read_text(path)
        try:
            return cls(**formats.parse(text, order))
        except InputError as error:
            raise InputError(f"Invalid light file {path}. {error}") from None

    def save(self, path: pathlib.Path | str) -> None:
        """Writes the light as JSON, for `from_file`."""
        files.write_text(path, self.json())

    def json(self) -> str:
        """The light as JSON text."""
        return light_json.describe(
            (self.coefficients, self.relative),
            (self.harmonics, self.relative_harmonics),
            self.lamps,
            self.environments,
        )

    def numbers(self, order: str = "tfrelight") -> np.ndarray:
        """The light's 9 or 27 numbers in a tool's order (`formats.encode`).

        Raises:
          InputError: an unknown order.
        """
        return formats.encode(self.coefficients, order)

    @property
    def direction(self) -> np.ndarray:
        """Unit vector `[3]` towards the dominant direction; (0, 0, 1), the camera, without one."""
        return directions.direction(self.coefficients)

    @property
    def exposure(self) -> float:
        """Brightness of the lit part of a white sphere, as the camera sees it; 0 if all is dark.

        It is E[S²] / E[S] over the picture of the sphere, where S is the root mean square of the
        shading's channels. The weighting by S keeps a dark half from counting, and the root mean
        square keeps a coloured light from burning out its strongest channel. An even white light of
        radiance 1 has exposure 1, as has a lamp at the camera of intensity 1.3.
        """
        normals, _ = sphere.visible_normals(48)
        shading = np.maximum(harmonics.shade(normals, self.coefficients), 0.0)
        square = np.mean(shading**2, axis=-1)
        return float(np.mean(square) / max(np.mean(np.sqrt(square)), 1e-9))

    def exposed(self, exposure: float = 1.0) -> Light:
        """The light, scaled to an `exposure`.

        Raises:
          InputError: the light reaches nothing that the camera sees.
        """
        if not self.exposure > 1e-6:
            raise InputError("Cannot expose this light: it lights nothing that the camera sees.")
        return self * (exposure / self.exposure)

    def sphere(self, size: int = 128) -> np.ndarray:
        """A picture of a matte sphere under the light: `[size, size, 3]` sRGB, float in [0, 1]."""
        return sphere.draw(self.coefficients, size)

    def _repr_png_(self):
        return pictures.png(self.sphere())

    def __repr__(self):
        azimuth, elevation = directions.angles(self.direction)
        return (
            f"<Light: exposure {self.exposure:.2f}, azimuth {azimuth:.0f}, "
            f"elevation {elevation:.0f}>"
        )
