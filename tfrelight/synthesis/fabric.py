"""What is worn: the colour, pattern, gloss and folds of clothes and things.

Patterns and folds are defined in millimetres of cloth (`Mesh.coordinates`): u across, v along.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tfrelight.data.portrait import PARTS
from tfrelight.synthesis import noise
from tfrelight.synthesis.falloff import step
from tfrelight.synthesis.render import Hits

__all__ = ["CLOTH", "PATTERNS", "THINGS", "Finish", "sample_cloth", "worn"]

CLOTH, THINGS = PARTS.index("cloth"), PARTS.index("things")

# Gloss (a factor on the reflectance of skin), roughness (GGX alpha), wavelength of the folds in
# millimetres across and along, their depth, and amplitude of the relief of the weave.
_STUFFS = {
    "cotton": (0.35, 0.75, (55.0, 160.0), 1.0, 0.02),
    "wool": (0.15, 0.9, (80.0, 150.0), 0.7, 0.06),
    "satin": (2.2, 0.28, (45.0, 170.0), 1.2, 0.0),
    "leather": (1.6, 0.33, (60.0, 90.0), 0.7, 0.04),
    "denim": (0.3, 0.8, (70.0, 110.0), 0.8, 0.05),
    "knit": (0.12, 0.95, (90.0, 160.0), 0.6, 0.0),
}
PATTERNS = ("stripes", "pinstripes", "plaid", "checks", "dots", "print")


@dataclasses.dataclass
class Finish:
    """The surface of one garment or thing.

    Attributes:
      part: index into `tfrelight.data.portrait.PARTS`.
      color, other: `[3]` linear RGB albedo, of the ground and of the pattern.
      pattern: one of "plain", "stripes", "pinstripes", "plaid", "checks", "dots", "print",
        "lettering", "knit" (ribs in relief).
      pitch: of the pattern, millimetres.
      gloss, roughness: see `skin.Surface`.
      folds: depth of the folds; 1 is common cloth.
      wave: wavelength of the folds, millimetres across and along.
      weave: slope of the fine relief.
      seed: of folds and prints.
    """

    part: int
    color: np.ndarray
    other: np.ndarray = dataclasses.field(default_factory=lambda: np.full(3, 0.5))
    pattern: str = "plain"
    pitch: float = 20.0
    gloss: float = 0.3
    roughness: float = 0.7
    folds: float = 0.0
    wave: tuple[float, float] = (55.0, 160.0)
    weave: float = 0.0
    seed: int = 0

    def albedo(self, coordinates: np.ndarray) -> np.ndarray:
        """Linear albedo `[N, 3]` at places `[N, 2]` on the cloth."""
        share = _pattern(self, coordinates)[:, None]
        return np.clip(self.color * (1 - share) + self.other * share, 0.004, 0.9)

    def slope(self, coordinates: np.ndarray, footprint: float) -> np.ndarray:
        """Slope `[N, 2]` of folds and weave at places `[N, 2]`, across and along.

        Args:
          coordinates: millimetres of cloth.
          footprint: of a sample, millimetres; finer relief is left out, because it would alias.
        """
        u, v = coordinates.T
        total = np.zeros((len(u), 2), np.float32)
        if self.folds:
            # Folds run along the cloth and bend; a few are sharp, most are soft.
            bent = u + 22 * noise.field(_points(u, v), 190.0, self.seed + 7)
            points = _points(bent, v)
            for scale, depth in ((1.0, 5.0), (0.42, 1.3)):
                wave = [scale * self.wave[0], scale * self.wave[1], 100.0]
                value, gradient = noise.gradient(points, wave, self.seed + int(10 * scale))
                sharp = 1 / (1 + np.exp(-3 * (value - 0.3)))
                height = sharp * (1 + 3 * (1 - sharp) * np.maximum(value, 0))
                total += self.folds * depth * height[:, None] * gradient[:, :2]
        if self.pattern == "knit":
            ribs = 0.5 * step(self.pitch / footprint, 2, 5)
            total[:, 0] += ribs * np.cos(2 * np.pi * u / self.pitch)
        if self.weave and footprint < 1.4:
            fine = noise.gradient(_points(u, v), 2.0, self.seed + 3)[1][:, :2]
            total += 2 * self.weave * step(1.4 - footprint, 0, 0.9) * fine
        return total


def _points(u, v):
    return np.stack([u, v, 0 * u], -1).astype(np.float32)


def _pattern(finish, coordinates):
    """Share `[N]` of the pattern's colour in the cloth's."""
    u, v = coordinates.T / finish.pitch
    across, along = (u % 1 < 0.5).astype(np.float32), (v % 1 < 0.5).astype(np.float32)
    if finish.pattern == "stripes":
        return along
    if finish.pattern == "pinstripes":
        return (u % 1 < 0.13) * np.float32(0.7)
    if finish.pattern == "plaid":
        thin = ((u + 0.25) % 1 < 0.07) | ((v + 0.25) % 1 < 0.07)
        return np.where(thin, 0.9, 0.45 * across + 0.45 * along)
    if finish.pattern == "checks":
        return 0.5 * across + 0.5 * along
    if finish.pattern == "dots":
        shift = np.floor(v) % 2 * 0.5
        away = np.hypot((u + shift) % 1 - 0.5, v % 1 - 0.5)
        return step(-away, -0.3, -0.24)
    if finish.pattern == "print":
        points = _points(*coordinates.T)
        spots = noise.field(points, 2.2 * finish.pitch, finish.seed + 20)
        return step(spots + 0.4 * noise.field(points, finish.pitch, finish.seed + 21), 0.35, 0.5)
    if finish.pattern == "lettering":
        # Strokes as of a word across the chest, at the front only.
        u, v = coordinates.T
        high, wide = 1.4 * finish.pitch, 0.9 * finish.pitch
        letter = np.floor(u / wide)
        kind = noise.cell(letter, shift=finish.seed % 97)
        x, y = (u / wide) % 1, (v + 320 + high / 2) / high
        upright = (x < 0.24) | ((x > 0.6) & (x < 0.84) & (kind > 0.35))
        bar = (y > 0.8) & (kind < 0.8) | (y < 0.2) & (kind > 0.3)
        bar |= (np.abs(y - 0.5) < 0.1) & (kind > 0.55)
        inside = (np.abs(u) < 95) & (y > 0) & (y < 1) & (x < 0.84)
        return (inside & (upright | bar)).astype(np.float32)
    return np.zeros(len(u), np.float32)


def sample_cloth(
    rng: np.random.Generator,
    stuffs: tuple[str, ...] = ("cotton", "cotton", "wool", "satin", "leather", "denim", "knit"),
    plain: float = 0.5,
    patterns: tuple[str, ...] = PATTERNS,
) -> Finish:
    """Draws cloth: what it is made of, its colours and its pattern.

    Args:
      rng: source of all randomness.
      stuffs: to choose from.
      plain: share of cloth without a pattern.
      patterns: of the others.
    """
    stuff = str(rng.choice(stuffs))
    gloss, roughness, wave, folds, weave = _STUFFS[stuff]
    kind = rng.choice(["black", "white", "grey", "muted", "vivid"], p=[0.2, 0.16, 0.14, 0.3, 0.2])
    level, spread = {
        "black": (rng.uniform(0.006, 0.03), 0.08),
        "white": (rng.uniform(0.6, 0.85), 0.03),
        "grey": (rng.uniform(0.05, 0.4), 0.05),
        "muted": (rng.uniform(0.03, 0.4), 0.4),
        "vivid": (rng.uniform(0.06, 0.4), 1.1),
    }[str(kind)]

    def tinted(level, spread):
        tint = np.exp(rng.normal(0, spread, 3))
        return np.clip(level * tint / tint.mean(), 0.004, 0.88)

    color = tinted(level, spread)
    other = tinted(float(np.exp(rng.uniform(np.log(0.01), np.log(0.8)))), 0.5)
    pattern = "plain"
    if stuff == "knit":
        pattern = "knit"
    elif stuff != "leather" and rng.random() > plain:
        pattern = str(rng.choice(patterns))
    if stuff == "denim":
        color = np.array([0.03, 0.06, 0.14]) * rng.uniform(0.5, 2.5)
    return Finish(
        part=CLOTH,
        color=color,
        other=other,
        pattern=pattern,
        pitch=float(rng.uniform(4, 9) if stuff == "knit" else np.exp(rng.uniform(2.0, 4.2))),
        gloss=gloss * rng.uniform(0.7, 1.3),
        roughness=float(np.clip(roughness * rng.uniform(0.9, 1.1), 0.2, 1.0)),
        folds=folds * rng.uniform(0.5, 1.3),
        wave=(wave[0] * rng.uniform(0.8, 1.3), wave[1] * rng.uniform(0.8, 1.3)),
        weave=weave,
        seed=int(rng.integers(2**31)),
    )


def worn(finish: Finish, hits: Hits, footprint: float) -> tuple[np.ndarray, np.ndarray]:
    """Albedo and normals, `[N, 3]` each, at hits on a garment or thing.

    Args:
      finish: its surface.
      hits: on it.
      footprint: see `Finish.slope`.
    """
    slope = finish.slope(hits.coordinates, footprint)
    bump = np.einsum("nk,nkj->nj", slope, hits.gradients)
    # Steeper relief would have to cast shadows on itself.
    bump /= np.maximum(np.linalg.norm(bump, axis=-1, keepdims=True) / 0.9, 1)
    normal = hits.normal - bump
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    return finish.albedo(hits.coordinates), normal
