"""Relights photos: `python -m tfrelight.relight photo.jpg --light=left --output=relit.jpg`.

Every face is relit at full resolution with the lights that the flags describe. Size, bit depth,
colour profile, metadata and background stay. In Python: `tfrelight.relight("photo.jpg", "left")`.

Of a folder it takes all photos, without those in folders below: `photos --output_dir=relit`.
A video gives a video: `clip.mp4 --light=left --output=relit.mp4`. A light can turn around a still
photo: `photo.jpg --turntable=turn.mp4`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from tfrelight import processes
from tfrelight.commands import app, light_flags, photo_flags
from tfrelight.commands.callable_module import make_callable
from tfrelight.errors import InputError
from tfrelight.models import engines

if TYPE_CHECKING:
    from tfrelight.lights import LightLike
    from tfrelight.photos import PhotoLike
    from tfrelight.relighting.inference import Network

__all__ = ["relight"]

# Bytes that a process of a film holds for each pixel of a frame, and of the maps of its faces.
_FRAME_PIXEL, _FRAME_MAPS = 33, 60 << 20


def relight(
    photo: PhotoLike | list[PhotoLike] | tuple[PhotoLike, ...],
    light: LightLike,
    model: Network | Path | str | None = None,
    faces: str | int = "all",
    whole_image: bool = False,
    strength: float = 1.0,
    exposure: float | None = 0.0,
    background: bool = False,
    white_balance: str = "keep",
    shadows: float = 1.0,
    highlights: float = 1.0,
    softness: float = 0.0,
    what: str = "person",
) -> Any:
    """Puts a photo under another light.

        tfrelight.relight("photo.jpg", "left").save("left.jpg")

    Args:
      photo: path, bytes of a file, PIL image, array (`photos.read` says which) or `photos.Photo`;
        or a list of them, whose faces go through the network together.
      light: a `Light`, its name such as "left", coefficients `[9, 3]`, or the path of an
        environment map or a light file (`lights.as_light`).
      model: what `engines.load` takes or gives; None for the default.
      faces: "all", "largest", or a number of the largest faces.
      whole_image: whether the photo is a crop of one face; then faces are not detected.
      strength: blend from each face's own light, 0, to the new one, 1.
      exposure: stops by which to brighten the lit part of the largest face compared with the photo;
        None uses the light's own brightness.
      background: whether the background takes on the brightness and colour of the light; otherwise
        its pixels stay exactly as they are.
      white_balance: "keep": colours of lamps, named lights and environment maps are relative to the
        photo's white, so that a white lamp keeps the colour of skin; "neutral": they are absolute,
        so that a white lamp takes the tint of the old light away.
      shadows, highlights: how much of the shadows that the face casts on itself, and of the
        highlights of its skin, to render, 0 to 1. A light of harmonics alone has neither.
      softness: least angular radius of the lamps, degrees; 0 leaves them as they are.
      what: what of each person is relit: "person", or its "head" or "face" alone. Crops have no
        body.

    Returns:
      The photo in the type of the input: a `photos.Photo`, which has `save`, for a path or bytes; a
      PIL image for one; an array of the same type for an array; a list for a list. Saved files say
      in their metadata that a trained model edited them, unless they are saved with `mark=False`.

    Raises:
      InputError: not a photo, no face in it, not a light, or a value out of its range.

    Meanwhile numpy's products of matrices have one thread, in the whole process.
    """
    from tfrelight.relighting import pipeline

    def relit(decomposed, _):
        return decomposed.relight(
            light,
            strength,
            exposure,
            background,
            white_balance,
            shadows=shadows,
            highlights=highlights,
            softness=softness,
        ).like_input()

    return pipeline.each(photo, relit, model, faces, whole_image, what)


make_callable(__name__, relight)


def _define():
    photo_flags.define(mark=True)
    light_flags.define()
    flags.DEFINE_string(
        "output",
        None,
        "File to write for one photo: .jpg, .png, .webp or .tif; for a video: .mp4, .mov, .mkv, "
        ".gif or .webp. By default photo.left.jpg beside photo.jpg.",
    )
    flags.DEFINE_string("output_dir", None, "Folder to write to, under the photos' own names.")
    flags.DEFINE_bool(
        "background", False, "Give the background the brightness and colour of the light, too."
    )
    flags.DEFINE_string(
        "turntable",
        None,
        "Film to write of one photo, around which the light (default: left) turns once: .mp4, "
        ".mov, .mkv, .gif or .webp.",
    )
    flags.DEFINE_enum(
        "turntable_axis",
        "camera",
        ("camera", "vertical"),
        "Axis of --turntable: the camera's, like the hand of a clock, or the head's.",
    )
    flags.DEFINE_float("seconds", 6.0, "Length of the turn in seconds.", lower_bound=0.1)
    flags.DEFINE_float("fps", 25.0, "Frames a second of the turn.", lower_bound=1, upper_bound=120)
    for module in (photo_flags, light_flags):
        flags.adopt_module_key_flags(module)


def main(paths: list[str]) -> int:
    """Relights photos or a video as the flags say; returns the exit status."""
    from tfrelight.commands import many_photos, relit_files
    from tfrelight.photos import listing
    from tfrelight.video import reading

    given = flags.FLAGS
    has_folders = any(Path(path).is_dir() for path in paths)
    paths = listing.expanded(paths)
    if given.turntable is not None:
        return _turntable(paths)
    if any(map(reading.is_film, [*paths, given.output or ""])):
        return _video(paths)
    if has_folders and given.output_dir is None:
        raise InputError("Expected --output_dir=FOLDER for the photos of a folder. Received none.")
    names = many_photos.outputs(paths, given.output, given.output_dir, _tag())
    found = many_photos.checked(paths, lambda path: [names[path]], given.output_dir)
    request = light_flags.requested(_reference)
    write = relit_files.WritePhoto(
        request,
        given.output,
        given.output_dir,
        _tag(),
        given.background,
        given.overwrite,
        given.mark,
    )
    return many_photos.run(found, write, given.output_dir)


def _tag():
    """What the names of outputs get: the light's name if one has been chosen, else "relit"."""
    lights = flags.FLAGS.light
    return lights[0] if len(lights) == 1 and lights[0].isalnum() else "relit"


