"""The studio: a page on which users drag the light of a photo; `python -m tfrelight.studio`."""
