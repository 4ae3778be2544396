"""Clothes as surfaces of their own: the body's surface, moved outwards, smoothed and cut.

Cuts are defined on the neutral body (`Mesh.rest`, millimetres, origin between the eyes) by fields
that are positive where there is cloth and fall by about 1 a millimetre towards an edge.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from scipy import sparse

from tfrelight.synthesis import noise
from tfrelight.synthesis.body_model import BodyModel, load_model
from tfrelight.synthesis.falloff import step
from tfrelight.synthesis.mesh import SKIN, Mesh, clip, neck_share, unit, vertex_normals
from tfrelight.synthesis.posture import Posture, deform

__all__ = ["Cut", "cover", "covered", "field", "garment"]

_TORSO = 150.0  # radius of the torso, millimetres of cloth per radian
_SLEEVE = 55.0
# Skin further than this under cloth is left out, millimetres from the cloth's edge.
_DEEP = 14.0


@dataclasses.dataclass
class Cut:
    """Where a garment ends and how it hangs; lengths are millimetres.

    Attributes:
      front, back: height of the neckline in front and behind.
      width: half of the neckline's width where it crosses the shoulders.
      pointed: True for a V neckline, False for a round one.
      sleeve: length of the sleeves from the shoulder; 0 for none.
      open: half of the gap in front at the collar, which closes at `button`; None if closed.
      button: height at which an open front closes.
      strap: distance of straps from the middle, for garments whose neckline leaves the shoulders
        bare; None for none.
      gap: distance from the skin.
      drape: how far cloth hangs away from hollows, in steps of smoothing.
      folds: depth of the folds.
      edge: share of the distance from the skin that is left at the edges; what is worn over other
        clothes keeps most of it.
    """

    front: float = -196.0
    back: float = -150.0
    width: float = 74.0
    pointed: bool = False
    sleeve: float = 438.0
    open: float | None = None
    button: float = -480.0
    strap: float | None = None
    gap: float = 4.0
    drape: int = 40
    folds: float = 2.0
    edge: float = 0.45


@dataclasses.dataclass
class _Plan:
    """What the cuts need of the neutral body, at its surface's vertices."""

    arm: np.ndarray
    limb: np.ndarray
    along: np.ndarray
    torso: np.ndarray
    sleeve: np.ndarray
    triangles: np.ndarray
    neighbours: sparse.csr_matrix
    free: np.ndarray
    flat: np.ndarray


