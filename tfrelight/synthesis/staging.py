"""Places a person in front of the camera: pose and framing."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.spatial.transform import Rotation

from tfrelight.photos.blending import smoothstep
from tfrelight.synthesis.body_model import INTEROCULAR_DISTANCE
from tfrelight.synthesis.mesh import Mesh, rotation
from tfrelight.synthesis.render import Camera

__all__ = [
    "FRAMINGS",
    "PIVOT",
    "Pose",
    "apply",
    "frame",
    "sample_pose",
]


FRAMINGS = ("tight", "face", "head", "bust", "half")

# The point about which the head turns, millimetres.
PIVOT = np.array([0.0, -125.0, -110.0])
# The neck turns the head so far against the body, degrees.
_NECK = 62.0


@dataclasses.dataclass
class Pose:
    """How head and body are turned.

    Attributes:
      head: `[3, 3]` rotation of the head, from the neutral person's frame to the camera's.
      body: `[3, 3]` rotation of the body.
    """

    head: np.ndarray
    body: np.ndarray

    @property
    def against_body(self) -> np.ndarray:
        """Rotation `[3, 3]` of the head against the body, in the body's frame."""
        return self.body.T @ self.head


def sample_pose(
    rng: np.random.Generator, tight: bool, yaw: float, pitch: float, roll: float
) -> Pose:
    """Draws a pose; most people look near the camera, some show a profile.

    Args:
      rng: source of all randomness.
      tight: draw small angles more often, as in tightly framed photos.
      yaw, pitch, roll: largest angles, degrees.
    """
    kinds = ["front", "turned", "wide", "profile"]
    kind = rng.choice(kinds, p=[0.7, 0.2, 0.07, 0.03] if tight else [0.46, 0.3, 0.16, 0.08])
    spread = {"front": (8, 6, 3), "turned": (24, 11, 6), "wide": (0, 15, 11), "profile": (0, 8, 5)}
    angles = rng.normal(0, 1, 3) * spread[str(kind)]
    side = rng.choice([-1.0, 1.0])
    if kind == "wide":
        angles[0] = side * rng.uniform(15, 65)
    elif kind == "profile":
        angles[0] = side * rng.uniform(62, 90)
    limits = np.array([yaw, pitch, roll])
    angles = np.clip(angles, -limits, limits)
    share = rng.uniform(0.0, 1.1) if abs(angles[0]) < 45 else rng.uniform(0.3, 1.1)
    turn = np.clip(share * angles[0] + rng.normal(0, 8), angles[0] - _NECK, angles[0] + _NECK)
    body = rotation(turn, 0.25 * angles[1] + rng.normal(0, 2), 0.3 * angles[2] + rng.normal(0, 2))
    return Pose(rotation(*angles), body)


def apply(pose: Pose, mesh: Mesh) -> Mesh:
    """Turns a person: the body about the base of the neck, the head against it by `Mesh.follow`.

    Args:
      pose: how.
      mesh: the person in the neutral pose, origin between the eyes, where it stays.
    """
    turned = np.empty((2,) + mesh.vertices.shape, np.float32)
    for number, values in enumerate((mesh.vertices - PIVOT, mesh.normals)):
        # Rodrigues' formula, by a share of the angle for each vertex.
        vector = Rotation.from_matrix(pose.against_body).as_rotvec()
        angle = np.linalg.norm(vector)
        axis = vector / max(angle, 1e-9)
        part = (angle * mesh.follow)[:, None]
        along = (values @ axis)[:, None] * axis
        side = np.cross(axis, values)
        turned[number] = (
            along + (values - along) * np.cos(part) + side * np.sin(part)
        ) @ pose.body.T
    turned[0] += pose.head @ PIVOT
    return dataclasses.replace(mesh, vertices=turned[0], normals=turned[1])


def frame(
    rng: np.random.Generator, interocular_distance: float, framing: str, pose: Pose
) -> Camera:
    """Frames a person.

    Args:
      rng: source of all randomness.
      interocular_distance: millimetres.
      framing: "tight" is brows to mouth, as tight as the crops of Extended Yale B; "face" and
        "head" go up to head and neck, "bust" to the chest, "half" to the waist.
      pose: of the person; profiles are framed about the head rather than the eyes.
    """
    shares, rows, aside, nearest = {
        "tight": ((0.47, 0.63), (0.16, 0.27), 0.015, 700),
        "face": ((0.32, 0.5), (0.28, 0.42), 0.03, 500),
        "head": ((0.18, 0.32), (0.36, 0.5), 0.05, 600),
        "bust": ((0.105, 0.18), (0.27, 0.45), 0.08, 800),
        "half": ((0.072, 0.105), (0.2, 0.36), 0.08, 1200),
    }[framing]
    share, row = rng.uniform(*shares), rng.uniform(*rows)
    distance = np.exp(rng.uniform(np.log(nearest), np.log(3500)))
    width = interocular_distance / share
    # The waist is the lowest that a person has.
    row = max(row, 1 - 9.6 * share)
    scale = interocular_distance / INTEROCULAR_DISTANCE
    behind = pose.head @ np.array([0.0, 0.0, -45.0]) * scale
    # As windows around found faces: in the middle are the eyes, of a profile the head.
    profile = smoothstep((abs(pose.head[0, 2]) - 0.7) / 0.25)
    return Camera(
        distance=float(max(distance, 2.2 * width)),
        half_width=float(width / 2),
        centre=(
            float(rng.normal(0, aside) * width + profile * behind[0] * rng.uniform(0.5, 1)),
            float((row - 0.5) * width),
        ),
    )
