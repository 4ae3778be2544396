"""Measures photometric stereo under unknown lights on Extended Yale B, whose lights are known.

    python tools/measure_uncalibrated.py --data_dir=CroppedYale

For each number of photos, drawn from those that training uses, it prints the mean angle between
normals and those of calibrated stereo from all photos, in the evaluation's region, before stereo
(the network's normals, averaged over the photos) and after it, and the median angle of the lights.
Figures are means over the people of a split whom stereo does not refuse.
"""

from absl import flags

from tfrelight.commands import app

flags.DEFINE_string("model", "compact-128", "Preset, or folder of a training run.")
flags.DEFINE_string("data_dir", None, "Folder CroppedYale.", required=True)
flags.DEFINE_enum("split", "test", ["train", "test"], "Split of the development people.")
flags.DEFINE_list("photos", ["64", "16", "8"], "Numbers of photos.")
flags.DEFINE_integer("seed", 0, "Seed that draws the photos.")

_SIZE = 128


def main():
    values = flags.FLAGS
    import numpy as np

    import tfrelight
    from tfrelight import lights
    from tfrelight.data.datasets import yale_b
    from tfrelight.data.surface_prior import surface_prior
    from tfrelight.errors import InputError
    from tfrelight.evaluation import metrics
    from tfrelight.evaluation import yale_b as protocol
    from tfrelight.lights import directions
    from tfrelight.models import predictor
    from tfrelight.stereo import uncalibrated

    predict = predictor.predictor(tfrelight.load_model(values.model))
    print("photos  people  network  normals  lights  (degrees)")
    for count in map(int, values.photos):
        found = []
        for number in yale_b.SPLITS[values.split]:
            everything = yale_b.photos(values.data_dir, number, _SIZE)
            truth = yale_b.stereo(everything)
            usable = yale_b.usable(everything)
            rng = np.random.default_rng([values.seed, int(number)])
            drawn = rng.choice(usable, min(count, len(usable)), replace=False)
            photos = everything.only(drawn)
            coloured = np.repeat(photos.images[..., None], 3, axis=-1)
            prior = surface_prior(coloured, predict)
            try:
                solved, lamps = uncalibrated.solve(photos.images, *prior)
            except InputError as error:
                print(f"{count} photos of yaleB{number}: {error}")
                continue
            region = truth.valid & solved.valid & protocol.ellipse(_SIZE)
            true_lamps = lights.direction_vector(photos.azimuth, photos.elevation)
            found.append(
                (
                    metrics.normals(prior[0], truth.normals, region)["degrees"],
                    metrics.normals(solved.normals, truth.normals, region)["degrees"],
                    np.median(directions.angular_degrees(lamps, true_lamps)),
                )
            )
        mean = np.mean(found, axis=0) if found else []
        print(f"{count:6d}  {len(found):6d}  " + "  ".join(f"{value:7.1f}" for value in mean))


if __name__ == "__main__":
    app.run(main)
