"""Triangle meshes: joining, rotation, normals and subdivision."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from tfrelight.photos.blending import smoothstep

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "EYE",
    "HAIR",
    "LASH",
    "REGIONS",
    "SKIN",
    "TEETH",
    "TONGUE",
    "WORN",
    "Mesh",
    "catmull_clark",
    "clip",
    "neck_share",
    "outwards",
    "rotation",
    "solid",
    "unit",
    "vertex_normals",
]

# Materials of triangles.
SKIN, EYE, TEETH, TONGUE, LASH, HAIR, WORN = range(7)
# Clothes and things have the materials from `WORN` up, one for each finish (`fabric.Finish`).

# Columns of `Mesh.regions`; `body_model` names them.
REGIONS = 5


@dataclasses.dataclass
class Mesh:
    """Triangles and the attributes that `skin.paint` needs.

    Attributes:
      vertices: `[V, 3]` float32, millimetres.
      normals: `[V, 3]` float32 unit vectors.
      triangles: `[T, 3]` int32 indices of vertices.
      material: `[T]` uint8.
      rest: `[V, 3]` position on the neutral head, millimetres; on eyeballs the unit direction from
        the centre, with z through the pupil; on hair (shade, along, across).
      coordinates: `[T, 3, 2]` texture coordinates of each corner; on what is worn, millimetres of
        cloth across and along.
      regions: `[V, R]` weights in [0, 1]; `body_model` names the columns.
      follow: `[V]` share of the head's turn against the body that a vertex makes.
    """

    vertices: np.ndarray
    normals: np.ndarray
    triangles: np.ndarray
    material: np.ndarray
    rest: np.ndarray
    coordinates: np.ndarray
    regions: np.ndarray
    follow: np.ndarray

    @staticmethod
    def join(meshes: Sequence[Mesh]) -> Mesh:
        """Joins meshes into one."""
        starts = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
        return Mesh(
            *(
                np.concatenate(
                    [
                        getattr(mesh, field.name) + (start if field.name == "triangles" else 0)
                        for mesh, start in zip(meshes, starts)
                    ]
                ).astype(getattr(meshes[0], field.name).dtype)
                for field in dataclasses.fields(Mesh)
            )
        )


def unit(vectors: ArrayLike) -> np.ndarray:
    """Vectors `[..., 3]` over their lengths, float64."""
    vectors = np.asarray(vectors, float)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def outwards(ring: np.ndarray) -> np.ndarray:
    """Level unit vectors `[N, 3]` from the middle of a ring of points `[N, 3]` to each of them."""
    away = ring - ring.mean(0)
    away[:, 1] = 0
    return unit(away)


def neck_share(height: np.ndarray) -> np.ndarray:
    """`Mesh.follow` at heights `[N]` millimetres (y): 0 at the shoulders, 1 at the chin."""
    return smoothstep((height + 185) / 90).astype(np.float32)


def solid(
    vertices: np.ndarray,
    triangles: np.ndarray,
    material: int,
    normals: np.ndarray | None = None,
    coordinates: np.ndarray | None = None,
    rest: np.ndarray | None = None,
    follow: np.ndarray | float = 1.0,
) -> Mesh:
    """A mesh of one material without regions.

    Args:
      vertices: `[V, 3]`.
      triangles: `[..., 3]` indices.
      material: of all triangles.
      normals: `[V, 3]`; None for those of the triangles.
      coordinates: `[V, 2]` texture coordinates; None for zeros.
      rest, follow: see `Mesh`.
    """
    triangles = np.asarray(triangles).reshape(-1, 3).astype(np.int32)
    vertices = np.asarray(vertices, np.float32)
    count = len(vertices)
    flat = np.zeros((count, 2)) if coordinates is None else np.asarray(coordinates)
    return Mesh(
        vertices=vertices,
        normals=np.asarray(
            vertex_normals(vertices, triangles) if normals is None else normals, np.float32
        ),
        triangles=triangles,
        material=np.full(len(triangles), material, np.uint8),
        rest=np.zeros((count, 3), np.float32) if rest is None else np.asarray(rest, np.float32),
        coordinates=flat[triangles].astype(np.float32),
        regions=np.zeros((count, REGIONS), np.float32),
        follow=np.broadcast_to(np.float32(follow), (count,)).astype(np.float32),
    )


def clip(mesh: Mesh, values: np.ndarray) -> Mesh:
    """The part of a mesh where `values` `[V]`, linear over each triangle, are above 0."""
    inside = values[mesh.triangles] > 0
    count = inside.sum(1)
    pieces = [(mesh.triangles[count == 3], mesh.coordinates[count == 3], mesh.material[count == 3])]
    vertex_fields = ("vertices", "normals", "rest", "regions", "follow")
    arrays = {name: [getattr(mesh, name)] for name in vertex_fields}
    start = len(mesh.vertices)
    for number in (1, 2):
        chosen = np.flatnonzero(count == number)
        # The odd corner comes first: the only one inside, or the only one outside.
        odd = (inside[chosen] if number == 1 else ~inside[chosen]).argmax(1)
        order = (odd[:, None] + np.arange(3)) % 3
        corners = np.take_along_axis(mesh.triangles[chosen], order, 1)
        coordinates = np.take_along_axis(mesh.coordinates[chosen], order[..., None], 1)
        a, b, c = corners.T
        new, new_coordinates = [], []
        for other, column in ((b, 1), (c, 2)):
            share = (values[a] / (values[a] - values[other])).astype(np.float32)
            new.append(start + np.arange(len(chosen)))
            start += len(chosen)
            for found in arrays.values():
                own = found[0]
                weight = share.reshape((-1,) + (1,) * (own.ndim - 1))
                found.append(own[a] * (1 - weight) + own[other] * weight)
            step = coordinates[:, column] - coordinates[:, 0]
            new_coordinates.append(coordinates[:, 0] + share[:, None] * step)
        on_b, on_c = new
        at_b, at_c = new_coordinates
        if number == 1:
            faces = [((a, on_b, on_c), (coordinates[:, 0], at_b, at_c))]
        else:
            faces = [
                ((on_b, b, c), (at_b, coordinates[:, 1], coordinates[:, 2])),
                ((on_b, c, on_c), (at_b, coordinates[:, 2], at_c)),
            ]
        for indices, places in faces:
            pieces.append((np.stack(indices, 1), np.stack(places, 1), mesh.material[chosen]))
    triangles, coordinates, material = (np.concatenate(part) for part in zip(*pieces))
    used, triangles = np.unique(triangles, return_inverse=True)
    kept = {name: np.concatenate(found)[used] for name, found in arrays.items()}
    return Mesh(
        triangles=triangles.reshape(-1, 3).astype(np.int32),
        coordinates=coordinates,
        material=material,
        **kept,
    )


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Rotation matrix `[3, 3]`: roll, then pitch up, then yaw to the image's right, in degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    nod = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    tilt = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return turn @ nod @ tilt


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normals `[V, 3]`: means of the adjacent triangles' normals, weighted by area."""
    corners = vertices[triangles]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.stack(
        [
            np.bincount(triangles.ravel(), np.repeat(face[:, axis], 3), len(vertices))
            for axis in range(3)
        ],
        -1,
    )
    return unit(normals).astype(np.float32)


