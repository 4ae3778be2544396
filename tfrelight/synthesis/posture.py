"""Postures of the arms and hands: bones turn, and the surface follows them.

Positions are in the frame of the person before the head turns: millimetres, origin between the
eyes, x to the person's left.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tfrelight.synthesis.body_model import INTEROCULAR_DISTANCE, BodyModel
from tfrelight.synthesis.mesh import unit

__all__ = ["NEAR_FACE", "Posture", "deform", "sample_posture"]

_FINGERS = ("thumb", "index", "middle", "ring", "pinky")

# Arms that hang or rest: directions of upper arm, forearm and palm, for the person's left side.
_HANGING = {
    "down": ((0.16, -1.0, 0.02), (0.02, -1.0, 0.25), (-1.0, 0.0, -0.2)),
    "behind": ((0.22, -1.0, -0.3), (-0.25, -1.0, -0.25), (-0.6, 0.0, -0.8)),
    "clasped": ((0.2, -1.0, 0.1), (-0.6, -0.6, 0.7), (-0.6, -0.2, -0.8)),
    "hips": ((0.7, -0.75, -0.15), (-0.6, -0.65, 0.2), (-0.6, 0.0, -0.6)),
    "crossed": ((0.1, -0.95, 0.3), (-0.95, 0.12, 0.3), (-0.1, -0.3, -1.0)),
}
# Hands near the face: point of the neutral head that is touched, how far along the hand from the
# wrist it is touched, directions of the fingers and of the palm, how much the fingers are bent (0
# to 1).
_TOUCHING = {
    "chin": ((2, -124, 24), 92, (-0.45, 0.85, 0.15), (-0.1, 0.3, -1.0), 0.95),
    "cheek": ((68, -62, -4), 105, (0.1, 0.95, -0.2), (-1.0, 0.1, -0.3), 0.15),
    "temple": ((75, 12, -18), 160, (-0.3, 0.9, -0.1), (-0.8, -0.2, -0.5), 0.3),
    "mouth": ((4, -74, 44), 115, (-0.8, 0.55, 0.1), (-0.1, 0.1, -1.0), 0.12),
    "forehead": ((6, 30, 34), 130, (-0.4, 0.9, 0.05), (0.0, 0.0, -1.0), 0.1),
    "shade": ((25, 34, 48), 150, (-0.95, 0.2, 0.25), (0.0, -1.0, -0.25), 0.08),
    "phone": ((86, -40, -20), 92, (-0.05, 0.95, 0.0), (-1.0, 0.05, 0.1), 0.45),
    "hair": ((52, 92, -45), 140, (-0.5, 0.8, -0.35), (-0.5, -0.7, -0.3), 0.3),
    "glasses": ((68, 0, 0), 165, (-0.55, 0.6, -0.25), (-0.75, -0.3, -0.6), 0.35),
    "stop": ((40, -30, 190), 95, (-0.1, 1.0, 0.0), (0.0, 0.0, 1.0), 0.02),
    "wave": ((215, -20, 60), 95, (0.15, 1.0, 0.05), (0.0, 0.0, 1.0), 0.05),
    "reach": ((190, -60, 520), 60, (0.1, 0.3, 1.0), (0.0, -1.0, 0.2), 0.1),
    "microphone": ((16, -140, 108), 88, (-0.75, 0.6, 0.25), (-0.45, 0.0, -0.9), 1.0),
}
NEAR_FACE = frozenset(_TOUCHING)


def _frame(along, side):
    """Orthonormal axes `[3, 3]` in columns: `along`, and `side` as far as it is across."""
    along = unit(along)
    across = unit(np.asarray(side) - along * (along @ np.asarray(side)))
    return np.stack([along, across, np.cross(along, across)], 1)


def _about(axis, angle):
    """Rotation `[3, 3]` about an axis by an angle in radians (Rodrigues)."""
    x, y, z = unit(axis)
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew


@dataclasses.dataclass
class Posture:
    """Where the bones are.

    Attributes:
      names: what the person's left and right arm do, keys of the tables above.
      rotations: `[B, 3, 3]` of each bone from the model's posture.
      origins: `[B, 3]` the joints in the model's posture.
      joints: `[B, 3]` the joints in this posture.
    """

    names: tuple[str, str]
    rotations: np.ndarray
    origins: np.ndarray
    joints: np.ndarray


def deform(posture: Posture, weights: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Moves points `[N, 3]` with the bones: linear blend skinning with weights `[N, B]`."""
    turned = posture.rotations.transpose(0, 2, 1)
    shift = posture.joints - np.einsum("bi,bij->bj", posture.origins, turned)
    matrices = (weights @ turned.reshape(-1, 9).astype(np.float32)).reshape(-1, 3, 3)
    moved = np.einsum("ni,nij->nj", points, matrices) + weights @ shift.astype(np.float32)
    return moved.astype(np.float32)


