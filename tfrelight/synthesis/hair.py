"""Hair and beards as ribbons: locks that grow from the scalp, follow a comb and hang.

Every lock is a strip of triangles a few millimetres wide that ends in a point. `Mesh.rest` of hair
holds (shade of the lock, way along it, way across it), all in 0..1, for the painter.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from tfrelight.synthesis import noise
from tfrelight.synthesis.falloff import step
from tfrelight.synthesis.hairstyle import SKULL, Style, beard_area, scalp
from tfrelight.synthesis.head import Head
from tfrelight.synthesis.head_model import EARS, INSIDE_MOUTH, LIPS, load_model
from tfrelight.synthesis.mesh import HAIR, SKIN, Mesh

__all__ = ["grow"]


class _Skull:
    """Distance of the surface from the middle of the skull by direction, to keep locks outside."""

    def __init__(self, head: Head):
        mesh = head.mesh
        inner = (
            (mesh.rest[:, 1] > -135)
            & (mesh.regions[:, EARS] < 0.3)
            & (mesh.regions[:, INSIDE_MOUTH] < 0.5)
        )
        points = mesh.vertices[inner].astype(np.float64)
        scale = np.linalg.norm(head.eye_centres[0] - head.eye_centres[1]) / 61.6
        self.middle = SKULL * scale
        offset = points - self.middle
        radius = np.linalg.norm(offset, axis=-1)
        self._shape = (28, 56)
        row, column = self._cell(offset / radius[:, None])
        table = np.zeros(self._shape)
        np.maximum.at(table, (row.astype(int), column.astype(int)), radius)
        for _ in range(6):  # fill the cells that hold no vertex from their neighbours
            table = np.where(
                table > 0, table, ndimage.maximum_filter(table, 3, mode=("nearest", "wrap"))
            )
        self._table = ndimage.gaussian_filter(table, 0.7, mode=("nearest", "wrap"))

    def _cell(self, direction):
        height, width = self._shape
        row = np.arccos(np.clip(direction[:, 1], -1, 1)) / np.pi * (height - 1e-6)
        column = (np.arctan2(direction[:, 0], direction[:, 2]) / (2 * np.pi) + 0.5) * (width - 1e-6)
        return row, column

    def push_out(self, points, height, cling=0.0):
        """Points `[N, 3]` at least `height` `[N]` off the skin, and their ways out `[N, 3]`.

        What is higher comes down by the share `cling`.
        """
        offset = points - self.middle
        radius = np.maximum(np.linalg.norm(offset, axis=-1), 1e-6)
        outwards = offset / radius[:, None]
        row, column = self._cell(outwards)
        surface = ndimage.map_coordinates(
            self._table, [row - 0.5, column - 0.5], order=1, mode="grid-wrap"
        )
        lowest = surface + height
        radius = np.maximum(lowest, radius - cling * np.maximum(radius - lowest, 0))
        return self.middle + outwards * radius[:, None], outwards


def _roots(rng, mesh, weight, count):
    """Points on skin by area times `weight` `[V]`: positions, normals, rest, `[count, 3]`."""
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


def _unit(vectors):
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _ribbons(rng, paths, outwards, width, shade):
    """Strips along `paths` `[N, S, 3]`, flat against the head, pointed at the end."""
    count, steps, _ = paths.shape
    along = _unit(np.gradient(paths, axis=1))
    across = _unit(np.cross(along, outwards))
    # Locks do not all lie flat: each is turned a little about its own axis.
    turn = rng.normal(0, 0.3, (count, 1, 1))
    facing = np.cross(across, along)
    across = across * np.cos(turn) + facing * np.sin(turn)
    facing = np.cross(across, along)
    way = np.linspace(0, 1, steps)
    taper = (np.clip(1.15 - way**2.5, 0.12, 1) * width[:, None] / 2)[..., None]
    vertices = np.stack([paths - across * taper, paths + across * taper], 2)
    round_ = 0.4
    # Light scatters between locks: a mass of hair shades more like its envelope than like its
    # strands.
    facing = 0.4 * facing + outwards
    normals = _unit(np.stack([facing - round_ * across, facing + round_ * across], 2))
    rest = np.empty(vertices.shape)
    rest[..., 0] = shade[:, None, None]
    rest[..., 1] = way[None, :, None]
    rest[..., 2] = [0.0, 1.0]
    first = (np.arange(count)[:, None] * steps + np.arange(steps - 1)) * 2
    triangles = np.stack([first, first + 1, first + 3, first, first + 3, first + 2], -1)
    triangles = triangles.reshape(-1, 3)
    total = count * steps * 2
    return Mesh(
        vertices=vertices.reshape(-1, 3).astype(np.float32),
        normals=normals.reshape(-1, 3).astype(np.float32),
        triangles=triangles.astype(np.int32),
        material=np.full(len(triangles), HAIR, np.uint8),
        rest=rest.reshape(-1, 3).astype(np.float32),
        coordinates=np.zeros((len(triangles), 3, 2), np.float32),
        regions=np.zeros((total, len(load_model().region_names)), np.float32),
    )


def _locks(rng, skull, style, roots, normals, rest, steps):
    """Paths `[N, S, 3]` of head hair, and directions outwards along them."""
    count = len(roots)
    length = style.length * np.clip(rng.normal(1, 0.15, count), 0.4, 1.5)
    top = step(normals[:, 1:2], 0.15, 0.65)
    if style.name == "fringe":  # cut at one height, wherever a lock starts
        front = np.linalg.norm(rest - rest * [0.8, 0, 0] - [0, 62, 6], axis=-1)
        length = np.where(top[:, 0] * (rest[:, 2] > -75) > 0.4, front + 0.45 * length, 0.8 * length)
    comb = np.asarray(style.comb)
    if style.part is not None:
        comb = comb + np.sign(rest[:, :1] - style.part) * np.array([1.0, 0.0, 0.0])
    # Behind the whorl nothing is combed forward: it would stand up.
    top = top * step(rest[:, 2:], -115, -80)
    # What grows on the sides lies down and back, whatever the top is combed to.
    aside = comb if style.name == "tied" else np.array([0.0, -1.0, -0.35])
    comb = top * comb + (1 - top) * aside
    # Neighbours lean the same way: the disorder of locks is mostly that of tufts.
    tufts = [noise.field(rest.astype(np.float32), 22.0, style.seed + k) for k in range(3)]
    comb = comb + style.disorder * (0.9 * np.stack(tufts, -1) + 0.3 * rng.normal(0, 1, (count, 3)))
    height = style.volume * rng.random(count) ** 0.7 + 0.6
    tangent = comb - normals * (comb * normals).sum(-1, keepdims=True)
    direction = _unit(style.lift * normals + tangent)
    points, paths, outs = roots.copy(), [roots], [normals]
    down = np.array([0.0, -1.0, 0.0])
    for done in range(1, steps):
        way = done / steps
        points = points + direction * (length / (steps - 1))[:, None]
        points, outwards = skull.push_out(points, height * min(1.0, 2.5 * way), style.cling)
        if style.name == "long":  # kept off the face, as a hand or a pin does
            face = step(points[:, 2], -50, 0) * step(-points[:, 1], -50, -10)
            face = face * step(75 - np.abs(points[:, 0]), 0, 15)
            points[:, 0] += np.sign(points[:, 0]) * face * 6
        tangent = comb - outwards * (comb * outwards).sum(-1, keepdims=True)
        hang = down - 0.6 * outwards * (outwards @ down)[:, None]
        direction = _unit(direction + 0.5 * tangent + style.weight * (0.3 + way) * hang)
        paths.append(points)
        outs.append(outwards)
    paths, outs = np.stack(paths, 1), np.stack(outs, 1)
    # Few people keep hair hanging over their eyes: most such locks are cut or tucked away.
    before = (np.abs(paths[..., 0]) < 50) & (paths[..., 2] > 0) & (paths[..., 1] < 12)
    keep = ~before.any(1) | (rng.random(count) < 0.02)
    paths, outs, length, count = paths[keep], outs[keep], length[keep], int(keep.sum())
    if style.curl:
        phase = rng.uniform(0, 2 * np.pi, (count, 1)) + 2 * np.pi * np.linspace(0, 1, steps) * (
            length[:, None] / style.wave
        )
        along = _unit(np.gradient(paths, axis=1))
        side = _unit(np.cross(along, outs))
        grow = style.curl * np.minimum(np.linspace(0, 3, steps), 1)
        paths = paths + (grow * np.cos(phase))[..., None] * side
        paths = paths + (0.7 * grow * (1 + np.sin(phase)))[..., None] * outs
    return paths, outs


def _whiskers(rng, skull, style, roots, normals):
    """Paths of beard hair: out of the skin, then down."""
    count, steps = len(roots), 4
    length = style.beard * np.clip(rng.normal(1, 0.3, count), 0.3, 1.8)
    lean = np.array([0.0, -1.0, 0.25]) + 0.35 * np.sign(roots[:, :1]) * [1.0, 0.0, 0.0]
    direction = _unit(0.55 * normals + 0.8 * lean + rng.normal(0, 0.2, (count, 3)))
    points, paths = roots.copy(), [roots]
    for _ in range(1, steps):
        points = points + direction * (length / (steps - 1))[:, None]
        # Long beards are combed: they hang close and do not bristle.
        points, _ = skull.push_out(points, np.full(count, 0.5), 0.012 * min(style.beard, 30.0))
        direction = _unit(direction + (0.3 + 0.015 * style.beard) * lean)
        paths.append(points)
    return np.stack(paths, 1), np.repeat(normals[:, None], steps, 1)


def grow(rng: np.random.Generator, head: Head, style: Style) -> list:
    """Meshes of hair and beard on a head, in the head's frame; none for a shaven head."""
    skull = _Skull(head)
    mesh = head.mesh
    meshes = []
    if style.count and style.density > 0:
        weight = scalp(style, mesh.rest) * (mesh.regions[:, EARS] < 0.3)
        if style.name == "tied":  # sideburns are too short to be tied
            weight = weight * ((mesh.rest[:, 1] > 12) | (mesh.rest[:, 2] < -95))
        roots, normals, rest = _roots(rng, mesh, weight, style.count)
        if len(roots):
            steps = 4 if style.length < 12 else 7 if style.length < 60 else 11
            if style.curl:  # seven points a wave: fewer would make zigzags of it
                steps = int(np.clip(7 * style.length / style.wave, 11, 24))
            paths, outs = _locks(rng, skull, style, roots, normals, rest, steps)
            width = style.width * rng.uniform(0.5, 1.4, len(paths))
            meshes.append(_ribbons(rng, paths, outs, width, rng.random(len(paths))))
    if style.beard:
        weight = beard_area(mesh.rest, style.sides, style.moustache) * (mesh.regions[:, LIPS] < 0.3)
        weight = weight * (mesh.regions[:, INSIDE_MOUTH] < 0.3)
        roots, normals, _ = _roots(rng, mesh, weight, 3500)
        if len(roots):
            paths, outs = _whiskers(rng, skull, style, roots, normals)
            width = np.interp(style.beard, [2, 35], [0.6, 1.6]) * rng.uniform(0.6, 1.3, len(roots))
            meshes.append(_ribbons(rng, paths, outs, width, rng.random(len(roots))))
    return meshes
