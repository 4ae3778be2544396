"""What a light does to a surface, in numpy: diffuse shading, cast shadows and highlights."""

from tfrelight.rendering.catchlights import Eyes
from tfrelight.rendering.height_field import HeightField, integrated
from tfrelight.rendering.renderer import Rendering, render

__all__ = ["Eyes", "HeightField", "Rendering", "integrated", "render"]
