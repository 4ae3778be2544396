"""What the surface of a head looks like: skin, lips, brows, eyes, teeth, and its fine relief.

Patterns live on the neutral head (`Hits.rest`, millimetres, origin between the eyes), so they move
with the face. Colours are linear RGB albedo and never contain shading.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tfrelight.synthesis import atlases, hair, noise, pigment
from tfrelight.synthesis import head as heads
from tfrelight.synthesis.head import Head
from tfrelight.synthesis.render import Hits

__all__ = ["Look", "Surface", "paint", "sample_look"]

_LUMINANCE = np.float32([0.2126, 0.7152, 0.0722])
_REGIONS = {"face": 0, "lips": 1, "eyelids": 2, "ears": 3, "inside_mouth": 4}

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
class Surface:
    """What light meets at M hits.

    albedo: `[M, 3]` linear. normal: `[M, 3]` unit, with relief. gloss: `[M]` factor on the Fresnel
    reflectance of skin (0.028). roughness: `[M]` GGX alpha. scatter: `[M]` 0..1, how much light
    spreads below the surface.
    """

    albedo: np.ndarray
    normal: np.ndarray
    gloss: np.ndarray
    roughness: np.ndarray
    scatter: np.ndarray


@dataclasses.dataclass
class Look:
    """Everything about a person's surface that is drawn once; see `sample_look`."""

    seed: int
    style: hair.Style
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


def _solve_melanin(table, blood, luminance):
    """Melanin fraction at which skin with this blood has this luminance, or comes nearest."""
    column = np.stack(
        [np.interp(np.log(blood), np.log(pigment.BLOOD), row @ _LUMINANCE) for row in table]
    )
    return float(np.exp(np.interp(-luminance, -column, np.log(pigment.MELANIN))))


def sample_look(rng: np.random.Generator, head: Head, style: hair.Style) -> Look:
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
    melanin = _solve_melanin(table, blood, luminance)

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


def _bump(distance, width):
    return np.exp(-0.5 * (distance / width) ** 2)


def _spot(rest, x, y, width, height):
    """Soft spot on both halves of the face, `[N]` 0..1."""
    return _bump(np.abs(rest[:, 0]) - x, width) * _bump(rest[:, 1] - y, height) * (rest[:, 2] > -40)


def _step(value, low, high):
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _brows(look, rest):
    """`[N]` cover of the brows by hairs."""
    brow = look.brow
    x = np.abs(rest[:, 0])
    along = (x - brow["inner"]) / brow["length"]
    near = np.flatnonzero(
        (along > -0.15) & (along < 1.15) & (np.abs(rest[:, 1] - 20) < 22) & (rest[:, 2] > -40)
    )
    cover = np.zeros(len(rest), np.float32)
    if not len(near):
        return cover
    s, y, side = along[near], rest[near, 1], np.sign(rest[near, 0])
    middle = (
        17
        + brow["lift"]
        + brow["slope"] * (s - 0.5)
        + brow["arch"] * np.sin(np.pi * np.clip(s, 0, 1) ** 1.3)
    )
    middle = middle - 5.5 * np.clip(s - 0.55, 0, 1) ** 1.5 * 2
    half = brow["thickness"] * np.interp(s, [-0.1, 0.08, 0.6, 1.05], [0.5, 1.2, 1.0, 0.25])
    across = (y - middle) / half
    # Hairs: stretched noise, upright at the nose and lying outwards at the tail.
    lean = np.interp(s, [0, 0.25, 1], [1.3, 0.5, -0.15])
    u = x[near] - lean * (y - middle)
    v = y - middle + lean * 0.5 * x[near]
    points = np.stack([u, v, 30 * side], -1).astype(np.float32)
    strands = noise.field(points, (1.6, 7.0, 9.0), look.seed) + 0.5 * noise.field(
        points, (0.9, 5.0, 9.0), look.seed + 1
    )
    body = brow["density"] * 1.15 * (1 - across**2) * _step(s, -0.12, 0.1) * _step(-s, -1.12, -0.75)
    cover[near] = np.clip(0.9 * body + 0.13 * strands * np.clip(1.6 - across**2, 0, 1), 0, 1) * (
        body > -0.5
    )
    return np.clip(cover, 0, 0.95)


