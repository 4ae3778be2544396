"""Ray casting: what the camera sees of a mesh, and what light reaches it.

Frame: x right in the image, y up, z to the camera; millimetres.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from tfrelight.synthesis.mesh import HAIR, Mesh

__all__ = ["Camera", "Caster", "Hits", "LIFT", "sphere_directions", "visibility"]

# Rays leave a surface this far above it (millimetres): above rounding, below a wrinkle.
LIFT = 0.15
_LOCK = 2.0


def sphere_directions(count: int) -> np.ndarray:
    """`[count, 3]` float32 unit vectors spread evenly on the sphere (Fibonacci lattice).

    Source: González, "Measurement of areas on a sphere using Fibonacci and latitude-longitude
    lattices", Mathematical Geosciences 42, 2010. Each stands for a solid angle of 4 pi / count.
    """
    index = np.arange(count)
    y = 1 - (2 * index + 1) / count
    angle = index * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt(1 - y * y)
    return np.stack([radius * np.sin(angle), y, radius * np.cos(angle)], -1).astype(np.float32)


@dataclasses.dataclass
class Camera:
    """A pinhole at (0, 0, distance) that sees a square window around `centre` in the plane z = 0.

    distance: millimetres from the eyes. half_width: half the window's side, millimetres. centre:
    (x, y). A crop out of a larger photo keeps its perspective: the window need not be on the
    optical axis.
    """

    distance: float
    half_width: float
    centre: tuple

    def rays(self, size: int):
        """Origin `[3]` and directions `[size, size, 3]` of the rays through the pixel centres."""
        steps = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1
        x = self.centre[0] + self.half_width * steps
        y = self.centre[1] - self.half_width * steps
        directions = np.empty((size, size, 3), np.float32)
        directions[..., 0] = x
        directions[..., 1] = y[:, None]
        directions[..., 2] = -self.distance
        directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
        return np.float32([0, 0, self.distance]), directions


@dataclasses.dataclass
class Hits:
    """First hits of N rays that hit something.

    ray: `[N]` index of the ray. material `[N]`; position, smooth (the point moved
    out to the curved surface that the triangles stand for), normal (interpolated, unit, turned to
    the camera), rest: `[N, 3]`; coordinates `[N, 2]`; regions `[N, R]`.
    """

    ray: np.ndarray
    material: np.ndarray
    position: np.ndarray
    smooth: np.ndarray
    normal: np.ndarray
    rest: np.ndarray
    coordinates: np.ndarray
    regions: np.ndarray

    def only(self, chosen) -> Hits:
        """The hits with the given indices."""
        return Hits(**{k: v[chosen] for k, v in vars(self).items()})


class Caster:
    """A mesh ready for rays."""

    def __init__(self, mesh: Mesh):
        self.mesh = mesh
        self._scene = EmbreeScene()
        TriangleMesh(
            self._scene,
            np.ascontiguousarray(mesh.vertices, np.float32),
            np.ascontiguousarray(mesh.triangles, np.int32),
        )

    def first(self, origin, directions) -> Hits:
        """First hits of rays from `origin` `[3]` along `directions` `[N, 3]` (unit)."""
        origins = np.broadcast_to(origin, directions.shape).astype(np.float32)
        found = self._scene.run(origins, np.ascontiguousarray(directions), output=1)
        ray = np.flatnonzero(found["primID"] >= 0)
        triangle = found["primID"][ray]
        u, v = found["u"][ray], found["v"][ray]
        weights = np.stack([1 - u - v, u, v], -1)[..., None]
        mesh = self.mesh
        corners = mesh.triangles[triangle]

        def interpolate(values):
            return sum(values[corners[:, k]] * weights[:, k] for k in range(3))

        normal = interpolate(mesh.normals)
        along = directions[ray]
        # Lids seen from behind have their normal turned round.
        facing = found["Ng"][ray]
        facing = facing * -np.sign(np.sum(facing * along, -1, keepdims=True))
        hair = mesh.material[triangle] == HAIR
        behind = np.sum(normal * facing, -1, keepdims=True) < 0
        normal *= np.where(behind & ~hair[:, None], -1, 1).astype(np.float32)
        # A lock that stands out behind the head shades like the rim of the hair before it: it is
        # mirrored to the camera's side, and its way outwards stays.
        away = np.maximum(np.sum(normal * along, -1, keepdims=True), 0) * hair[:, None]
        normal = face_camera(normal - 2 * away * along, along)
        position = origins[ray] + found["tfar"][ray, None] * along
        # Without it, facets shade themselves near the shadow line: J. Hanika, "Hacking the shadow
        # terminator", Ray Tracing Gems II, 2021.
        smooth = position.copy()
        for k in range(3):
            own = mesh.normals[corners[:, k]]
            height = np.sum((position - mesh.vertices[corners[:, k]]) * own, -1, keepdims=True)
            smooth -= weights[:, k] * np.minimum(height, 0) * own
        # Light passes between the hairs of a lock: only what stands well above it shades it.
        smooth[hair] += _LOCK * normal[hair]
        return Hits(
            ray=ray,
            material=mesh.material[triangle],
            position=position,
            smooth=smooth,
            normal=normal,
            rest=interpolate(mesh.rest),
            coordinates=(mesh.coordinates[triangle] * weights).sum(1),
            regions=interpolate(mesh.regions),
        )

    def blocked(self, origins, directions) -> np.ndarray:
        """`[N]` bool: whether something is hit along each ray; origins and directions `[N, 3]`."""
        answer = self._scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            query="OCCLUDED",
        )
        return answer >= 0


def face_camera(normal, along) -> np.ndarray:
    """Unit normals `[N, 3]` bent just enough to face against `along` `[N, 3]` and the image plane.

    Interpolation at a silhouette turns a normal past the horizon, where it lights wrongly.
    """
    behind = np.sum(normal * along, -1, keepdims=True)
    normal = normal - np.maximum(behind + 0.02, 0) * along
    normal = normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    normal[:, 2] = np.maximum(normal[:, 2], -0.05)
    return normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)


def visibility(caster: Caster, position, normal, directions, pixel, size: int) -> np.ndarray:
    """Whether light from each direction reaches each pixel's point.

    Every pixel asks for every other direction, its neighbours for the rest, and takes from them the
    mean of what they found (interleaved sampling: A. Keller and W. Heidrich, Rendering Techniques
    2001): half the rays, for light that comes from all around.

    Args:
      caster: the scene.
      position: `[P, 3]` points on it (`Hits.smooth`).
      normal: `[P, 3]` their unit normals.
      directions: `[D, 3]` unit vectors towards the light.
      pixel: `[P]` the points' pixels, row times `size` plus column.
      size: side of the image.

    Returns:
      `[P, D]` float32 in [0, 1]; 0 where the direction is below the point's horizon, at no cost.
    """
    above = normal @ directions.T > 0
    origins = position + LIFT * normal
    row, column = np.divmod(pixel, size)
    asked = above & ((row + column)[:, None] + np.arange(len(directions)) & 1 == 0)
    free = _ask(caster, origins, directions, asked)

    # A border of nobody around the image; counts of at most four fit a byte.
    index = (row + 1) * (size + 2) + column + 1
    found, known = np.zeros((2, (size + 2) ** 2, len(directions)), np.uint8)
    found[index], known[index] = free, asked
    beside = [index - 1, index + 1, index - size - 2, index + size + 2]
    found, known = (sum(values[place] for place in beside) for values in (found, known))
    alone = above & ~asked & (known == 0)
    free |= _ask(caster, origins, directions, alone)
    share = np.where(asked | alone, free, found / np.maximum(known, 1).astype(np.float32))
    return share.astype(np.float32) * above


def _ask(caster, origins, directions, wanted):
    """Which of the `wanted` `[P, D]` rays meet nothing."""
    free = np.zeros_like(wanted)
    for column, direction in enumerate(directions):
        points = np.flatnonzero(wanted[:, column])
        if len(points):
            rays = np.broadcast_to(direction, (len(points), 3))
            free[points, column] = ~caster.blocked(origins[points], rays)
    return free
