"""Puts photos under another light: `python -m tfrelight.relight photo.jpg --light=left`.

Every face in each photo is found and lit anew, from the lights that the flags describe; size, bit
depth, colour profile and metadata stay, and so does the background. In Python
`tfrelight.relight(photo, "left")`.

A video in gives a video out: `clip.mp4 --light=left --output=relit.mp4`. And a light can turn
around a still: `photo.jpg --turntable=turn.mp4`.
"""

from __future__ import annotations

from absl import flags

from tfrelight import cli, light_flags, photo_flags
from tfrelight.callable_module import make_callable
from tfrelight.errors import InputError
from tfrelight.lights import Light

__all__ = ["relight"]


def relight(
    photo,
    light,
    model=None,
    faces="all",
    whole_image=False,
    strength=1.0,
    exposure=0.0,
    background=False,
):
    """Puts a photo under another light.

    Args:
      photo: path, PIL image, array (`photos.read` says which) or `photos.Photo`; or a list of them,
        whose faces go through the network together.
      light: a `Light`, its name such as "left", coefficients `[9, 3]`, or the path of an
        environment map or a light file (`lights.as_light`).
      model: what `tfrelight.load_model` gives or takes; None for its default.
      faces: "all", "largest", or how many, the largest first.
      whole_image: the photo is a crop of one face; none is searched for.
      strength: 0 to 1, between each face's own light and the new one.
      exposure: stops by which the lit part of the largest face becomes brighter than it is in the
        photo; None: as bright as the light's own strength makes it.
      background: whether what is no person takes on the brightness and colour of the light; else
        it is left alone, to the last bit.

    Returns:
      what came in: a `photos.Photo` (with `save`) for a path, a PIL image for one, an array of the
      same type for an array; a list for a list.

    Raises:
      InputError: no photo, no face in it, no such light, or a value that is none.
    """
    from tfrelight import api

    def relit(decomposed, _):
        return decomposed.relight(light, strength, exposure, background).like_input()

    return api.each(photo, relit, model, faces, whole_image)


make_callable(__name__, relight)


def _define():
    photo_flags.define()
    light_flags.define()
    flags.DEFINE_string("output", None, "File to write: .jpg, .png, .webp or .tif. For one photo.")
    flags.DEFINE_string("output_dir", None, "Folder to write to, under the photos' own names.")
    flags.DEFINE_bool(
        "background", False, "Give the background the brightness and colour of the light, too."
    )
    flags.DEFINE_string(
        "turntable",
        None,
        "Film to write of one photo, the light (default: left) turning around it once: .mp4, .mov, "
        ".mkv, .gif or .webp.",
    )
    flags.DEFINE_enum(
        "turntable_axis",
        "camera",
        ("camera", "vertical"),
        "Around what: the line to the camera, as a hand of a clock, or the head.",
    )
    flags.DEFINE_float("seconds", 6.0, "How long the turn takes.", lower_bound=0.1)
    flags.DEFINE_float("fps", 25.0, "Frames a second of the turn.", lower_bound=1, upper_bound=120)
    for module in (photo_flags, light_flags):
        flags.adopt_module_key_flags(module)


def main(paths):
    """Relights the photos, or the video, at these paths as the flags say."""
    from tfrelight import photo_batch
    from tfrelight.films import reading

    given = flags.FLAGS
    if given.turntable is not None:
        return _turntable(paths)
    if any(map(reading.is_film, paths)):
        return _video(paths)
    names = photo_batch.outputs(paths, given.output, given.output_dir)
    wanted = light_flags.wanted(_reference)

    def write(decomposed, path):
        light = wanted.light(decomposed.light, decomposed.background)
        relit = decomposed.relight(light, wanted.strength, wanted.exposure, given.background)
        relit.save(names[path], given.overwrite)

    return photo_batch.run(paths, write, lambda path: [names[path]], given.output_dir)


def _reference(path):
    return Light.from_photo(path, flags.FLAGS.model)


def _turntable(paths):
    from tfrelight.films import writing

    given = flags.FLAGS
    if len(paths) > 1 or given.output is not None or given.output_dir is not None:
        raise InputError("--turntable=FILE films one photo. Expected no other photo and --output.")
    writing.check(given.turntable, given.overwrite)
    wanted = light_flags.wanted(_reference, default="left")
    from tfrelight import api
    from tfrelight.films import turntables

    def write(decomposed, _):
        turntables.write(
            decomposed,
            wanted.light(decomposed.light, decomposed.background),
            given.turntable,
            given.overwrite,
            axis=given.turntable_axis,
            seconds=given.seconds,
            rate=given.fps,
            strength=wanted.strength,
            exposure=wanted.exposure,
            background=given.background,
        )

    api.each(paths[0], write, given.model, given.faces, given.whole_image)


def _video(paths):
    from tfrelight.films import writing

    given = flags.FLAGS
    if len(paths) > 1 or given.output is None or given.whole_image:
        raise InputError(
            "Expected one video, an --output for it, no photos beside it and no --whole_image."
        )
    writing.check(given.output, given.overwrite)
    wanted = light_flags.wanted(_reference)
    from tfrelight import api
    from tfrelight.films import videos

    videos.relight(
        paths[0],
        lambda decomposed: wanted.light(decomposed.light, decomposed.background),
        given.output,
        api.loaded(given.model),
        given.faces,
        wanted.strength,
        wanted.exposure,
        given.background,
        given.overwrite,
    )


if __name__ == "__main__":
    _define()
    cli.run(main, arguments="photo")
