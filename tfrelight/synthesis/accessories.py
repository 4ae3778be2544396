"""Small things on people: headphones, masks, earrings, necklaces, microphones, telephones."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from tfrelight.synthesis import fabric, solids
from tfrelight.synthesis.body_model import EARS
from tfrelight.synthesis.head import Head
from tfrelight.synthesis.mesh import SKIN, Mesh, outwards, unit
from tfrelight.synthesis.posture import Posture
from tfrelight.synthesis.render import RayCaster
from tfrelight.synthesis.skull import Skull

__all__ = [
    "earrings",
    "headphones",
    "held",
    "mask",
    "metal",
    "microphone",
    "necklace",
    "plastic",
]

# Linear RGB albedo: gold, silver, copper, pearl.
_METALS = ((0.55, 0.36, 0.12), (0.5, 0.5, 0.5), (0.45, 0.22, 0.13), (0.7, 0.66, 0.6))


def metal(rng: np.random.Generator) -> fabric.Finish:
    """Draws the finish of jewellery."""
    color = np.array(_METALS[rng.integers(4)]) * rng.uniform(0.3, 0.9)
    return fabric.Finish(fabric.THINGS, color, gloss=rng.uniform(4, 14), roughness=0.2)


def plastic(rng: np.random.Generator) -> fabric.Finish:
    """Draws the finish of appliances: black, white or grey more often than coloured."""
    level = float(rng.choice([0.008, 0.02, 0.6, 0.15]))
    color = level * np.exp(rng.normal(0, 0.8 if rng.random() < 0.25 else 0.05, 3))
    return fabric.Finish(
        fabric.THINGS, color, gloss=rng.uniform(0.6, 2), roughness=rng.uniform(0.15, 0.5)
    )


class _Landmarks:
    """Places on a head by their position on the neutral head.

    Args:
      head: the head, with its mesh.
    """

    def __init__(self, head: Head) -> None:
        mesh = head.mesh
        used = np.unique(mesh.triangles[mesh.material == SKIN])
        used = used[mesh.rest[used, 1] > -190]
        self.points, self.rest = mesh.vertices[used], mesh.rest[used]
        self.ears = mesh.regions[used, EARS]
        self._tree = cKDTree(self.rest)

    def at(self, rest: tuple[float, float, float]) -> np.ndarray:
        """Position `[3]` on the skin nearest to a point of the neutral head."""
        return self.points[self._tree.query(rest, k=4)[1]].mean(0)

    def lobe(self, side: int) -> np.ndarray:
        """The lowest point `[3]` of an ear; `side` is 1 for the person's left."""
        ear = (self.ears > 0.5) & (side * self.rest[:, 0] > 0)
        if not ear.any():
            return self.at((side * 76.0, -42.0, -85.0))
        lowest = self.points[ear][np.argsort(self.points[ear, 1])[:4]]
        return lowest.mean(0)

    def ear(self, side: int) -> np.ndarray:
        """The middle `[3]` of an ear."""
        ear = (self.ears > 0.5) & (side * self.rest[:, 0] > 0)
        return self.points[ear].mean(0) if ear.any() else self.at((side * 80.0, -5.0, -90.0))


def headphones(rng: np.random.Generator, head: Head, skull: Skull, material: int) -> list[Mesh]:
    """A band over the crown and two cups over the ears."""
    marks = _Landmarks(head)
    size = skull.scale
    meshes = []
    ends = [marks.ear(side) + [side * 10.0, 2.0, 2.0] for side in (1, -1)]
    turn = np.linspace(-1.25, 1.25, 25)
    over = unit(np.stack([np.sin(turn), np.cos(turn), 0 * turn - 0.05], -1))
    band = skull.middle + over * (skull.envelope(over) + 11)[:, None]
    band = np.concatenate([ends[1][None], band, ends[0][None]])
    band = ndimage.gaussian_filter1d(band, 1.0, axis=0, mode="nearest")
    wide = rng.uniform(5, 12)
    edges = np.stack([band + [0, 0, offset] for offset in (-wide, 0.0, wide)])
    meshes += [solids.sheet(edges, material), solids.sheet((edges - [0, 2.5, 0])[::-1], material)]
    for side, end in zip((1, -1), ends):
        radii = np.array([13.0, rng.uniform(32, 42), rng.uniform(28, 36)]) * size
        meshes.append(solids.ball(end + [side * 6.0, 0, 0], radii, material))
        # The cushion against the head.
        meshes.append(
            solids.ball(end - [side * 3.0, 0, 0], radii * [0.7, 1.08, 1.08], material + 1)
        )
    return meshes


