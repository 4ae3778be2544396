"""The studio: a page on which one drags the light of a photo; `python -m tfrelight.studio`."""
