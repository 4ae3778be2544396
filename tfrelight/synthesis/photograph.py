"""From a surface and a light to a photo: shadows, highlights, film, and the labels."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
from PIL import Image
from scipy import ndimage

from tfrelight import color, harmonics
from tfrelight.synthesis.illumination import Light
from tfrelight.synthesis.render import LIFT, Camera, Caster, Hits, sphere_directions, visibility
from tfrelight.synthesis.skin import Surface

__all__ = ["Photo", "Scene", "develop"]

_F0 = 0.028  # normal reflectance of skin, refractive index 1.4
# Standard deviation of how far light spreads in skin before it leaves, millimetres (red, green,
# blue); the widest terms of d'Eon and Luebke's skin profile (GPU Gems 3, chapter 14, 2007), scaled
# to one lobe.
_SPREAD = (1.3, 0.6, 0.4)
_LUMINANCE = np.float32(color.LUMINANCE)


@dataclasses.dataclass
class Photo:
    """One linear photo and its labels. H = W = the scene's size.

    linear: `[H, W, 3]` radiance. light: `[9, 3]`, projection of the true incoming radiance. fit:
    `[9, 3]`, least squares of the true shading held to that projection. visibility: `[H, W]` 0..1,
    shading with cast shadows over shading without.
    """

    linear: np.ndarray
    light: np.ndarray
    fit: np.ndarray
    visibility: np.ndarray


class Scene:
    """A person before a camera: geometry buffers at pixel resolution, and what light reaches them.

    Attributes: coverage `[H, W]` 0..1; albedo `[H, W, 3]`; normals `[H, W, 3]` unit, (0, 0, 1) off
    the person. All means over the samples of a pixel that hit the person.
    """

    def __init__(
        self,
        caster: Caster,
        camera: Camera,
        hits: Hits,
        surface: Surface,
        size,
        samples,
        directions,
    ):
        self._caster, self._hits, self._size = caster, hits, size
        self._camera = camera
        self._millimetres = 2 * camera.half_width / size
        row, column = np.divmod(hits.ray, size * samples)
        pixel = row // samples * size + column // samples
        count = np.bincount(pixel, minlength=size * size)
        self._covered = np.flatnonzero(count)
        index = np.full(size * size, -1)
        index[self._covered] = np.arange(len(self._covered))
        self._pixel = index[pixel]
        # Which of four shares of a lamp each sample asks for: all four meet in every pixel.
        self._share = row % 2 * 2 + column % 2
        self._count = count[self._covered].astype(np.float32)
        self.coverage = (count / samples**2).reshape(size, size).astype(np.float32)

        self._albedo = self._mean(surface.albedo)
        normal = self._mean(surface.normal)
        # Relief may turn a normal at the edge of the face past it.
        facing = normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
        facing[:, 2] = np.maximum(facing[:, 2], -0.05)
        self._normal = facing / np.linalg.norm(facing, axis=-1, keepdims=True)
        self._gloss = self._mean(surface.gloss)
        # Differing normals within a pixel widen its highlight (Toksvig 2005).
        length = np.minimum(np.linalg.norm(normal, axis=-1), 1.0)
        self._roughness = np.sqrt(self._mean(surface.roughness) ** 2 + np.minimum(1 - length, 0.2))
        self._scatter = self._mean(surface.scatter)
        self._first = np.unique(self._pixel, return_index=True)[1]
        self._mirrors = np.flatnonzero(self._roughness < 0.16)
        first = self._first[self._mirrors]
        self._mirror_origins = hits.smooth[first] + LIFT * hits.normal[first]
        eye = np.float32([0, 0, camera.distance])
        view = eye - self._mean(hits.position)
        self._view = view / np.linalg.norm(view, axis=-1, keepdims=True)
        self.albedo = self._image(self._albedo)
        self.normals = self._image(self._normal, np.float32([0, 0, 1]))
        self._directions = sphere_directions(directions)
        self._environment = None

    def _mean(self, values):
        """Means over each covered pixel's samples, `[P, ...]`."""
        values = np.asarray(values, np.float32)
        flat = values.reshape(len(values), -1)
        total = [
            np.bincount(self._pixel, flat[:, k], len(self._count)) for k in range(flat.shape[1])
        ]
        total = np.stack(total, -1).astype(np.float32) / self._count[:, None]
        return total.reshape((-1,) + values.shape[1:])

    def _image(self, values, empty=0.0):
        image = np.empty((self._size**2,) + values.shape[1:], np.float32)
        image[:] = empty
        image[self._covered] = values
        return image.reshape((self._size, self._size) + values.shape[1:])

    def _specular(self, direction, roughness):
        """Highlight `[P]` or `[P, D]` per unit of shading from `[3]` or `[D, 3]` directions.

        GGX (Walter et al. 2007) with Schlick's Fresnel term and Karis' visibility approximation,
        times pi n.l: a lamp of shading I adds I times this.
        """
        column = (slice(None), None) if direction.ndim == 2 else slice(None)
        n_v = (self._normal * self._view).sum(-1)
        n_l = self._normal @ direction.T
        v_l = self._view @ direction.T
        inverse = 1 / np.sqrt(np.maximum(2 + 2 * v_l, 1e-4))
        n_h = np.minimum((n_l + n_v[column]) * inverse, 1)
        alpha2 = np.square(roughness)[column]
        lobe = alpha2 / np.square(n_h * n_h * (alpha2 - 1) + (1 + 1e-7))
        grazing = 1 - np.clip((1 + v_l) * inverse, 0, 1)
        grazing *= np.square(np.square(grazing))
        n_l = np.maximum(n_l, 0)
        k = (roughness / 2)[column]
        masked = 4 * (n_l * (1 - k) + k) * (np.maximum(n_v, 0.05)[column] * (1 - k) + k)
        return lobe * (_F0 + (1 - _F0) * grazing) * n_l / masked * self._gloss[column]

    def _reflection(self, environment):
        """What wet eyes and glossy frames mirror of an environment, `[M, 3]`."""
        mirrors = self._mirrors
        normal, view = self._normal[mirrors], self._view[mirrors]
        n_v = (normal * view).sum(-1, keepdims=True)
        towards = 2 * n_v * normal - view
        height, width = environment.shape[:2]
        row = (0.5 - np.arcsin(np.clip(towards[:, 1], -1, 1)) / np.pi) * height
        column = (np.arctan2(towards[:, 0], towards[:, 2]) / np.pi + 1) / 2 * width
        seen = environment[row.astype(int).clip(0, height - 1), column.astype(int) % width]
        origins = self._mirror_origins
        open_ = ~self._caster.blocked(origins, towards) if len(origins) else np.zeros(0, bool)
        fresnel = _F0 + (1 - _F0) * np.clip(1 - n_v, 0, 1) ** 5
        return seen * fresnel * (self._gloss[mirrors] * open_)[:, None]

    def _surroundings(self):
        """Products `[P, D]` of an environment: shadowed and free diffuse, and specular."""
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
            # Mean of radiance x cosine over the sphere is a quarter of the shading.
            weight = np.float32(4 / len(directions))
            shadowed = cosine * seen * weight
            # A lobe narrower than the spacing of the directions would fall between them.
            spacing = np.sqrt(4 * np.pi / len(directions)) / 2
            roughness = np.maximum(self._roughness, spacing)
            specular = self._specular(directions, roughness) * seen * weight
            self._environment = shadowed, cosine * weight, specular.astype(np.float32)
        return self._environment

    def _lamp(self, lamp, specular):
        """Diffuse with shadows, diffuse without, and specular shading `[P, 3]` of a lamp."""
        count = 4 if lamp.radius < np.radians(5) else 16
        points = lamp.points(count)
        scale = np.float32(2 / (1 + np.cos(lamp.radius)))
        reached = np.zeros(len(self._pixel), np.float32)
        towards = points.mean(0)
        # Each sample of a pixel asks for its own share of the disc.
        for turn in range(count // 4):
            direction = points[turn * 4 + self._share]
            facing = np.flatnonzero((self._hits.normal * direction).sum(-1) > 0)
            origins = self._hits.smooth[facing] + LIFT * self._hits.normal[facing]
            reached[facing] += ~self._caster.blocked(origins, direction[facing])
        reached = self._mean(reached / (count // 4))
        free = np.maximum(self._normal @ points.T, 0).mean(-1) * scale
        color = lamp.color.astype(np.float32)
        diffuse = free[:, None] * color
        shine = np.zeros_like(diffuse)
        if specular:
            towards = towards / np.linalg.norm(towards)
            roughness = np.sqrt(self._roughness**2 + (lamp.radius / 2) ** 2)
            shine = (self._specular(towards, roughness) * reached)[:, None] * color
        return diffuse * reached[:, None], diffuse, shine

    def _diffuse(self, light, specular):
        shape = (len(self._count), 3)
        shadowed, free, shine = (np.zeros(shape, np.float32) for _ in range(3))
        if light.order2 is not None:
            shadowed = shadowed + np.maximum(harmonics.shade(self._normal, light.order2), 0)
            free = free + shadowed
        for lamp in light.lamps:
            for total, part in zip((shadowed, free, shine), self._lamp(lamp, specular)):
                total += part
        if light.environment is not None:
            cells = light.cells(len(self._directions))
            with_shadows, without, glossy = self._surroundings()
            shadowed = shadowed + with_shadows @ cells
            free = free + without @ cells
            if specular:
                glossy = glossy @ cells
                glossy[self._mirrors] = self._reflection(light.environment)
                shine = shine + glossy
        return shadowed, free, shine

    def _spread(self, shading):
        """Shading after light has spread in the skin: a blur a channel, within the person."""
        image = self._image(shading)
        inside = self.coverage > 0
        result = image.copy()
        for channel, spread in enumerate(_SPREAD):
            sigma = spread / self._millimetres
            if sigma > 0.2:
                blurred = ndimage.gaussian_filter(image[..., channel], sigma, truncate=3)
                norm = ndimage.gaussian_filter(inside.astype(np.float32), sigma, truncate=3)
                result[..., channel] = blurred / np.maximum(norm, 1e-3)
        blurred = result.reshape(-1, 3)[self._covered]
        return shading + self._scatter[:, None] * (blurred - shading)

    def photograph(self, light: Light, background, specular=True, subsurface=True) -> Photo:
        """The linear photo under a light, before `background` `[H, W, 3]`, with its labels.

        A light with `order2` makes no highlights and spreads nowhere: its photo is albedo x
        shading.
        """
        specular = specular and light.order2 is None
        shadowed, free, shine = self._diffuse(light, specular)
        label = light.coefficients()
        fit = self._fit(shadowed, label)
        ratio = (shadowed @ _LUMINANCE) / np.maximum(free @ _LUMINANCE, 1e-4)
        if subsurface and light.order2 is None:
            shadowed = self._spread(shadowed)
        person = self._image(self._albedo * shadowed + shine)
        cover = self.coverage[..., None]
        return Photo(
            linear=person * cover + background * (1 - cover),
            light=label,
            fit=fit,
            visibility=self._image(np.clip(ratio, 0, 1), 1.0),
        )

    def _fit(self, shading, prior, weight=0.08):
        """`[9, 3]` with least |B a L - S|² / P + weight |L - prior|² over the P covered pixels.

        On the camera's half of the sphere the nine functions are nearly dependent: the data alone
        would move the light's direction by 20 degrees for a cast shadow.
        """
        basis = harmonics.basis(self._normal) * harmonics.ATTENUATION
        normal_matrix = basis.T @ basis / len(basis)
        right = basis.T @ shading / len(basis)
        system = normal_matrix + weight * np.eye(9)
        return np.linalg.solve(system, right + weight * prior).astype(np.float32)


def develop(
    rng: np.random.Generator, photo: Photo, albedo, coverage, film=True
) -> tuple[np.ndarray, np.ndarray]:
    """Exposes, colours, blurs, grains and compresses a linear photo.

    Args:
      rng: source of all randomness.
      photo: what `Scene.photograph` gave.
      albedo: `[H, W, 3]`, for the exposure that a photographer would keep from light to light.
      coverage: `[H, W]`.
      film: False only exposes.

    Returns:
      `[H, W, 3]` uint8 sRGB, and the gain `[3]` by which light was multiplied on its way into it.
    """
    inside = coverage > 0.5
    bright = np.percentile((photo.linear @ _LUMINANCE)[inside], 95)
    frontal = np.percentile((albedo @ _LUMINANCE)[inside], 90)
    # Between a meter that evens every photo out and one exposure for every light.
    metered = rng.uniform(0.25, 1.0)
    level = np.exp(rng.normal(np.log(0.5), 0.4))
    gain = level / np.maximum(bright, 1e-3) ** metered / np.maximum(frontal, 1e-2) ** (1 - metered)
    gain = np.full(3, min(gain, 1.1 / np.maximum(bright, 1e-3)))
    if film:
        cast = photo.light[0] / photo.light[0].mean()
        gain = gain / cast ** rng.uniform(0.2, 1) * np.exp(rng.normal(0, 0.06, 3))
    image = photo.linear * gain.astype(np.float32)
    if film:
        sigma = max(rng.uniform(-0.3, 0.75), 0)
        if sigma > 0.2:
            image = ndimage.gaussian_filter(image, (sigma, sigma, 0), truncate=2.5)
        shot, read = rng.uniform(0, 0.025) ** 2, rng.uniform(0, 0.006)
        noise = rng.standard_normal(image.shape, np.float32)
        image = image + noise * np.sqrt(np.maximum(image, 0) * shot + read**2)
    image = np.clip(image, 0, 1)
    encoded = np.where(image <= 0.0031308, image * 12.92, 1.055 * image ** (1 / 2.4) - 0.055)
    encoded = np.round(encoded * 255).astype(np.uint8)
    if film and rng.random() < 0.8:
        packed = io.BytesIO()
        Image.fromarray(encoded).save(packed, "JPEG", quality=int(rng.integers(55, 99)))
        encoded = np.asarray(Image.open(packed))
    return encoded, gain