@functools.lru_cache(maxsize=1)
def _plan():
    model = load_model()
    rest = model.rest
    arm = np.zeros(len(rest), np.float32)
    along = np.zeros(len(rest), np.float32)
    turn = np.arctan2(rest[:, 0], rest[:, 2] + 120)
    torso = np.stack([_TORSO * turn, rest[:, 1]], -1)
    sleeve = np.zeros_like(torso)
    joints = dict(zip(model.bones, model.joints(model.neutral)))
    for letter in "lr":
        bones = [k for k, name in enumerate(model.bones) if name.endswith("_" + letter)]
        bones = [k for k in bones if not model.bones[k].startswith("clavicle")]
        weight = model.weights[:, bones].sum(1)
        shoulder, elbow, hand = (
            joints[f"{name}_{letter}"] for name in ("upperarm", "lowerarm", "hand")
        )
        upper, fore = unit(elbow - shoulder), unit(hand - elbow)
        beyond = (rest - elbow) @ unit(upper + fore) > 0
        length = np.linalg.norm(elbow - shoulder)
        own = np.where(beyond, length + (rest - elbow) @ fore, (rest - shoulder) @ upper)
        mine = weight > 0.5
        arm, along = np.maximum(arm, weight), np.where(mine, own, along)
        foot = np.where(beyond[:, None], elbow, shoulder)
        axis = np.where(beyond[:, None], fore, upper)
        away = rest - foot - ((rest - foot) * axis).sum(-1, keepdims=True) * axis
        side = unit(np.cross(axis, [0.0, 0.0, 1.0]))
        angle = np.arctan2((away * side).sum(-1), (away * np.cross(side, axis)).sum(-1))
        near = (weight > 0)[:, None]
        sleeve = np.where(near, np.stack([_SLEEVE * angle, -own], -1), sleeve)
    # The rig's weights change within a quad; armholes are smoother.
    neutral = model.neutral
    quads = model.quads
    ends = np.stack([quads, np.roll(quads, -1, axis=1)], -1).reshape(-1, 2)
    count = len(neutral)
    ones = np.ones(len(ends))
    graph = sparse.csr_matrix((ones, (ends[:, 0], ends[:, 1])), shape=(count, count))
    graph = ((graph + graph.T) > 0).astype(np.float32)
    degree = np.maximum(np.asarray(graph.sum(1)).ravel(), 1)
    neighbours = sparse.diags(1 / degree) @ graph
    limb = np.array([name[-2:] in ("_l", "_r") and "clav" not in name for name in model.bones])
    control = model.control_weights[:, limb].sum(1)
    for _ in range(12):
        control = 0.5 * (control + neighbours @ control)
    free = (neutral[:, 1] < -90) & (neutral[:, 1] > -640)
    # Cloth bridges the tips of the breasts, whose quads are too small for smoothing to reach.
    breast = np.flatnonzero(
        (np.abs(np.abs(neutral[:, 0]) - 85) < 45) & (np.abs(neutral[:, 1] + 350) < 60)
    )
    tips = [
        breast[np.argmax(neutral[breast, 2] + 1e3 * (side * neutral[breast, 0] > 0))]
        for side in (1, -1)
    ]
    near = [np.linalg.norm(neutral - neutral[tip], axis=1) < 24 for tip in tips]
    skin = (model.material == SKIN) & (rest[model.triangles, 1] < -85).all(1)
    return _Plan(
        arm=arm.astype(np.float32),
        limb=model.refine(control).astype(np.float32),
        along=along.astype(np.float32),
        torso=torso.astype(np.float32),
        sleeve=sleeve.astype(np.float32),
        triangles=np.flatnonzero(skin),
        neighbours=neighbours,
        free=free[:, None].astype(np.float32),
        flat=np.flatnonzero((near[0] | near[1]) & free),
    )


def field(cut: Cut) -> np.ndarray:
    """Where a cut has cloth, at the vertices of the body's surface, `[W]`: above 0."""
    plan, rest = _plan(), load_model().rest
    x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
    behind = step(-z, 105, 150)
    middle = cut.front * (1 - behind) + cut.back * behind
    rise = (x / cut.width) ** (1.0 if cut.pointed else 2.2)
    line = middle + (-112.0 - middle) * rise
    found = np.minimum(line - y, 400)
    if cut.strap is not None:
        found = np.minimum(cut.front + 22 * step(x, 0, 110) - y, (0.42 - plan.limb) * 160)
        strap = np.minimum(11 - np.abs(x - cut.strap), 60.0)
        found = np.maximum(found, np.where((y < -105) & (y > cut.front - 40), strap, -60.0))
    elif cut.sleeve:
        found = np.minimum(found, np.where(plan.arm > 0.5, cut.sleeve - plan.along, 400.0))
    else:
        found = np.minimum(found, (0.42 - plan.limb) * 160)
    if cut.open is not None:
        top = -150.0
        gap = np.interp(y, [cut.button - 140, cut.button, top], [14.0, 0.0, cut.open])
        found = np.minimum(found, np.where(z > -120, x - gap, 400.0))
    return found.astype(np.float32)


