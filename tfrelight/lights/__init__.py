"""Lights to name, make, load, add up and turn; without TensorFlow.

from tfrelight.lights import Light

key = Light.from_direction(azimuth=40, elevation=25, radius=20, temperature=5000)
light = (key + 0.5 * Light.preset("rim")).rotated(azimuth=-80)
light.save("light.json")
"""

from tfrelight.lights.conversion import LightLike, as_light
from tfrelight.lights.directions import direction, direction_vector
from tfrelight.lights.environment import Environment
from tfrelight.lights.lamp import Lamp
from tfrelight.lights.light import Light
from tfrelight.lights.presets import PRESETS

__all__ = [
    "PRESETS",
    "Environment",
    "Lamp",
    "Light",
    "LightLike",
    "as_light",
    "direction",
    "direction_vector",
]
