"""Ray casting: first hits of camera rays on a mesh, and the visibility of lights.

Frame: x right in the image, y up, z to the camera; millimetres.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from tfrelight.synthesis.mesh import HAIR, WORN, Mesh

__all__ = [
    "Camera",
    "Hits",
    "LIFT",
    "RayCaster",
    "face_camera",
    "sphere_directions",
    "visibility",
]

# Rays start this far above a surface, millimetres: more than rounding, less than a wrinkle.
LIFT = 0.15
# Additional distance above locks, millimetres, because light passes between hairs.
_LOCK = 2.0


def sphere_directions(count: int) -> np.ndarray:
    """Unit vectors spread evenly on the sphere (Fibonacci lattice), `[count, 3]` float32.

    Each represents a solid angle of 4 pi / count. Source: González, "Measurement of areas on a
    sphere using Fibonacci and latitude-longitude lattices", Mathematical Geosciences 42, 2010.
    """
    index = np.arange(count)
    y = 1 - (2 * index + 1) / count
    angle = index * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt(1 - y * y)
    return np.stack([radius * np.sin(angle), y, radius * np.cos(angle)], -1).astype(np.float32)


@dataclasses.dataclass
class Camera:
    """A pinhole camera at (0, 0, distance) that sees a square window in the plane z = 0.

    The window may lie off the optical axis: a crop of a larger photo keeps its perspective.

    Attributes:
      distance: from the eyes, millimetres.
      half_width: half the side of the window, millimetres.
      centre: (x, y) of the window, millimetres.
    """

    distance: float
    half_width: float
    centre: tuple[float, float]

    def rays(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Rays through the pixel centres: origin `[3]` and unit directions `[size, size, 3]`."""
        steps = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1
        x = self.centre[0] + self.half_width * steps
        y = self.centre[1] - self.half_width * steps
        directions = np.empty((size, size, 3), np.float32)
        directions[..., 0] = x
        directions[..., 1] = y[:, None]
        directions[..., 2] = -self.distance
        directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
        return np.array([0, 0, self.distance], np.float32), directions


@dataclasses.dataclass
class Hits:
    """First hits of N rays; rays that hit nothing are left out.

    Attributes:
      ray: `[N]` index of the ray.
      material: `[N]`, see `Mesh`.
      position: `[N, 3]`, on the triangles.
      smooth: `[N, 3]`, moved out to the curved surface that the triangles approximate.
      normal: `[N, 3]` unit, interpolated and turned to the camera.
      rest: `[N, 3]`, see `Mesh`.
      coordinates: `[N, 2]`, see `Mesh`.
      regions: `[N, R]`, see `Mesh`.
      gradients: `[N, 2, 3]` of the texture coordinates along the triangle, per millimetre; 0 on
        what is not worn.
      triangle: `[N]` index of the triangle.
    """

    ray: np.ndarray
    material: np.ndarray
    position: np.ndarray
    smooth: np.ndarray
    normal: np.ndarray
    rest: np.ndarray
    coordinates: np.ndarray
    regions: np.ndarray
    gradients: np.ndarray
    triangle: np.ndarray

    def only(self, chosen: np.ndarray) -> Hits:
        """Selects hits by their indices."""
        return Hits(**{k: v[chosen] for k, v in vars(self).items()})


