"""Renders linear photos from a surface and a light: shadows, highlights, and the labels."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage

from tfrelight import color, harmonics
from tfrelight.data.portrait import PARTS
from tfrelight.lights import Light, maps
from tfrelight.synthesis import environments, highlights
from tfrelight.synthesis.render import LIFT, Camera, Hits, RayCaster, sphere_directions, visibility
from tfrelight.synthesis.skin import Surface

__all__ = ["RenderedPhoto", "Scene"]

# Standard deviation of the distance that light travels in skin, millimetres (red, green, blue). Our
# choice: one lobe in place of the six in d'Eon and Luebke's profile (GPU Gems 3, chapter 14, 2007),
# whose widths run from 0.08 to 2.7 mm, with red the widest.
_SPREAD = (1.3, 0.6, 0.4)
# Shading below this is black in any photo, so the share of it in shadow has no meaning.
_DARK = 1e-4
# Light that reaches a surface with less than this share of the person's brightest shading leaves
# nothing to multiply: skin of albedo 0.3 falls below the 8-bit value 16 when that shading is 1.
_UNLIT = 0.02


@dataclasses.dataclass
class RenderedPhoto:
    """One linear photo and its labels.

    Without highlights and subsurface scattering, `linear` is albedo x shading x visibility.

    Attributes:
      linear: `[H, W, 3]` radiance, linear RGB.
      light: `[9, 3]`, projection of the true incoming radiance.
      fit: `[9, 3]`, least-squares fit to the true shading, regularised to `light`.
      shading: `[H, W, 3]`, the true light convolved with the clipped cosine of the normals, without
        cast shadows; 0 off the person.
      visibility: `[H, W, 3]` in [0, 1], shading with cast shadows over shading without; 1 where
        both are 0, and off the person.
      unlit: `[H, W]` bool, where the light does not reach: shading with cast shadows is below 2 %
        of the largest shading without, by luminance; false off the person.
    """

    linear: np.ndarray
    light: np.ndarray
    fit: np.ndarray
    shading: np.ndarray
    visibility: np.ndarray
    unlit: np.ndarray


class Scene:
    """A person in front of a camera, at pixel resolution, ready for lights.

    Args:
      caster: the person's mesh.
      camera: the camera.
      hits: the first hits of `camera.rays(size * samples)`.
      surface: the surface at the hits.
      size: height and width of photos, pixels.
      samples: rays along each side of a pixel.
      directions: number of directions for the visibility of environments.
      behind: someone else, who is part of the background, or None.
      before: lenses in front of the eyes, which add their highlights, or None.

    Attributes:
      coverage: `[H, W]`, share of each pixel on the person.
      albedo: `[H, W, 3]` linear RGB, 0 off the person.
      normals: `[H, W, 3]` unit, (0, 0, 1) off the person. Albedo and normals are means over the
        samples of a pixel that hit the person.
      parts: `[H, W]` uint8 (`tfrelight.data.portrait.PARTS`), what most samples of a pixel show.
      depth: `[H, W]`, distance behind the plane of the eyes in widths of the photo, mean over the
        same samples; 0 off the person.
    """

    def __init__(
        self,
        caster: RayCaster,
        camera: Camera,
        hits: Hits,
        surface: Surface,
        size: int,
        samples: int,
        directions: int,
        behind: Scene | None = None,
        before: Scene | None = None,
    ) -> None:
        self._behind, self._before = behind, before
        self._caster, self._hits, self._size = caster, hits, size
        self._millimetres = 2 * camera.half_width / size
        row, column = np.divmod(hits.ray, size * samples)
        pixel = row // samples * size + column // samples
        count = np.bincount(pixel, minlength=size * size)
        self._covered = np.flatnonzero(count)
        index = np.full(size * size, -1)
        index[self._covered] = np.arange(len(self._covered))
        self._pixel = index[pixel]
        # Each sample of a pixel tests one of four parts of a lamp; together they cover it.
        self._share = row % 2 * 2 + column % 2
        self._count = count[self._covered].astype(np.float32)
        self.coverage = (count / samples**2).reshape(size, size).astype(np.float32)

        self._albedo = self._mean(surface.albedo)
        normal = self._mean(surface.normal)
        # Relief may turn normals at the silhouette away from the camera.
        facing = normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
        facing[:, 2] = np.maximum(facing[:, 2], -0.05)
        self._normal = facing / np.linalg.norm(facing, axis=-1, keepdims=True)
        self._sample_normal = surface.normal
        self._gloss = self._mean(surface.gloss)
        # Normals that differ within a pixel widen its highlight (Toksvig, 2005).
        length = np.minimum(np.linalg.norm(normal, axis=-1), 1.0)
        self._roughness = np.sqrt(self._mean(surface.roughness) ** 2 + np.minimum(1 - length, 0.2))
        self._scatter = self._mean(surface.scatter)
        self._first = np.unique(self._pixel, return_index=True)[1]
        self._mirrors = np.flatnonzero(self._roughness < 0.16)
        first = self._first[self._mirrors]
        self._mirror_origins = hits.smooth[first] + LIFT * hits.normal[first]
        eye = np.array([0, 0, camera.distance], np.float32)
        view = eye - self._mean(hits.position)
        self._view = view / np.linalg.norm(view, axis=-1, keepdims=True)
        self.albedo = self._image(self._albedo)
        self.normals = self._image(self._normal, np.array([0, 0, 1], np.float32))
        self.parts = self._image(self._largest(surface.part, samples**2))
        self.depth = self._image(self._mean(hits.position[:, 2]) / -(2 * camera.half_width))
        self._directions = sphere_directions(directions)
        self._environment = None

    def _mean(self, values):
        """Means over the samples of each covered pixel, `[P, ...]`."""
        values = np.asarray(values, np.float32)
        flat = values.reshape(len(values), -1)
        sums = [
            np.bincount(self._pixel, flat[:, k], len(self._count)) for k in range(flat.shape[1])
        ]
        means = np.stack(sums, -1).astype(np.float32) / self._count[:, None]
        return means.reshape((-1,) + values.shape[1:])

    def _largest(self, part, samples):
        """What most samples of each covered pixel show, `[P]` uint8; 0 where most miss."""
        votes = np.bincount(
            self._pixel * len(PARTS) + part, minlength=len(self._count) * len(PARTS)
        )
        votes = votes.reshape(-1, len(PARTS))
        largest = votes.argmax(-1).astype(np.uint8)
        return np.where(2 * self._count >= samples, largest, np.uint8(0))

    def _image(self, values, empty=0.0):
        dtype = np.float32 if values.dtype.kind == "f" else values.dtype
        image = np.empty((self._size**2,) + values.shape[1:], dtype)
        image[:] = empty
        image[self._covered] = values
        return image.reshape((self._size, self._size) + values.shape[1:])

    def _highlight(self, direction, roughness):
        return highlights.highlight(self._normal, self._view, self._gloss, direction, roughness)

    def _reflection(self, surroundings):
        """Mirror reflections of an environment in wet eyes and glossy frames, `[M, 3]`."""
        mirrors = self._mirrors
        normal, view = self._normal[mirrors], self._view[mirrors]
        n_v = (normal * view).sum(-1, keepdims=True)
        towards = 2 * n_v * normal - view
        environment = surroundings.radiance * surroundings.gain
        height, width = environment.shape[:2]
        row, column = maps.places(towards @ surroundings.rotation, height, width)
        seen = environment[row.astype(int).clip(0, height - 1), column.astype(int) % width]
        origins = self._mirror_origins
        open_ = ~self._caster.blocked(origins, towards) if len(origins) else np.zeros(0, bool)
        fresnel = highlights.F0 + (1 - highlights.F0) * np.clip(1 - n_v, 0, 1) ** 5
        return seen * fresnel * (self._gloss[mirrors] * open_)[:, None]

    def _surroundings(self):
        """Weights `[P, D]` of the directions: diffuse with and without shadows, and specular."""
        if self._environment is None:
            directions = self._directions
            first = self._first
            seen = visibility(
                self._caster,
                self._hits.smooth[first],
                self._hits.normal[first],
                directions,
                self._covered,
                self._size,
            )
            cosine = np.maximum(self._normal @ directions.T, 0)
            # The mean of radiance x cosine over the sphere is a quarter of the shading.
            weight = np.float32(4 / len(directions))
            shadowed = cosine * seen * weight
            # Lobes narrower than the directions' spacing would fall between directions.
            spacing = np.sqrt(4 * np.pi / len(directions)) / 2
            roughness = np.maximum(self._roughness, spacing)
            specular = self._highlight(directions, roughness) * seen * weight
            self._environment = shadowed, cosine * weight, specular.astype(np.float32)
        return self._environment

    def _lamp(self, lamp, specular):
        """Diffuse with shadows, diffuse without, and specular shading `[P, 3]` of a lamp."""
        count = 4 if lamp.radius < np.radians(5) else 16
        points = lamp.points(count)
        lit, reached = np.zeros((2, len(self._pixel)), np.float32)
        # Each sample of a pixel tests its own part of the disc. The part below its horizon is not
        # in shadow; the cosine accounts for it.
        for turn in range(count // 4):
            direction = points[turn * 4 + self._share]
            cosine = np.maximum((self._sample_normal * direction).sum(-1), 0)
            above = (self._hits.normal * direction).sum(-1) > 0
            facing = np.flatnonzero((cosine > 0) & above)
            origins = self._hits.smooth[facing] + LIFT * self._hits.normal[facing]
            open_ = ~self._caster.blocked(origins, direction[facing])
            lit += cosine
            reached[facing] += cosine[facing] * open_
        lit, reached = self._mean(lit), self._mean(reached)
        seen = np.where(lit > _DARK, reached / np.maximum(lit, _DARK), 1)[:, None]
        color = lamp.color.astype(np.float32)
        diffuse = lamp.shade(self._normal).astype(np.float32)[:, None] * color
        shine = np.zeros_like(diffuse)
        if specular:
            towards = lamp.direction.astype(np.float32)
            roughness = np.sqrt(self._roughness**2 + (lamp.radius / 2) ** 2)
            shine = self._highlight(towards, roughness)[:, None] * seen * color
        return diffuse * seen, diffuse, shine

    def _diffuse(self, light, specular):
        shape = (len(self._count), 3)
        shadowed, free, shine = (np.zeros(shape, np.float32) for _ in range(3))
        if light.harmonics.any():
            shadowed = shadowed + np.maximum(harmonics.shade(self._normal, light.harmonics), 0)
            free = free + shadowed
        for lamp in light.lamps:
            for total, part in zip((shadowed, free, shine), self._lamp(lamp, specular)):
                total += part
        for environment in light.environments:
            cells = environments.cells(environment, len(self._directions))
            with_shadows, without, glossy = self._surroundings()
            shadowed = shadowed + with_shadows @ cells
            free = free + without @ cells
            if specular:
                glossy = glossy @ cells
                glossy[self._mirrors] = self._reflection(environment)
                shine = shine + glossy
        return shadowed, free, shine

    def _spread(self, shading):
        """Shading after subsurface scattering: blurs each channel within the skin."""
        scatter = self._image(self._scatter)
        image = self._image(shading) * scatter[..., None]
        result = self._image(shading)
        for channel, spread in enumerate(_SPREAD):
            sigma = spread / self._millimetres
            if sigma > 0.2:
                blurred = ndimage.gaussian_filter(image[..., channel], sigma, truncate=3)
                norm = ndimage.gaussian_filter(scatter, sigma, truncate=3)
                result[..., channel] = blurred / np.maximum(norm, 1e-3)
        blurred = result.reshape(-1, 3)[self._covered]
        return shading + self._scatter[:, None] * (blurred - shading)

    def photograph(
        self,
        light: Light,
        background: np.ndarray,
        specular: bool = True,
        subsurface: bool = True,
    ) -> RenderedPhoto:
        """Renders the linear photo under a light, with its labels.

        A light of harmonics alone makes no highlights and does not scatter: its photo is albedo x
        shading.

        Args:
          light: the light.
          background: `[H, W, 3]` linear radiance behind the person.
          specular: render highlights.
          subsurface: let light spread in the skin.
        """
        matte = not light.lamps and not light.environments
        specular = specular and not matte
        shadowed, free, shine = self._diffuse(light, specular)
        label = light.coefficients
        fit = self._fit(shadowed, label)
        seen = np.where(free > _DARK, shadowed / np.maximum(free, _DARK), 1)
        level = color.luminance_numpy(free).max(initial=_DARK)
        unlit = color.luminance_numpy(shadowed) < _UNLIT * level
        if subsurface and not matte:
            shadowed = self._spread(shadowed)
        person = self._image(self._albedo * shadowed + shine)
        cover = self.coverage[..., None]
        if self._behind is not None:
            background = self._behind.photograph(light, background, specular, subsurface).linear
        linear = person * cover + background * (1 - cover)
        if self._before is not None and specular:
            # Lenses are black: their photo is their highlights.
            lenses = self._before.photograph(light, 0 * background, subsurface=False)
            linear = linear + lenses.linear
        return RenderedPhoto(
            linear=linear,
            light=label,
            fit=fit,
            shading=self._image(free),
            visibility=self._image(np.clip(seen, 0, 1), 1.0),
            unlit=self._image(unlit, False),
        )

    def _fit(self, shading, prior, weight=0.08):
        """The light `[9, 3]` that minimises |B a L - S|² / P + weight |L - prior|² over P pixels.

        On the camera's hemisphere the nine functions are nearly linearly dependent: without the
        prior, a cast shadow moves the light's direction by 20 degrees.
        """
        # In 32 bits the last digit would depend on the processor and on where memory lies.
        basis = np.float64(harmonics.basis(self._normal) * harmonics.ATTENUATION)
        normal_matrix = basis.T @ basis / len(basis)
        right = basis.T @ shading / len(basis)
        system = normal_matrix + weight * np.eye(9)
        return np.linalg.solve(system, right + weight * prior).astype(np.float32)