def mask(rng: np.random.Generator, head: Head, material: int) -> list[Mesh]:
    """A medical or cloth mask from the bridge of the nose to below the chin, with loops."""
    marks = _Landmarks(head)
    columns, rows = 41, 25
    x = np.linspace(-1, 1, columns)
    y = np.linspace(0, 1, rows)[:, None]
    top = -14 - 20 * np.abs(x) ** 1.5 + rng.normal(0, 2)
    low = -120 + 34 * np.abs(x) ** 2.2
    rest_y = top * (1 - y) + low * y
    rest_x = np.broadcast_to(x * 64, rest_y.shape)
    rest = marks.rest
    front = (rest[:, 2] > -75) & (rest[:, 1] < 15)
    tree = cKDTree(rest[front, :2])
    flat = np.stack([rest_x, rest_y], -1).reshape(-1, 2)
    distance, index = tree.query(flat, k=5)
    weight = 1 / (distance + 1.5)
    points = marks.points[front][index]
    grid = (points * weight[..., None]).sum(1) / weight.sum(1, keepdims=True)
    grid = grid.reshape(rows, columns, 3)
    # Cloth spans the hollows beside the nose and under the lips.
    skin = points[..., 2].max(1).reshape(rows, columns)
    depth = ndimage.maximum_filter(skin, (7, 9), mode="nearest")
    depth = np.maximum(ndimage.gaussian_filter(depth, 2.4, mode="nearest"), skin)
    inner = np.clip(1.3 * (1 - np.abs(x)) * 4, 0, 1) * np.clip(1.3 * (1 - y) * 6, 0, 1)
    grid[..., 2] = grid[..., 2] * (1 - inner) + depth * inner + 3.0
    grid[..., 0] *= 1.02
    pleats = int(rng.integers(0, 4))
    if pleats:
        grid[..., 2] += 1.3 * np.abs(np.sin(np.pi * (pleats + 1) * y)) * (1 - x**4)
    grid[..., 1:] = ndimage.gaussian_filter(grid[..., 1:], (0.8, 0.8, 0), mode="nearest")
    grid[..., 2] = np.maximum(grid[..., 2], ndimage.maximum_filter(skin, 3, mode="nearest") + 2)
    meshes = [solids.sheet(grid, material)]
    for side, column in ((1, -1), (-1, 0)):
        ear = marks.ear(side) + [side * 3.0, 0.0, -14.0]
        for row, rise in ((1, 14.0), (rows - 4, -16.0)):
            way = np.linspace(0, 1, 9)[:, None]
            path = grid[row, column] * (1 - way) + (ear + [0, rise, 0]) * way
            path = path + side * np.sin(np.pi * way) * [9.0, 0, 0]
            meshes.append(solids.tube(path, 1.1, material))
    return meshes


def earrings(rng: np.random.Generator, head: Head, material: int) -> list[Mesh]:
    """A pair of studs, hoops or drops."""
    marks = _Landmarks(head)
    kind = rng.choice(["stud", "hoop", "drop"], p=[0.4, 0.35, 0.25])
    radius, length = rng.uniform(7, 19), rng.uniform(12, 38)
    meshes = []
    for side in (1, -1):
        lobe = marks.lobe(side) + [side * 2.0, 2.0, 2.0]
        if kind == "stud":
            meshes.append(solids.ball(lobe, rng.uniform(2.4, 4.2), material, rows=8))
        elif kind == "hoop":
            turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
            ring = np.stack([0.25 * side * np.sin(turn), np.cos(turn), np.sin(turn)], -1) * radius
            path = lobe - [0, radius, 0] + ring
            meshes.append(solids.tube(path, 1.3, material, True))
        else:
            meshes.append(
                solids.tube(lobe - np.linspace(0, length, 5)[:, None] * [0, 1, 0], 0.8, material)
            )
            drop = lobe - [0, length, 0]
            meshes.append(solids.ball(drop, [3.5, 6.0, 3.5], material, rows=8))
    return meshes


