"""A person's colours: skin, hair, eyes, make-up and clothes, drawn once for each."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfrelight import color
from tfrelight.synthesis import pigment
from tfrelight.synthesis.hairstyle import Style
from tfrelight.synthesis.head import Head

__all__ = ["HAIR_COLORS", "Look", "sample_look"]

_LUMINANCE = np.float32(color.LUMINANCE)

# Linear RGB of a mass of hair: black, dark brown, brown, auburn, dark blond, blond, grey, white.
HAIR_COLORS = np.array(
    [
        [0.018, 0.015, 0.013],
        [0.045, 0.028, 0.018],
        [0.105, 0.062, 0.034],
        [0.210, 0.080, 0.035],
        [0.230, 0.155, 0.085],
        [0.420, 0.300, 0.160],
        [0.240, 0.235, 0.230],
        [0.600, 0.590, 0.570],
    ]
)
# Irises: dark brown, brown, hazel, green, blue, grey.
_IRISES = np.array(
    [
        [0.030, 0.014, 0.008],
        [0.075, 0.035, 0.015],
        [0.130, 0.085, 0.035],
        [0.110, 0.130, 0.065],
        [0.090, 0.150, 0.230],
        [0.150, 0.180, 0.200],
    ]
)


@dataclasses.dataclass
class Look:
    """Everything about a person's surface that is drawn once; see `sample_look`."""

    seed: int
    style: Style
    table: np.ndarray
    melanin: float
    blood: float
    mottling: float
    freckles: float
    moles: int
    flush: float
    under_eye: float
    lip_blood: float
    lip_paleness: float
    lipstick: np.ndarray
    lipstick_cover: float
    eyeshadow: np.ndarray
    eyeshadow_cover: float
    stubble: float
    brow_color: np.ndarray
    brow: dict
    hair_color: np.ndarray
    iris: np.ndarray
    pupil: float
    sclera: np.ndarray
    teeth: np.ndarray
    oil: float
    roughness: float
    pores: float
    wrinkles: float
    cloth: dict
    frames: np.ndarray


def solve_melanin(table, blood, luminance):
    """Melanin fraction at which skin with this blood has this luminance, or comes nearest."""
    column = np.stack(
        [np.interp(np.log(blood), np.log(pigment.BLOOD), row @ _LUMINANCE) for row in table]
    )
    return float(np.exp(np.interp(-luminance, -column, np.log(pigment.MELANIN))))


