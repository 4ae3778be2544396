"""A morphable head: every shape direction and facial action of the head model by its name.

`sample_head(rng)` draws a person; `HeadModel.morph` gives the vertices of any mixture of targets.
Millimetres, x to the person's left (right in a frontal image), y up, z forward, origin between the
eyes.
"""

from __future__ import annotations

import dataclasses
import functools
import os

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

__all__ = [
    "CLOTH",
    "EYE",
    "GLASSES",
    "HAIR",
    "LASH",
    "SKIN",
    "TEETH",
    "TONGUE",
    "Head",
    "HeadModel",
    "Mesh",
    "clear_eyes",
    "load_model",
    "rotation",
    "sample_expression",
    "sample_head",
    "sample_traits",
    "vertex_normals",
]

# Part id of the lash strips in the model file: not kept as surfaces, single hairs grow along them.
_LASHES = 6
# What a triangle is made of.
SKIN, EYE, TEETH, TONGUE, LASH, HAIR, CLOTH, GLASSES = range(8)
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
# Standard deviation of a direction's weight by folder; 1 is the strongest shape the artists made.
_SPREAD = {
    "head": 0.14,
    "forehead": 0.16,
    "eyebrows": 0.3,
    "eyes": 0.3,
    "nose": 0.28,
    "mouth": 0.25,
    "cheek": 0.35,
    "chin": 0.26,
    "ears": 0.3,
    "neck": 0.2,
    "asym": 0.18,
}
_HEAD_SHAPES = "diamond invertedtriangular oval rectangular round square triangular".split()
# Directions that move the head as a whole (the framing undoes them) or follow from age and weight.
_SKIPPED = ("head/head-trans", "neck/neck-trans", "neck/measure", "head/head-age", "head/head-fat")
_AGES = {"child": 11.0, "young": 25.0, "old": 85.0}  # years a target stands for


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


@dataclasses.dataclass
class Head:
    """A person: surface, eyeballs, and traits that skin and hair follow.

    mesh: skin, teeth and tongue. lashes: roots and tips `[n, 3]` of each of four rows. eye_centres
    `[2, 3]`, eye_radii `[2]`, gaze `[2]` (yaw to the image's right and pitch up, degrees). ancestry
    `[3]` (african, asian, caucasian) sums to one; sex 0 female to 1 male; age in years; weight 0
    thin to 1 heavy; open_mouth and closed_eyes in 0..1. has_atlas: whether its texture coordinates
    are those of skin atlases.
    """

    mesh: Mesh
    lashes: list
    eye_centres: np.ndarray
    eye_radii: np.ndarray
    gaze: np.ndarray
    ancestry: np.ndarray
    sex: float
    age: float
    weight: float
    open_mouth: float
    closed_eyes: float
    has_atlas: bool


def _blend(value, anchors):
    """Linear interpolation weights by name: `anchors` maps names to increasing positions."""
    names, positions = list(anchors), np.array(list(anchors.values()))
    weights = [np.interp(value, positions, row) for row in np.eye(len(names))]
    return {name: weight for name, weight in zip(names, weights) if weight > 0}


def _phenotype(ancestry, sex, age, muscle, weight):
    weights = {}
    thirds = (0.0, 0.5, 1.0)
    for sex_name, a in _blend(sex, {"female": 0.0, "male": 1.0}).items():
        for age_name, b in _blend(age, _AGES).items():
            for race, c in zip(("african", "asian", "caucasian"), ancestry):
                weights[f"macro/{race}-{sex_name}-{age_name}"] = a * b * c
            for m, d in _blend(
                muscle, dict(zip(("minmuscle", "averagemuscle", "maxmuscle"), thirds))
            ).items():
                for w, e in _blend(
                    weight, dict(zip(("minweight", "averageweight", "maxweight"), thirds))
                ).items():
                    weights[f"macro/universal-{sex_name}-{age_name}-{m}-{w}"] = a * b * d * e
    return weights