def necklace(
    rng: np.random.Generator, ring: np.ndarray, body: list[Mesh], material: int
) -> list[Mesh]:
    """A chain, pearls, or a chain with a pendant, on whatever lies around the neck.

    Args:
      rng: source of all randomness.
      ring: `[48, 3]` points around the foot of the neck, from the front to the left.
      body: the body and its clothes.
      material: of the triangles.
    """
    turn = np.arange(len(ring)) * 2 * np.pi / len(ring)
    front = np.clip(np.cos(turn), 0, 1) ** 1.5
    path = ring - np.outer(front * rng.uniform(5, 75), [0, 1, 0])
    away = outwards(ring)
    origins = path + 220 * away
    distance = RayCaster(Mesh.join(body)).nearest(origins, -away)
    distance = np.where(np.isfinite(distance), distance, 220)
    path = origins - away * np.clip(distance - 2.0, 120, 240)[:, None]
    path = ndimage.gaussian_filter1d(path, 1.2, axis=0, mode="wrap")
    share = 0.25 * np.ones(len(path))
    thick = rng.uniform(1.2, 4.0)
    beads = (
        thick * (1 + 0.35 * np.cos(12 * np.pi * np.arange(len(path)) / 4)) if thick > 2.5 else thick
    )
    meshes = [solids.tube(path, beads, material, True, follow=share)]
    if rng.random() < 0.4:
        meshes.append(solids.ball(path[0] - [0, 8, -2], [6, 9, 3], material, follow=0.25))
    return meshes


def microphone(rng: np.random.Generator, head: Head, material: int) -> list[Mesh]:
    """A microphone on a stand before the mouth, or a small one beside it on a wire."""
    marks = _Landmarks(head)
    chin = marks.at((0.0, -112.0, 20.0))
    if rng.random() < 0.4:  # on a wire along the cheek
        start, end = marks.ear(1), marks.at((28.0, -72.0, 25.0)) + [4.0, -4.0, 8.0]
        way = np.linspace(0, 1, 10)[:, None]
        path = start * (1 - way) + end * way + np.sin(np.pi * way) * [9.0, -4.0, 0]
        return [solids.tube(path, 1.2, material), solids.ball(end, [5, 5, 7], material)]
    capsule = chin + [rng.normal(0, 25), rng.uniform(-30, 22), rng.uniform(45, 90)]
    foot = capsule + [0.0, -420.0, rng.uniform(-20, 120)]
    way = np.linspace(0, 1, 8)[:, None]
    path = (capsule - [0, 22, 0]) * (1 - way) + foot * way
    return [
        solids.ball(capsule, [23, 27, 23], material),
        solids.tube(
            path, np.interp(way.ravel(), [0, 0.3, 0.32], [16, 12, 7]), material + 1, sides=10
        ),
    ]


def held(
    posture: Posture,
    bones: list[str],
    head: np.ndarray,
    pivot: np.ndarray,
    scale: float,
    material: int,
) -> list[Mesh]:
    """What a hand near the face holds: a telephone or a microphone; nothing in other postures.

    Args:
      posture: of the arms.
      bones: names of the bones.
      head, pivot: rotation of the head against the body, and the point that it turns about.
      scale: size of the head.
      material: of the triangles.
    """
    meshes = []
    for side, letter, name in zip((1, -1), "lr", posture.names):
        if name not in ("phone", "microphone"):
            continue
        wrist = posture.joints[bones.index(f"hand_{letter}")]
        knuckle = posture.joints[bones.index(f"middle_01_{letter}")]
        first = posture.joints[bones.index(f"index_01_{letter}")]
        last = posture.joints[bones.index(f"pinky_01_{letter}")]
        palm = unit(-side * np.cross(first - wrist, last - wrist))
        across = unit(first - last)
        if name == "microphone":
            mouth = pivot + head @ (np.array([0.0, -88.0, 62.0]) * scale - pivot)
            grip = knuckle + palm * 22
            along = unit(mouth - grip)
            end = mouth - along * 6
            path = np.linspace(grip - along * 70, end, 8)
            meshes.append(solids.tube(path, np.linspace(11, 17, 8), material, sides=12, follow=0.0))
            meshes.append(solids.ball(end + along * 8, 24.0, material + 1, follow=0.0))
        else:
            middle = knuckle + palm * 21 + across * 12
            along = unit(unit(knuckle - wrist) + 0.5 * across)
            side_way = unit(np.cross(along, palm))
            corners = [(-70, -36), (70, -36), (70, 36), (-70, 36)]
            outline = np.stack([middle + a * along + b * side_way for a, b in corners])
            meshes.append(solids.slab(outline, palm * 8, material, follow=0.0))
    return meshes