def _pattern_coordinates(triangles):
    """Millimetres of cloth `[T, 3, 2]` at the corners of triangles of the body's surface."""
    plan = _plan()
    arm = plan.arm[triangles].mean(1) > 0.5
    places = np.where(arm[:, None, None], plan.sleeve[triangles], plan.torso[triangles])
    # Cloth that goes around the body meets itself at the back.
    across = places[..., 0].copy()
    turn = 2 * np.pi * np.where(arm, _SLEEVE, _TORSO)[:, None]
    wide = np.ptp(across, axis=1, keepdims=True) > turn / 2
    places[..., 0] += np.where(wide & (across < 0), turn, 0)
    return places


def covered(triangles: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Which triangles `[T, 3]` of the body's surface lie deep under cloth, `[T]` bool.

    Args:
      triangles: indices of the surface's vertices.
      values: `[W]` from `field` of the cloth.
    """
    return (values[triangles] > _DEEP).all(1)


def cover(model: BodyModel, vertices: np.ndarray, cut: Cut) -> np.ndarray:
    """The surface that cloth would have everywhere on the body, `[W, 3]`, in its own posture.

    Args:
      model: the model.
      vertices: `[V, 3]` its control vertices.
      cut: how far cloth is from the skin and how it hangs.
    """
    plan = _plan()
    corners = model.quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
    body = vertices.copy()
    tips = plan.neighbours[plan.flat]
    for _ in range(120):
        body[plan.flat] = tips @ body
    for _ in range(8):  # cloth does not follow small shapes
        body += 0.5 * plan.free * (plan.neighbours @ body - body)
    normals = vertex_normals(body, corners)
    # Smoothing shrank the body about as far as it lies inside itself.
    gap = cut.gap + np.maximum(((vertices - body) * normals).sum(-1, keepdims=True), 0).clip(0, 3)
    cloth = body + gap * normals
    for _ in range(cut.drape):
        cloth += 0.5 * plan.free * (plan.neighbours @ cloth - cloth)
        height = ((cloth - body) * normals).sum(-1, keepdims=True)
        cloth += np.maximum(gap - height, 0) * normals
    return model.refine(cloth.astype(np.float32))


def garment(
    model: BodyModel,
    vertices: np.ndarray,
    skin: np.ndarray,
    posture: Posture,
    cut: Cut,
    values: np.ndarray,
    material: int,
    seed: int,
    above: np.ndarray | None = None,
) -> Mesh:
    """A garment on a body in a posture.

    Args:
      model: the model.
      vertices: `[V, 3]` its control vertices before the bones turn.
      skin: `[W, 3]` the body's surface before the bones turn.
      posture: of the bones.
      cut: of the garment.
      values: `[W]` from `field` of the cut.
      material: of its triangles.
      seed: of its folds.
      above: `[W]` from `field` of what lies over it; what it covers is left out, because it might
        show through.
    """
    plan = _plan()
    surface = cover(model, vertices, cut)
    if cut.folds:
        # Folds run down the torso and around the sleeves.
        points = model.rest * np.where(plan.arm[:, None] > 0.5, [0.5, 1.6, 0.5], [1.0, 0.33, 0.6])
        height = noise.field(points.astype(np.float32), 75.0, seed)
        height = np.maximum(height, -0.6) + 0.3
        normals = vertex_normals(surface, model.triangles)
        surface = surface + (cut.folds * step(values, 0, 60) * height)[:, None] * normals
    # Edges lie on the skin, or on the clothes below.
    surface = skin + (surface - skin) * (cut.edge + (1 - cut.edge) * step(values, 0, 25))[:, None]
    surface = deform(posture, model.weights, surface.astype(np.float32))
    triangles = model.triangles[plan.triangles]
    if above is not None:
        triangles = triangles[~covered(triangles, above)]
    mesh = Mesh(
        vertices=surface,
        normals=vertex_normals(surface, triangles),
        triangles=triangles,
        material=np.full(len(triangles), material, np.uint8),
        rest=model.rest,
        coordinates=_pattern_coordinates(triangles),
        regions=0 * model.regions,
        follow=neck_share(model.rest[:, 1]),
    )
    return clip(mesh, values)
