"""Dresses a body: garments, collars, lapels, ties, hoods that hang down, and scarves."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from tfrelight.synthesis import fabric, garments, solids
from tfrelight.synthesis.body_model import BodyModel
from tfrelight.synthesis.garments import Cut
from tfrelight.synthesis.mesh import WORN, Mesh, neck_share, outwards
from tfrelight.synthesis.posture import Posture, deform

__all__ = ["OUTFITS", "Clothes", "Dresser"]

OUTFITS = {
    "t-shirt": 0.24,
    "shirt": 0.15,
    "suit": 0.14,
    "jacket": 0.1,
    "hoodie": 0.1,
    "turtleneck": 0.08,
    "jumper": 0.07,
    "dress": 0.06,
    "vest": 0.04,
    "bare": 0.02,
}
_RING = 48  # points of a collar around the neck


@dataclasses.dataclass
class Clothes:
    """What a body wears.

    Attributes:
      name: of the outfit.
      meshes: in the body's posture; material `WORN` + k has finish k.
      finishes: of the meshes.
      covered: `[W]` millimetres from the nearest edge of cloth at vertices of the body's surface,
        above 0 under cloth.
    """

    name: str
    meshes: list[Mesh]
    finishes: list[fabric.Finish]
    covered: np.ndarray


class Dresser:
    """Makes clothes for one body in one posture.

    Args:
      model: the model.
      vertices: `[V, 3]` its control vertices before the bones turn.
      skin: `[W, 3]` the body's surface before the bones turn.
      posture: of the bones.

    Attributes:
      ring: `[48, 3]` points around the foot of the neck, from the front to the left.
    """

    def __init__(
        self, model: BodyModel, vertices: np.ndarray, skin: np.ndarray, posture: Posture
    ) -> None:
        self._body = model, vertices, skin, posture
        self._model = model
        self._posed = deform(posture, model.weights, skin)
        self.ring = self._neck_ring(0.0)
        # How the neck narrows: movement along it by a millimetre.
        self._rise = (self._neck_ring(40.0) - self.ring) / 40

    def _neck_ring(self, above):
        """Points `[48, 3]` around the neck, `above` its foot, from the front to the left."""
        rest = self._model.rest
        x, y, z = rest[:, 0], rest[:, 1], rest[:, 2] + 112
        turn = np.arctan2(x, z)
        away = np.hypot(x, z)
        line = above - 152 - 40 * np.cos(turn)
        near = (np.abs(y - line) < 9) & (away < 115) & (away > 20)
        angles = np.arange(_RING) * 2 * np.pi / _RING
        points = self._posed[near]
        closeness = np.exp(3 * (_RING / 8) * (np.cos(angles[:, None] - turn[near]) - 1))
        ring = (closeness @ points) / closeness.sum(1, keepdims=True)
        return ndimage.gaussian_filter1d(ring, 2.0, axis=0, mode="wrap")

    def _collar(self, material, stand, fold, spread, gap, points=0.0):
        """A folded collar: height of its stand, width of its fold, lengths of its points."""
        ring, angles = self.ring, np.arange(_RING) * 2 * np.pi / _RING
        away = outwards(ring)
        # From one side of the front around the back to the other.
        order = np.r_[gap : _RING - gap + 1]
        order %= _RING
        ring, away, turn = ring[order], away[order], angles[order]
        along = self._rise[order]
        front = np.clip((np.cos(turn) - 0.55) / 0.42, 0, 1)[:, None] ** 1.5
        up = np.array([0.0, 1.0, 0.0])
        rise = stand * (1 - 0.35 * front)
        drop = fold * (1 - front) + (fold + points) * front
        profile = [(-4.0 + 0 * rise, 2.0), (0.6 * rise, 2.5), (rise, 4.0), (rise + 1, 7.0)]
        rows = [ring + height * along + out * away for height, out in profile]
        for share in (0.35, 0.7, 1.0):
            out = 8 + spread * share + 0.55 * np.maximum(share * drop - rise, 0)
            rows.append(ring + rise * along - share * drop * up + out * away)
        grid = np.stack(rows)
        return solids.sheet(grid, material, follow=neck_share(grid[..., 1].ravel()))

    def _front(self, mesh, points, above):
        """Lays points `(x, y)` `[..., 2]` on the front of a mesh, `above` it: `[..., 3]`."""
        front = mesh.vertices[(mesh.normals[:, 2] > 0.15) & (mesh.rest[:, 2] > -130)]
        flat = np.asarray(points).reshape(-1, 2)
        distance, index = cKDTree(front[:, :2]).query(flat, k=6)
        weight = 1 / (distance + 3)
        z = (front[index, 2] * weight).sum(1) / weight.sum(1)
        return np.concatenate([flat, (z + above)[:, None]], 1).reshape(*points.shape[:-1], 3)

    def _strip(self, mesh, material, rows, above=2.5, columns=5):
        """A strip on the front of a mesh; `rows` `[R, 3]` are y and the x of both edges."""
        share = np.linspace(0, 1, columns)
        left, right = np.sort(rows[:, 1:], axis=1).T[..., None]
        x = left * (1 - share) + right * share
        y = np.broadcast_to(rows[:, :1], x.shape)
        above = above + 1.5 * np.sin(np.pi * share)
        height = np.broadcast_to(above, x.shape).ravel()
        grid = self._front(mesh, np.stack([x, y], -1), height)
        return solids.sheet(grid, material, follow=0.0)

    def _tie(self, rng, shirt, material):
        top = self.ring[0, 1] - 6
        length = rng.uniform(330, 430)
        wide = rng.uniform(27, 42)
        y = np.concatenate([[0, -8, -26, -32, -60], np.linspace(-110, -length, 9), [-length - 38]])
        half = np.concatenate([[16, 19, 11, 12, 15], np.linspace(18, wide, 9), [2.0]])
        rows = np.stack([top + y, -half, half], -1)
        strip = self._strip(shirt, material, rows, above=5.0, columns=7)
        knot = self._front(shirt, np.array([[0.0, top - 14]]), np.array([5.0]))[0]
        return [strip, solids.ball(knot, [18, 16, 9], material, follow=0.0)]

    def _lapels(self, jacket, material, cut):
        """The turned edges of an open jacket, with a notch."""
        y = np.linspace(self.ring[0, 1] + 6, cut.button + 4, 18)
        gap = np.interp(y, [cut.button, -150.0], [0.0, cut.open])
        share = np.linspace(0, 1, len(y))
        width = np.interp(share, [0, 0.16, 0.2, 0.28, 1], [26, 40, 26, 62, 5])
        strips = []
        for side in (1, -1):
            rows = np.stack([y, side * (gap - 3), side * (gap + width)], -1)
            strips.append(self._strip(jacket, material, rows, above=4.0))
        return strips

    def _roll(self, material, radius, lower, out, seed):
        """Thick cloth around the neck, such as a hood that hangs down or a scarf."""
        ring = self.ring
        angles = np.arange(_RING) * 2 * np.pi / _RING
        away = outwards(ring)
        back = ((1 - np.cos(angles)) / 2)[:, None]
        thick = radius[0] * (1 - back) + radius[1] * back
        waves = 1 + 0.12 * np.sin(5 * angles + seed)[:, None] + 0.06 * np.sin(11 * angles)[:, None]
        path = ring + away * (out * waves) + np.array([0.0, 1.0, 0.0]) * (lower + 0.3 * thick)
        share = neck_share(path[:, 1]) * 0.6
        return solids.tube(path, (thick * waves).ravel(), material, True, 12, share)

    def dress(
        self, rng: np.random.Generator, bare: bool = False, outfit: str | None = None
    ) -> Clothes:
        """Draws clothes.

        Args:
          rng: source of all randomness.
          bare: whether the person may go without.
          outfit: of `OUTFITS`; None draws one.
        """
        shares = np.array(list(OUTFITS.values()))
        drawn = str(rng.choice(list(OUTFITS), p=shares / shares.sum()))
        name = outfit or drawn
        if name == "bare" and not bare:
            name = "dress"
        layers: list[tuple[Cut, fabric.Finish]] = []
        shirting = fabric.sample_cloth(rng, ("cotton", "cotton", "satin", "denim"))
        coat = fabric.sample_cloth(rng, ("wool", "wool", "leather", "denim", "cotton"), 0.65)
        tie = name == "suit" and rng.random() < 0.6
        collared = name in ("shirt", "suit") or (
            name in ("jacket", "jumper") and rng.random() < 0.4
        )
        inner = Cut(front=-188, back=-142, width=70, gap=4, drape=40, folds=1.5)
        if name == "t-shirt":
            front = rng.uniform(-225, -190)
            pointed = bool(rng.random() < 0.25)
            front -= 45 * pointed
            width = rng.uniform(70, 88)
            cut = Cut(front, -150, width, pointed, rng.uniform(110, 240), gap=5, drape=80)
            patterns = (*fabric.PATTERNS, "lettering", "lettering", "lettering")
            layers = [
                (
                    cut,
                    fabric.sample_cloth(rng, ("cotton", "cotton", "satin", "knit"), 0.5, patterns),
                )
            ]
        elif name in ("shirt", "suit", "jacket", "jumper"):
            if name == "shirt" and rng.random() < 0.5:  # unbuttoned at the top
                inner = dataclasses.replace(inner, front=-250.0, pointed=True, width=78.0)
            if not collared:
                inner = dataclasses.replace(inner, front=-205.0)
            inner = dataclasses.replace(inner, sleeve=float(rng.choice([190, 438, 438])))
            layers = [(inner, shirting)]
            if name == "jumper":
                top = rng.uniform(-205, -190)
                over = Cut(
                    top, -146, 80, bool(rng.random() < 0.3), gap=9, drape=60, folds=2.5, edge=0.9
                )
                if over.pointed:
                    over.front = -270.0
                layers.append((over, fabric.sample_cloth(rng, ("knit", "wool"), 0.7)))
            elif name != "shirt":
                layers.append(
                    (
                        Cut(
                            -190,
                            -140,
                            80,
                            open=rng.uniform(45, 85),
                            button=rng.uniform(-520, -400),
                            gap=13,
                            edge=0.85,
                            drape=60,
                            folds=1.2 if name == "suit" else 2.5,
                        ),
                        coat,
                    )
                )
        elif name == "hoodie":
            cut = Cut(-196, -150, 84, gap=12, drape=90, folds=3.5)
            layers = [
                (cut, fabric.sample_cloth(rng, ("cotton", "wool"), 0.6, ("lettering", "print")))
            ]
        elif name == "turtleneck":
            cut = Cut(-rng.uniform(122, 145), -100, 1000, gap=6, drape=25, folds=1.0)
            layers = [(cut, fabric.sample_cloth(rng, ("knit", "cotton", "wool"), 0.8))]
        elif name == "dress":
            cut = Cut(
                front=rng.uniform(-310, -265),
                strap=float(rng.choice([60.0, 75.0, 1000.0])),
                gap=2.5,
                drape=30,
                folds=1.2,
            )
            layers = [(cut, fabric.sample_cloth(rng, ("satin", "cotton", "knit")))]
        elif name == "vest":
            width = rng.uniform(68, 90)
            cut = Cut(rng.uniform(-270, -220), -190, width, sleeve=0, gap=3, drape=30, folds=1.5)
            layers = [(cut, fabric.sample_cloth(rng, ("cotton", "knit")))]
        meshes, finishes = [], []
        fields = [garments.field(cut) for cut, _ in layers]
        for k, (cut, finish) in enumerate(layers):
            above = fields[k + 1] if k + 1 < len(fields) else None
            seed = finish.seed % 100000
            mesh = garments.garment(*self._body, cut, fields[k], WORN + k, seed, above)
            finishes.append(finish)
            meshes.append(mesh)
        covered = np.max(fields, axis=0) if fields else np.full(len(self._model.rest), -1.0)
        last = WORN + len(finishes) - 1
        if collared:
            points = rng.uniform(22, 40)
            gap = 1 if tie or name == "suit" else int(rng.integers(1, 4))
            fold = rng.uniform(30, 38)
            meshes.append(self._collar(WORN, rng.uniform(26, 34), fold, 7, gap, points))
        if tie:
            finishes.append(fabric.sample_cloth(rng, ("satin", "wool"), 0.35))
            finishes[-1].folds = 0.2
            meshes += self._tie(rng, meshes[0], WORN + len(finishes) - 1)
        if name in ("suit", "jacket"):
            meshes += self._lapels(meshes[1], last, layers[1][0])
            meshes.append(self._collar(last, 22, 38, 12, 6))
        if name == "hoodie":
            meshes.append(self._roll(last, (9.0, 42.0), -14.0, 16.0, rng.uniform(0, 6)))
        if name == "turtleneck":
            roll = self._collar(last, rng.uniform(38, 50), rng.uniform(30, 42), 2, 0)
            meshes.append(roll)
        if name not in ("bare", "dress", "hoodie") and rng.random() < 0.06:  # a scarf
            finishes.append(fabric.sample_cloth(rng, ("wool", "knit", "cotton")))
            finishes[-1].folds *= 1.5
            for lower, out in ((6.0, 14.0), (-16.0, 24.0)):
                roll = self._roll(WORN + len(finishes) - 1, (24.0, 24.0), lower, out, lower)
                meshes.append(roll)
        return Clothes(name, meshes, finishes, covered.astype(np.float32))
