"""Glasses and sunglasses: frames, and lenses that are clear, tinted, black or mirrors."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfrelight.synthesis import fabric, solids
from tfrelight.synthesis.head import Head
from tfrelight.synthesis.mesh import Mesh, unit

__all__ = ["Eyewear", "LENSES", "glasses"]

LENSES = ("clear", "tinted", "black", "mirror")


@dataclasses.dataclass
class Eyewear:
    """Glasses in the head's frame.

    Attributes:
      frame: frames, and the lenses that hide the eyes.
      lenses: the lenses that one sees through, or None.
      finishes: of the frame and of its lenses.
      tint: `[3]` share of the light that passes through the lenses twice, 1 for clear ones.
    """

    frame: Mesh
    lenses: Mesh | None
    finishes: list[fabric.Finish]
    tint: np.ndarray


def _outline(rng, interocular_distance, large):
    """Half width and height of a lens, and points `[40, 2]` of its outline around its centre."""
    width = interocular_distance * (rng.uniform(0.4, 0.47) if large else rng.uniform(0.35, 0.44))
    height = width * (rng.uniform(0.7, 1.0) if large else rng.uniform(0.6, 0.95))
    corner = rng.uniform(2.0, 5.0)
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    # A superellipse is round at exponent 2 and nearly a rectangle at 5.
    x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / corner) * width
    y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / corner) * height
    return width, height, np.stack([x, y], -1)


def _lens(ring, material):
    """A slightly domed lens inside a ring `[40, 3]`."""
    middle = ring.mean(0)
    share = np.linspace(1, 0.02, 6)[:, None, None]
    grid = middle + (ring - middle) * share + [0.0, 0.0, 1.6] * (1 - share**2)
    mesh = solids.sheet(grid[::-1], material, True)
    # The few triangles would break a reflection up.
    bent = (mesh.vertices - middle) * [0.007, 0.007, 0] + [0.005 * middle[0], 0.0, 1.0]
    return dataclasses.replace(mesh, normals=unit(bent).astype(np.float32))


def glasses(rng: np.random.Generator, head: Head, kind: str, material: int) -> Eyewear:
    """Draws glasses.

    Args:
      rng: source of all randomness.
      head: the head, with its mesh.
      kind: of `LENSES`.
      material: of the frame; its lenses have the next one.
    """
    used = np.unique(head.mesh.triangles)
    skin = head.mesh.vertices[used]
    skin = skin[head.mesh.rest[used, 1] > -150]
    interocular_distance = head.interocular_distance
    width, height, outline = _outline(rng, interocular_distance, kind != "clear")
    thickness = rng.uniform(0.6, 2.4)
    low = -0.1 * interocular_distance
    near = (np.abs(skin[:, 0]) < interocular_distance * 0.95) & (
        np.abs(skin[:, 1]) < 0.5 * interocular_distance
    )
    front = skin[near & (np.abs(skin[:, 0]) > 0.25 * interocular_distance), 2].max() + 3.0
    bridge = skin[near & (np.abs(skin[:, 0]) < 4) & (np.abs(skin[:, 1]) < 6), 2].max() + 1.5
    front = max(front, bridge - 4.0)
    wide = np.abs(skin[np.abs(skin[:, 1]) < 15, 0]).max()
    pieces, lenses = [], []
    opaque = kind in ("black", "mirror")
    for sign in (1, -1):
        # Frames curve around the face.
        x = sign * interocular_distance / 2 + outline[:, 0]
        ring = np.stack([x, outline[:, 1] + low, front - 0.0025 * x**2], -1)
        pieces.append(solids.tube(ring, thickness, material, True))
        lenses.append(_lens(ring, material + 1))
        hinge = np.array([sign * (interocular_distance / 2 + width), low + 0.5 * height, 0.0])
        hinge[2] = front - 0.0025 * hinge[0] ** 2
        ear = np.array([sign * (wide - 8), low + 0.3 * height, -85.0])
        pieces.append(solids.tube(np.linspace(hinge, ear, 6), thickness, material))
    inner = interocular_distance / 2 - width
    arch = np.linspace(-1, 1, 7)
    path = np.stack([inner * arch, low + 0.25 * height + 2 * (1 - arch**2), np.full(7, bridge)], -1)
    pieces.append(solids.tube(path, thickness, material))
    metal = rng.random() < 0.3
    color = rng.choice([0.012, 0.03, 0.25]) * np.exp(rng.normal(0, 0.3, 3))
    frame = fabric.Finish(
        fabric.THINGS, color, gloss=9.0 if metal else 2.0, roughness=0.18 if metal else 0.25
    )
    level = {
        "clear": (0.004, 1.6, 1.0),
        "tinted": (0.01, 1.6, rng.uniform(0.1, 0.55)),
        "black": (0.006, 1.6, 0.0),
        "mirror": (0.01, rng.uniform(8, 22), 0.0),
    }[kind]
    hue = np.exp(rng.normal(0, 0.35, 3)) if kind in ("tinted", "mirror") else np.ones(3)
    lens = fabric.Finish(fabric.THINGS, level[0] * hue, gloss=level[1], roughness=0.05)
    tint = np.clip(level[2] * hue / hue.max(), 0, 1) if kind == "tinted" else np.ones(3)
    return Eyewear(
        frame=Mesh.join(pieces + (lenses if opaque else [])),
        lenses=None if opaque else Mesh.join(lenses),
        finishes=[frame, lens],
        tint=tint,
    )