def _lookup(look, melanin, blood):
    """Albedo `[N, 3]` of melanin and blood fractions `[N]`."""
    rows = np.interp(np.log(melanin), np.log(pigment.MELANIN), np.arange(len(pigment.MELANIN)))
    columns = np.interp(np.log(blood), np.log(pigment.BLOOD), np.arange(len(pigment.BLOOD)))
    row, column = rows.astype(int).clip(0, 46), columns.astype(int).clip(0, 22)
    a, b = (rows - row)[:, None].astype(np.float32), (columns - column)[:, None].astype(np.float32)
    table = look.table
    top = table[row, column] * (1 - b) + table[row, column + 1] * b
    bottom = table[row + 1, column] * (1 - b) + table[row + 1, column + 1] * b
    return top * (1 - a) + bottom * a


def _skin(look, head, rest, regions):
    """Albedo, gloss, roughness and scatter of skin at `[N, 3]` rest points."""
    x, y = np.abs(rest[:, 0]), rest[:, 1]
    seed = look.seed
    coarse = noise.field(rest, 45.0, seed)
    medium = noise.field(rest, 13.0, seed + 1)
    fine = noise.field(rest, 3.5, seed + 2)
    mottled = look.mottling * (0.8 * coarse + 0.35 * medium + 0.5 * fine)
    flush = (
        _spot(rest, 33, -38, 15, 13)
        + 0.9 * _bump(rest[:, 0], 11) * _bump(y + 34, 12) * (rest[:, 2] > 5)
        + 0.4 * _bump(rest[:, 0], 16) * _bump(y + 105, 12)
        + 0.8 * regions[:, _REGIONS["ears"]]
    )
    under = _spot(rest, 27, -16, 14, 5.5) + 0.5 * _spot(rest, 12, -4, 5, 10)
    lids = regions[:, _REGIONS["eyelids"]]
    log_melanin = (
        np.log(look.melanin) + 0.22 * mottled + 0.45 * look.under_eye * under + 0.15 * lids
    )
    log_blood = (
        np.log(look.blood)
        + 0.9 * look.mottling * noise.field(rest, 24.0, seed + 3)
        + look.flush * flush
    )
    log_blood = log_blood + 0.8 * look.under_eye * under + 0.5 * lids
    if look.freckles:
        dots = noise.field(rest, 4.2, seed + 4) + 0.3 * noise.field(rest, 1.8, seed + 5)
        where = np.exp(-((x - 20) ** 2) / 900 - (y + 25) ** 2 / 1100) + 0.25
        log_melanin = log_melanin + look.freckles * 1.1 * _step(dots, 0.9, 2.0) * where
    rng = np.random.default_rng(seed)
    for _ in range(look.moles):
        place = rng.uniform([-55, -100], [55, 50])
        radius = rng.gamma(3.0, 0.25)
        spot = ((rest[:, :2] - place) ** 2).sum(-1) < (3 * radius) ** 2
        if spot.any():
            distance = np.sqrt(((rest[spot, :2] - place) ** 2).sum(-1))
            log_melanin[spot] += rng.uniform(0.6, 1.8) * _step(
                -distance, -radius * 1.3, -radius * 0.7
            )
    lips = _step(regions[:, _REGIONS["lips"]] + 0.06 * fine, 0.35, 0.65)
    mouth = _step(regions[:, _REGIONS["inside_mouth"]], 0.3, 0.7)
    wet = np.maximum(lips, mouth)
    log_blood = log_blood * (1 - wet) + wet * np.log(look.lip_blood)
    # Lips carry less melanin than the skin around them, but dark skin has dark lips.
    log_melanin = log_melanin - look.lip_paleness * wet * np.maximum(log_melanin - np.log(0.012), 0)
    albedo = _lookup(look, np.exp(log_melanin), np.exp(log_blood))
    cover = (look.lipstick_cover * lips * (1 - mouth))[:, None]
    albedo = albedo * (1 - cover) + cover * look.lipstick
    if look.eyeshadow_cover:
        shadow = _step(lids, 0.2, 0.8) + _spot(rest, 31, 10, 15, 5)
        cover = (look.eyeshadow_cover * np.clip(shadow, 0, 1) * (y > -2))[:, None]
        albedo = albedo * (1 - cover) + cover * look.eyeshadow
    if look.stubble:
        dots = np.clip(0.75 + 0.5 * noise.field(rest, 1.1, seed + 6) + 0.25 * medium, 0, 1.4)
        cover = 0.62 * look.stubble * hair.beard_area(rest) * (1 - lips) * dots
        albedo = albedo * (1 - cover[:, None]) + cover[:, None] * look.hair_color * 1.3
    albedo = albedo * (1 - 0.75 * mouth[:, None])
    style = look.style
    ears = regions[:, _REGIONS["ears"]]
    # Noise frays the edges of the mask and nothing else.
    fray = 1 + 0.25 * medium + 0.25 * fine
    grown = style.density * _step(hair.scalp(style, rest) * fray, 0.15, 0.85)
    grown = grown * (1 - _step(ears, 0.2, 0.5))
    if style.beard:
        area = _step(hair.beard_area(rest, style.sides, style.moustache) * fray, 0.15, 0.85)
        full = np.interp(style.beard, [2, 10], [0.45, 0.75])
        grown = np.maximum(grown, full * area * (1 - lips) * (1 - ears))
    grown = np.clip(grown, 0, 0.97)[:, None]
    albedo = albedo * (1 - grown) + grown * look.hair_color * 0.9
    cover = (_brows(look, rest) * (1 - mouth))[:, None]
    albedo = albedo * (1 - cover) + cover * look.brow_color
    # The T of forehead and nose, and chin, are oilier; lips are wet.
    t_zone = _bump(rest[:, 0], 14) * _step(y, -50, -20) + 0.7 * _bump(rest[:, 0], 45) * _step(
        y, 15, 35
    )
    hairs = np.maximum(cover, grown)[:, 0]
    gloss = look.oil * (0.65 + 0.6 * np.clip(t_zone, 0, 1)) * (1 - 0.7 * hairs) + 0.3 * wet
    rough = look.roughness * (1 - 0.2 * np.clip(t_zone, 0, 1)) * (1 - 0.3 * wet)
    scatter = 1 - 0.8 * hairs
    clothed = _step(look.cloth["line"] + look.cloth["slope"] * x - y, -0.7, 0.7)
    if clothed.any():
        albedo = albedo * (1 - clothed[:, None]) + clothed[:, None] * _cloth(look, rest)
        gloss, rough = gloss * (1 - 0.8 * clothed), np.maximum(rough, 0.7 * clothed)
        scatter = scatter * (1 - clothed)
    return albedo, gloss, rough, scatter


