"""Lights that a person can name, author, load, add up and turn; without TensorFlow."""

from tfrelight.lights.directions import direction, direction_vector
from tfrelight.lights.light import Light, as_light
from tfrelight.lights.presets import PRESETS

__all__ = ["PRESETS", "Light", "as_light", "direction", "direction_vector"]
