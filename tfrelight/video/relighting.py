"""A video under another light, without flicker.

The video is read twice. The first pass detects faces and their light on a few frames a second.
Joined to tracks and smoothed over time, these give the position, old light and new light of each
face on every frame. The second pass relights the frames with them. The network knows the product of
albedo and light better than either, so the albedo takes on whatever the smoothing changes in the
light.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tfrelight import photos, processes, progress, threads
from tfrelight.errors import InputError
from tfrelight.faces import find
from tfrelight.lights import Light, as_light
from tfrelight.relighting import decomposition, face_maps
from tfrelight.video import pixel_aspect, reading, smoothing, tracks, writing

if TYPE_CHECKING:
    from tfrelight.lights import LightLike
    from tfrelight.relighting.inference import Network

__all__ = ["relight"]

# Detections a second: within 1/8 s a face moves little, and its light changes even less.
_DETECTION_RATE = 8
# One in so many of them is thorough while no face is found.
_EVERYWHERE = 16
# Standard deviations of the smoothing, seconds.
_FACES_SIGMA, _MAPS_SIGMA, _LIGHTS_SIGMA = 0.15, 0.12, 0.5
# Frames that go through the network together, and fewest that processes share.
_BATCH, _MANY = 2, 48
# A cut is where the mean difference of two frames, as thumbnails in [0, 1], exceeds the first
# number, and exceeds the median around it by the second as a factor.
_CUT, _ABRUPT = 0.08, 4.0
_THUMBNAIL = (32, 18)


@threads.single_blas
def relight(
    source: Path | str,
    light: LightLike | Callable[[decomposition.Decomposition], LightLike],
    path: Path | str,
    model: Network,
    faces: str | int = "all",
    strength: float = 1.0,
    exposure: float | None = 0.0,
    background: bool = False,
    overwrite: bool = False,
    white_balance: str = "keep",
    mark: bool = True,
    shadows: float = 1.0,
    highlights: float = 1.0,
    softness: float = 0.0,
    what: str = "person",
    workers: int = 1,
) -> None:
    """Relights a video, and keeps its size, pixel aspect, times, sound and description.

        from tfrelight.video import relighting

        relighting.relight("clip.mp4", "left", "relit.mp4", tfrelight.load_model())

    Frames without a face stay as they are, except that they are encoded again.

    Args:
      source: path of the video.
      light: what `lights.as_light` takes, or a function that gives it for the `Decomposition` of a
        frame.
      path: of the video to write; the ending is one of `writing.SUFFIXES`.
      model: what `tfrelight.load_model` gives.
      faces: "all", "largest", or a number of the largest faces.
      strength, exposure, background, white_balance: see `tfrelight.relight`.
      overwrite: whether to replace an existing file.
      mark: see `writing.write`.
      shadows, highlights, softness, what: see `tfrelight.relight`.
      workers: processes that share the frames. More than 1 is for scripts whose main module can be
        imported, and for networks of `engines.load` that run without TensorFlow.

    Raises:
      InputError: another value of `faces` or `what`, a path that cannot be written, not a video,
        no face in it, or sound that does not fit into the file to write.
      OSError: a file cannot be read or written.
    """
    writing.check(path, overwrite, sound_from=source)
    count = find.face_limit(faces)
    face_maps.check(what)
    about = reading.info(source)
    constant = None if callable(light) else as_light(light)
    drawing = {"shadows": shadows, "highlights": highlights, "softness": softness}

    def new_light(decomposed):
        """The new light of a frame, and the factor for its brightness."""
        new = as_light(light(decomposed)) if constant is None else constant
        if exposure is None:
            return new, 1.0
        face = dataclasses.replace(decomposed.faces[0], body=None)
        largest = dataclasses.replace(decomposed, faces=(face,))
        return new, largest.exposure(new, white_balance, **drawing) * 2.0**exposure

    settings = {
        "strength": strength,
        "exposure": None,
        "background": background,
        "white_balance": white_balance,
        **drawing,
    }
    few = 0 < about.frame_count < _MANY
    with processes.Pool(1 if few else workers) as pool:
        # Faces tell their light by themselves; what gives a new one may look at all of the person.
        seen = "head" if what == "person" and constant is not None else what
        tracked, lamps = _track(source, about, new_light, model, count, seen, pool)
        if not any(tracked):
            raise InputError(f"No face found in {source}.")
        relit = _relit(source, about, tracked, lamps, model, settings, what, pool)
        relit = progress.track(relit, "Relighting", "frames", about.frame_count or None)
        writing.write(path, relit, about.rate, source, mark)


def _track(source, about, new_light, model, count, what, pool):
    """For each frame a dict of track to face and what `_lights` gives of it, all smoothed.

    And the lamps and maps of the new light, which are those of the first frame with a face: frames
    differ by their own light, which is harmonics.
    """
    rate = float(about.rate)
    every = max(1, round(rate / _DETECTION_RATE))
    sampled, found, thumbnails = [], [], []
    lights, lamps = [], None

    def searched():
        """Yields the pixels and faces of some frames a second."""
        frames = reading.frames(source)
        frames = progress.track(frames, "Detecting faces", "frames", about.frame_count or None)
        for number, frame in enumerate(frames):
            thumbnail = Image.fromarray(frame.pixels).resize(_THUMBNAIL, Image.Resampling.BOX)
            thumbnails.append(np.asarray(thumbnail))
            if number % every == 0:
                pixels = pixel_aspect.square(frame)
                sampled.append(number)
                # Dark and turned faces take long to look for, in a film without faces in vain.
                everywhere = not found or bool(found[-1]) or len(found) % _EVERYWHERE == 0
                found.append(find.find(pixels, everywhere=everywhere)[:count])
                yield pixels, found[-1]

    decompose = functools.partial(_decomposed, model, what)
    for batch in pool.each(decompose, _batches(searched())):
        for decomposed in batch:
            if decomposed is None:
                lights.append([])
                continue
            new, factor = new_light(decomposed)
            lights.append(_lights(decomposed, new, factor))
            if lamps is None:
                lamps = Light(lamps=new.lamps, environments=new.environments)
    joined = tracks.join(sampled, found, _cuts(thumbnails), len(thumbnails))
    lights_of_face = {
        id(face): face_lights
        for frame_faces, frame_lights in zip(found, lights)
        for face, face_lights in zip(frame_faces, frame_lights)
    }
    tracked = [{} for _ in thumbnails]
    for number, track in enumerate(joined):
        path = track.path(_FACES_SIGMA * rate)
        detected = [lights_of_face[id(face)] for face in track.faces]
        smoothed = track.steady(detected, _LIGHTS_SIGMA * rate)
        for frame, face, face_lights in zip(tracked[track.first :], path, smoothed):
            frame[number] = (face, *face_lights)
    return tracked, lamps


def _lights(decomposed, new, factor):
    """`[4, 9, 3]` for each face of a frame.

    They are its own light, `harmonics` and `relative_harmonics` of the new one, and the factor of
    its lamps and maps.
    """
    changed = factor * new.harmonics, factor * new.relative_harmonics, np.full((9, 3), factor)
    return [np.stack([face.light, *changed]) for face in decomposed.faces]


def _batches(items):
    items = iter(items)
    while batch := list(itertools.islice(items, _BATCH)):
        yield batch


def _decomposed(model, what, batch):
    """A `Decomposition` for each of some pixels and their faces; None without a face."""
    with_faces = [photos.read(pixels) for pixels, faces in batch if faces]
    known_faces = [faces for _, faces in batch if faces]
    results = iter(decomposition.decompose(with_faces, model, known_faces=known_faces, what=what))
    return [next(results) if faces else None for _, faces in batch]


def _cuts(thumbnails):
    """Numbers of the frames that begin a new shot."""
    if len(thumbnails) < 2:
        return []
    film = np.stack(thumbnails).astype(np.float32) / 255.0
    changes = np.abs(np.diff(film, axis=0)).mean((1, 2, 3))
    cuts = []
    for number, change in enumerate(changes):
        around = np.delete(changes[max(0, number - 3) : number + 4], min(number, 3))
        if change > _CUT and change > _ABRUPT * (np.median(around) if len(around) else 0):
            cuts.append(number + 1)
    return cuts


def _relit(source, about, tracked, lamps, model, settings, what, pool):
    """Yields the frames under the new light."""
    frames = _decomposed_frames(source, about, tracked, model, what, pool)
    smoothed = smoothing.smooth(frames, _MAPS_SIGMA * float(about.rate))
    redraw = functools.partial(_redrawn, lamps, settings)
    yield from pool.each(redraw, smoothed)


def _redrawn(lamps, settings, item):
    """A frame under the new light of its largest face, which `_lights` describes."""
    frame, faces, light = item
    if not faces:
        return frame
    own, relative, factor = light
    light = Light(own, relative) + lamps * np.maximum(factor[0], 0.0)
    before = pixel_aspect.square(frame)
    here = decomposition.Decomposition(photos.read(before), faces)
    after = here.relight(light, **settings).pixels
    return pixel_aspect.stored(frame, before, after)


def _decomposed_frames(source, about, tracked, model, what, pool):
    """Yields each frame, the maps of its faces by track under the old light, and the new light."""
    # The largest face first, because its light is that of the photo.
    by_size = (
        sorted(faces.items(), key=lambda item: -item[1][0].interocular_distance)
        for faces in itertools.chain(tracked, itertools.repeat({}))
    )
    batches = _batches(zip(reading.frames(source), by_size))
    for batch in pool.each(functools.partial(_frame_maps, model, what), batches):
        yield from batch


def _frame_maps(model, what, batch):
    """For each of some frames with tracks what `smoothing.smooth` takes."""
    faces = [[face for _, (face, *_) in frame_tracks] for _, frame_tracks in batch]
    pixels = [pixel_aspect.square(frame) for frame, _ in batch]
    results = []
    decomposed = _decomposed(model, what, list(zip(pixels, faces)))
    for (frame, frame_tracks), result in zip(batch, decomposed):
        if result is None:
            results.append((frame, {}, None))
            continue
        maps = {
            track: smoothing.with_light(face, old_light)
            for (track, (_, old_light, *_)), face in zip(frame_tracks, result.faces)
        }
        results.append((frame, maps, frame_tracks[0][1][2:]))
    return results