class _Arm:
    """One arm of the model: turns its bones so that the hand reaches a place."""

    def __init__(self, model: BodyModel, joints, side):
        self.side = side
        letter = "l" if side > 0 else "r"
        self.index = {
            name: model.bones.index(f"{name}_{letter}")
            for name in ("clavicle", "upperarm", "lowerarm", "hand")
        }
        self.fingers = {
            name: [model.bones.index(f"{name}_0{k}_{letter}") for k in (1, 2, 3)]
            for name in _FINGERS
        }
        self.joints = joints
        at = {name: joints[index] for name, index in self.index.items()}
        self.shoulder, self.elbow, self.wrist = at["upperarm"], at["lowerarm"], at["hand"]
        self.upper, self.fore = self.elbow - self.shoulder, self.wrist - self.elbow
        self.hinge = np.cross(self.upper, self.fore)
        knuckles = {name: joints[bones[0]] - self.wrist for name, bones in self.fingers.items()}
        self.hand = knuckles["middle"]
        self.palm = -side * np.cross(knuckles["index"], knuckles["pinky"])

    def mirrored(self, vector):
        return np.array([self.side, 1.0, 1.0]) * np.asarray(vector)

    def reach(self, shoulder, wrist):
        """Directions of upper arm and forearm that bring the wrist to a place, elbow down."""
        upper, fore = np.linalg.norm(self.upper), np.linalg.norm(self.fore)
        offset = wrist - shoulder
        length = np.clip(np.linalg.norm(offset), abs(upper - fore) + 15, 0.985 * (upper + fore))
        along = unit(offset)
        cosine = (upper**2 + length**2 - fore**2) / (2 * upper * length)
        down = self.mirrored([0.75, -1.0, -0.2])
        down = unit(down - along * (along @ down))
        elbow = upper * (cosine * along + np.sqrt(max(1 - cosine**2, 0)) * down)
        return unit(elbow), unit(along * length - elbow)

    def turn(self, rotations, upper, fore, hand, palm, bend, rng):
        """Sets the rotations of the arm's bones from directions in the posture."""
        hinge = np.cross(upper, fore)
        if np.linalg.norm(hinge) < 0.05:  # a straight arm keeps the model's hinge
            hinge = _frame(upper, self.hinge)[:, 1]
        rotations[self.index["upperarm"]] = _frame(upper, hinge) @ _frame(self.upper, self.hinge).T
        forearm = _frame(fore, hinge) @ _frame(self.fore, self.hinge).T
        turned = _frame(hand, palm) @ _frame(self.hand, self.palm).T
        # The forearm takes half of the hand's twist about it, so that neither end is wrung.
        carried = _frame(fore, forearm @ self.palm)
        wanted = carried.T @ _frame(fore, turned @ self.palm)
        twist = np.arctan2(wanted[2, 1], wanted[1, 1])
        rotations[self.index["lowerarm"]] = _about(fore, 0.55 * twist) @ forearm
        rotations[self.index["hand"]] = turned
        across = np.cross(self.hand, self.palm)
        for k, (name, bones) in enumerate(self.fingers.items()):
            spread = (k - 2) * self.side * rng.uniform(0.0, 0.1) * (1 - bend)
            local = _about(self.palm, spread)
            for joint, bone in enumerate(bones):
                share = (0.25, 0.35, 0.4)[joint] if name == "thumb" else (1.2, 1.6, 0.9)[joint]
                angle = np.clip(bend + rng.normal(0, 0.04), 0, 1) * share
                local = _about(across, angle) @ local
                rotations[bone] = turned @ local