class RayCaster:
    """Casts rays at a mesh.

    Args:
      mesh: the mesh.
    """

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self._scene = EmbreeScene()
        TriangleMesh(
            self._scene,
            np.ascontiguousarray(mesh.vertices, np.float32),
            np.ascontiguousarray(mesh.triangles, np.int32),
        )

    def first(self, origin: np.ndarray, directions: np.ndarray) -> Hits:
        """First hits of rays from `origin` `[3]` along unit `directions` `[N, 3]`."""
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
        # Surfaces seen from behind, such as lids, get their normal reversed.
        facing = found["Ng"][ray]
        facing = facing * -np.sign(np.sum(facing * along, -1, keepdims=True))
        hair = mesh.material[triangle] == HAIR
        behind = np.sum(normal * facing, -1, keepdims=True) < 0
        normal *= np.where(behind & ~hair[:, None], -1, 1).astype(np.float32)
        # A lock that stands out behind the head shades like the rim of the hair in front of it: its
        # normal is mirrored to the camera's side and still points outwards.
        away = np.maximum(np.sum(normal * along, -1, keepdims=True), 0) * hair[:, None]
        normal = face_camera(normal - 2 * away * along, along)
        position = origins[ray] + found["tfar"][ray, None] * along
        # Keeps facets from shadowing themselves near the terminator: J. Hanika, "Hacking the shadow
        # terminator", Ray Tracing Gems II, 2021.
        smooth = position.copy()
        for k in range(3):
            own = mesh.normals[corners[:, k]]
            height = np.sum((position - mesh.vertices[corners[:, k]]) * own, -1, keepdims=True)
            smooth -= weights[:, k] * np.minimum(height, 0) * own
        # Light passes between the hairs of a lock, so only objects well above it cast shadows.
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
            gradients=self._gradients(triangle),
            triangle=triangle,
        )

    def _gradients(self, triangle):
        """`Hits.gradients` of these triangles, `[N, 2, 3]`."""
        mesh = self.mesh
        gradients = np.zeros((len(triangle), 2, 3), np.float32)
        worn = np.flatnonzero(mesh.material[triangle] >= WORN)
        chosen, place = np.unique(triangle[worn], return_inverse=True)
        a, b, c = (mesh.vertices[mesh.triangles[chosen, k]] for k in range(3))
        one, two = b - a, c - a
        normal = np.cross(one, two)
        square = np.maximum((normal**2).sum(-1), 1e-9)
        steps = mesh.coordinates[chosen, 1:] - mesh.coordinates[chosen, :1]
        across, along = np.cross(two, normal), np.cross(normal, one)
        found = steps[:, 0, :, None] * across[:, None] + steps[:, 1, :, None] * along[:, None]
        gradients[worn] = (found / square[:, None, None])[place]
        return gradients

    def nearest(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Distances `[N]` to the first hits along unit `directions`; infinite where there is none.

        Args:
          origins, directions: `[N, 3]`.
        """
        found = self._scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            query="DISTANCE",
        )
        return np.where(found < 1e8, found, np.inf)

    def blocked(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Whether each ray hits something, `[N]` bool; origins and directions are `[N, 3]`."""
        answer = self._scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            query="OCCLUDED",
        )
        return answer >= 0


def face_camera(normal: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Bends normals just enough to face the camera.

    At a silhouette, interpolation can turn a normal away from the camera, which lights it wrongly.

    Args:
      normal: `[N, 3]` unit vectors.
      along: `[N, 3]` unit directions of the camera's rays.

    Returns:
      `[N, 3]` unit vectors.
    """
    behind = np.sum(normal * along, -1, keepdims=True)
    normal = normal - np.maximum(behind + 0.02, 0) * along
    normal = normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    normal[:, 2] = np.maximum(normal[:, 2], -0.05)
    return normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)


def visibility(
    caster: RayCaster,
    position: np.ndarray,
    normal: np.ndarray,
    directions: np.ndarray,
    pixel: np.ndarray,
    size: int,
) -> np.ndarray:
    """Whether light from each direction reaches each pixel's point.

    Each pixel casts rays along every other direction and takes the mean of its neighbours for the
    rest (interleaved sampling: A. Keller and W. Heidrich, Rendering Techniques 2001). This halves
    the number of rays, and suits light from all around.

    Args:
      caster: the scene.
      position: `[P, 3]` points in it (`Hits.smooth`).
      normal: `[P, 3]` unit normals of the points.
      directions: `[D, 3]` unit vectors towards the light.
      pixel: `[P]` pixels of the points, row times `size` plus column.
      size: height and width of the image.

    Returns:
      `[P, D]` float32 in [0, 1]; 0 for directions below the point's horizon, which cost no ray.
    """
    above = normal @ directions.T > 0
    origins = position + LIFT * normal
    row, column = np.divmod(pixel, size)
    cast = above & ((row + column)[:, None] + np.arange(len(directions)) & 1 == 0)
    free = _free(caster, origins, directions, cast)

    # An empty border around the image; counts of at most four fit a byte.
    index = (row + 1) * (size + 2) + column + 1
    found, known = np.zeros((2, (size + 2) ** 2, len(directions)), np.uint8)
    found[index], known[index] = free, cast
    beside = [index - 1, index + 1, index - size - 2, index + size + 2]
    found, known = (sum(values[place] for place in beside) for values in (found, known))
    alone = above & ~cast & (known == 0)
    free |= _free(caster, origins, directions, alone)
    share = np.where(cast | alone, free, found / np.maximum(known, 1).astype(np.float32))
    return share.astype(np.float32) * above


def _free(caster, origins, directions, cast):
    """Whether rays hit nothing, `[P, D]` bool; only those in `cast` `[P, D]` are cast."""
    free = np.zeros_like(cast)
    for column, direction in enumerate(directions):
        points = np.flatnonzero(cast[:, column])
        if len(points):
            rays = np.broadcast_to(direction, (len(points), 3))
            free[points, column] = ~caster.blocked(origins[points], rays)
    return free
