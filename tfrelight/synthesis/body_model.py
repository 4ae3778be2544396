"""The package's body model: head and upper body, named shapes, facial actions and a skeleton.

Millimetres, x to the person's left (right in a frontal image), y up, z forward, origin between the
eyes. The file and `tools/make_body_model.py` state its source and licence (CC0).
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from tfrelight.synthesis.mesh import SKIN, TEETH, TONGUE, catmull_clark

__all__ = [
    "EARS",
    "EYELIDS",
    "FACE",
    "INSIDE_MOUTH",
    "INTEROCULAR_DISTANCE",
    "LIPS",
    "BodyModel",
    "load_model",
]

# Columns of `Mesh.regions`.
FACE, LIPS, EYELIDS, EARS, INSIDE_MOUTH = range(5)
# Of the neutral head, millimetres. Lengths that are stated for it grow with a person's.
INTEROCULAR_DISTANCE = 61.6
# Materials of the model file's parts. Parts 1 and 2 are the eyeballs, which `parts.eyeballs`
# replaces by exact spheres.
_EYEBALLS = (1, 2)
_MATERIALS = {0: SKIN, 3: TEETH, 4: TEETH, 5: TONGUE}
# The part with strips of lashes, along which `parts.lashes` grows single hairs.
_LASHES = 6

# Suffixes of opposite targets, the negative one first.
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
    """Splits quads `[Q, 4]` into connected pieces."""
    rows = np.repeat(np.arange(len(quads)), 4)
    shape = (len(quads), quads.max() + 1)
    uses = sparse.csr_matrix((np.ones(quads.size), (rows, quads.ravel())), shape=shape)
    count, label = csgraph.connected_components(uses @ uses.T, directed=False)
    return [quads[label == k] for k in range(count)]


def _strip(quads, vertices):
    """The two long sides of a strip of quads, as indices from the same end.

    The side nearer to the eye comes first.
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


class BodyModel:
    """A body model: neutral vertices, named targets, and a surface subdivided once.

    Args:
      path: a model file that `tools/make_body_model.py` wrote.

    Attributes:
      neutral: `[V, 3]` control vertices; the last of them are the joints of the bones.
      bones, parents: names of the B bones, and the index of each one's parent, -1 for the first.
      control_weights: `[V, B]` as `weights`, at the control vertices.
      quads: `[Q, 4]` of the control vertices.
      weights: `[W, B]` share of each bone in the movement of the surface's vertices; sums to 1.
      directions: dict from names to (negative target or None, positive target).
      triangles, material, coordinates, rest, regions: the surface, as in `Mesh`.
      inner: indices of the surface's vertices on teeth and tongue.
    """

    def __init__(self, path: Path | str) -> None:
        with np.load(path) as file:
            self.neutral = file["vertices"]
            quads = file["quads"].astype(np.int64)
            parts = file["quad_parts"]
            coordinates = file["texture_coordinates"][file["quad_texture_coordinates"]]
            regions = file["regions"].astype(np.float32) / 255
            names = [str(name) for name in file["target_names"]]
            starts = file["target_starts"]
            indices = file["target_vertices"].astype(np.int64)
            deltas = np.cumsum(file["target_deltas"].T, axis=0, dtype=np.int16)
            step = file["target_step"]
            self.bones = [str(name) for name in file["bones"]]
            self.parents = file["parents"].astype(int)
            weights = np.zeros((len(self.neutral), len(self.bones)), np.float32)
            np.put_along_axis(
                weights[: len(file["weights"])],
                file["weight_bones"].astype(np.int64),
                file["weights"] / np.float32(255),
                axis=1,
            )
        self._targets = {
            name: (indices[a:b], deltas[a:b] * step)
            for name, a, b in zip(names, starts[:-1], starts[1:])
        }
        self.directions = self._pair(names)
        self._eyes = [np.unique(quads[parts == part]) for part in _EYEBALLS]
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
        # Drops the vertices of the eyeballs, which no triangle uses.
        used, self.triangles = np.unique(self.triangles, return_inverse=True)
        self.triangles = self.triangles.reshape(-1, 3).astype(np.int32)
        self._subdivide = self._subdivide[used]
        self.inner = np.unique(self.triangles[np.isin(self.material, (TEETH, TONGUE))])
        self.rest = self.refine(self.neutral)
        regions = np.pad(regions, ((0, len(self.bones)), (0, 0)))
        self.regions = np.clip(self._subdivide @ regions, 0, 1)
        self.control_weights = weights
        self.weights = self._subdivide @ weights
        self.quads = quads

    @staticmethod
    def _pair(names: list[str]) -> dict[str, tuple[str | None, str]]:
        """Pairs opposite targets: name to (negative target or None, positive target)."""
        directions: dict[str, tuple[str | None, str]] = {}
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
        """Adds weighted targets to the neutral head.

        Args:
          weights: by the names of `directions`, signed, or of targets, at least 0. Unknown names
            are ignored.

        Returns:
          `[V, 3]` control vertices.
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

    def refine(self, vertices: np.ndarray) -> np.ndarray:
        """Subdivides control vertices `[V, 3]` to vertices of the surface, `[W, 3]`."""
        return self._subdivide @ vertices

    def lashes(self, vertices: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Roots and tips, `[n, 3]` each, of the four rows of lashes, from control vertices."""
        return [(vertices[root], vertices[tip]) for root, tip in self._lashes]

    def joints(self, vertices: np.ndarray) -> np.ndarray:
        """Where the bones begin, `[B, 3]`, from control vertices `[V, 3]`."""
        return vertices[-len(self.bones) :]

    def eyes(self, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Centres `[2, 3]` (the person's left first) and radii `[2]` of the eyeballs."""
        points = [vertices[index] for index in self._eyes]
        centres = np.stack([(p.max(0) + p.min(0)) / 2 for p in points])
        radii = np.array(
            [np.median(np.linalg.norm(p - c, axis=1)) for p, c in zip(points, centres)]
        )
        return centres, radii


@functools.lru_cache(maxsize=1)
def load_model() -> BodyModel:
    """Loads the package's body model."""
    return BodyModel(Path(__file__).with_name("body_model.npz"))
