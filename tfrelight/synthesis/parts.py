"""What is set into or onto a head: eyeballs, lashes, glasses."""

from __future__ import annotations

import numpy as np

from tfrelight.synthesis.head import Head
from tfrelight.synthesis.head_model import load_model
from tfrelight.synthesis.mesh import EYE, GLASSES, LASH, Mesh, rotation, vertex_normals

__all__ = ["eyeballs", "glasses", "lashes"]


def _mesh(vertices, normals, triangles, material, rest):
    triangles = np.asarray(triangles).reshape(-1, 3)
    return Mesh(
        vertices=np.asarray(vertices, np.float32),
        normals=np.asarray(normals, np.float32),
        triangles=triangles.astype(np.int32),
        material=np.full(len(triangles), material, np.uint8),
        rest=np.asarray(rest, np.float32),
        coordinates=np.zeros((len(triangles), 3, 2), np.float32),
        regions=np.zeros((len(vertices), len(load_model().region_names)), np.float32),
    )


def _eyeball(centre, radius, gaze) -> Mesh:
    rows, columns = 24, 36
    # Finer at the pupil, where the picture is.
    polar = np.pi * np.linspace(0, 1, rows) ** 1.4
    around = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    theta, phi = np.meshgrid(polar, around, indexing="ij")
    rest = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1)
    rest = rest.reshape(-1, 3)
    # The cornea stands about half a millimetre out of the sphere.
    local = rest * (radius + 0.5 * np.exp(-0.5 * (theta.ravel() / 0.26) ** 4))[:, None]
    turned = rotation(gaze[0], gaze[1], 0)
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns), indexing="ij")
    a, b = i * columns + j, i * columns + (j + 1) % columns
    triangles = np.stack([a, a + columns, b + columns, a, b + columns, b], -1).reshape(-1, 3)
    normals = vertex_normals(local, triangles)
    normals[:columns] = [0, 0, 1]
    return _mesh(local @ turned.T + centre, normals @ turned.T, triangles, EYE, rest)


def eyeballs(head: Head) -> list:
    """Two spheres with corneas; their rest positions are unit directions seen from the pupil."""
    return [_eyeball(c, r, head.gaze) for c, r in zip(head.eye_centres, head.eye_radii)]


def lashes(rng: np.random.Generator, head: Head, length: float) -> Mesh:
    """Lashes as single curved hairs; `length` 1 is a woman's with mascara."""
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
    # Half way out a lash has not yet turned up (or down).
    middle = root + (tip - root) * [0.55, 0.35, 0.65]
    vertices = np.stack([root - side, root + side, middle - side, middle + side, tip], 1)
    triangles = (
        np.array([[0, 1, 3], [0, 3, 2], [2, 3, 4]]) + 5 * np.arange(len(root))[:, None, None]
    )
    vertices = vertices.reshape(-1, 3)
    normals = np.broadcast_to([0.0, 0.0, 1.0], vertices.shape)
    return _mesh(vertices, normals, triangles, LASH, 0 * vertices)


def _tube(path, radius, closed):
    """A tube of hexagonal section along `[N, 3]`: vertices, normals, triangles."""
    path = np.asarray(path, float)
    if closed:
        along = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    else:
        along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    first = np.cross(along, [0.1, 0.2, 1.0])
    first /= np.linalg.norm(first, axis=-1, keepdims=True)
    second = np.cross(along, first)
    angles = np.arange(6) * np.pi / 3
    normals = np.cos(angles)[:, None] * first[:, None] + np.sin(angles)[:, None] * second[:, None]
    vertices = path[:, None] + normals * radius
    count = len(path)
    i, j = np.meshgrid(np.arange(count if closed else count - 1), np.arange(6), indexing="ij")
    a, b = i * 6 + j, i * 6 + (j + 1) % 6
    c, d = (a + 6) % (6 * count), (b + 6) % (6 * count)
    triangles = np.stack([a, c, d, a, d, b], -1).reshape(-1, 3)
    return vertices.reshape(-1, 3), normals.reshape(-1, 3), triangles


def glasses(rng: np.random.Generator, head: Head) -> Mesh:
    """A pair of frames with bridge and temples; lenses are clear."""
    skin = head.mesh.vertices[np.unique(head.mesh.triangles)]
    between = np.linalg.norm(head.eye_centres[0] - head.eye_centres[1])
    width = between * rng.uniform(0.36, 0.44)
    height = width * rng.uniform(0.62, 0.95)
    corner = rng.uniform(2.0, 5.0)
    thickness = rng.uniform(0.6, 2.2)
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    # A superellipse: round at exponent 2, nearly a rectangle at 5.
    x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / corner) * width
    y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / corner) * height
    low = -0.12 * between
    near = (np.abs(skin[:, 0]) < between * 0.95) & (np.abs(skin[:, 1]) < 0.5 * between)
    front = skin[near & (np.abs(skin[:, 0]) > 0.25 * between), 2].max() + 3.0
    bridge = skin[near & (np.abs(skin[:, 0]) < 4) & (np.abs(skin[:, 1]) < 6), 2].max() + 1.5
    front = max(front, bridge - 4.0)
    tubes = []
    for sign in (-1, 1):
        # Frames bow round the face.
        ring = np.stack(
            [sign * between / 2 + x, y + low, front - 0.0025 * (sign * between / 2 + x) ** 2], -1
        )
        tubes.append(_tube(ring, thickness, True))
        hinge = np.array([sign * (between / 2 + width), low + 0.5 * height, 0.0])
        hinge[2] = front - 0.0025 * hinge[0] ** 2
        ear = np.array(
            [sign * (np.abs(skin[np.abs(skin[:, 1]) < 15, 0]).max() - 8), low + 0.3 * height, -85.0]
        )
        tubes.append(_tube(np.linspace(hinge, ear, 6), thickness, False))
    inner = between / 2 - width
    arch = np.linspace(-1, 1, 7)
    path = np.stack([inner * arch, low + 0.25 * height + 2 * (1 - arch**2), np.full(7, bridge)], -1)
    tubes.append(_tube(path, thickness, False))
    starts = np.cumsum([0] + [len(tube[0]) for tube in tubes[:-1]])
    vertices = np.concatenate([tube[0] for tube in tubes])
    return _mesh(
        vertices,
        np.concatenate([tube[1] for tube in tubes]),
        np.concatenate([tube[2] + start for tube, start in zip(tubes, starts)]),
        GLASSES,
        0 * vertices,
    )
