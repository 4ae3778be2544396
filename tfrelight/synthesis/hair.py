"""Hair and beards as ribbons: locks that grow from the scalp, follow the comb and hang.

Each lock is a strip of triangles, a few millimetres wide and tapered to a point. `Mesh.rest` of
hair holds (shade of the lock, position along it, position across it), in [0, 1], for `skin.paint`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from tfrelight.synthesis import noise
from tfrelight.synthesis.body_model import EARS, INSIDE_MOUTH, LIPS
from tfrelight.synthesis.falloff import step
from tfrelight.synthesis.hairstyle import Style, beard_area, scalp
from tfrelight.synthesis.head import Head
from tfrelight.synthesis.mesh import HAIR, SKIN, Mesh, neck_share, solid, unit
from tfrelight.synthesis.skull import Skull

__all__ = ["Below", "grow", "ribbons"]


def _roots(rng, mesh, weight, count):
    """Draws points on skin, with a density of `weight` `[V]`: positions, normals and rest."""
    skin = np.flatnonzero(mesh.material == SKIN)
    corners = mesh.triangles[skin]
    a, b, c = (mesh.rest[corners[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=-1) * weight[corners].mean(1)
    if area.sum() <= 0:
        return tuple(np.zeros((0, 3)) for _ in range(3))
    chosen = corners[rng.choice(len(skin), count, p=area / area.sum())]
    u, v = np.sqrt(rng.random(count)), rng.random(count)
    shares = np.stack([1 - u, u * (1 - v), u * v], -1)[..., None]
    return tuple(
        (values[chosen] * shares).sum(1) for values in (mesh.vertices, mesh.normals, mesh.rest)
    )


def ribbons(
    rng: np.random.Generator,
    paths: np.ndarray,
    outwards: np.ndarray,
    width: np.ndarray,
    shade: np.ndarray,
) -> Mesh:
    """Makes strips along `paths` `[N, S, 3]`, flat against the head and pointed at the end.

    Args:
      rng: turns each strip a little.
      paths: of the strips.
      outwards: `[N, S, 3]` directions away from what they lie on.
      width: `[N]` millimetres.
      shade: `[N]` in [0, 1].
    """
    count, steps, _ = paths.shape
    along = unit(np.gradient(paths, axis=1))
    across = unit(np.cross(along, outwards))
    # Locks do not lie perfectly flat: each turns a little about its axis.
    turn = rng.normal(0, 0.3, (count, 1, 1))
    facing = np.cross(across, along)
    across = across * np.cos(turn) + facing * np.sin(turn)
    facing = np.cross(across, along)
    way = np.linspace(0, 1, steps)
    taper = (np.clip(1.15 - way**2.5, 0.12, 1) * width[:, None] / 2)[..., None]
    vertices = np.stack([paths - across * taper, paths + across * taper], 2)
    round_ = 0.4
    # Light scatters between locks, so hair shades more like its envelope than like its strands.
    facing = 0.4 * facing + outwards
    normals = unit(np.stack([facing - round_ * across, facing + round_ * across], 2))
    rest = np.empty(vertices.shape)
    rest[..., 0] = shade[:, None, None]
    rest[..., 1] = way[None, :, None]
    rest[..., 2] = [0.0, 1.0]
    first = (np.arange(count)[:, None] * steps + np.arange(steps - 1)) * 2
    triangles = np.stack([first, first + 1, first + 3, first, first + 3, first + 2], -1)
    triangles = triangles.reshape(-1, 3)
    vertices = vertices.reshape(-1, 3)
    follow = neck_share(vertices[:, 1])
    return solid(
        vertices, triangles, HAIR, normals.reshape(-1, 3), rest=rest.reshape(-1, 3), follow=follow
    )


class Below:
    """Shoulders and clothes, on which long hair lies.

    Args:
      meshes: of the body and its clothes.
      scale: size of the head.
    """

    def __init__(self, meshes: Sequence[Mesh], scale: float) -> None:
        self._top = -85.0 * scale
        points = [mesh.vertices[mesh.vertices[:, 1] < self._top] for mesh in meshes]
        normals = [mesh.normals[mesh.vertices[:, 1] < self._top] for mesh in meshes]
        self._normals = np.concatenate(normals)
        self._points = np.concatenate(points)
        self._tree = cKDTree(self._points)

    def push_out(self, points: np.ndarray, height: np.ndarray) -> np.ndarray:
        """Moves points `[N, 3]` to at least `height` `[N]` above the nearest of the surfaces."""
        low = np.flatnonzero(points[:, 1] < self._top)
        if not len(low):
            return points
        nearest = self._tree.query(points[low])[1]
        normal = self._normals[nearest]
        above = ((points[low] - self._points[nearest]) * normal).sum(-1)
        lift = np.clip(height[low] - above, 0, 60)
        points = points.copy()
        points[low] += lift[:, None] * normal
        return points


def _locks(rng, skull, below, style, roots, normals, rest, steps):
    """Paths `[N, S, 3]` of head hair, and the directions away from the skull along them."""
    count = len(roots)
    length = style.length * np.clip(rng.normal(1, 0.15, count), 0.4, 1.5)
    top = step(normals[:, 1:2], 0.15, 0.65)
    if style.name == "fringe":  # every lock ends at the same height
        front = np.linalg.norm(rest - rest * [0.8, 0, 0] - [0, 62, 6], axis=-1)
        length = np.where(top[:, 0] * (rest[:, 2] > -75) > 0.4, front + 0.45 * length, 0.8 * length)
    comb = np.asarray(style.comb)
    if style.part is not None:
        comb = comb + np.sign(rest[:, :1] - style.part) * np.array([1.0, 0.0, 0.0])
    # Hair behind the whorl is not combed forward; it would stand up.
    top = top * step(rest[:, 2:], -115, -80)
    # Hair on the sides lies down and back, whichever way the top is combed.
    aside = comb if style.name == "tied" else np.array([0.0, -1.0, -0.35])
    comb = top * comb + (1 - top) * aside
    # Neighbours lean the same way: most of the disorder is between tufts.
    tufts = [noise.field(rest.astype(np.float32), 22.0, style.seed + k) for k in range(3)]
    comb = comb + style.disorder * (0.9 * np.stack(tufts, -1) + 0.3 * rng.normal(0, 1, (count, 3)))
    height = style.volume * rng.random(count) ** 0.7 + 0.6
    tangent = comb - normals * (comb * normals).sum(-1, keepdims=True)
    direction = unit(style.lift * normals + tangent)
    points, paths, outs = roots.copy(), [roots], [normals]
    down = np.array([0.0, -1.0, 0.0])
    for done in range(1, steps):
        way = done / steps
        points = points + direction * (length / (steps - 1))[:, None]
        pushed, outwards = skull.push_out(points, height * min(1.0, 2.5 * way), style.cling)
        # Below the jaw the neck is narrower than the skull's table knows.
        points = np.where(points[:, 1:2] > -70 * skull.scale, pushed, points)
        if style.name in ("long", "braids"):  # brushed away from the face
            face = step(points[:, 2], -50, 0) * step(-points[:, 1], -50, -10)
            face = face * step(75 - np.abs(points[:, 0]), 0, 15)
            points[:, 0] += np.sign(points[:, 0]) * face * 6
        if below is not None and style.length > 100:
            points = below.push_out(points, 6 + height)
        way_of = comb
        if style.name in ("long", "braids", "curly"):  # combed on top of the head, then it falls
            over = step(outwards[:, 1:2], 0.15, 0.6)
            way_of = over * comb + (1 - over) * np.array([0.0, -1.0, -0.15])
        tangent = way_of - outwards * (way_of * outwards).sum(-1, keepdims=True)
        hang = down - 0.6 * outwards * (outwards @ down)[:, None]
        # The longer a step, the further a lock has bent at its end.
        bend = style.weight * (0.3 + way) * max(1.0, length.mean() / (steps - 1) / 13)
        direction = unit(direction + 0.5 * tangent + bend * hang)
        paths.append(points)
        outs.append(outwards)
    paths, outs = np.stack(paths, 1), np.stack(outs, 1)
    # Few people let hair hang over their eyes, so most of these locks go.
    before = (np.abs(paths[..., 0]) < 50) & (paths[..., 2] > 0) & (paths[..., 1] < 12)
    keep = ~before.any(1) | (rng.random(count) < 0.02)
    paths, outs, length, count = paths[keep], outs[keep], length[keep], int(keep.sum())
    if style.curl:
        phase = rng.uniform(0, 2 * np.pi, (count, 1)) + 2 * np.pi * np.linspace(0, 1, steps) * (
            length[:, None] / style.wave
        )
        along = unit(np.gradient(paths, axis=1))
        side = unit(np.cross(along, outs))
        grow = style.curl * np.minimum(np.linspace(0, 3, steps), 1)
        paths = paths + (grow * np.cos(phase))[..., None] * side
        paths = paths + (0.7 * grow * (1 + np.sin(phase)))[..., None] * outs
    return paths, outs


def _whiskers(rng, skull, style, roots, normals):
    """Paths of beard hair: out of the skin, then down."""
    count, steps = len(roots), 4
    length = style.beard * np.clip(rng.normal(1, 0.3, count), 0.3, 1.8)
    lean = np.array([0.0, -1.0, 0.25]) + 0.35 * np.sign(roots[:, :1]) * [1.0, 0.0, 0.0]
    direction = unit(0.55 * normals + 0.8 * lean + rng.normal(0, 0.2, (count, 3)))
    points, paths = roots.copy(), [roots]
    for _ in range(1, steps):
        points = points + direction * (length / (steps - 1))[:, None]
        # Long beards are combed and hang close to the skin.
        points, _ = skull.push_out(points, np.full(count, 0.5), 0.012 * min(style.beard, 30.0))
        direction = unit(direction + (0.3 + 0.015 * style.beard) * lean)
        paths.append(points)
    return np.stack(paths, 1), np.repeat(normals[:, None], steps, 1)


def grow(
    rng: np.random.Generator, head: Head, skull: Skull, style: Style, below: Below | None = None
) -> list[Mesh]:
    """Grows hair and beard on a head, in the head's frame; a shaven head has no mesh.

    Args:
      rng: source of all randomness.
      head: the head, with its mesh.
      skull: of the head.
      style: of hair and beard.
      below: what long hair lies on; None lets it hang.
    """
    mesh = head.mesh
    meshes: list[Mesh] = []
    if style.count and style.density > 0:
        weight = scalp(style, mesh.rest) * (mesh.regions[:, EARS] < 0.3)
        if style.name == "tied":  # sideburns are too short to tie
            weight = weight * ((mesh.rest[:, 1] > 12) | (mesh.rest[:, 2] < -95))
        roots, normals, rest = _roots(rng, mesh, weight, style.count)
        if len(roots):
            steps = 4 if style.length < 12 else 7 if style.length < 60 else 11
            if style.length > 200:
                steps = 15
            if style.curl:  # seven points per wave; fewer make zigzags
                steps = int(np.clip(7 * style.length / style.wave, 11, 24))
            paths, outs = _locks(rng, skull, below, style, roots, normals, rest, steps)
            width = style.width * rng.uniform(0.5, 1.4, len(paths))
            meshes.append(ribbons(rng, paths, outs, width, rng.random(len(paths))))
    if style.beard:
        weight = beard_area(mesh.rest, style.sides, style.moustache) * (mesh.regions[:, LIPS] < 0.3)
        weight = weight * (mesh.regions[:, INSIDE_MOUTH] < 0.3)
        roots, normals, _ = _roots(rng, mesh, weight, 3500)
        if len(roots):
            paths, outs = _whiskers(rng, skull, style, roots, normals)
            width = np.interp(style.beard, [2, 35], [0.6, 1.6]) * rng.uniform(0.6, 1.3, len(roots))
            meshes.append(ribbons(rng, paths, outs, width, rng.random(len(roots))))
    return meshes
