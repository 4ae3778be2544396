"""Draws what a person wears on the head and holds, and fits the hair under it."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfrelight.synthesis import accessories, eyewear, fabric, headwear
from tfrelight.synthesis.body_model import load_model
from tfrelight.synthesis.head import Head
from tfrelight.synthesis.mesh import WORN, Mesh, clip
from tfrelight.synthesis.posture import Posture
from tfrelight.synthesis.skull import Skull
from tfrelight.synthesis.staging import PIVOT
from tfrelight.synthesis.wardrobe import Clothes

__all__ = ["Things", "sample_things"]

# Outfits that leave the neck free for a necklace.
_OPEN = ("t-shirt", "jumper", "dress", "vest", "bare")
_LENS_SHARES = (0.58, 0.12, 0.18, 0.12)


@dataclasses.dataclass
class Things:
    """What a person wears on the head and holds.

    Attributes:
      names: of the things.
      meshes: all that casts shadows; materials follow those of the clothes.
      hair: locks, as far as they show.
      lenses: lenses that one sees through, or None; they cast no shadow.
      tint: `[3]` share of light that passes them twice.
    """

    names: list[str]
    meshes: list[Mesh]
    hair: list[Mesh]
    lenses: Mesh | None
    tint: np.ndarray


def _draw(rng, head, clothes, glasses, things):
    """Names of things."""
    names = []
    if rng.random() < glasses:
        names.append(str(rng.choice(eyewear.LENSES, p=_LENS_SHARES)))
    man = head.sex > 0.5
    hat, small = rng.random(), rng.random()
    if hat < 0.45 * things:
        shares = np.array(list(headwear.HEADWEAR.values()))
        shares[-1] *= 0.15 if man else 2.0  # headscarves
        names.append(str(rng.choice(list(headwear.HEADWEAR), p=shares / shares.sum())))
    elif hat < 0.55 * things:
        names.append("headphones")
    if clothes.name == "hoodie" and hat > 1 - 0.6 * things:
        names.append("hood")
    covered = {"headscarf", "hood", "helmet"} & set(names)
    if not covered and rng.random() < (0.25 if man else 1.2) * things * 0.5:
        names.append("earrings")
    chance = rng.random()
    if chance < (0.1 if man else 0.7) * things and clothes.name in _OPEN:
        names.append("necklace")
    if small < 0.13 * things:
        names.append("mask")
    elif small < 0.22 * things:
        names.append("microphone")
    return names


def _off_the_face(locks, scale):
    """Hair without what grows where a mask is."""
    y, z = locks.vertices[:, 1] / scale, locks.vertices[:, 2] / scale
    return clip(locks, np.maximum(y + 8, -40 - z))


def sample_things(
    rng: np.random.Generator,
    head: Head,
    skull: Skull,
    posture: Posture,
    against_body: np.ndarray,
    clothes: Clothes,
    ring: np.ndarray,
    body: Mesh,
    hair: list[Mesh],
    glasses: float,
    things: float,
    wanted: tuple[str, ...] | None = None,
) -> Things:
    """Draws things. Their finishes are added to those of the clothes.

    Args:
      rng: source of all randomness.
      head: the head, with its mesh.
      skull: of the head, on which hats sit.
      posture: of the arms.
      against_body: `[3, 3]` rotation that the head will make against the body.
      clothes: of the person.
      ring: `[48, 3]` points around the foot of the neck.
      body: the dressed body's skin.
      hair: locks, beard included.
      glasses, things: shares of people with glasses and with other things.
      wanted: names, instead of drawing them.
    """
    names = _draw(rng, head, clothes, glasses, things)
    names = list(wanted) if wanted is not None else names
    finishes, meshes, lenses, tint = clothes.finishes, [], None, np.ones(3)
    below = [body, *clothes.meshes]

    def add(*new):
        """Adds finishes and returns the material of the first."""
        finishes.extend(new)
        return WORN + len(finishes) - len(new)

    for name in names:
        if name in eyewear.LENSES:
            found = eyewear.glasses(rng, head, name, WORN + len(finishes))
            add(*found.finishes)
            meshes.append(found.frame)
            lenses, tint = found.lenses, found.tint
        elif name in headwear.HEADWEAR or name == "hood":
            first = WORN + (0 if name == "hood" else len(finishes))
            if name != "hood":
                add(*headwear.hat_finishes(rng, name))
            hat = headwear.make(rng, name, skull, ring, below, first, first + (name != "hood"))
            meshes += hat.meshes
            pressed = [headwear.press_hair(hat, skull, locks) for locks in hair]
            hair = [locks for locks in pressed if locks is not None]
        elif name == "headphones":
            material = add(accessories.plastic(rng), accessories.plastic(rng))
            meshes += accessories.headphones(rng, head, skull, material)
        elif name == "mask":
            cloth = fabric.sample_cloth(rng, ("cotton",), 0.8)
            if rng.random() < 0.7:  # surgical blue or white
                cloth.pattern = "plain"
                cloth.color = np.array([[0.25, 0.5, 0.65], [0.75, 0.78, 0.8]])[rng.integers(2)]
            cloth.part, cloth.folds = fabric.THINGS, 0.15
            meshes += accessories.mask(rng, head, add(cloth))
            hair = [_off_the_face(locks, skull.scale) for locks in hair]
        elif name == "earrings":
            meshes += accessories.earrings(rng, head, add(accessories.metal(rng)))
        elif name == "necklace":
            meshes += accessories.necklace(rng, ring, below, add(accessories.metal(rng)))
        elif name == "microphone":
            material = add(accessories.plastic(rng), accessories.plastic(rng))
            meshes += accessories.microphone(rng, head, material)
    if {"phone", "microphone"} & set(posture.names):
        material = add(accessories.plastic(rng), accessories.plastic(rng))
        bones = load_model().bones
        meshes += accessories.held(posture, bones, against_body, PIVOT, skull.scale, material)
    return Things(names, meshes, hair, lenses, tint)
