"""Hats, helmets, turbans, headscarves and hoods: shells around the skull."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage

from tfrelight.synthesis import fabric, solids
from tfrelight.synthesis.mesh import Mesh, clip, neck_share, outwards
from tfrelight.synthesis.render import RayCaster
from tfrelight.synthesis.skull import Skull

__all__ = ["HEADWEAR", "Hat", "hat_finishes", "make", "press_hair"]

HEADWEAR = {
    "cap": 0.3,
    "brim": 0.16,
    "beanie": 0.2,
    "helmet": 0.1,
    "turban": 0.08,
    "headscarf": 0.16,
}
_COLUMNS = 60
# Height of the rim in front, at the sides and at the back on the neutral head, millimetres.
_RIMS = {
    "cap": (48, 26, 2),
    "brim": (50, 24, 4),
    "beanie": (50, 14, -30),
    "helmet": (50, -22, -62),
    "turban": (44, 6, -46),
}


@dataclasses.dataclass
class Hat:
    """Something on the head.

    Attributes:
      name: a key of `HEADWEAR`, or "hood".
      meshes: in the head's frame.
      rim: polar angle `[60]` of the rim by azimuth, and the gap to the hull: what is above it is
        covered; None if it leaves no hair to be seen.
    """

    name: str
    meshes: list[Mesh]
    rim: tuple[np.ndarray, float] | None


def _directions(polar, azimuth):
    """Unit vectors `[..., 3]`: polar angle from the top, azimuth from the front to the left."""
    sine = np.sin(polar)
    return np.stack([sine * np.sin(azimuth), np.cos(polar), sine * np.cos(azimuth)], -1)


def _rim(skull, heights, azimuth):
    """Polar angles at which the hull crosses the rim's heights, in front, beside and behind."""
    front, side, back = (height * skull.scale for height in heights)
    cosine = np.cos(azimuth)
    level = np.where(
        cosine > 0, side + (front - side) * cosine**2, side + (back - side) * cosine**2
    )
    polar = np.full(len(azimuth), 1.2)
    for _ in range(6):
        radius = skull.envelope(_directions(polar, azimuth))
        polar = np.arccos(np.clip((level - skull.middle[1]) / radius, -0.95, 0.95))
    return polar


def _shell(skull, polar, azimuth, gap):
    """Points `[R, C, 3]` on the hull, moved outwards by `gap`."""
    directions = _directions(polar, azimuth)
    radius = skull.envelope(directions.reshape(-1, 3)).reshape(polar.shape)
    return skull.middle + directions * (radius + gap)[..., None]


def _crown(skull, rim, gap, material, rows=16):
    """The part of a hat above its rim; `gap` is a function of the share of the way to the rim."""
    azimuth = np.linspace(0, 2 * np.pi, _COLUMNS, endpoint=False)
    share = np.linspace(0.001, 1, rows)[:, None]
    polar = share * rim
    where = np.broadcast_to(azimuth, polar.shape)
    grid = _shell(skull, polar, where, gap(np.broadcast_to(share, polar.shape), where))
    return grid, solids.sheet(grid, material, closed=True)