def sample_look(rng: np.random.Generator, head: Head, style: Style) -> Look:
    """Draws skin, hair colour, eyes and make-up that go with a head.

    The luminance of the skin is drawn evenly from very dark to very pale, so that no skin type is
    rare; ancestry only tilts the draw.
    """
    african, asian, caucasian = head.ancestry
    tilt = rng.random() ** np.exp(0.5 * (african - caucasian))
    luminance = 0.045 + 0.665 * tilt
    scattering = float(
        np.interp(luminance, [0.1, 0.35, 0.65, 0.71], [1.0, 1.3, 2.9, 4.0]) * rng.uniform(0.95, 1.1)
    )
    blood = float(
        np.exp(
            rng.normal(np.log(np.interp(luminance, [0.1, 0.3, 0.6], [0.022, 0.015, 0.004])), 0.3)
        )
    )
    table = pigment.table(round(scattering, 2), round(rng.uniform(0.65, 0.85), 2))
    melanin = solve_melanin(table, blood, luminance)

    fair = np.clip((luminance - 0.3) / 0.25, 0, 1) * caucasian
    shares = np.array(
        [0.25 + african + asian, 0.35, 0.3 * fair + 0.08, 0.12 * fair, 0.25 * fair, 0.3 * fair]
    )
    base = HAIR_COLORS[rng.choice(6, p=shares / shares.sum())]
    grey = np.clip((head.age - 45) / 35 + 0.25 * rng.normal(), 0, 1) * (head.age > 35)
    hair_color = base * (1 - grey) + grey * HAIR_COLORS[6 + int(rng.random() < grey)]
    if rng.random() < 0.04:
        hair_color = rng.uniform(0.02, 0.5, 3)  # dyed
    hair_color = np.clip(hair_color * np.exp(rng.normal(0, 0.15)), 0.012, 0.75)

    light_eyes = fair * rng.random()
    iris = _IRISES[
        rng.integers(2, 6) if light_eyes > 0.35 else rng.integers(0, 2 + int(luminance > 0.3))
    ]
    made_up = rng.random() < 0.5 * (1 - head.sex) * (head.age > 16)
    lipstick = rng.choice(
        [[0.45, 0.03, 0.05], [0.4, 0.12, 0.14], [0.25, 0.03, 0.08], [0.3, 0.1, 0.06]]
    )
    man = head.sex > 0.5 and head.age > 17
    return Look(
        seed=int(rng.integers(2**31)),
        style=style,
        table=table,
        melanin=melanin,
        blood=blood,
        mottling=rng.uniform(0.03, 0.14),
        freckles=float(luminance > 0.2 and rng.random() < 0.1 + 0.25 * fair)
        * rng.uniform(0.2, 0.9),
        moles=int(rng.poisson(3)),
        flush=rng.gamma(2.0, 0.35),
        under_eye=rng.uniform(0, 0.7) + 0.4 * rng.random() * (head.age > 40),
        lip_blood=float(np.exp(rng.normal(np.log(0.06), 0.4))),
        lip_paleness=rng.uniform(-0.12, 0.16),
        # Worn a shade or two off the lips' own, light on light skin and deep on dark.
        lipstick=lipstick * rng.uniform(0.7, 1.3, 3) * np.clip(2.4 * luminance, 0.2, 1.2),
        lipstick_cover=float(made_up) * rng.uniform(0.3, 0.95),
        eyeshadow=rng.uniform(0.02, 0.6, 3) * np.clip(luminance, 0.1, 0.6),
        eyeshadow_cover=float(made_up and rng.random() < 0.6) * rng.uniform(0.2, 0.8),
        stubble=float(man and rng.random() < 0.6) * rng.beta(1.2, 1.8),
        brow_color=np.clip((0.3 * hair_color + 0.4 * base) * rng.uniform(0.6, 1.2), 0.01, 0.4),
        brow=dict(
            lift=rng.normal(0, 1.8),
            arch=rng.uniform(-1, 6),
            inner=rng.uniform(8, 15),
            length=rng.uniform(34, 46),
            thickness=rng.uniform(1.6, 3.6) * (1 + 0.5 * head.sex),
            density=rng.uniform(0.35, 0.95),
            slope=rng.normal(0, 2.0),
        ),
        hair_color=hair_color,
        iris=iris * rng.uniform(0.8, 1.2),
        pupil=rng.uniform(1.1, 2.6),
        sclera=np.array([0.52, 0.48, 0.45])
        * rng.uniform(0.75, 1.1)
        * np.exp(rng.normal(0, 0.03, 3)),
        teeth=np.array([0.62, 0.56, 0.45]) * rng.uniform(0.7, 1.15),
        oil=min(rng.gamma(3.0, 0.28), 2.2),
        roughness=rng.uniform(0.28, 0.5),
        pores=rng.uniform(0.4, 1.2),
        wrinkles=float(np.clip((head.age - 25) / 50 + 0.2 * rng.normal(), 0.03, 1.1)),
        cloth=dict(
            line=rng.uniform(-215, -150) if rng.random() < 0.8 else -1000.0,
            slope=rng.uniform(0.0, 0.7),
            color=rng.uniform(0.01, 0.6) * np.exp(rng.normal(0, 0.5, 3)),
            other=rng.uniform(0.01, 0.6) * np.exp(rng.normal(0, 0.4, 3)),
            stripes=rng.choice(["plain", "across", "along", "checked"], p=[0.6, 0.15, 0.1, 0.15]),
            pitch=rng.uniform(6, 30),
        ),
        frames=rng.choice([0.012, 0.03, 0.25]) * np.exp(rng.normal(0, 0.3, 3)),
    )
