"""Writes people of Extended Yale B as a folder of multi-lit photos without their lights.

    python tools/hide_lights.py --data_dir=CroppedYale --output_dir=people

It writes the photos that training uses of the development training people: numbered PNG files,
sRGB-encoded, 168x168, in a folder for each person. A network that trains on this folder learns from
the photos alone.
"""

import pathlib

from absl import flags

from tfrelight.commands import app

flags.DEFINE_string("data_dir", None, "Folder CroppedYale.", required=True)
flags.DEFINE_string("output_dir", None, "New folder.", required=True)

# Side of the central square of a photo, which is not resized.
_SIZE = 168


def main():
    values = flags.FLAGS
    from tfrelight.data import images
    from tfrelight.data.datasets import yale_b
    from tfrelight.photos import pictures

    for number in yale_b.YaleBReader(values.data_dir).units("train"):
        everything = yale_b.photos(values.data_dir, number, _SIZE)
        chosen = images.encode(everything.only(yale_b.usable(everything)).images)
        folder = pathlib.Path(values.output_dir) / f"person{number}"
        folder.mkdir(parents=True)
        for place, photo in enumerate(chosen, start=1):
            pictures.save(folder / f"photo{place:02d}.png", photo)


if __name__ == "__main__":
    app.run(main)