def _visor(rng, edge, material, length, backwards):
    """The peak of a cap, from the front of the rim's points `[60, 3]`."""
    half = 11
    columns = (np.arange(-half, half + 1) + (_COLUMNS // 2 if backwards else 0)) % _COLUMNS
    base = edge[columns]
    way = np.array([0.0, 0.0, -1.0 if backwards else 1.0])
    across = np.arange(-half, half + 1) / half
    reach = length * np.sqrt(np.maximum(1 - 0.9 * across**2, 0.02))
    share = np.linspace(0, 1, 7)[:, None, None]
    curve = rng.uniform(4, 22)
    down = -(rng.uniform(14, 34) + curve * across**2)[None, :, None] * share**1.3
    grid = base + share * reach[None, :, None] * way + down * [0.0, 1.0, 0.0]
    under = grid - np.array([0.0, 1.8, 0.0])
    return [solids.sheet(grid, material), solids.sheet(under[:, ::-1], material)]


def _brim(rng, edge, material):
    width = rng.uniform(35, 85)
    azimuth = np.linspace(0, 2 * np.pi, _COLUMNS, endpoint=False)
    away = outwards(edge)
    share = np.linspace(0, 1, 8)[:, None, None]
    roll = rng.uniform(-0.15, 0.35) + rng.uniform(0, 0.25) * np.cos(2 * azimuth + 1)
    lift = (roll * width)[None, :, None] * share**2 - 4 * share
    grid = edge + share * width * away + lift * [0.0, 1.0, 0.0]
    return [
        solids.sheet(grid, material, True),
        solids.sheet(grid - [0.0, 2.0, 0.0], material, True),
    ]


def _scarf(rng, skull, ground, ring, material, hood):
    """Cloth around head and neck that leaves the face free and lies on the shoulders."""
    scale = skull.scale
    axis = np.array([0.0, -0.3, 1.0]) if not hood else np.array([0.0, -0.2, 1.0])
    axis /= np.linalg.norm(axis)
    side = np.array([1.0, 0.0, 0.0])
    lift = np.cross(axis, side)
    azimuth = np.linspace(0, 2 * np.pi, _COLUMNS, endpoint=False)
    opening = np.radians(rng.uniform(132, 140) if not hood else rng.uniform(122, 134))
    polar = np.linspace(0.001, 1, 18)[:, None] * (opening + 0.1 * np.cos(azimuth))
    directions = -np.cos(polar)[..., None] * axis + np.sin(polar)[..., None] * (
        np.cos(azimuth)[:, None] * lift + np.sin(azimuth)[:, None] * side
    )
    radius = skull.envelope(directions.reshape(-1, 3)).reshape(polar.shape)
    share = (polar / opening) ** 2
    loose = 11 + 5 * share if hood else rng.uniform(7, 11)
    gap = loose + 2 * np.sin(6 * polar + azimuth)
    if hood:
        gap = gap + 9 * np.maximum(np.cos(azimuth), 0) * share
    grid = skull.middle + directions * (radius + gap)[..., None]
    # The lower half hangs down to the shoulders.
    middle = ring.mean(0)
    turn = np.linspace(0, 2 * np.pi, len(ring), endpoint=False)
    cosine = np.cos(turn)
    jaw = np.stack([74 * np.sin(turn), -97 - 26 * cosine, -48 + 62 * cosine], -1) * scale
    if hood:
        jaw = jaw * [1.15, 1, 1.15] - np.stack([0 * turn, 44 * np.maximum(cosine, 0), 0 * turn], -1)
    away = outwards(ring)
    reach = rng.uniform(45, 95) if not hood else 26.0
    outer = ring + away * reach
    origins = outer.copy()
    origins[:, 1] = middle[1] + 60
    fall = ground.nearest(origins, np.broadcast_to([0.0, -1.0, 0.0], origins.shape))
    lies = np.clip(origins[:, 1] - fall, outer[:, 1] - 60, outer[:, 1] + 20) + 7
    outer[:, 1] = ndimage.gaussian_filter1d(lies, 2.5, mode="wrap")
    rows = []
    for step in np.linspace(0, 1, 9):
        point = jaw * (1 - step) + outer * step
        point = point + away * (14 * np.sin(np.pi * step))[..., None]
        wave = 3.5 * np.sin(7 * turn + 5 * step) * np.sin(np.pi * min(step + 0.15, 1))
        rows.append(point + away * wave[:, None])
    cape = np.stack(rows)
    follow = neck_share(cape[..., 1].ravel())
    return [solids.sheet(grid[:, ::-1], material, True), solids.sheet(cape, material, True, follow)]


def make(
    rng: np.random.Generator,
    name: str,
    skull: Skull,
    ring: np.ndarray,
    body: list[Mesh],
    material: int,
    other: int,
) -> Hat:
    """Makes a hat.

    Args:
      rng: source of all randomness.
      name: a key of `HEADWEAR`, or "hood".
      skull: of the head.
      ring: `[48, 3]` points around the foot of the neck.
      body: body and clothes, on which scarves lie.
      material: of the hat.
      other: material of bands and chin straps.
    """
    if name in ("headscarf", "hood"):
        meshes = _scarf(rng, skull, RayCaster(Mesh.join(body)), ring, material, name == "hood")
        # A hood shows the hair around the face.
        return Hat(name, meshes, (np.full(_COLUMNS, np.pi), 12.0) if name == "hood" else None)
    azimuth = np.linspace(0, 2 * np.pi, _COLUMNS, endpoint=False)
    heights = np.array(_RIMS[name]) + rng.normal(0, 3, 3)
    rim = _rim(skull, heights, azimuth)
    loose = {"cap": 8.0, "brim": 8.0, "beanie": 6.0, "helmet": 23.0, "turban": 14.0}[name]
    tall = rng.uniform(0, 1)

    def gap(share, where):
        up = np.cos(share * 1.2)
        if name == "beanie":
            return loose + 16 * tall * (1 - share) ** 2
        if name == "turban":
            # Bands that cross above the forehead, each over the next.
            ahead = np.abs(np.angle(np.exp(1j * (where - 0.15)))) / np.pi
            bands = (4.5 * share + 2.2 * ahead) % 1
            return loose + 24 * np.sin(np.pi * np.clip(share * 0.9, 0, 1)) ** 0.8 + 7 * bands
        if name == "brim":
            # A crown with a flat top and straight sides.
            return loose + 30 * (0.4 + tall) * (1 - np.clip(share, 0, 0.62) / 0.62 * 0.55) * up
        if name == "helmet":
            return loose + 4 * np.cos(where) ** 2 * up
        return loose + (6 + 12 * tall) * np.maximum(np.cos(where), 0) * share * (1 - share) * 4

    grid, crown = _crown(skull, rim, gap, material, 40 if name == "turban" else 16)
    meshes, edge = [crown], grid[-1]
    if name == "cap":
        backwards = bool(rng.random() < 0.15)
        meshes += _visor(rng, edge, material if rng.random() < 0.6 else other, 68, backwards)
    elif name == "brim":
        meshes += _brim(rng, edge, material)
        band = grid[-4:] + (grid[-4:] - skull.middle) * 0.012
        meshes.append(solids.sheet(band, other, True))
    elif name == "beanie":
        band = grid[-5:] + (grid[-5:] - skull.middle) * 0.04
        meshes.append(solids.sheet(band, material, True))
    elif name == "helmet":
        side = np.stack([edge[15], edge[45]])
        chin = np.array([0.0, -122.0, -14.0]) * skull.scale
        for start in side:
            way = np.linspace(0, 1, 9)[:, None]
            path = (
                start * (1 - way) + chin * way + np.sin(np.pi * way) * (start - chin) * [0.12, 0, 0]
            )
            meshes.append(solids.tube(path, 3.5, other))
        if rng.random() < 0.4:
            meshes += _visor(rng, edge, material, 34, False)
    return Hat(name, meshes, (rim, loose))


def press_hair(hat: Hat, skull: Skull, mesh: Mesh) -> Mesh | None:
    """Hair under a hat: pressed inside it, or None if the hat leaves none to be seen.

    Args:
      hat: the hat.
      skull: of the head.
      mesh: locks.
    """
    if hat.rim is None:
        return None
    rim, gap = hat.rim
    offset = mesh.vertices - skull.middle
    radius = np.maximum(np.linalg.norm(offset, axis=-1), 1e-6)
    directions = offset / radius[:, None]
    azimuth = np.mod(np.arctan2(directions[:, 0], directions[:, 2]), 2 * np.pi)
    polar = np.arccos(np.clip(directions[:, 1], -1, 1))
    edge = np.interp(azimuth, np.linspace(0, 2 * np.pi, _COLUMNS + 1), np.r_[rim, rim[0]])
    # Hair comes out from under the rim within a few degrees.
    most = skull.envelope(directions) + gap - 3 + np.maximum(polar - edge, 0) * 70
    share = np.minimum(1, most / radius)
    vertices = (skull.middle + offset * share[:, None]).astype(np.float32)
    pressed = dataclasses.replace(mesh, vertices=vertices)
    return clip(pressed, vertices[:, 1] + 95 * skull.scale) if hat.name == "hood" else pressed


def hat_finishes(rng: np.random.Generator, name: str) -> tuple[fabric.Finish, fabric.Finish]:
    """Draws the finishes of a hat and of its bands."""
    stuffs = {
        "cap": ("cotton", "cotton", "denim", "wool"),
        "brim": ("wool", "cotton", "leather"),
        "beanie": ("knit", "knit", "wool"),
        "helmet": ("leather",),
        "turban": ("cotton", "satin"),
        "headscarf": ("cotton", "satin", "satin", "cotton", "wool"),
    }[name]
    finish = fabric.sample_cloth(rng, stuffs, 0.7)
    # What is wound around the head is cloth; hats are things.
    finish.part = fabric.CLOTH if name in ("turban", "headscarf") else fabric.THINGS
    finish.folds *= {"turban": 1.2, "headscarf": 1.0}.get(name, 0.15)
    if name == "helmet":
        finish.gloss, finish.roughness, finish.weave, finish.folds = 1.8, 0.12, 0.0, 0.0
    band = fabric.sample_cloth(rng, ("cotton", "leather"), 1.0)
    band.part, band.folds = fabric.THINGS, 0.0
    return finish, band
