"""Decomposes photos: `python -m tfrelight.decompose photo.jpg --output_dir=out`.

Writes `photo_albedo.png`, `photo_normals.png`, `photo_shading.png`, `photo_mask.png` and, if the
network tells skin, hair, cloth and so on apart, `photo_parts.png` at the size of the photo, the
light as JSON and on a sphere, and a contact sheet; with --exr also the maps as float EXR. Of a
folder it takes all photos, without those in folders below. In Python:
`tfrelight.decompose("photo.jpg")`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, overload

from absl import flags

from tfrelight.commands import app, photo_flags
from tfrelight.commands.callable_module import make_callable

if TYPE_CHECKING:
    from tfrelight.photos import PhotoLike
    from tfrelight.relighting.decomposition import Decomposition
    from tfrelight.relighting.inference import Network

__all__ = ["decompose"]


@overload
def decompose(
    photo: PhotoLike,
    model: Network | Path | str | None = None,
    faces: str | int = "all",
    whole_image: bool = False,
    what: str = "person",
) -> Decomposition: ...
@overload
def decompose(
    photo: list[PhotoLike] | tuple[PhotoLike, ...],
    model: Network | Path | str | None = None,
    faces: str | int = "all",
    whole_image: bool = False,
    what: str = "person",
) -> list[Decomposition]: ...
def decompose(
    photo: PhotoLike | list[PhotoLike] | tuple[PhotoLike, ...],
    model: Network | Path | str | None = None,
    faces: str | int = "all",
    whole_image: bool = False,
    what: str = "person",
) -> Decomposition | list[Decomposition]:
    """Albedo, normals, shading, mask, parts and light of a photo.

        decomposed = tfrelight.decompose("photo.jpg")
        decomposed.albedo(), decomposed.normals(), decomposed.light
        decomposed.relight("left").save("left.jpg")

    Args:
      photo: path, bytes of a file, PIL image, array (`photos.read` says which) or `photos.Photo`;
        or a list of them, whose faces go through the network together.
      model: what `tfrelight.load_model` takes or gives; None for the default.
      faces: "all", "largest", or a number of the largest faces.
      whole_image: whether the photo is a crop of one face; then faces are not detected.
      what: what of each person: "person", or its "head" or "face" alone. Crops have no body.

    Returns:
      `relighting.decomposition.Decomposition`, or a list of them for a list. Its methods give the
      maps at the photo's size, and the photo under another light.

    Raises:
      InputError: not a photo, no face in it, or another value of `faces` or `what`.
    """
    from tfrelight.relighting import pipeline

    return pipeline.each(photo, lambda decomposed, _: decomposed, model, faces, whole_image, what)


make_callable(__name__, decompose)


def _define():
    photo_flags.define()
    flags.DEFINE_string("output_dir", None, "Folder to write to.", required=True)
    flags.DEFINE_bool("exr", False, "Also write albedo, normals and shading as float EXR.")
    flags.adopt_module_key_flags(photo_flags)


def main(paths: list[str]) -> int:
    """Decomposes photos as the flags say; returns the exit status."""
    from tfrelight.commands import many_photos, written_maps
    from tfrelight.photos import listing

    given = flags.FLAGS
    write = written_maps.WriteMaps(given.output_dir, given.exr)
    found = many_photos.checked(
        listing.expanded(paths), lambda path: write.names(path).values(), given.output_dir
    )
    return many_photos.run(found, write, given.output_dir)


if __name__ == "__main__":
    _define()
    app.run(main, arguments="photo or a folder of photos")
