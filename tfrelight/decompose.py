"""Takes photos apart: `python -m tfrelight.decompose photo.jpg --output_dir=out`.

Writes for `photo.jpg` the albedo, normals, shading and mask as PNG of the photo's size, the light
as JSON and drawn on a sphere, and a contact sheet of all: `photo_albedo.png`, ...; with --exr the
maps as float EXR, too. In Python `tfrelight.decompose(photo)`.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from tfrelight import cli, photo_flags
from tfrelight.callable_module import make_callable

__all__ = ["decompose"]

# What `map_files.write` writes.
_CONTENTS = (
    *("albedo.png", "normals.png", "shading.png", "mask.png"),
    *("light.json", "light.png", "sheet.png"),
)
_EXR = ("albedo.exr", "normals.exr", "shading.exr")


def decompose(photo, model=None, faces="all", whole_image=False):
    """Albedo, normals, shading, mask and light of a photo.

    Args:
      photo: path, PIL image, array or `photos.Photo`; or a list of them, whose faces go through the
        network together.
      model: what `tfrelight.load_model` gives or takes; None for its default.
      faces: "all", "largest", or how many, the largest first.
      whole_image: the photo is a crop of one face; none is searched for.

    Returns:
      `faces.decomposition.Decomposition`, a list of them for a list: its methods give maps at the
      photo's size, and the photo under another light.

    Raises:
      InputError: no photo, no face in it, or a value that is none.
    """
    from tfrelight import api

    return api.each(photo, lambda decomposed, _: decomposed, model, faces, whole_image)


make_callable(__name__, decompose)


def _define():
    photo_flags.define()
    flags.DEFINE_string("output_dir", None, "Folder to write to.", required=True)
    flags.DEFINE_bool("exr", False, "Write albedo, normals and shading as float EXR, too.")
    flags.adopt_module_key_flags(photo_flags)


def main(paths):
    """Decomposes the photos at these paths as the flags say."""
    from tfrelight import photo_batch

    given = flags.FLAGS
    contents = _CONTENTS + (_EXR if given.exr else ())

    def names(path):
        return {name: Path(given.output_dir) / f"{Path(path).stem}_{name}" for name in contents}

    def write(decomposed, path):
        from tfrelight.faces import map_files

        map_files.write(decomposed, names(path))

    return photo_batch.run(paths, write, lambda path: names(path).values(), given.output_dir)


if __name__ == "__main__":
    _define()
    cli.run(main, arguments="photo")
