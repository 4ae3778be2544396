"""Named lights: setups of portrait photographers, and skies.

Azimuth is positive towards the left of the image, where the key light of "rembrandt", "loop" and
similar patterns stands; `Light.rotated` puts it on the other side. The patterns are those of
Hunter, Biver and Fuqua, "Light: Science and Magic", and of common studio practice. Intensities are
relative: `Light.preset` scales each light to exposure 1.
"""

from __future__ import annotations

import dataclasses
from typing import Any

__all__ = ["PRESETS", "LightPreset"]


@dataclasses.dataclass(frozen=True)
class LightPreset:
    """A named light: the sum of some lamps.

    Attributes:
      description: one line for people.
      lamps: keyword arguments of `Light.from_direction` for each lamp.
    """

    description: str
    lamps: tuple[dict[str, Any], ...]


def _lamp(azimuth, elevation, intensity=1.0, **more):
    return dict(azimuth=azimuth, elevation=elevation, intensity=intensity, **more)


# The dome of the sky: the half of the sphere around the zenith.
def _sky(intensity, **more):
    return _lamp(0, 90, intensity, radius=90, **more)


# Light reflected by the ground.
def _ground(intensity, **more):
    return _lamp(0, -90, intensity, radius=90, **more)


PRESETS = {
    "front": LightPreset("a lamp at the camera", (_lamp(0, 8, 1.0, radius=10, ambient=0.2),)),
    "left": LightPreset("a lamp on the left", (_lamp(60, 15, 1.0, radius=10, ambient=0.12),)),
    "right": LightPreset("a lamp on the right", (_lamp(-60, 15, 1.0, radius=10, ambient=0.12),)),
    "top": LightPreset("a lamp above", (_lamp(0, 70, 1.0, radius=10, ambient=0.15),)),
    "under": LightPreset(
        "a lamp below, as in ghost stories", (_lamp(0, -60, radius=10, ambient=0.12),)
    ),
    "rim": LightPreset(
        "two lamps behind the head, which draw its outline",
        (_lamp(125, 15, 1.0, radius=15), _lamp(-125, 15, 1.0, radius=15, ambient=0.12)),
    ),
    "rembrandt": LightPreset(
        "a high lamp between front and left; a triangle of light on the far cheek",
        (_lamp(45, 42, 1.0, radius=8, ambient=0.1),),
    ),
    "butterfly": LightPreset(
        "a high lamp straight in front", (_lamp(0, 48, 1.0, radius=12, ambient=0.15),)
    ),
    "split": LightPreset(
        "a lamp at a right angle on the left; the other half dark",
        (_lamp(90, 5, radius=5, ambient=0.06),),
    ),
    "loop": LightPreset(
        "a lamp slightly to the left and above", (_lamp(30, 28, 1.0, radius=10, ambient=0.15),)
    ),
    "clamshell": LightPreset(
        "large soft boxes above and below the camera",
        (_lamp(0, 42, 1.0, radius=25), _lamp(0, -32, 0.45, radius=25, ambient=0.12)),
    ),
    "studio": LightPreset(
        "key on the left, weaker fill on the right, a hair light behind",
        (
            _lamp(40, 25, 1.0, radius=20),
            _lamp(-45, 5, 0.35, radius=30),
            _lamp(-150, 40, 0.6, radius=10, ambient=0.1),
        ),
    ),
    "window": LightPreset(
        "a large window on the left, in a room with warm walls",
        (
            _lamp(75, 12, 1.0, radius=30, temperature=7500),
            _lamp(-90, 0, 0.12, radius=60, temperature=4500, ambient=0.08),
        ),
    ),
    "overcast": LightPreset(
        "an even grey sky",
        (_sky(1.0, temperature=7000), _ground(0.15), _lamp(0, 20, 0.15, radius=60)),
    ),
    "sunset": LightPreset(
        "a low sun on the right, a blue sky",
        (
            _lamp(-55, 6, 1.0, radius=3, temperature=3000),
            _sky(0.35, temperature=12000),
            _ground(0.08, temperature=3000),
        ),
    ),
    "moonlight": LightPreset(
        "a cold high lamp on the right, in the dark",
        (_lamp(-50, 45, 1.0, temperature=15000, ambient=0.06),),
    ),
    "candle": LightPreset(
        "a flame below on the left, in a dim room",
        (
            _lamp(30, -35, 1.0, temperature=2500),
            _lamp(-30, 20, 0.15, radius=90, temperature=5500),
        ),
    ),
    "neon": LightPreset(
        "magenta from the left, cyan from the right",
        (
            _lamp(70, 5, 1.0, radius=20, color=(1.0, 0.1, 0.6)),
            _lamp(-70, 5, 1.0, radius=20, color=(0.05, 0.6, 1.0), ambient=0.05),
        ),
    ),
}
