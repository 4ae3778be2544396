"""Faces in a photo: finding them, framing them for a network, and what it says at full size."""