def catmull_clark(quads: np.ndarray, vertex_count: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """One subdivision step as a matrix (Catmull and Clark, 1978); open borders are creases.

    Args:
      quads: `[Q, 4]` indices of V vertices with E edges.
      vertex_count: V.

    Returns:
      Sparse matrix `[V + E + Q, V]`, and the quads of the finer mesh, `[4 Q, 4]`; quad q becomes
      quads 4 q to 4 q + 3, in the order of its corners.
    """
    count = len(quads)
    ends = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], -1).reshape(-1, 2), axis=1)
    edges, edge_of = np.unique(ends, axis=0, return_inverse=True)
    edge_of = edge_of.reshape(count, 4)
    uses = np.bincount(edge_of.ravel(), minlength=len(edges))

    def matrix(rows, columns, values, shape):
        return sparse.csr_matrix((values, (rows, columns)), shape=shape)

    faces = matrix(
        np.repeat(np.arange(count), 4),
        quads.ravel(),
        np.full(4 * count, 0.25),
        (count, vertex_count),
    )
    middles = matrix(
        np.repeat(np.arange(len(edges)), 2),
        edges.ravel(),
        np.full(2 * len(edges), 0.5),
        (len(edges), vertex_count),
    )
    edge_faces = matrix(
        edge_of.ravel(), np.repeat(np.arange(count), 4), np.ones(4 * count), (len(edges), count)
    )
    inner = (uses == 2).astype(float)
    edge_points = (
        sparse.diags(1 - 0.5 * inner) @ middles + sparse.diags(0.25 * inner) @ edge_faces @ faces
    )

    valence = np.bincount(quads.ravel(), minlength=vertex_count)
    vertex_faces = matrix(
        quads.ravel(), np.repeat(np.arange(count), 4), np.ones(4 * count), (vertex_count, count)
    )
    vertex_edges = matrix(
        edges.ravel(),
        np.repeat(np.arange(len(edges)), 2),
        np.ones(2 * len(edges)),
        (vertex_count, len(edges)),
    )
    degree = np.asarray(vertex_edges.sum(1)).ravel()
    border_edges = vertex_edges @ sparse.diags((uses == 1).astype(float))
    border_degree = np.asarray(border_edges.sum(1)).ravel()
    border = border_degree > 0
    safe = np.maximum(degree, 1)
    smooth = (
        sparse.diags(1 / safe / np.maximum(valence, 1)) @ vertex_faces @ faces
        + sparse.diags(2 / safe / safe) @ vertex_edges @ middles
        + sparse.diags((safe - 3) / safe)
    )
    crease = sparse.diags(
        0.5 / np.maximum(border_degree, 1)
    ) @ border_edges @ middles + sparse.diags(np.full(vertex_count, 0.5))
    old_points = (
        sparse.diags((~border).astype(float)) @ smooth + sparse.diags(border.astype(float)) @ crease
    )
    finer = np.stack(
        [
            quads,
            vertex_count + edge_of,
            np.broadcast_to(vertex_count + len(edges) + np.arange(count)[:, None], (count, 4)),
            vertex_count + np.roll(edge_of, 1, axis=1),
        ],
        -1,
    ).reshape(-1, 4)
    return sparse.vstack([old_points, edge_points, faces]).tocsr().astype(np.float32), finer
