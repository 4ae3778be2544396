"""Random colours of a person: skin, hair, eyes, make-up."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfrelight import color
from tfrelight.synthesis import pigment
from tfrelight.synthesis.hairstyle import Style
from tfrelight.synthesis.head import Head

__all__ = ["PAINTS", "Appearance", "sample_appearance", "solve_melanin"]


# Scattering factor of the dermis and its volume fraction of blood, by the luminance of the skin.
# Chosen so that red, green and blue fall with luminance in the proportions of skin in photos.
_LUMINANCES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
_SCATTERING = (1.0, 1.0, 1.0, 1.1, 2.0, 5.0)
_BLOOD = (0.012, 0.02, 0.02, 0.0135, 0.014, 0.017)

# Linear RGB albedo of hair: black, dark brown, brown, auburn, dark blond, blond, grey, white.
_HAIR_COLORS = np.array(
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
# Linear RGB albedo of irises: dark brown, brown, hazel, green, blue, grey.
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

# Face paint: stripes on the cheeks, two halves, a mask around the eyes, a clown, a painted animal.
PAINTS = ("stripes", "halves", "mask", "clown", "spots")
_PAINT_COLORS = np.array(
    [
        [0.75, 0.74, 0.7],
        [0.01, 0.01, 0.012],
        [0.5, 0.02, 0.02],
        [0.02, 0.07, 0.4],
        [0.6, 0.45, 0.03],
        [0.04, 0.3, 0.06],
        [0.55, 0.18, 0.02],
    ]
)


@dataclasses.dataclass
class Appearance:
    """The surface of a person, as `sample_appearance` draws it and `skin.paint` shows it.

    Colours are linear RGB albedo `[3]`, lengths millimetres. Other numbers are 0 for none and about
    1 for much, unless noted.

    Attributes:
      seed: of all patterns.
      style: of the hair.
      table: skin colours, `pigment.table`.
      melanin, blood: volume fractions, axes of the table.
      mottling, freckles, flush, under_eye: strength of these variations of the skin's colour.
      moles: number of them.
      lip_blood: volume fraction of blood in the lips.
      lip_paleness: how much less melanin the lips hold than the skin around them.
      lipstick, eyeshadow: colours.
      lipstick_cover, eyeshadow_cover, stubble: shares of the skin that they hide.
      paint: kind of face paint, of `PAINTS`; "" for none.
      paint_colors: `[2, 3]`.
      brow_color: colour.
      brow: shape of the brows (see `skin`).
      hair_color, iris, sclera, teeth: colours.
      pupil: its radius.
      oil: factor on the gloss of the skin.
      roughness: GGX alpha of the skin.
      pores, wrinkles: strength of the relief.
    """

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
    paint: str
    paint_colors: np.ndarray
    brow_color: np.ndarray
    brow: dict[str, float]
    hair_color: np.ndarray
    iris: np.ndarray
    pupil: float
    sclera: np.ndarray
    teeth: np.ndarray
    oil: float
    roughness: float
    pores: float
    wrinkles: float


def solve_melanin(table: np.ndarray, blood: float, luminance: float) -> float:
    """The melanin fraction that gives skin this luminance, or the nearest one possible.

    Args:
      table: `pigment.table`.
      blood: volume fraction of blood.
      luminance: linear, in [0, 1].
    """
    column = np.stack(
        [
            np.interp(np.log(blood), np.log(pigment.BLOOD), color.luminance_numpy(row))
            for row in table
        ]
    )
    return float(np.exp(np.interp(-luminance, -column, np.log(pigment.MELANIN))))


def sample_appearance(rng: np.random.Generator, head: Head, style: Style) -> Appearance:
    """Draws skin, hair colour, eyes and make-up that suit a head.

    The luminance of the skin is uniform from very dark to very pale, so that no skin type is rare;
    ancestry only tilts the distribution.
    """
    african, asian, caucasian = head.ancestry
    tilt = rng.random() ** np.exp(0.5 * (african - caucasian))
    luminance = 0.045 + 0.63 * tilt
    scattering, blood = (
        float(np.exp(np.interp(luminance, _LUMINANCES, np.log(values)) + rng.normal(0, spread)))
        for values, spread in ((_SCATTERING, 0.04), (_BLOOD, 0.3))
    )
    table = pigment.table(round(scattering, 2), round(rng.uniform(0.65, 0.85), 2))
    # The palest values are brighter than any skin; they represent overexposed skin. Scaling keeps
    # the hue of pale skin, where more scattering would turn it grey.
    table = table * np.float32(max(luminance / _LUMINANCES[-1], 1))
    melanin = solve_melanin(table, blood, luminance)

    fair = np.clip((luminance - 0.3) / 0.25, 0, 1) * caucasian
    shares = np.array(
        [0.25 + african + asian, 0.35, 0.3 * fair + 0.08, 0.12 * fair, 0.25 * fair, 0.3 * fair]
    )
    base = _HAIR_COLORS[rng.choice(6, p=shares / shares.sum())]
    grey = np.clip((head.age - 45) / 35 + 0.25 * rng.normal(), 0, 1) * (head.age > 35)
    hair_color = base * (1 - grey) + grey * _HAIR_COLORS[6 + int(rng.random() < grey)]
    if rng.random() < 0.08:
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
    return Appearance(
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
        # A shade or two from the lips' own colour: light on light skin, deep on dark skin.
        lipstick=lipstick * rng.uniform(0.7, 1.3, 3) * np.clip(2.4 * luminance, 0.2, 1.2),
        lipstick_cover=float(made_up) * rng.uniform(0.3, 0.95),
        eyeshadow=rng.uniform(0.02, 0.6, 3) * np.clip(luminance, 0.1, 0.6),
        eyeshadow_cover=float(made_up and rng.random() < 0.6) * rng.uniform(0.2, 0.8),
        stubble=float(man and rng.random() < 0.6) * rng.beta(1.2, 1.8),
        paint=str(rng.choice(PAINTS)) if rng.random() < 0.035 else "",
        paint_colors=rng.choice(_PAINT_COLORS, 2, replace=False),
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
    )
