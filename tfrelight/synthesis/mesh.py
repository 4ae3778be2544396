"""Triangle meshes, and what is done to them: joining, turning, smoothing."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import sparse

__all__ = [
    "EYE",
    "GLASSES",
    "HAIR",
    "LASH",
    "SKIN",
    "TEETH",
    "TONGUE",
    "Mesh",
    "catmull_clark",
    "rotation",
    "vertex_normals",
]

# What a triangle is made of.
SKIN, EYE, TEETH, TONGUE, LASH, HAIR, GLASSES = range(7)


@dataclasses.dataclass
class Mesh:
    """Triangles with what the painter needs to know about every vertex.

    vertices, normals: `[V, 3]` float32. triangles: `[T, 3]` int32. material: `[T]` uint8. rest:
    `[V, 3]`, position on the neutral head (millimetres; on eyeballs the unit direction from the
    centre with z through the pupil; on hair (shade, along, across)). coordinates: `[T, 3, 2]`
    texture coordinates by corner. regions: `[V, R]` weights in 0..1.
    """

    vertices: np.ndarray
    normals: np.ndarray
    triangles: np.ndarray
    material: np.ndarray
    rest: np.ndarray
    coordinates: np.ndarray
    regions: np.ndarray

    @staticmethod
    def join(meshes) -> Mesh:
        """One mesh of several."""
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


def rotation(yaw, pitch, roll) -> np.ndarray:
    """`[3, 3]`: roll, then pitch up, then yaw to the image's right; degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    nod = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    tilt = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return turn @ nod @ tilt


def vertex_normals(vertices, triangles) -> np.ndarray:
    """`[V, 3]` unit normals, triangles weighted by area."""
    corners = vertices[triangles]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.stack(
        [
            np.bincount(triangles.ravel(), np.repeat(face[:, axis], 3), len(vertices))
            for axis in range(3)
        ],
        -1,
    )
    return (normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)).astype(
        np.float32
    )


def catmull_clark(quads, vertex_count) -> tuple[sparse.csr_matrix, np.ndarray]:
    """One Catmull-Clark step (Catmull and Clark 1978) as a matrix; open borders are creases.

    Args:
      quads: `[Q, 4]` vertex indices.
      vertex_count: V.

    Returns:
      `[V + E + Q, V]` sparse matrix and the `[4 Q, 4]` quads of the finer mesh, children of quad q
      at 4 q .. 4 q + 3 in the order of its corners.
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
