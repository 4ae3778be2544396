"""Paints the surface of a person: skin, lips, brows, eyes, teeth, hair, what is worn, fine relief.

Patterns are defined on the neutral head (`Hits.rest`, millimetres, origin between the eyes), so
they move with the face. Colours are linear RGB albedo and contain no shading.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tfrelight.synthesis import atlases, fabric, hairstyle, mesh, noise, pigment, relief
from tfrelight.synthesis.appearance import Appearance
from tfrelight.synthesis.body_model import EARS, EYELIDS, INSIDE_MOUTH, LIPS
from tfrelight.synthesis.falloff import bump, spot, step
from tfrelight.synthesis.head import Head
from tfrelight.synthesis.render import Hits

__all__ = ["Surface", "paint"]

_SKIN, _HAIR, _EYES, _MOUTH = range(1, 5)
# The part of each material; `_skin` tells apart what is painted on skin.
_PART_OF = np.zeros(256, np.uint8)
for _material, _part in (
    (mesh.SKIN, _SKIN),
    (mesh.EYE, _EYES),
    (mesh.TEETH, _MOUTH),
    (mesh.TONGUE, _MOUTH),
    (mesh.LASH, _HAIR),
    (mesh.HAIR, _HAIR),
):
    _PART_OF[_material] = _part


@dataclasses.dataclass
class Surface:
    """The surface at M hits.

    Attributes:
      albedo: `[M, 3]` linear RGB.
      normal: `[M, 3]` unit, with relief.
      gloss: `[M]` factor on the reflectance of skin (`highlights.F0`).
      roughness: `[M]` GGX alpha.
      scatter: `[M]` in [0, 1], strength of subsurface scattering.
      part: `[M]` uint8, index into `tfrelight.data.portrait.PARTS`.
    """

    albedo: np.ndarray
    normal: np.ndarray
    gloss: np.ndarray
    roughness: np.ndarray
    scatter: np.ndarray
    part: np.ndarray


def _brows(look, rest):
    """Share `[N]` of the skin that hairs of the brows cover."""
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
    # Hairs are stretched noise, upright at the nose and lying outwards at the tail.
    lean = np.interp(s, [0, 0.25, 1], [1.3, 0.5, -0.15])
    u = x[near] - lean * (y - middle)
    v = y - middle + lean * 0.5 * x[near]
    points = np.stack([u, v, 30 * side], -1).astype(np.float32)
    strands = noise.field(points, (1.6, 7.0, 9.0), look.seed) + 0.5 * noise.field(
        points, (0.9, 5.0, 9.0), look.seed + 1
    )
    body = brow["density"] * 1.15 * (1 - across**2) * step(s, -0.12, 0.1) * step(-s, -1.12, -0.75)
    cover[near] = np.clip(0.9 * body + 0.13 * strands * np.clip(1.6 - across**2, 0, 1), 0, 1) * (
        body > -0.5
    )
    return np.clip(cover, 0, 0.95)


def _lookup(look, melanin, blood):
    """Albedo `[N, 3]` for volume fractions `[N]` of melanin and blood."""
    rows = np.interp(np.log(melanin), np.log(pigment.MELANIN), np.arange(len(pigment.MELANIN)))
    columns = np.interp(np.log(blood), np.log(pigment.BLOOD), np.arange(len(pigment.BLOOD)))
    row, column = rows.astype(int).clip(0, 46), columns.astype(int).clip(0, 22)
    a, b = (rows - row)[:, None].astype(np.float32), (columns - column)[:, None].astype(np.float32)
    table = look.table
    top = table[row, column] * (1 - b) + table[row, column + 1] * b
    bottom = table[row + 1, column] * (1 - b) + table[row + 1, column + 1] * b
    return top * (1 - a) + bottom * a


def _painted(look, rest, fine):
    """Shares `[N]` of the skin under the first and under the second colour of face paint."""
    x, y, z = rest.T
    face = step(z, -60, -45) * step(y, -118, -108) * step(-y, -70, -58)
    if look.paint == "stripes":
        bars = np.maximum(bump(y + 32, 4.5), bump(y + 47, 4.5)) * step(np.abs(x), 22, 26)
        first = step(bars * step(-np.abs(x), -62, -56), 0.4, 0.6) * face
        return first, bump(x, 5) * step(y, 8, 12) * face
    if look.paint == "halves":
        return face * step(x + fine, -1, 1), face * step(-x - fine, -1, 1)
    if look.paint == "mask":
        band = step(y, -22, -14) * step(-y, -30, -22)
        return face * band, face * spot(rest, 33, -42, 12, 10) * 0.8
    if look.paint == "clown":
        red = spot(rest, 30, -44, 12, 11) + bump(x, 9) * bump(y + 38, 9) * (z > 20)
        return face, np.clip(1.6 * red + 1.5 * spot(rest, 16, -78, 14, 9), 0, 1) * face
    dots = noise.field(rest, 16.0, look.seed + 40)
    return step(noise.field(rest, 60.0, look.seed + 41), -0.6, -0.3) * face, step(
        dots, 0.7, 0.9
    ) * face


def _skin(look, rest, regions):
    """Albedo, gloss, roughness, scatter and part of skin at points `[N, 3]` of the neutral head."""
    x, y = np.abs(rest[:, 0]), rest[:, 1]
    seed = look.seed
    coarse = noise.field(rest, 45.0, seed)
    medium = noise.field(rest, 13.0, seed + 1)
    fine = noise.field(rest, 3.5, seed + 2)
    mottled = look.mottling * (0.8 * coarse + 0.35 * medium + 0.5 * fine)
    flush = (
        spot(rest, 33, -38, 15, 13)
        + 0.9 * bump(rest[:, 0], 11) * bump(y + 34, 12) * (rest[:, 2] > 5)
        + 0.4 * bump(rest[:, 0], 16) * bump(y + 105, 12)
        + 0.8 * regions[:, EARS]
    )
    under = spot(rest, 27, -16, 14, 5.5) + 0.5 * spot(rest, 12, -4, 5, 10)
    lids = regions[:, EYELIDS]
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
        log_melanin = log_melanin + look.freckles * 1.1 * step(dots, 0.9, 2.0) * where
    rng = np.random.default_rng(seed)
    for _ in range(look.moles):
        place = rng.uniform([-55, -100], [55, 50])
        radius = rng.gamma(3.0, 0.25)
        near = ((rest[:, :2] - place) ** 2).sum(-1) < (3 * radius) ** 2
        if near.any():
            distance = np.sqrt(((rest[near, :2] - place) ** 2).sum(-1))
            log_melanin[near] += rng.uniform(0.6, 1.8) * step(
                -distance, -radius * 1.3, -radius * 0.7
            )
    lips = step(regions[:, LIPS] + 0.06 * fine, 0.35, 0.65)
    mouth = step(regions[:, INSIDE_MOUTH], 0.3, 0.7)
    wet = np.maximum(lips, mouth)
    log_blood = log_blood * (1 - wet) + wet * np.log(look.lip_blood)
    # Lips hold less melanin than the skin around them, but dark skin has dark lips.
    log_melanin = log_melanin - look.lip_paleness * wet * np.maximum(log_melanin - np.log(0.012), 0)
    albedo = _lookup(look, np.exp(log_melanin), np.exp(log_blood))
    cover = (look.lipstick_cover * lips * (1 - mouth))[:, None]
    albedo = albedo * (1 - cover) + cover * look.lipstick
    if look.eyeshadow_cover:
        shadow = step(lids, 0.2, 0.8) + spot(rest, 31, 10, 15, 5)
        cover = (look.eyeshadow_cover * np.clip(shadow, 0, 1) * (y > -2))[:, None]
        albedo = albedo * (1 - cover) + cover * look.eyeshadow
    if look.paint:
        for cover, paint in zip(_painted(look, rest, fine), look.paint_colors):
            cover = (0.93 * cover * (1 - mouth))[:, None]
            albedo = albedo * (1 - cover) + cover * paint
    if look.stubble:
        dots = np.clip(0.75 + 0.5 * noise.field(rest, 1.1, seed + 6) + 0.25 * medium, 0, 1.4)
        cover = 0.62 * look.stubble * hairstyle.beard_area(rest) * (1 - lips) * dots
        albedo = albedo * (1 - cover[:, None]) + cover[:, None] * look.hair_color * 1.3
    style = look.style
    ears = regions[:, EARS]
    # The noise affects only the edges of the mask.
    fray = 1 + 0.25 * medium + 0.25 * fine
    grown = style.density * step(hairstyle.scalp(style, rest) * fray, 0.15, 0.85)
    grown = grown * (1 - step(ears, 0.2, 0.5))
    if style.beard:
        area = step(hairstyle.beard_area(rest, style.sides, style.moustache) * fray, 0.15, 0.85)
        full = np.interp(style.beard, [2, 10], [0.45, 0.75])
        grown = np.maximum(grown, full * area * (1 - lips) * (1 - ears))
    grown = np.clip(grown, 0, 0.97)[:, None]
    albedo = albedo * (1 - grown) + grown * look.hair_color * 0.9
    cover = (_brows(look, rest) * (1 - mouth))[:, None]
    albedo = albedo * (1 - cover) + cover * look.brow_color
    # Forehead, nose and chin (the T-zone) are oilier; lips are wet.
    t_zone = bump(rest[:, 0], 14) * step(y, -50, -20) + 0.7 * bump(rest[:, 0], 45) * step(y, 15, 35)
    hairs = np.maximum(cover, grown)[:, 0]
    gloss = look.oil * (0.65 + 0.6 * np.clip(t_zone, 0, 1)) * (1 - 0.7 * hairs) + 0.3 * wet
    rough = look.roughness * (1 - 0.2 * np.clip(t_zone, 0, 1)) * (1 - 0.3 * wet)
    scatter = 1 - 0.8 * hairs
    part = np.full(len(rest), _SKIN, np.uint8)
    part[hairs > 0.5] = _HAIR
    part[mouth > 0.5] = _MOUTH
    return albedo, gloss, rough, scatter, part


def _hair(look, hits):
    """Albedo and normals of locks, from their rest coordinates (shade, along, across)."""
    shade, along, across = hits.rest.T
    points = np.stack([shade * 400, along * 1.5, across * 5], -1).astype(np.float32)
    strands, slope = noise.gradient(points, 1.3, look.seed + 300)
    tone = (0.7 + 0.6 * shade) * (1 + 0.22 * strands)
    albedo = look.hair_color * np.clip(tone, 0.3, 1.8)[:, None]
    # Strands roughen the normal across the lock; the exact direction matters little.
    jitter = np.stack([slope[:, 2], strands, 0 * strands], -1) * 0.07
    normal = hits.normal + np.clip(jitter, -0.5, 0.5)
    return albedo, normal / np.linalg.norm(normal, axis=-1, keepdims=True)


def _eye(look, rest, radius):
    """Albedo `[N, 3]` of an eyeball at unit directions `rest` `[N, 3]`, z through the pupil."""
    angle = np.arccos(np.clip(rest[:, 2], -1, 1))
    distance = np.sin(np.minimum(angle, np.pi / 2)) * radius
    turn = np.arctan2(rest[:, 1], rest[:, 0])
    spokes = np.stack([np.cos(turn) * 6, np.sin(turn) * 6, distance * 0.35], -1).astype(np.float32)
    fibre = noise.field(spokes, 1.1, look.seed + 200)
    iris_radius = 5.9
    ring = step(distance, iris_radius - 1.3, iris_radius)
    inner = bump(distance - look.pupil, 1.3)
    iris = look.iris * (1 + 0.35 * fibre - 0.65 * ring + 0.35 * inner)[:, None]
    veins = relief.ridges(rest * 12, 5.0, look.seed + 201, 0.12)[0] * step(angle, 0.6, 1.1)
    red = (0.35 * step(angle, 0.5, 1.3) - 0.5 * veins)[:, None]
    sclera = look.sclera * (1 - red * np.array([0.0, 0.35, 0.35], np.float32))
    outside = step(distance, iris_radius - 0.35, iris_radius + 0.35)[:, None]
    pupil = step(-distance, -look.pupil - 0.3, -look.pupil + 0.3)[:, None]
    color = iris * (1 - outside) + sclera * outside
    color = np.where((rest[:, 2] > 0)[:, None], color, sclera)
    return np.clip(color * (1 - pupil) + 0.006 * pupil, 0.004, 0.9)


def paint(
    look: Appearance,
    head: Head,
    hits: Hits,
    rotation: np.ndarray,
    finishes: Sequence[fabric.Finish] = (),
    footprint: float = 1.0,
    atlas: np.ndarray | None = None,
) -> Surface:
    """Paints the surface at hits on a person.

    Args:
      look: the person's colours.
      head: the person's head.
      hits: hits on the person's mesh.
      rotation: `[3, 3]` from the neutral head's frame to the camera's; it turns the relief.
      finishes: of what the person wears.
      footprint: of a hit's sample, millimetres.
      atlas: skin detail from `atlases.load`, or None.
    """
    count = len(hits.ray)
    albedo = np.zeros((count, 3), np.float32)
    normal = hits.normal.astype(np.float32).copy()
    gloss = np.ones(count, np.float32)
    roughness = np.full(count, 0.4, np.float32)
    scatter = np.zeros(count, np.float32)

    skin = np.flatnonzero(hits.material == mesh.SKIN)
    rest, regions = hits.rest[skin], hits.regions[skin]
    part = _PART_OF[hits.material]
    albedo[skin], gloss[skin], roughness[skin], scatter[skin], part[skin] = _skin(
        look, rest, regions
    )
    if atlas is not None:
        bare = step(scatter[skin], 0.3, 0.9)[:, None]
        albedo[skin] *= 1 + bare * (atlases.detail(atlas, hits.coordinates[skin]) - 1)
    slope = (relief.slope(look, rest, regions) @ np.asarray(rotation, np.float32).T).astype(
        np.float32
    )
    slope -= normal[skin] * (slope * normal[skin]).sum(-1, keepdims=True)
    # Relief steeper than 45 degrees would have to cast shadows on itself.
    slope *= np.minimum(1, 1 / np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-6))
    bent = normal[skin] - slope
    normal[skin] = bent / np.linalg.norm(bent, axis=-1, keepdims=True)

    eye = np.flatnonzero(hits.material == mesh.EYE)
    albedo[eye] = _eye(look, hits.rest[eye], float(head.eye_radii.mean()))
    gloss[eye], roughness[eye] = 1.0, 0.06
    teeth = hits.material == mesh.TEETH
    albedo[teeth], gloss[teeth], roughness[teeth] = look.teeth, 1.5, 0.15
    tongue = hits.material == mesh.TONGUE
    albedo[tongue], gloss[tongue], roughness[tongue] = (0.33, 0.12, 0.11), 1.2, 0.25
    lash = hits.material == mesh.LASH
    albedo[lash], gloss[lash] = np.minimum(look.brow_color * 0.5, 0.03), 0.3
    lock = np.flatnonzero(hits.material == mesh.HAIR)
    if len(lock):
        albedo[lock], normal[lock] = _hair(look, hits.only(lock))
        gloss[lock], roughness[lock] = 0.6, 0.45
    for number, finish in enumerate(finishes):
        own = np.flatnonzero(hits.material == mesh.WORN + number)
        if len(own):
            albedo[own], normal[own] = fabric.worn(finish, hits.only(own), footprint)
            gloss[own], roughness[own], part[own] = finish.gloss, finish.roughness, finish.part
    return Surface(
        np.clip(albedo, 0.004, 0.95).astype(np.float32), normal, gloss, roughness, scatter, part
    )