def _reference(path):
    from tfrelight import photos

    photo = photos.read(path)
    from tfrelight.relighting import pipeline

    return pipeline.light_of(photo, photo_flags.network())


def _turntable(paths):
    from tfrelight import photos
    from tfrelight.models import locating
    from tfrelight.video import reading, writing

    given = flags.FLAGS
    if len(paths) > 1:
        raise InputError(f"--turntable films one photo. Received {len(paths)}.")
    if reading.is_film(paths[0]):
        raise InputError(
            f"--turntable films a photo. Received a video, {paths[0]}: relight it with --output."
        )
    for name in ("output", "output_dir"):
        if given[name].value is not None:
            raise InputError(f"--turntable names the film to write. Received --{name} as well.")
    writing.check(given.turntable, given.overwrite)
    locating.locate(given.model)
    photo = photos.read(paths[0])
    request = light_flags.requested(_reference, default="left")
    from tfrelight.relighting import pipeline
    from tfrelight.video import turntable

    def write(decomposed, _):
        turntable.write(
            decomposed,
            request.light_on(decomposed),
            given.turntable,
            given.overwrite,
            given.mark,
            axis=given.turntable_axis,
            seconds=given.seconds,
            rate=given.fps,
            strength=request.strength,
            exposure=request.exposure,
            background=given.background,
            white_balance=request.white_balance,
            **request.drawing,
        )

    pipeline.each(photo, write, photo_flags.network(), given.faces, given.whole_image, given.what)
    print(given.turntable)
    return 0


def _beside(video):
    """The name of a relit video that --output does not name."""
    from tfrelight.video import writing

    suffix = video.suffix if video.suffix.lower() in writing.SUFFIXES else ".mp4"
    return video.with_name(f"{video.stem}.{_tag()}{suffix}")


def _video(paths):
    from tfrelight.models import locating
    from tfrelight.photos import formats
    from tfrelight.video import reading, writing

    given = flags.FLAGS
    if len(paths) > 1:
        film = next(filter(reading.is_film, paths), "the video")
        raise InputError(
            f"A video is relit alone, into one --output. Received {len(paths)} files: relight "
            f"{film} in a command of its own."
        )
    for name in ("output_dir", "whole_image"):
        if given[name].value:
            raise InputError(f"--{name} is for photos. Received a video: {paths[0]}.")
    # FFmpeg would take a photo for a video of one frame.
    if Path(paths[0]).suffix.lower() in formats.ENDINGS:
        raise InputError(
            f"{given.output} is a video and {paths[0]} a photo. Write a photo, or film a light "
            f"that turns around it: --turntable={given.output}."
        )
    output = given.output or str(_beside(Path(paths[0])))
    writing.check(output, given.overwrite)
    locating.locate(given.model)
    request = light_flags.requested(_reference)
    about = reading.info(paths[0])
    writing.check(output, given.overwrite, sound_from=paths[0])
    from tfrelight.video import relighting

    network = photo_flags.network()
    relighting.relight(
        paths[0],
        request.light() if request.is_constant else request.light_on,
        output,
        network,
        given.faces,
        request.strength,
        request.exposure,
        given.background,
        given.overwrite,
        request.white_balance,
        given.mark,
        **request.drawing,
        what=given.what,
        workers=_workers(network, about),
    )
    print(output)
    return 0


def _workers(network, about):
    """How many processes share a film."""
    # TensorFlow fills the processors by itself. Before Python 3.11 a pool to which large items are
    # sent waits for ever if one of its processes is killed (cpython issue 94777).
    if not isinstance(network, engines.LiteRT) or sys.version_info < (3, 11):
        return 1
    return processes.affordable(_FRAME_PIXEL * about.pixels + _FRAME_MAPS)


if __name__ == "__main__":
    _define()
    app.run(main, arguments="photo")
