"""Simple shapes as meshes: tubes, sheets, balls, discs and boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfrelight.synthesis.mesh import Mesh, solid, unit

__all__ = ["ball", "grid_triangles", "sheet", "slab", "tube"]


def grid_triangles(rows: int, columns: int, closed: bool = False) -> np.ndarray:
    """Triangles `[T, 3]` of a grid of vertices, row by row; `closed` joins the last column."""
    across = columns if closed else columns - 1
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(across), indexing="ij")
    a, b = i * columns + j, i * columns + (j + 1) % columns
    c, d = a + columns, b + columns
    return np.stack([a, c, d, a, d, b], -1).reshape(-1, 3)


def _lengths(grid):
    """Millimetres along each row and each column of a grid `[R, C, 3]`, as `[R, C, 2]`."""
    across = np.linalg.norm(np.diff(grid, axis=1, prepend=grid[:, :1]), axis=-1).cumsum(1)
    along = np.linalg.norm(np.diff(grid, axis=0, prepend=grid[:1]), axis=-1).cumsum(0)
    return np.stack([across - across[:, -1:] / 2, -along], -1)


def sheet(
    grid: np.ndarray, material: int, closed: bool = False, follow: np.ndarray | float = 1.0
) -> Mesh:
    """A sheet through a grid of points `[R, C, 3]`; `closed` joins its last column to its first.

    Its texture coordinates are millimetres across and along it.
    """
    rows, columns, _ = grid.shape
    places = _lengths(grid).reshape(-1, 2)
    if closed:  # the joined column has its own copy, so that the pattern does not run back
        grid = np.concatenate([grid, grid[:, :1]], 1)
        columns += 1
        places = _lengths(grid).reshape(-1, 2)
        if np.ndim(follow):
            follow = np.asarray(follow).reshape(rows, -1)
            follow = np.concatenate([follow, follow[:, :1]], 1).ravel()
    triangles = grid_triangles(rows, columns)
    mesh = solid(grid.reshape(-1, 3), triangles, material, coordinates=places, follow=follow)
    if closed:
        normals = mesh.normals.reshape(rows, columns, 3)
        seam = normals[:, 0] + normals[:, -1]
        seam /= np.maximum(np.linalg.norm(seam, axis=-1, keepdims=True), 1e-9)
        normals[:, 0] = normals[:, -1] = seam
    return mesh


def tube(
    path: np.ndarray,
    radius: np.ndarray | float,
    material: int,
    closed: bool = False,
    sides: int = 6,
    follow: np.ndarray | float = 1.0,
) -> Mesh:
    """A round tube along a path `[N, 3]` with radii `[N]` or one radius, open at its ends."""
    path = np.asarray(path, float)
    if closed:
        along = unit(np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0))
    else:
        along = unit(np.gradient(path, axis=0))
    first = unit(np.cross(along, [0.1, 0.2, 1.0]))
    second = np.cross(along, first)
    angles = np.arange(sides) * 2 * np.pi / sides
    normals = np.cos(angles)[:, None] * first[:, None] + np.sin(angles)[:, None] * second[:, None]
    radius = np.broadcast_to(np.asarray(radius, float), (len(path),))[:, None, None]
    vertices = path[:, None] + normals * radius
    # A closed tube's last row of triangles ends at its first row of vertices.
    triangles = grid_triangles(len(path) + closed, sides, True) % (len(path) * sides)
    if np.ndim(follow):
        follow = np.repeat(np.asarray(follow), sides)
    length = np.linalg.norm(np.diff(path, axis=0, prepend=path[:1]), axis=-1).cumsum()
    places = np.stack(
        [
            np.broadcast_to(angles * radius[:, 0], vertices.shape[:2]),
            np.broadcast_to(-length[:, None], vertices.shape[:2]),
        ],
        -1,
    )
    return solid(
        vertices.reshape(-1, 3),
        triangles,
        material,
        normals.reshape(-1, 3),
        places.reshape(-1, 2),
        follow=follow,
    )


def ball(
    centre: np.ndarray,
    radii: Sequence[float] | np.ndarray | float,
    material: int,
    turn: np.ndarray | None = None,
    follow: float = 1.0,
    rows: int = 12,
) -> Mesh:
    """An ellipsoid with half axes `radii` along the columns of `turn` `[3, 3]`."""
    polar = np.linspace(0, np.pi, rows)
    around = np.linspace(0, 2 * np.pi, 2 * rows, endpoint=False)
    theta, phi = np.meshgrid(polar, around, indexing="ij")
    sphere = np.stack([np.sin(theta) * np.cos(phi), np.cos(theta), np.sin(theta) * np.sin(phi)], -1)
    sphere = sphere.reshape(-1, 3)
    radii = np.broadcast_to(np.asarray(radii, float), (3,))
    turn = np.eye(3) if turn is None else turn
    normals = unit(sphere / radii)
    places = np.stack([phi.ravel(), theta.ravel()], -1) * radii.mean()
    return solid(
        (sphere * radii) @ turn.T + centre,
        grid_triangles(rows, 2 * rows, True),
        material,
        normals @ turn.T,
        places,
        follow=follow,
    )


def slab(outline: np.ndarray, thickness: np.ndarray, material: int, follow: float = 1.0) -> Mesh:
    """A flat convex plate: an outline `[N, 3]` and the vector `[3]` to its other face."""
    count = len(outline)
    top, bottom = np.asarray(outline, float), np.asarray(outline) + thickness
    centres = np.stack([top.mean(0), bottom.mean(0)])
    ring = np.arange(count)
    following = (ring + 1) % count
    # Each face and the rim have vertices of their own, so that edges stay sharp.
    vertices = np.concatenate([top, bottom, top, bottom, centres])
    triangles = np.concatenate(
        [
            np.stack([ring, following, np.full(count, 4 * count)], -1),
            np.stack([count + following, count + ring, np.full(count, 4 * count + 1)], -1),
            np.stack([2 * count + ring, 3 * count + ring, 3 * count + following], -1),
            np.stack([2 * count + ring, 3 * count + following, 2 * count + following], -1),
        ]
    )
    return solid(vertices, triangles, material, follow=follow)
