"""Lights as the page draws them."""

from tfrelight.lights import Light, as_light


def by_the_page(light):
    """A light of second order: the page draws neither shadows nor highlights of lamps."""
    light = as_light(light)
    return Light(light.coefficients, light.relative)
