"""What the page is told beside the photo: named lights, sample photos, and its limits."""

from __future__ import annotations

from typing import Any

from tfrelight.lights import PRESETS

__all__ = ["MOST_FACES", "SAMPLES", "presets"]

# Faces per photo, at most: a page's shader has at least 16 textures. The photo takes two, each face
# two, and a phone has not much time for each.
MOST_FACES = 4
# Files in `samples`. NASA's and in the public domain; rendered by tools/make_studio_samples.py.
SAMPLES = ("astronaut.jpg", "curls.jpg", "glasses.jpg")


def presets() -> dict[str, dict[str, Any]]:
    """The named lights, as JSON can hold them: lamps for the controls."""
    return {name: {"lamps": preset.lamps} for name, preset in PRESETS.items()}