def _place(posture, model):
    """Joints `[B, 3]` of the turned bones, from the first bone outwards."""
    joints = posture.origins.copy()
    for bone, parent in enumerate(model.parents):
        if parent >= 0:
            step = posture.origins[bone] - posture.origins[parent]
            joints[bone] = joints[parent] + posture.rotations[parent] @ step
    return joints


def sample_posture(
    rng: np.random.Generator,
    model: BodyModel,
    vertices: np.ndarray,
    head: np.ndarray,
    pivot: np.ndarray,
    near_face: float,
    gesture: str | None = None,
) -> Posture:
    """Draws what the arms do.

    Args:
      rng: source of all randomness.
      model: the model.
      vertices: `[V, 3]` its control vertices, origin between the eyes.
      head: `[3, 3]` rotation that the head will make against the body; hands follow it.
      pivot: `[3]` the point that the head turns about.
      near_face: share of people with a hand near the face.
      gesture: of `NEAR_FACE`, instead of drawing one.
    """
    origins = model.joints(vertices).astype(float)
    rotations = np.repeat(np.eye(3)[None], len(origins), axis=0)
    scale = np.linalg.norm(np.subtract(*model.eyes(vertices)[0])) / INTEROCULAR_DISTANCE
    name = str(rng.choice(list(_HANGING), p=[0.62, 0.1, 0.1, 0.08, 0.1]))
    names = [name, name if rng.random() < 0.8 or name == "crossed" else "down"]
    if rng.random() < near_face or gesture:
        touching = str(rng.choice(list(_TOUCHING)))
        touching = gesture or touching
        names[int(rng.integers(2))] = touching
        if name == "crossed":
            names = [touching if one == touching else "down" for one in names]
        if touching in ("cheek", "chin", "hair") and rng.random() < 0.2:
            names = [touching, touching]
    posture = Posture((names[0], names[1]), rotations, origins, origins)
    for side, name in zip((1, -1), names):
        arm = _Arm(model, origins, side)
        # Shoulders rise a little, with the arm.
        lift = np.radians(
            rng.normal(1, 4) + (8 if name in ("hair", "wave", "reach", "shade") else 0)
        )
        rotations[arm.index["clavicle"]] = _about([0, 0, 1], side * lift)
        shoulder = _place(posture, model)[arm.index["upperarm"]]
        if name in _HANGING:
            upper, fore, palm = (
                unit(arm.mirrored(np.array(part) + rng.normal(0, 0.07, 3)))
                for part in _HANGING[name]
            )
            if name == "crossed" and side < 0:  # the right arm lies on the left one
                upper, fore = unit(upper + [0, 0, 0.22]), unit(fore + [0, 0.16, 0.1])
            hand, bend = fore, rng.uniform(0.15, 0.5)
        else:
            point, along, fingers, facing, bend = _TOUCHING[name]
            hand = unit(arm.mirrored(np.array(fingers) + rng.normal(0, 0.08, 3)))
            palm = arm.mirrored(facing)
            palm = unit(palm - hand * (hand @ palm))
            touched = arm.mirrored(np.array(point) + rng.normal(0, 5, 3)) * scale
            wrist = touched - hand * along * scale - palm * 16 * scale
            wrist = pivot + head @ (wrist - pivot)
            hand, palm = head @ hand, head @ palm
            upper, fore = arm.reach(shoulder, wrist)
        arm.turn(rotations, upper, fore, hand, palm, bend, rng)
    posture.joints = _place(posture, model)
    return posture
