"""The shipped head model: its neutral surface and every shape and facial action by its own name.

Millimetres, x to the person's left (right in a frontal image), y up, z forward, origin between the
eyes. Origin and licence (CC0) stand in the file and in `tools/make_head_model.py`.
"""

from __future__ import annotations

import functools
import os

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from tfrelight.synthesis.mesh import SKIN, TEETH, TONGUE, catmull_clark

__all__ = ["EARS", "EYELIDS", "FACE", "INSIDE_MOUTH", "LIPS", "HeadModel", "load_model"]

# Columns of `Mesh.regions`.
FACE, LIPS, EYELIDS, EARS, INSIDE_MOUTH = range(5)
# Part id of the lash strips in the model file: not kept as surfaces, single hairs grow along them.
_LASHES = 6
# Part ids of the model file to materials; 1 and 2 are the eyeballs, replaced by exact spheres.
_MATERIALS = {0: SKIN, 3: TEETH, 4: TEETH, 5: TONGUE}

_SUFFIXES = {
    "decr": "incr",
    "down": "up",
    "in": "out",
    "backward": "forward",
    "concave": "convex",
    "compress": "uncompress",
    "l": "r",  # asymmetry targets
}


def _groups(quads):
    """Quads `[Q, 4]` split into connected pieces."""
    rows = np.repeat(np.arange(len(quads)), 4)
    shape = (len(quads), quads.max() + 1)
    uses = sparse.csr_matrix((np.ones(quads.size), (rows, quads.ravel())), shape=shape)
    count, label = csgraph.connected_components(uses @ uses.T, directed=False)
    return [quads[label == k] for k in range(count)]


def _strip(quads, vertices):
    """The two long sides of a strip of quads, from the same end: that nearer to the eye first.

    Returns:
      Two index arrays.
    """
    ends = np.stack([quads, np.roll(quads, -1, axis=1)], -1).reshape(-1, 2)
    once = {tuple(edge) for edge in ends} - {tuple(edge[::-1]) for edge in ends}
    following = dict(once)
    corners = set(np.flatnonzero(np.bincount(quads.ravel()) == 1))
    start = min(corners)
    loop = [start]
    while following[loop[-1]] != start:
        loop.append(following[loop[-1]])
    breaks = [i for i, vertex in enumerate(loop) if vertex in corners] + [len(loop)]
    loop.append(start)
    sides = [loop[a : b + 1] for a, b in zip(breaks[:-1], breaks[1:])]
    first, second = sorted(sides, key=len)[-2:]
    second = second[::-1]
    if vertices[first, 2].mean() > vertices[second, 2].mean():
        first, second = second, first
    return np.array(first), np.array(second)


class HeadModel:
    """The shipped head model: neutral vertices, named targets, and its once-subdivided surface."""

    def __init__(self, path):
        with np.load(path) as file:
            self.neutral = file["vertices"]
            quads = file["quads"].astype(np.int64)
            parts = file["quad_parts"]
            coordinates = file["texture_coordinates"][file["quad_texture_coordinates"]]
            regions = file["regions"].astype(np.float32) / 255
            self.region_names = [str(name) for name in file["region_names"]]
            self.names = [str(name) for name in file["target_names"]]
            starts = file["target_starts"]
            indices = file["target_vertices"].astype(np.int64)
            deltas = np.cumsum(file["target_deltas"].T, axis=0, dtype=np.int16)
            scales = file["target_scales"]
        self._targets = {
            name: (indices[a:b], deltas[a:b] * scale)
            for name, a, b, scale in zip(self.names, starts[:-1], starts[1:], scales)
        }
        self.directions = self._pair(self.names)
        self._eyes = [np.unique(quads[parts == part]) for part in (1, 2)]
        self._lashes = [_strip(group, self.neutral) for group in _groups(quads[parts == _LASHES])]

        keep = np.isin(parts, list(_MATERIALS))
        quads, parts, coordinates = quads[keep], parts[keep], coordinates[keep]
        self._subdivide, finer = catmull_clark(quads, len(self.neutral))
        middle = coordinates.mean(1, keepdims=True)
        after = (coordinates + np.roll(coordinates, -1, axis=1)) / 2
        corners = np.stack(
            [
                coordinates,
                after,
                np.broadcast_to(middle, coordinates.shape),
                np.roll(after, 1, axis=1),
            ],
            2,
        ).reshape(-1, 4, 2)
        self.triangles = finer[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
        self.coordinates = corners[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3, 2).astype(np.float32)
        self.material = np.repeat([_MATERIALS[part] for part in parts], 8).astype(np.uint8)
        # Rows that no kept triangle uses (eyeballs) go.
        used, self.triangles = np.unique(self.triangles, return_inverse=True)
        self.triangles = self.triangles.reshape(-1, 3).astype(np.int32)
        self._subdivide = self._subdivide[used]
        self.inner = np.unique(self.triangles[np.isin(self.material, (TEETH, TONGUE))])
        self.rest = self.refine(self.neutral)
        self.regions = np.clip(self._subdivide @ regions, 0, 1)

    @staticmethod
    def _pair(names):
        """Targets as signed directions: name to (negative target or None, positive target)."""
        directions = {}
        opposite = {b: a for a, b in _SUFFIXES.items()}
        known = set(names)
        for name in names:
            if name.startswith(("macro/", "unit/")):
                continue
            stem, _, suffix = name.rpartition("-")
            if suffix in _SUFFIXES and f"{stem}-{_SUFFIXES[suffix]}" in known:
                directions[stem] = (name, f"{stem}-{_SUFFIXES[suffix]}")
            elif not (suffix in opposite and f"{stem}-{opposite[suffix]}" in known):
                directions[name] = (None, name)
        return directions

    def morph(self, weights: dict[str, float]) -> np.ndarray:
        """`[V, 3]` control vertices: neutral plus weighted targets, named as in the model file.

        Names of `directions` take signed weights, names of targets are added as they are.
        """
        vertices = self.neutral.copy()
        for name, weight in weights.items():
            if name in self.directions:
                negative, positive = self.directions[name]
                name = positive if weight >= 0 or negative is None else negative
                weight = abs(weight)
            if weight and name in self._targets:
                indices, offsets = self._targets[name]
                vertices[indices] += np.float32(weight) * offsets
        return vertices

    def refine(self, vertices) -> np.ndarray:
        """Control vertices `[V, 3]` to the subdivided surface's `[W, 3]`."""
        return self._subdivide @ vertices

    def lashes(self, vertices):
        """Roots and tips of the four rows of lashes: a list of pairs of `[n, 3]`."""
        return [(vertices[root], vertices[tip]) for root, tip in self._lashes]

    def eyes(self, vertices):
        """Centres `[2, 3]` (person's left first) and radii `[2]` of the eyeballs."""
        points = [vertices[index] for index in self._eyes]
        centres = np.stack([(p.max(0) + p.min(0)) / 2 for p in points])
        radii = np.array(
            [np.median(np.linalg.norm(p - c, axis=1)) for p, c in zip(points, centres)]
        )
        return centres, radii


@functools.lru_cache(maxsize=1)
def load_model() -> HeadModel:
    """The head model shipped with the package."""
    return HeadModel(os.path.join(os.path.dirname(__file__), "head_model.npz"))
