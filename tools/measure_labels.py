"""Measures how well labels from photometric stereo reproduce the photos of Extended Yale B.

    python tools/measure_labels.py --data_dir=CroppedYale

Over the development training people, under the flashes and in the region of the evaluation, it
prints

- the si-RMSE of the rendered labels (stereo albedo and normals under the flash's light), and of the
  same surface under the second-order light that fits the photo best, a lower bound for any network
  with this surface;
- the median angle between that light and the flash;
- the shares of pixels where the photo is darker or lighter than the rendered labels by more than a
  tenth (sRGB-encoded).
"""

from absl import flags

from tfrelight.commands import app

flags.DEFINE_string("data_dir", None, "Folder CroppedYale.", required=True)


def main():
    values = flags.FLAGS
    import numpy as np

    from tfrelight import color, lights
    from tfrelight.data.datasets import yale_b
    from tfrelight.evaluation import metrics
    from tfrelight.evaluation import yale_b as protocol
    from tfrelight.lights import directions

    found = {"labels": [], "fitted light": []}
    degrees, darker, lighter = [], [], []

    def predict(photos):
        # No network takes part.
        return {}

    for number in yale_b.DEVELOPMENT_TRAIN:
        person = protocol.person(values.data_dir, number, predict)
        mask = person.mask
        for index, photo in enumerate(person.photos.images):
            rendered = {
                "labels": person.light[index].mean(axis=-1),
                "fitted light": person.oracle_light[index],
            }
            rendered = {
                name: person.albedo * protocol.shaded(person, light)
                for name, light in rendered.items()
            }
            for name, picture in rendered.items():
                found[name].append(metrics.si_rmse(picture, photo, mask))
            error = (color.to_srgb_numpy(photo) - color.to_srgb_numpy(rendered["labels"]))[mask]
            darker.append((error < -0.1).mean())
            lighter.append((error > 0.1).mean())
        fitted = lights.direction(np.repeat(person.oracle_light[..., None], 3, axis=-1))
        degrees.extend(directions.angular_degrees(fitted, person.directions))
    for name, errors in found.items():
        print(f"{name}: si-RMSE {np.mean(errors):.4f}, {len(errors)} photos")
    print(f"fitted light: {np.median(degrees):.1f} degrees from the flash, median")
    print(f"photo darker than labels {np.mean(darker):.1%}, lighter {np.mean(lighter):.1%}")


if __name__ == "__main__":
    app.run(main)
