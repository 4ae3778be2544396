"""Hair that is tied: ponytails and plaits."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfrelight.synthesis import solids
from tfrelight.synthesis.hair import Below, ribbons
from tfrelight.synthesis.hairstyle import Style
from tfrelight.synthesis.mesh import HAIR, Mesh, neck_share, unit
from tfrelight.synthesis.skull import Skull

__all__ = ["tied"]

_STEPS = 14


def _on_skull(skull, point, height):
    return skull.push_out(np.array([point]) * skull.scale, np.array([height]), 1.0)[0][0]


def _ponytail(rng, skull, below, style):
    count = 420
    start = _on_skull(skull, [0.0, style.knot, -175.0], 6.0)
    away = unit(start - skull.middle)
    spread = rng.normal(0, 1, (count, 3)) * [6.0, 6.0, 3.0]
    points = start + spread
    length = style.tail * np.clip(rng.normal(1, 0.12, count), 0.5, 1.3)
    direction = unit(away + 0.3 * rng.normal(0, 1, (count, 3)) + [0.0, 0.3, 0.0])
    lean = rng.normal(0, 0.25)
    paths = [points]
    for _ in range(1, _STEPS):
        points = points + direction * (length / _STEPS)[:, None]
        points, _ = skull.push_out(points, np.full(count, 5.0))
        if below is not None:
            points = below.push_out(points, 3 + 9 * rng.random(count))
        fall = np.array([lean, -1.0, 0.05])
        direction = unit(0.55 * direction + 0.65 * fall + 0.06 * rng.normal(0, 1, (count, 3)))
        paths.append(points)
    paths = np.stack(paths, 1)
    outwards = unit(paths - paths.mean(0) + 1e-3)
    width = rng.uniform(1.6, 3.6, count)
    return ribbons(rng, paths, outwards, width, rng.random(count))


def _plait(rng, skull, below, style, side):
    """One plait of three strands, from behind an ear over the shoulder."""
    start = _on_skull(skull, [side * 62.0, -45.0, -115.0], 8.0)
    steps = int(style.plaits / 5)
    points, direction = start[None], unit(np.array([[side * 0.5, -1.0, -0.1]]))
    path = [start]
    forward = rng.uniform(-0.05, 0.45)
    for _ in range(1, steps):
        points = points + direction * 5.0
        if below is not None:
            points = below.push_out(points, np.array([11.0]))
        direction = unit(0.8 * direction + 0.25 * np.array([[0.0, -1.0, forward]]))
        path.append(points[0])
    path = np.stack(path)
    along = unit(np.gradient(path, axis=0))
    first = unit(np.cross(along, [0.0, 0.2, 1.0]))
    second = np.cross(along, first)
    turn = np.arange(steps) * 5.0 / 11.0
    thick = np.interp(np.linspace(0, 1, steps), [0, 0.1, 0.85, 1], [7.5, 7.0, 4.5, 2.0])
    strands = []
    for k in range(3):
        phase = turn + 2 * np.pi * k / 3
        offset = (0.75 * np.sin(phase))[:, None] * first + (0.4 * np.sin(2 * phase))[
            :, None
        ] * second
        strand = path + thick[:, None] * offset
        follow = neck_share(strand[:, 1])
        tube = solids.tube(strand, 0.62 * thick, HAIR, sides=8, follow=follow)
        way = np.repeat(np.linspace(0, 1, steps), 8)
        across = np.tile(np.linspace(0, 1, 8), steps)
        shade = np.full(len(way), 0.35 + 0.2 * k)
        rest = np.stack([shade, 6 * way, across], -1).astype(np.float32)
        strands.append(dataclasses.replace(tube, rest=rest))
    return Mesh.join(strands)


def tied(rng: np.random.Generator, skull: Skull, style: Style, below: Below | None) -> list[Mesh]:
    """The ponytail or the plaits of a style, in the head's frame."""
    meshes = []
    if style.tail:
        meshes.append(_ponytail(rng, skull, below, style))
    if style.plaits:
        meshes += [_plait(rng, skull, below, style, side) for side in (1, -1)]
    return meshes
