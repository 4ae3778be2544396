"""Writes people of Extended Yale B as a folder of multi-lit photos that says nothing of the lights.

    python tools/hide_lights.py --data_dir=CroppedYale --output_dir=people

The development training people, with the photos that training uses: a folder each, with numbered
PNG files, sRGB-encoded, 168x168. What can be learnt from them is learnt from photos alone.
"""

import pathlib

from absl import flags

from tfrelight import cli

flags.DEFINE_string("data_dir", None, "Folder CroppedYale.", required=True)
flags.DEFINE_string("output_dir", None, "New folder.", required=True)

# The central square of a photo, pixel for pixel.
_SIZE = 168


def main():
    values = flags.FLAGS
    from tfrelight import pictures
    from tfrelight.data import images, yale_b

    for number in yale_b.ExtendedYaleB(values.data_dir).units("train"):
        everything = yale_b.photos(values.data_dir, number, _SIZE)
        chosen = images.encode(everything.only(yale_b.usable(everything)).images)
        folder = pathlib.Path(values.output_dir) / f"person{number}"
        folder.mkdir(parents=True)
        for place, photo in enumerate(chosen, start=1):
            pictures.save(folder / f"photo{place:02d}.png", photo)


if __name__ == "__main__":
    cli.run(main)