def _cloth(look, rest):
    """Albedo of plain, striped or checked cloth."""
    cloth = look.cloth
    across = np.sin(rest[:, 1] * 2 * np.pi / cloth["pitch"]) > 0.2
    along = np.sin(rest[:, 0] * 2 * np.pi / cloth["pitch"]) > 0.2
    share = {
        "plain": np.zeros(len(rest)),
        "across": across.astype(float),
        "along": along.astype(float),
        "checked": 0.5 * across + 0.5 * along,
    }[cloth["stripes"]][:, None]
    color = cloth["color"] * (1 - share) + cloth["other"] * share
    return np.clip(color, 0.01, 0.85)


def _hair(look, hits):
    """Albedo, normal and gloss of locks, from their rest coordinates (shade, along, across)."""
    shade, along, across = hits.rest.T
    points = np.stack([shade * 400, along * 1.5, across * 5], -1).astype(np.float32)
    strands, slope = noise.gradient(points, 1.3, look.seed + 300)
    tone = (0.7 + 0.6 * shade) * (1 + 0.22 * strands) * (0.8 + 0.3 * np.minimum(3 * along, 1))
    albedo = look.hair_color * np.clip(tone, 0.3, 1.8)[:, None]
    # Strands roughen the normal across the lock; which way that is in space matters little here.
    jitter = np.stack([slope[:, 2], strands, 0 * strands], -1) * 0.07
    normal = hits.normal + np.clip(jitter, -0.5, 0.5)
    return albedo, normal / np.linalg.norm(normal, axis=-1, keepdims=True)