def _shape(rng, model, strength):
    """Random weights of every shape direction; left and right nearly alike."""
    weights = {}
    for stem, (negative, _) in model.directions.items():
        folder, _, name = stem.partition("/")
        if stem.startswith(_SKIPPED) or folder == "head" and name[5:] in _HEAD_SHAPES:
            continue
        spread = _SPREAD[folder] * strength
        if name.endswith("trans") and folder in ("mouth", "nose"):
            spread *= 0.6
        if name in ("mouth-trans-in", "nose-trans-in", "head-angle"):
            spread *= 0.3
        side = name[:2]
        if side == "r-" and folder in ("eyes", "cheek", "ears"):
            left = weights[f"{folder}/l-{name[2:]}"]
            value = left + 0.08 * rng.normal()
        else:
            value = spread * rng.normal()
        value = np.clip(value, -1.0, 1.0)
        weights[stem] = value if negative else abs(value) * 0.6
    mixture = rng.dirichlet(np.full(len(_HEAD_SHAPES), 0.35)) * rng.uniform(0, 0.6)
    weights.update({f"head/head-{name}": w for name, w in zip(_HEAD_SHAPES, mixture)})
    return weights


def _both(name, left, right):
    return {f"unit/{name}Left": left, f"unit/{name}Right": right}


def sample_expression(rng):
    """Facial action weights, and how far mouth and eyes are open or closed."""
    weights = {}

    def add(units):
        for name, weight in units.items():
            weights[name] = weights.get(name, 0.0) + weight

    def pair(name, amount, uneven=0.1):
        add(_both(name, *np.clip(amount + uneven * amount * rng.normal(size=2), 0, 1)))

    mouth = rng.choice(
        ["neutral", "smile", "grin", "open", "press", "pucker", "frown", "mixed"],
        p=[0.46, 0.15, 0.13, 0.07, 0.05, 0.03, 0.05, 0.06],
    )
    jaw = 0.0
    if mouth == "neutral":
        jaw = 0.06 * rng.beta(1, 3)
        pair("mouthSmile", 0.12 * rng.random())
        pair("mouthPress", 0.15 * rng.random())
    elif mouth == "smile":
        pair("mouthSmile", rng.uniform(0.25, 0.8))
        pair("cheekSquint", rng.uniform(0, 0.6))
        pair("mouthDimple", rng.uniform(0, 0.4))
    elif mouth == "grin":
        pair("mouthSmile", rng.uniform(0.5, 1.0))
        pair("cheekSquint", rng.uniform(0.2, 0.8))
        pair("mouthUpperUp", rng.uniform(0.2, 0.6))
        pair("mouthLowerDown", rng.uniform(0.1, 0.5))
        jaw = rng.uniform(0.0, 0.35)
    elif mouth == "open":
        jaw = rng.uniform(0.1, 0.8)
        pair("mouthStretch", rng.uniform(0, 0.4))
    elif mouth == "press":
        pair("mouthPress", rng.uniform(0.3, 1.0))
        add(
            {"unit/mouthRollLower": rng.uniform(0, 0.6), "unit/mouthRollUpper": rng.uniform(0, 0.5)}
        )
    elif mouth == "pucker":
        add({"unit/mouthPucker": rng.uniform(0.3, 0.9), "unit/mouthFunnel": rng.uniform(0, 0.3)})
    elif mouth == "frown":
        pair("mouthFrown", rng.uniform(0.2, 0.8))
        add({"unit/mouthShrugLower": rng.uniform(0, 0.5)})
    else:
        for name in ("mouthLeft", "mouthRight", "jawForward", "jawLeft", "jawRight", "cheekPuff"):
            add({f"unit/{name}": 0.5 * rng.random() * (rng.random() < 0.3)})
        pair("noseSneer", 0.6 * rng.random())
        add(_both("mouthSmile", *rng.uniform(0, 0.7, 2)))
    add({"unit/jawOpen": jaw})

    brows = rng.choice(["neutral", "raised", "lowered", "inner"], p=[0.64, 0.14, 0.15, 0.07])
    if brows == "raised":
        pair("browOuterUp", rng.uniform(0.2, 1.0))
        add({"unit/browInnerUp": rng.uniform(0.2, 0.9)})
    elif brows == "lowered":
        pair("browDown", rng.uniform(0.2, 1.0))
    elif brows == "inner":
        add({"unit/browInnerUp": rng.uniform(0.3, 0.9)})

    lids = rng.choice(
        ["neutral", "squint", "wide", "half", "closed"], p=[0.66, 0.15, 0.06, 0.07, 0.06]
    )
    closed = 0.12 * rng.random()
    if lids == "squint":
        pair("eyeSquint", rng.uniform(0.3, 1.0))
        closed += rng.uniform(0, 0.2)
    elif lids == "wide":
        pair("eyeWide", rng.uniform(0.3, 0.9))
        closed = 0.0
    elif lids == "half":
        closed = rng.uniform(0.25, 0.6)
    elif lids == "closed":
        closed = 1.0
    pair("eyeBlink", closed, 0.03)
    gaze = np.array([rng.normal(0, 9), rng.normal(0, 5)]).clip([-28, -15], [28, 15])
    # The person's left is the image's right: yaw to the right is outwards for the left eye.
    outwards, up = gaze[0] / 35, gaze[1] / 30
    right, left = max(outwards, 0), max(-outwards, 0)
    add({"unit/eyeLookOutLeft": right, "unit/eyeLookInRight": right})
    add({"unit/eyeLookInLeft": left, "unit/eyeLookOutRight": left})
    add(_both("eyeLookUp" if up > 0 else "eyeLookDown", abs(up), abs(up)))
    return {name: min(weight, 1.0) for name, weight in weights.items()}, gaze, jaw, closed


