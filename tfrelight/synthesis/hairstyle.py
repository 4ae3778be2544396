"""Random cuts of hair and beard, and the areas of the head where they grow."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tfrelight.synthesis.falloff import step
from tfrelight.synthesis.head import Head

__all__ = ["SKULL", "Style", "beard_area", "sample_style", "scalp"]

# Centre of the skull on the neutral head, millimetres.
SKULL = np.array([0.0, 25.0, -72.0])
# Hairline of the neutral head: height in millimetres by the angle from the front in degrees.
_ANGLES = np.array([0, 20, 38, 50, 60, 70, 80, 90, 100, 112, 130, 155, 180])
_HEIGHTS = np.array([64, 62, 56, 44, 30, 14, -14, 2, 12, -12, -38, -52, -55])


@dataclasses.dataclass
class Style:
    """How hair and beard grow; lengths and widths are in millimetres.

    Attributes:
      name: of the style (`sample_style`).
      seed: of the tufts.
      density: of the hair painted on the scalp, 0 (bald) to 1 (full).
      forehead: height of the hairline above the usual one.
      recession: height of the hairline at the temples above the usual one.
      crown: radius of a bald top, 0 for none.
      length, width, count: of the locks.
      lift: how steeply locks leave the skin.
      comb: direction that locks are combed to, (right, up, forward).
      part: x of the parting, or None.
      weight: strength of gravity.
      cling: share of their height above the skin that locks lose at every step.
      curl, wave: radius and length of waves.
      volume: height of the hair above the skin.
      disorder: of the locks' directions.
      tail: length of a ponytail, 0 for none, that starts at the height `knot`.
      plaits: length of two plaits, 0 for none.
      beard: length of the beard, 0 for none.
      moustache, sides: parts of the beard.
    """

    name: str
    seed: int
    density: float
    forehead: float
    recession: float
    crown: float
    length: float
    width: float
    count: int
    lift: float
    comb: tuple[float, float, float]
    part: float | None
    weight: float
    cling: float
    curl: float
    wave: float
    volume: float
    disorder: float
    tail: float = 0.0
    knot: float = 0.0
    plaits: float = 0.0
    beard: float = 0.0
    moustache: bool = False
    sides: bool = False


def scalp(style: Style, rest: np.ndarray) -> np.ndarray:
    """Where hair of a style grows, `[N]` in [0, 1], at points `[N, 3]` of the neutral head."""
    angle = np.degrees(np.arctan2(np.abs(rest[:, 0]), rest[:, 2] - SKULL[2]))
    line = np.interp(angle, _ANGLES, _HEIGHTS)
    line = line + style.forehead * np.exp(-((angle / 45) ** 2))
    line = line + style.recession * np.exp(-(((angle - 33) / 16) ** 2))
    mask = step(rest[:, 1] - line, -3, 5)
    if style.crown > 0:
        top = np.array([0.0, 118.0, -55.0])
        away = np.linalg.norm((rest - top) * [1.0, 0.9, 0.75], axis=-1)
        mask = mask * step(away, style.crown - 8, style.crown + 12)
    return mask.astype(np.float32)


def beard_area(rest: np.ndarray, sides: bool = True, moustache: bool = True) -> np.ndarray:
    """Where a beard grows, `[N]` in [0, 1], at points `[N, 3]` of the neutral head."""
    x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
    top = np.interp(x, [0, 24, 30, 45, 60, 72], [-78, -76, -58, -52, -40, -12])
    mask = step(top - y, -3, 5) * step(y, -150, -120) * step(z, -92, -72)
    if not sides:
        mask = mask * step(-x, -34, -24) * step(y, -128, -112)
    if moustache:
        lip = step(y, -66, -61) * step(-43 - y, -3, 2) * step(-x, -36, -27) * (z > -40)
        lip = lip + step(-x, -38, -31) * step(x, 24, 28) * step(-y, 44, 52) * step(y, -80, -70)
        mask = np.maximum(mask, np.clip(lip, 0, 1))
    return mask.astype(np.float32)


def sample_style(rng: np.random.Generator, head: Head) -> Style:
    """Draws a hair style, with probabilities that depend on sex, age and ancestry."""
    man = rng.random() < head.sex
    old = np.clip((head.age - 30) / 45, 0, 1)
    names = ["bald", "buzz", "short", "fringe", "curly", "tied", "long", "afro", "braids"]
    men = [0.10, 0.16, 0.40, 0.16, 0.12, 0.02, 0.05, 0.01, 0.01]
    women = [0.02, 0.03, 0.12, 0.17, 0.14, 0.2, 0.35, 0.01, 0.01]
    shares = np.array(men if man else women)
    shares[[4, 7, 8]] += np.array([0.2, 0.15, 0.1]) * head.ancestry[0]
    name = str(rng.choice(names, p=shares / shares.sum()))
    style: dict[str, Any] = dict(
        name=name,
        seed=int(rng.integers(2**31)),
        density=rng.uniform(0.75, 1.0),
        forehead=rng.normal(0, 5) + 5 * old,
        recession=abs(rng.normal(0, 6)) + 16 * old * rng.random() * man,
        crown=0.0,
        part=None,
        curl=0.0,
        wave=30.0,
        lift=0.3,
        weight=0.2,
        cling=0.4,
        volume=rng.uniform(3, 9),
        disorder=rng.uniform(0.08, 0.35),
        comb=(rng.normal(0, 0.4), 0.0, rng.uniform(-1, 0.6)),
        length=40.0,
        width=2.2,
        count=3000,
    )
    if man and rng.random() < 0.45 * old:
        style["crown"] = rng.uniform(40, 75)
    if name == "bald":
        style.update(density=rng.choice([0.0, rng.uniform(0.1, 0.6)]), count=0)
    elif name == "buzz":
        style.update(length=rng.uniform(3, 9), width=1.0, count=6000, lift=1.2, volume=1.0)
        style["cling"] = 0.0
    elif name == "short":
        style.update(length=rng.uniform(14, 55), lift=0.25, count=4200)
        if style["length"] < 28 and rng.random() < 0.5:  # longer hair does not stand up
            style.update(lift=1.1, cling=0.0)
        style["width"] = np.interp(style["length"], [14, 55], [1.2, 2.0])
    elif name == "fringe":
        side = rng.normal(0, 0.35)
        style.update(comb=(side, 0.0, 1.0), length=rng.uniform(45, 85), lift=0.25, weight=0.4)
        style.update(part=None if rng.random() < 0.6 else rng.normal(0, 25), width=2.2, count=3400)
    elif name == "curly":
        tight = rng.random() < 0.3 + 0.5 * head.ancestry[0]
        style.update(lift=1.3, weight=0.1 if tight else 0.6, disorder=0.5, width=1.6, count=4200)
        style.update(length=rng.uniform(10, 55) if tight else rng.uniform(50, 150), cling=0.0)
        # Tight coils are finer than a pixel; disorder stands in for them.
        style.update(curl=2.0 if tight else rng.uniform(3, 6))
        style["wave"] = max(10.0 if tight else 28.0, style["length"] / 3)
        style["volume"] = rng.uniform(3, 14)
    elif name == "tied":
        style.update(comb=(0.0, 0.1, -1.0), length=rng.uniform(90, 150), lift=0.08, weight=0.0)
        style.update(volume=rng.uniform(1, 4), disorder=0.05, width=2.6)
        kind = rng.random()
        if kind < 0.5:
            style.update(tail=float(rng.uniform(90, 380)), knot=float(rng.uniform(-30, 75)))
        elif kind < 0.75:
            style.update(plaits=float(rng.uniform(180, 380)))
    elif name == "afro":
        style.update(length=rng.uniform(25, 95), lift=3.0, weight=0.0, disorder=0.55, cling=0.0)
        style.update(comb=(0.0, 0.0, 0.0), width=2.4, count=6000, curl=2.2, wave=14.0, volume=2.0)
    elif name == "braids":
        style.update(length=rng.uniform(150, 420), part=rng.normal(0, 22), weight=1.3, lift=0.2)
        style.update(comb=(0.0, 0.0, rng.uniform(-0.8, 0.1)), width=6.5, count=380, cling=0.3)
        style.update(disorder=0.12, volume=5.0)
    else:
        style.update(length=rng.uniform(140, 430), part=rng.normal(0, 22), weight=1.3, lift=0.3)
        style.update(comb=(0.0, 0.0, rng.uniform(-0.8, 0.1)), width=2.4, count=3400, cling=0.3)
        style.update(curl=rng.choice([0.0, rng.uniform(2, 8)]), wave=rng.uniform(40, 90))
    if man and head.age > 19 and rng.random() < 0.38:
        style["beard"] = float(np.exp(rng.uniform(np.log(2.5), np.log(35))))
        kind = rng.random()
        style.update(moustache=kind < 0.85, sides=kind > 0.3)
    return Style(**style)
