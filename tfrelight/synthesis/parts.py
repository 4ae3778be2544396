"""Meshes that every head has: eyeballs and lashes."""

from __future__ import annotations

import numpy as np

from tfrelight.synthesis.head import Head
from tfrelight.synthesis.mesh import EYE, LASH, Mesh, rotation, solid, vertex_normals
from tfrelight.synthesis.solids import grid_triangles

__all__ = ["eyeballs", "lashes"]


def _eyeball(centre, radius, gaze) -> Mesh:
    rows, columns = 24, 36
    # Finer at the pupil, where the detail is.
    polar = np.pi * np.linspace(0, 1, rows) ** 1.4
    around = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    theta, phi = np.meshgrid(polar, around, indexing="ij")
    rest = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1)
    rest = rest.reshape(-1, 3)
    # The cornea protrudes about half a millimetre from the sphere.
    local = rest * (radius + 0.5 * np.exp(-0.5 * (theta.ravel() / 0.26) ** 4))[:, None]
    turned = rotation(gaze[0], gaze[1], 0)
    triangles = grid_triangles(rows, columns, True)
    normals = vertex_normals(local, triangles)
    normals[:columns] = [0, 0, 1]
    return solid(local @ turned.T + centre, triangles, EYE, normals @ turned.T, rest=rest)


def eyeballs(head: Head) -> list[Mesh]:
    """Two spheres with corneas; their rest positions are unit directions, z through the pupil."""
    return [_eyeball(c, r, head.gaze) for c, r in zip(head.eye_centres, head.eye_radii)]


def lashes(rng: np.random.Generator, head: Head, length: float) -> Mesh:
    """Lashes as single curved hairs; `length` is relative to those of a woman with mascara."""
    roots, tips = [], []
    for root, tip in head.lashes:
        count = 34 if tip[:, 1].mean() > root[:, 1].mean() else 22
        place = (np.arange(count) + rng.random(count)) / count * (len(root) - 1)
        at = [np.interp(place, np.arange(len(root)), root[:, k]) for k in range(3)]
        to = [np.interp(place, np.arange(len(tip)), tip[:, k]) for k in range(3)]
        roots.append(np.stack(at, -1))
        size = length * rng.uniform(0.55, 1.1, (count, 1)) * (1.0 if count == 34 else 0.6)
        tips.append(
            roots[-1] + (np.stack(to, -1) - roots[-1]) * size + rng.normal(0, 0.4, (count, 3))
        )
    root, tip = np.concatenate(roots), np.concatenate(tips)
    side = np.cross(tip - root, [0.0, 0.0, 1.0])
    side *= (0.10 + 0.12 * length) / np.maximum(np.linalg.norm(side, axis=-1, keepdims=True), 1e-6)
    # Lashes curve up (or down) in their outer half.
    middle = root + (tip - root) * [0.55, 0.35, 0.65]
    vertices = np.stack([root - side, root + side, middle - side, middle + side, tip], 1)
    triangles = (
        np.array([[0, 1, 3], [0, 3, 2], [2, 3, 4]]) + 5 * np.arange(len(root))[:, None, None]
    )
    vertices = vertices.reshape(-1, 3)
    normals = np.broadcast_to([0.0, 0.0, 1.0], vertices.shape)
    return solid(vertices, triangles, LASH, normals)