def _ridges(rest, wavelength, seed, sharpness):
    """Thin valleys along the zero lines of a noise field: height `[N]` and gradient `[N, 3]`."""
    value, slope = noise.gradient(rest, wavelength, seed)
    valley = np.exp(-0.5 * (value / sharpness) ** 2)
    return -valley, (valley * value / sharpness**2)[:, None] * slope


def _relief(look, rest, regions):
    """Gradient `[N, 3]` of the skin's height over the smooth head, in its rest frame."""
    seed = look.seed + 100
    x, y = np.abs(rest[:, 0]), rest[:, 1]
    front = (rest[:, 2] > -60).astype(np.float32)
    total = np.zeros_like(rest)

    def add(slope, weight):
        nonlocal total
        total += slope * weight[:, None]

    one = np.ones(len(rest), np.float32)
    _, pores = noise.gradient(rest, 1.3, seed)
    add(pores, one * 0.022 * look.pores)
    _, bumps = noise.gradient(rest, 4.0, seed + 1)
    add(bumps, one * (0.025 + 0.03 * look.wrinkles) * look.pores)
    _, lumps = noise.gradient(rest, 15.0, seed + 2)
    add(lumps, one * (0.05 + 0.06 * look.wrinkles))

    lips = regions[:, _REGIONS["lips"]]
    _, grooves = noise.gradient(rest, (2.2, 14.0, 14.0), seed + 3)
    add(grooves, 0.06 * lips)
    depth = look.wrinkles
    if depth > 0.08:
        _, lines = _ridges(rest, (75.0, 17.0, 60.0), seed + 4, 0.22)
        add(
            lines,
            0.75 * depth * front * _step(y, 26, 36) * _step(-y, -75, -58) * _step(-x, -58, -40),
        )
        _, frown = _ridges(rest, (13.0, 40.0, 40.0), seed + 5, 0.25)
        add(frown, 0.5 * depth * front * _bump(x, 8) * _bump(y - 18, 9))
        # Crow's feet: rays from the outer corner of the eye, in polar coordinates around it.
        away = np.stack([x - 42, y + 1, 0 * x], -1)
        radius = np.sqrt((away**2).sum(-1)) + 1e-3
        angle = np.arctan2(away[:, 1], away[:, 0])
        polar = np.stack([angle * 20, radius, 40 * np.sign(rest[:, 0])], -1).astype(np.float32)
        _, feet = _ridges(polar, (9.0, 45.0, 50.0), seed + 6, 0.3)
        turn = np.stack([-away[:, 1], away[:, 0], 0 * x], -1) / radius[:, None]
        ray = away / radius[:, None]
        slope = feet[:, :1] * (20 / radius)[:, None] * turn + feet[:, 1:2] * ray
        slope[:, 0] *= np.sign(rest[:, 0])
        weight = (
            front * _step(radius, 5, 10) * _step(-radius, -34, -18) * _step(np.cos(angle), 0.2, 0.7)
        )
        add(slope, 0.35 * depth * weight)
        _, bags = _ridges(rest, (45.0, 8.0, 40.0), seed + 7, 0.3)
        add(bags, 0.22 * depth * front * _spot(rest, 29, -20, 13, 7))
        _, creases = _ridges(rest, (9.0, 12.0, 14.0), seed + 8, 0.3)
        add(creases, 0.16 * max(depth - 0.3, 0) * front * (1 - lips))
    lids = regions[:, _REGIONS["eyelids"]]
    return total * (1 - 0.7 * lids)[:, None]