def clear_eyes(surface, eyelids, centres, radii, gap=0.5):
    """Moves lids that a mixture of targets has pushed into an eyeball out of it, in place."""
    for centre, radius in zip(centres, radii):
        offset = surface - centre
        distance = np.linalg.norm(offset, axis=-1)
        # Lids lie before the eyeball; what lies deep beside it lines the socket.
        inside = (eyelids > 0.15) & (offset[:, 2] > 0.35 * radius) & (distance < radius + gap)
        surface[inside] += offset[inside] * ((radius + gap) / distance[inside] - 1)[:, None]


def sample_traits(rng: np.random.Generator) -> dict:
    """Draws ancestry, sex, age and weight, by the names of `Head`'s fields."""
    ages = [rng.uniform(9, 18), rng.uniform(18, 40), rng.uniform(40, 85)]
    return dict(
        ancestry=rng.dirichlet([0.35, 0.35, 0.35]),
        sex=float(np.clip(rng.beta(0.35, 0.35), 0, 1)),
        age=float(rng.choice(ages, p=[0.1, 0.5, 0.4])),
        weight=float(rng.beta(2.2, 2.2)),
    )


def sample_head(rng: np.random.Generator) -> Head:
    """Draws a person: ancestry, sex, age, build, every shape direction, asymmetry, expression."""
    model = load_model()
    traits = sample_traits(rng)
    age, weight = traits["age"], traits["weight"]
    weights = _phenotype(traits["ancestry"], traits["sex"], age, float(rng.beta(2, 2)), weight)
    weights.update(_shape(rng, model, rng.uniform(0.6, 1.15)))
    aged = np.interp(age, [9, 18, 40, 85], [-0.4, -0.1, 0.0, 0.5]) + 0.2 * rng.normal()
    weights["head/head-age"] = float(np.clip(aged, -1, 1))
    weights["head/head-fat"] = float(np.clip(1.2 * (weight - 0.5) + 0.25 * rng.normal(), -1, 1))
    units, gaze, jaw, closed = sample_expression(rng)
    vertices = model.morph(weights)
    # Facial actions are made for the neutral head: their size follows the head they move.
    centres, _ = model.eyes(vertices)
    neutral_centres, _ = model.eyes(model.neutral)
    size = np.linalg.norm(centres[0] - centres[1]) / np.linalg.norm(
        neutral_centres[0] - neutral_centres[1]
    )
    vertices += (model.morph(units) - model.neutral) * np.float32(size)
    centres, radii = model.eyes(vertices)
    origin = centres.mean(0).astype(np.float32)
    surface = model.refine(vertices - origin)
    # Lips of mixed shapes would let the teeth through.
    surface[model.inner, 2] -= 2.5
    clear_eyes(surface, model.regions[:, 2], centres - origin, radii)
    mesh = Mesh(
        vertices=surface,
        normals=vertex_normals(surface, model.triangles),
        triangles=model.triangles,
        material=model.material,
        rest=model.rest,
        coordinates=model.coordinates,
        regions=model.regions,
    )
    return Head(
        mesh=mesh,
        lashes=model.lashes(vertices - origin),
        eye_centres=centres - origin,
        eye_radii=radii,
        gaze=gaze,
        open_mouth=float(jaw),
        closed_eyes=float(closed),
        has_atlas=True,
        **traits,
    )
