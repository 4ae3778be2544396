"""Maps of faces made by hand: a roof of two slopes, on which every shading is known."""

import numpy as np

from tfrelight import color, harmonics
from tfrelight.faces import find, framing
from tfrelight.relighting.face_maps import FaceMaps

SIZE = 64
LEFT, RIGHT = np.s_[:, : SIZE // 2], np.s_[:, SIZE // 2 :]
# The slopes lean 45 degrees to the left and to the right.
_ACROSS = np.sqrt(0.5)


def light(left, right):
    """`[9, 3]`: the light under which the left slope has one shading and the right another.

    Args:
      left, right: a number, or one a channel.
    """
    left, right = np.broadcast_to(left, 3), np.broadcast_to(right, 3)
    coefficients = np.zeros((9, 3))
    coefficients[0] = (left + right) / 2 / harmonics.CONSTANT
    # 2/3 of the cosine's second band.
    coefficients[3] = (right - left) / 2 / _ACROSS / harmonics.LINEAR / (2 / 3)
    return coefficients.astype(np.float32)


def picture(value):
    """`[S, S, 3]` of a number, a colour or such a picture."""
    return np.array(np.broadcast_to(np.float32(value), (SIZE, SIZE, 3)))


def half(left, right):
    """`[S, S]` of one number on the left slope and another on the right."""
    result = np.full((SIZE, SIZE), left, np.float32)
    result[RIGHT] = right
    return result


def a_face(middle, between):
    """An upright `find.Face` whose outline is a circle."""
    across = np.array([between / 2, 0.0])
    turns = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    oval = middle + 0.9 * between * np.stack([np.cos(turns), np.sin(turns)], -1)
    return find.Face(np.array([middle - across, middle + across]), between, oval, 1.0)


def roof(photo=0.2, own=0.5, **fields):
    """`FaceMaps` of the roof, whose albedo and light explain the photo where nothing else is said.

    Args:
      photo: linear, what `picture` takes.
      own: its shading: a number, or one a slope.
    """
    photo = picture(photo)
    own = light(*np.broadcast_to(own, 2))
    slopes = np.stack([half(-_ACROSS, _ACROSS), half(0, 0), half(_ACROSS, _ACROSS)], -1)
    made = {
        "window": framing.whole((SIZE, SIZE)),
        "box": (0, 0, SIZE, SIZE),
        "face": None,
        "photo": photo,
        "guide": color.luminance_numpy(color.to_srgb_numpy(photo)),
        "albedo": photo / harmonics.shade(slopes, own),
        "normals": slopes,
        "mask": np.ones((SIZE, SIZE), np.float32),
        "region": np.ones((SIZE, SIZE), bool),
        "residual": np.zeros((SIZE, SIZE), np.float32),
        "light": own,
    }
    return FaceMaps(**{**made, **fields})
