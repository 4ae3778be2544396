"""Takes a person, and perhaps somebody beside them, before the camera."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfrelight.synthesis.fabric import THINGS
from tfrelight.synthesis.mesh import Mesh
from tfrelight.synthesis.photograph import Scene
from tfrelight.synthesis.render import Camera, Hits, RayCaster
from tfrelight.synthesis.sitter import Sitter
from tfrelight.synthesis.skin import Surface

__all__ = ["beside", "take"]

# Rays along each side of a pixel.
_SAMPLES = 2
# Glass that lets less light than this through hides the eyes: it is a thing.
_DARK_GLASS = 0.3


def beside(rng: np.random.Generator, someone: Mesh, camera: Camera) -> Mesh:
    """Moves a person's mesh to the border of the photo, beside or behind the first person."""
    side = rng.choice([-1.0, 1.0])
    x = max(camera.half_width * rng.uniform(0.7, 1.4), rng.uniform(160, 260))
    z = -rng.uniform(220, 480) if x < 380 else rng.uniform(-300, 60)
    shift = np.array([side * x + camera.centre[0], rng.normal(-10, 70), z], np.float32)
    return dataclasses.replace(someone, vertices=someone.vertices + shift)


def _lenses(person, camera, rays, hits, caster, size, directions, paint):
    """The lenses before the eyes as a scene of highlights, and the hits that lie behind them."""
    if person.lenses is None:
        return None, np.zeros(0, int)
    origin, along = rays
    glass = RayCaster(person.lenses).first(origin, along)
    distance = np.full(len(along), np.inf)
    distance[hits.ray] = np.linalg.norm(hits.position - origin, axis=-1)
    glass = glass.only(
        np.flatnonzero(np.linalg.norm(glass.position - origin, axis=-1) < distance[glass.ray])
    )
    if not len(glass.ray):
        return None, np.zeros(0, int)
    surface = paint(glass)
    surface.albedo[:] = 0
    scene = Scene(caster, camera, glass, surface, size, _SAMPLES, directions)
    return scene, np.flatnonzero(np.isin(hits.ray, glass.ray))


def take(
    person: Sitter,
    neighbour: Sitter | None,
    camera: Camera,
    size: int,
    directions: int,
    atlas: str | None,
) -> Scene:
    """Casts the camera's rays and paints what they hit.

    Args:
      person: whom the photo shows.
      neighbour: somebody else in the photo, whose mesh is where they are; or None.
      camera: the camera.
      size: height and width of the photo, pixels.
      directions: see `Scene`.
      atlas: path of a skin atlas for the person, or None.
    """
    meshes = [person.mesh] + ([neighbour.mesh] if neighbour is not None else [])
    caster = RayCaster(Mesh.join(meshes) if neighbour is not None else person.mesh)
    origin, along = camera.rays(size * _SAMPLES)
    along = along.reshape(-1, 3)
    every = caster.first(origin, along)
    footprint = 2 * camera.half_width / (size * _SAMPLES)
    own = every.triangle < len(person.mesh.triangles)
    hits = every.only(np.flatnonzero(own)) if neighbour is not None else every
    surface = person.paint(hits, footprint, atlas)

    def paint(glass: Hits) -> Surface:
        return person.paint(glass, footprint)

    rays = (origin, along)
    before, under = _lenses(person, camera, rays, every, caster, size, directions, paint)
    if before is not None:
        under = np.flatnonzero(np.isin(hits.ray, every.ray[under]))
        surface.albedo[under] *= person.tint.astype(np.float32)
        surface.gloss[under] *= person.tint.mean()
        if person.tint.mean() < _DARK_GLASS:
            surface.part[under] = THINGS
    behind = None
    others = np.flatnonzero(~own)
    if neighbour is not None and len(others):
        their_hits = every.only(others)
        behind = Scene(
            caster,
            camera,
            their_hits,
            neighbour.paint(their_hits, footprint),
            size,
            _SAMPLES,
            directions,
        )
    shot = Scene(caster, camera, hits, surface, size, _SAMPLES, directions, behind, before)
    if behind is not None:
        # Where both share a pixel, the neighbour fills what the person leaves of it.
        behind.coverage = np.minimum(behind.coverage / np.maximum(1 - shot.coverage, 1e-3), 1)
    return shot
