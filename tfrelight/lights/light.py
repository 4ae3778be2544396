"""One light, as a person authors it."""

from __future__ import annotations

import json
import pathlib

import numpy as np

from tfrelight import files, harmonics, pictures
from tfrelight.errors import InputError
from tfrelight.lights import colors, directions, formats, maps, presets, sphere

__all__ = ["Light", "as_light"]

# Integral of Y_00 over the sphere: a white environment of radiance 1 has this one coefficient.
_WHITE = np.sqrt(4.0 * np.pi)


class Light:
    """Everything that lights a portrait, as second-order harmonics of the incoming radiance.

    Lights add up (`key + rim`), as radiance does, and a number or a colour scales one
    (`0.5 * light`, `light * (1, 0.8, 0.6)`). A light never changes; operations give new ones.
    numpy takes one as an array `[9, 3]`.

    Attributes:
      coefficients: `[9, 3]` float32, read-only, linear RGB, in the order and frame of
        `tfrelight.harmonics`.
    """

    # numpy then leaves `array * light` to this class, which refuses what is no number or colour.
    __array_ufunc__ = None

    def __init__(self, coefficients):
        array = np.array(coefficients, np.float32)
        if array.shape != (9, 3) or not np.isfinite(array).all():
            raise InputError(
                "Invalid light. Expected [9, 3] finite coefficients. Received: shape "
                f"{list(array.shape)}{'' if np.isfinite(array).all() else ', not all finite'}."
            )
        array.flags.writeable = False
        self.coefficients = array

    @classmethod
    def even(cls, level=1.0, color=(1.0, 1.0, 1.0)):
        """The same light from everywhere: shading is `level * color` on every normal."""
        coefficients = np.zeros((9, 3))
        coefficients[0] = _WHITE
        return cls(coefficients) * level * color

    @classmethod
    def from_direction(
        cls,
        azimuth,
        elevation,
        intensity=1.0,
        ambient=0.0,
        color=(1.0, 1.0, 1.0),
        temperature=None,
        radius=0.0,
    ):
        """A distant lamp, and the same light from everywhere added to it.

        The true radiance is projected on the harmonics. A matte surface that faces the lamp would
        have shading `intensity` under the true one; the second-order light of a point gives it
        1.06 of that, because the projection keeps three bands only.

        Args:
          azimuth: degrees, positive to the left of the image.
          elevation: degrees, positive to the top of the image.
          intensity: shading that the lamp gives a surface that faces it, at least 0.
          ambient: shading that the light from everywhere adds, at least 0.
          color: linear RGB of both, at least 0.
          temperature: of both, in kelvin, multiplies `color` (see `colors.of_temperature`).
          radius: of the lamp's disc in degrees of angle: 0 a point, 30 a large soft box, 90 half
            the sphere.

        Raises:
          InputError: a number is not finite or out of its range.
        """
        if not (np.isfinite([azimuth, elevation]).all() and 0 <= radius <= 90):
            raise InputError(
                "Invalid light. Expected a finite azimuth and elevation and a radius of 0 to 90 "
                f"degrees. Received: azimuth={azimuth}, elevation={elevation}, radius={radius}."
            )
        towards = directions.direction_vector(azimuth, elevation)
        disc = harmonics.disc(towards, np.radians(radius))[:, None] * np.ones(3)
        light = cls(disc) * intensity + cls.even() * ambient
        return light * color * (1.0 if temperature is None else colors.of_temperature(temperature))

    @classmethod
    def preset(cls, name):
        """A light by name, of exposure 1 (see `exposure`); docs/LIGHTS.md shows them.

        Raises:
          InputError: no such name; the message lists those there are.
        """
        if name not in presets.PRESETS:
            known = ", ".join(presets.PRESETS)
            raise InputError(f"Unknown light {name!r}. Expected one of: {known}.")
        return sum(cls.from_direction(**lamp) for lamp in presets.PRESETS[name].lamps).exposed()

    @classmethod
    def from_environment(cls, environment):
        """The light of an environment map; its radiance as it is (see `exposed`).

        The person looks at the middle of the map; `rotated(azimuth=...)` turns the world.

        Args:
          environment: path of an EXR or Radiance HDR file, or `[h, 2 h, 3]` linear RGB,
            equirectangular as one sees it from inside, row 0 up.

        Raises:
          InputError: see `maps.read`.
        """
        if isinstance(environment, np.ndarray):
            radiance = maps.checked(environment)[:, ::-1]
        else:
            radiance = maps.load(environment)
        return cls(maps.project(radiance))

    @classmethod
    def from_photo(cls, photo, model=None, whole_image=False):
        """The light on the largest face of a photo, as the network sees it.

        Args:
          photo: path, PIL image, array or `photos.Photo`.
          model: what `tfrelight.load_model` gives or takes; None for its default.
          whole_image: the photo is a crop of one face; none is searched for.

        Raises:
          InputError: see `tfrelight.decompose`.
        """
        from tfrelight import api

        return cls(api.each(photo, lambda one, _: one.light, model, "largest", whole_image))

    @classmethod
    def from_background(cls, image, person):
        """The light that the scene behind a person throws on them: see `background.project`."""
        # SciPy would take a third of the time that a command has for --help.
        from tfrelight.lights import background

        return cls(background.project(image, person))

    @classmethod
    def from_numbers(cls, numbers, order="tfrelight"):
        """A light from 9 or 27 numbers in the order of a tool: see `formats.decode`."""
        return cls(formats.decode(numbers, order))

    @classmethod
    def from_file(cls, path, order=None):
        """A light from a file: JSON that `save` wrote, or text with 9 or 27 numbers.

        Args:
          path: of the file.
          order: whose order the numbers are in, see `formats.decode`.

        Raises:
          InputError: neither of these.
        """
        try:
            text = pathlib.Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            text = "\0"
        try:
            return cls(formats.parse(text, order))
        except InputError as error:
            raise InputError(f"Invalid light file {path}. {error}") from None

    def save(self, path):
        """Writes the light as JSON, whole or not at all."""
        files.write_text(path, self.json())

    def json(self) -> str:
        """What `save` writes."""
        described = {
            "basis": "real orthonormal spherical harmonics of the incoming radiance, linear "
            "RGB, x right, y up, z to the camera: 1, y, z, x, xy, yz, 3zz-1, xz, xx-yy",
            "coefficients": [[float(value) for value in row] for row in self.coefficients],
        }
        return json.dumps(described, indent=2) + "\n"

    def numbers(self, order="tfrelight"):
        """The light's numbers in the order of a tool: see `formats.encode`."""
        return formats.encode(self.coefficients, order)

    def __add__(self, other):
        if isinstance(other, (int, float)) and other == 0:  # where `sum` starts
            return self
        if not isinstance(other, Light):
            return NotImplemented
        return Light(self.coefficients + other.coefficients)

    __radd__ = __add__

    def __mul__(self, factor):
        try:
            factor = np.asarray(factor, np.float32)
        except (TypeError, ValueError):
            return NotImplemented
        if factor.shape not in ((), (3,)) or not np.isfinite(factor).all() or (factor < 0).any():
            raise InputError(
                "Expected to multiply a light by a finite number of at least 0, or by three, R, G "
                f"and B. Received: {factor.tolist()}."
            )
        return Light(self.coefficients * factor)

    __rmul__ = __mul__

    def rotated(self, azimuth=0.0, elevation=0.0, roll=0.0):
        """The light after its whole environment is turned: see `directions.rotation_matrix`.

        `Light.from_direction(0, 0).rotated(azimuth=60, elevation=15)` is
        `Light.from_direction(60, 15)`.

        Args:
          azimuth: degrees about the vertical, positive to the left of the image; done last.
          elevation: degrees about the image's horizontal, positive to its top.
          roll: degrees about the line to the camera, positive from the right of the image to its
            top; done first.

        Raises:
          InputError: an angle is not finite.
        """
        if not np.isfinite([azimuth, elevation, roll]).all():
            raise InputError(
                "Invalid rotation. Expected finite angles in degrees. Received: "
                f"azimuth={azimuth}, elevation={elevation}, roll={roll}."
            )
        rotation = directions.rotation_matrix(azimuth, elevation, roll)
        return Light(harmonics.rotate(self.coefficients, rotation))

    @property
    def direction(self):
        """Unit vector `[3]` towards the dominant direction; the camera if there is none."""
        return directions.direction(self.coefficients)

    @property
    def exposure(self):
        """How bright the lit part of a white sphere is that the camera sees.

        Shading S, the root mean square of its channels, averaged over the picture of the sphere,
        each point weighted by its own shading: E[S²] / E[S]. An even white light of radiance 1 has
        exposure 1, as have a lamp at the camera of intensity 1.3 and one at its side of 1.7: the
        dark half counts little, so that a light from the side is not turned up until the bright
        half burns out; and a coloured light is not turned up until its strongest channel does.
        0 if nothing is lit.
        """
        normals, _ = sphere.visible_normals(48)
        shading = np.maximum(harmonics.shade(normals, self.coefficients), 0.0)
        square = np.mean(shading**2, axis=-1)
        return float(np.mean(square) / max(np.mean(np.sqrt(square)), 1e-9))

    def exposed(self, exposure=1.0):
        """The light, scaled to an `exposure`.

        Raises:
          InputError: this light does not reach what the camera sees.
        """
        if not self.exposure > 1e-6:
            raise InputError("This light cannot be exposed: it lights nothing that one sees.")
        return self * (exposure / self.exposure)

    def sphere(self, size=128):
        """Picture of a matte sphere under the light, `[size, size, 3]` sRGB float in [0, 1]."""
        return sphere.draw(self.coefficients, size)

    def _repr_png_(self):
        return pictures.png(self.sphere())

    def __array__(self, dtype=None):
        return self.coefficients if dtype is None else self.coefficients.astype(dtype)

    def __eq__(self, other):
        if not isinstance(other, Light):
            return NotImplemented
        return bool((self.coefficients == other.coefficients).all())

    def __hash__(self):
        return hash(self.coefficients.tobytes())

    def __repr__(self):
        azimuth, elevation = directions.angles(self.direction)
        return (
            f"<Light: exposure {self.exposure:.2f}, azimuth {azimuth:.0f}, "
            f"elevation {elevation:.0f}>"
        )


def as_light(value) -> Light:
    """What people give where a light is wanted, as a `Light`.

    Args:
      value: a `Light`; coefficients `[9, 3]`; the name of a preset; or the path of an environment
        map (.exr, .hdr), which is then of exposure 1, or of a light file (.json, .txt).

    Raises:
      InputError: none of these.
    """
    if isinstance(value, Light):
        return value
    if not isinstance(value, (str, pathlib.Path)):
        return Light(value)
    suffix = pathlib.Path(value).suffix.lower()
    if suffix in maps.SUFFIXES:
        return Light.from_environment(value).exposed()
    if suffix in (".json", ".txt"):
        return Light.from_file(value)
    return Light.preset(str(value))