def _eye(look, rest, radius):
    """Albedo of the eyeball at unit directions `rest` `[N, 3]`, z through the pupil."""
    angle = np.arccos(np.clip(rest[:, 2], -1, 1))
    distance = np.sin(np.minimum(angle, np.pi / 2)) * radius
    turn = np.arctan2(rest[:, 1], rest[:, 0])
    spokes = np.stack([np.cos(turn) * 6, np.sin(turn) * 6, distance * 0.35], -1).astype(np.float32)
    fibre = noise.field(spokes, 1.1, look.seed + 200)
    iris_radius = 5.9
    ring = _step(distance, iris_radius - 1.3, iris_radius)
    inner = _bump(distance - look.pupil, 1.3)
    iris = look.iris * (1 + 0.35 * fibre - 0.65 * ring + 0.35 * inner)[:, None]
    veins = _ridges(rest * 12, 5.0, look.seed + 201, 0.12)[0] * _step(angle, 0.6, 1.1)
    red = np.float32([0.0, 0.35, 0.35]) * (0.35 * _step(angle, 0.5, 1.3) - 0.5 * veins)[:, None]
    sclera = look.sclera * (1 - red)
    outside = _step(distance, iris_radius - 0.35, iris_radius + 0.35)[:, None]
    pupil = _step(-distance, -look.pupil - 0.3, -look.pupil + 0.3)[:, None]
    color = iris * (1 - outside) + sclera * outside
    color = np.where((rest[:, 2] > 0)[:, None], color, sclera)
    return np.clip(color * (1 - pupil) + 0.006 * pupil, 0.004, 0.9)


def paint(look: Look, head: Head, hits: Hits, rotation, atlas=None) -> Surface:
    """The surface at hits on a person.

    Args:
      look: the person's look.
      head: the person's shape.
      hits: where rays met the person's mesh.
      rotation: `[3, 3]` from the head's rest frame to the camera's, which turns the relief.
      atlas: one of `atlases.choose`, or None.
    """
    count = len(hits.ray)
    albedo = np.zeros((count, 3), np.float32)
    normal = hits.normal.astype(np.float32).copy()
    gloss = np.ones(count, np.float32)
    roughness = np.full(count, 0.4, np.float32)
    scatter = np.zeros(count, np.float32)

    skin = np.flatnonzero(hits.material == heads.SKIN)
    rest, regions = hits.rest[skin], hits.regions[skin]
    albedo[skin], gloss[skin], roughness[skin], scatter[skin] = _skin(look, head, rest, regions)
    if atlas is not None:
        bare = _step(scatter[skin], 0.3, 0.9)[:, None]
        albedo[skin] *= 1 + bare * (atlases.detail(atlas, hits.coordinates[skin]) - 1)
    slope = (_relief(look, rest, regions) @ np.asarray(rotation, np.float32).T).astype(np.float32)
    slope -= normal[skin] * (slope * normal[skin]).sum(-1, keepdims=True)
    # Deeper than 45 degrees a relief would have to shadow itself.
    slope *= np.minimum(1, 1 / np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-6))
    bent = normal[skin] - slope
    normal[skin] = bent / np.linalg.norm(bent, axis=-1, keepdims=True)

    eye = np.flatnonzero(hits.material == heads.EYE)
    albedo[eye] = _eye(look, hits.rest[eye], float(head.eye_radii.mean()))
    gloss[eye], roughness[eye] = 1.0, 0.06
    teeth = hits.material == heads.TEETH
    albedo[teeth], gloss[teeth], roughness[teeth] = look.teeth, 1.5, 0.15
    tongue = hits.material == heads.TONGUE
    albedo[tongue], gloss[tongue], roughness[tongue] = (0.33, 0.12, 0.11), 1.2, 0.25
    lash = hits.material == heads.LASH
    albedo[lash], gloss[lash] = np.minimum(look.brow_color * 0.5, 0.03), 0.3
    lock = np.flatnonzero(hits.material == heads.HAIR)
    if len(lock):
        albedo[lock], normal[lock] = _hair(look, hits.only(lock))
        gloss[lock], roughness[lock] = 0.6, 0.45
    frame = hits.material == heads.GLASSES
    albedo[frame], gloss[frame], roughness[frame] = look.frames, 2.0, 0.2
    return Surface(
        np.clip(albedo, 0.004, 0.95).astype(np.float32), normal, gloss, roughness, scatter
    )
