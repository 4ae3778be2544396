"""Measures the error of the light that `Light.from_background` estimates.

    python tools/measure_background.py --environment_dir=FOLDER

It places a person in each environment map of a folder, turned to eight sides, takes a photo of the
background (8 bits, exposed so that uniform light of the scene's mean is 0.4), and compares the
estimated light with that of the whole map. Two constant estimates serve as baselines: a light at
the camera, and uniform light.
"""

import numpy as np
from absl import flags
from scipy import ndimage

from tfrelight.commands import app

flags.DEFINE_string("environment_dir", None, "Folder of EXR or HDR maps.", required=True)
flags.DEFINE_float("field_of_view", 50, "Horizontal field of view of the photo, degrees.")

_SIZE = 128


def view(radiance, degrees):
    """The background that a camera in front of the person sees, `[128, 128, 3]` linear."""
    half = np.tan(np.radians(degrees) / 2)
    steps = (np.arange(_SIZE) + 0.5) / _SIZE * 2 - 1
    x, y = np.meshgrid(half * steps, -half * steps)
    # The camera looks along -z.
    elevation = np.arctan2(y, np.hypot(x, 1))
    azimuth = np.arctan2(x, -1)
    height, width = radiance.shape[:2]
    row = (0.5 - elevation / np.pi) * height - 0.5
    column = (azimuth / (2 * np.pi) + 0.5) * width - 0.5
    planes = [
        ndimage.map_coordinates(plane, [row, column], order=1, mode="grid-wrap")
        for plane in np.moveaxis(radiance, -1, 0)
    ]
    return np.stack(planes, -1)


def person():
    """A mask of head and shoulders, `[128, 128]` in [0, 1]."""
    y, x = (np.mgrid[:_SIZE, :_SIZE] + 0.5) / _SIZE
    head = ((x - 0.5) / 0.16) ** 2 + ((y - 0.42) / 0.22) ** 2 < 1
    return (head | (((x - 0.5) / 0.42) ** 2 + ((y - 1.0) / 0.35) ** 2 < 1)).astype(float)


def errors(guess, truth):
    """Angle between the directions in degrees, and errors of shading and colour.

    The error of shading is relative, over the visible hemisphere.
    """
    from tfrelight import harmonics
    from tfrelight.lights import sphere

    cosine = np.clip(guess.direction @ truth.direction, -1, 1)
    normals, _ = sphere.visible_normals(32)
    a, b = (np.maximum(harmonics.shade(normals, light.exposed()), 0) for light in (guess, truth))
    tint = [light.coefficients[0] / light.coefficients[0].sum() for light in (guess, truth)]
    return (
        np.degrees(np.arccos(cosine)),
        np.sqrt(np.mean((a - b) ** 2)) / np.sqrt(np.mean(b**2)),
        np.abs(tint[0] - tint[1]).sum(),
    )


def main():
    """Measures all maps and prints a table."""
    from tfrelight import color
    from tfrelight.lights import Light, maps
    from tfrelight.synthesis import environments

    found = {"background": [], "light from the camera": [], "even light": []}
    for path in environments.files(flags.FLAGS.environment_dir):
        radiance = maps.load(path)
        for turn in range(8):
            turned = np.roll(radiance, turn * radiance.shape[1] // 8, axis=1)
            truth = Light(maps.project(turned))
            level = truth.coefficients[0].mean() / np.sqrt(4 * np.pi)
            photo = np.clip(view(turned, flags.FLAGS.field_of_view) * 0.4 / level, 0, 1)
            photo = color.to_linear_numpy(np.round(color.to_srgb_numpy(photo) * 255) / 255)
            guesses = {
                "background": Light.from_background(photo, person()),
                "light from the camera": Light.from_direction(0, 0, ambient=0.5),
                "even light": Light.even(),
            }
            for name, guess in guesses.items():
                found[name].append(errors(guess, truth))
    print("guess | direction, median degrees | shading, relative error | tint")
    for name, rows in found.items():
        rows = np.array(rows)
        degrees, shading, tint = np.median(rows[:, 0]), rows[:, 1].mean(), rows[:, 2].mean()
        print(f"{name} | {degrees:.0f} | {shading:.2f} | {tint:.3f}")


if __name__ == "__main__":
    app.run(main)
