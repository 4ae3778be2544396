"""Measures how near labels from photometric stereo come to the photos on Extended Yale B.

    python tools/measure_labels.py --data_dir=CroppedYale

Over the people of development training and the flashes of the evaluation, in its region: si-RMSE
against the photo of what the labels render (stereo albedo and normals under the flash's light), and
of the same surface under the second-order light that fits the photo best, which no network that
keeps to the surface can pass; how far that light points from the flash, median; and the share of
pixels where the labels' picture is off by more than a tenth (sRGB), darker or lighter.
"""

from absl import flags

from tfrelight import cli

flags.DEFINE_string("data_dir", None, "Folder CroppedYale.", required=True)


def main():
    values = flags.FLAGS
    import numpy as np

    from tfrelight import color, lights, metrics
    from tfrelight.data import yale_b
    from tfrelight.evaluation import yale_b as protocol

    found = {"labels": [], "fitted light": []}
    degrees, darker, lighter = [], [], []

    def predict(photos):
        # What this measures needs no network.
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
            off = (color.to_srgb_numpy(photo) - color.to_srgb_numpy(rendered["labels"]))[mask]
            darker.append((off < -0.1).mean())
            lighter.append((off > 0.1).mean())
        fitted = lights.direction(np.repeat(person.oracle_light[..., None], 3, axis=-1))
        degrees.extend(metrics.angular_degrees(fitted, person.directions))
    for name, errors in found.items():
        print(f"{name}: si-RMSE {np.mean(errors):.4f}, {len(errors)} photos")
    print(f"fitted light: {np.median(degrees):.1f} degrees from the flash, median")
    print(f"photo darker than labels {np.mean(darker):.1%}, lighter {np.mean(lighter):.1%}")


if __name__ == "__main__":
    cli.run(main)
