"""A small folder in the layout of Extended Yale B, for tests: eggs instead of faces."""

import numpy as np
import PIL.Image

from tfrelight import lights

WIDTH, HEIGHT = 168, 192


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
            path.mkdir(exist_ok=True)
            name = f"yaleB{number}_P00A{azimuth:+04d}E{elevation:+03d}.pgm"
            PIL.Image.fromarray(pixels).save(path / name)
