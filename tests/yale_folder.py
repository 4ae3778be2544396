"""A small folder in the layout of Extended Yale B, for tests: eggs instead of faces."""

import numpy as np
import PIL.Image

from tfrelight import lights

WIDTH, HEIGHT = 168, 192

# (azimuth, elevation) of the database's 64 flashes, degrees.
_RIGHT = {
    5: (-10, 10),
    10: (-20, 0),
    15: (20,),
    20: (-40, -10, 10),
    25: (0,),
    35: (-20, 15, 40, 65),
    50: (-40, 0),
    60: (-20, 20),
    70: (-35, 0, 45),
    85: (-20, 20),
    95: (0,),
    110: (-20, 15, 40, 65),
    120: (0,),
    130: (20,),
}
FLASHES = [(0, elevation) for elevation in (-35, -20, 0, 20, 45, 90)] + [
    (sign * azimuth, elevation)
    for azimuth, elevations in _RIGHT.items()
    for elevation in elevations
    for sign in (1, -1)
]


def write(folder, numbers, angles):
    """Writes `yaleB01/yaleB01_P00A+035E+40.pgm` and so on.

    Args:
      folder: of the data set.
      numbers: of the people, such as "01"; each has an egg of its own shape and pattern.
      angles: of the flashes, (azimuth, elevation) in degrees.
    """
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    x, y = (x + 0.5) / 84 - 1, (96 - (y + 0.5)) / 84
    for number in numbers:
        seed = int(number)
        width, height, depth = 1.2 + 0.02 * (seed % 5), 1.6, 1.0
        square = (x / width) ** 2 + (y / height) ** 2
        normals = np.stack(
            [
                x / width**2,
                y / height**2,
                np.sqrt(np.maximum(1 - square, 0)) / depth,
            ],
            axis=-1,
        )
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        albedo = 0.6 + 0.2 * np.cos((4 + seed % 3) * x) * np.cos(5 * y)
        for azimuth, elevation in angles:
            facing = np.maximum(normals @ lights.direction_vector(azimuth, elevation), 0)
            pixels = np.round(np.where(square < 1, albedo * facing, 0) * 255).astype(np.uint8)
            path = folder / f"yaleB{number}"
            path.mkdir(parents=True, exist_ok=True)
            name = f"yaleB{number}_P00A{azimuth:+04d}E{elevation:+03d}.pgm"
            PIL.Image.fromarray(pixels).save(path / name)
