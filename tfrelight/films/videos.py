"""A video under another light, steady from frame to frame.

The film is read twice. First every few frames are looked at: where the faces are, and what light is
on them. Joined to tracks and smoothed, this says for every frame where a face is, what its old
light is and what the new one; with that the film is read again and relit. What one frame's network
pass says of brightness alone would flicker: only the product of albedo and light is known well, and
so the albedo follows when the light is smoothed.
"""

from __future__ import annotations

import itertools

import numpy as np
from PIL import Image
from tqdm import tqdm

from tfrelight import photos
from tfrelight.errors import InputError
from tfrelight.faces import decomposition, find
from tfrelight.films import reading, settling, tracks, writing
from tfrelight.lights import as_light

__all__ = ["relight"]

# Looks a second: a face moves little, and light less, in an eighth of one.
_LOOKS = 8
# Standard deviations of the smoothing, seconds: of where a face is, of its maps, and of lights.
_FACES_OVER, _MAPS_OVER, _LIGHTS_OVER = 0.15, 0.12, 0.5
# Frames that the network gets at once.
_TOGETHER = 8
# Mean difference of two frames, as tiny pictures in [0, 1], that makes a new shot; and by how much
# it must exceed that of the frames around.
_CUT, _ABRUPT = 0.08, 4.0
_TINY = (32, 18)


def relight(
    source,
    light,
    path,
    model,
    faces="all",
    strength=1.0,
    exposure=0.0,
    background=False,
    overwrite=False,
):
    """Relights a video; its size, times, sound and description stay.

    Frames without a face stay as they are, but for a new encoding.

    Args:
      source: path of the video.
      light: what `lights.as_light` takes; or a function of a frame's `Decomposition` to that.
      path: of the film, as `writing.SUFFIXES` end.
      model: as `tfrelight.load_model` gives it.
      faces: "all", "largest", or how many, the largest first.
      strength, exposure, background: see `tfrelight.relight`.
      overwrite: whether the file may be there.

    Raises:
      InputError: a path that cannot be written, no video, or no face in it.
      OSError: a file cannot be read or written.
    """
    writing.check(path, overwrite)
    most = decomposition.most(faces)
    facts = reading.facts(source)
    light_of = light if callable(light) else lambda _: light
    found = _look(source, facts, light_of, model, most, exposure)
    if not any(found):
        raise InputError(f"No face found in {source}.")
    relit = _relit(source, facts, found, model, strength, background)
    writing.write(path, relit, facts.rate, sound_from=source)


def _look(source, facts, light_of, model, most, exposure):
    """For each frame a dict of its faces: track to face, its light, and the new light, steady."""
    rate = float(facts.rate)
    every = max(1, round(rate / _LOOKS))
    looks, found, known, tiny = [], [], [], []
    waiting = []
    for number, frame in enumerate(_progress(source, facts, "looking")):
        tiny.append(np.asarray(Image.fromarray(frame.pixels).resize(_TINY, Image.Resampling.BOX)))
        if number % every == 0:
            looks.append(number)
            found.append(find.find(frame.pixels)[:most])
            waiting.append(frame.pixels)
        if len(waiting) == _TOGETHER:
            known += _lights(waiting, found[-len(waiting) :], light_of, model, exposure)
            waiting = []
    known += _lights(waiting, found[len(found) - len(waiting) :], light_of, model, exposure)
    joined = tracks.join(looks, found, _cuts(tiny), len(tiny))
    of_face = {
        id(face): values
        for of_frame, lights in zip(found, known)
        for face, values in zip(of_frame, lights)
    }
    film = [{} for _ in tiny]
    for number, track in enumerate(joined):
        lights = track.steady([of_face[id(face)] for face in track.faces], _LIGHTS_OVER * rate)
        for frame, face, values in zip(film[track.first :], track.path(_FACES_OVER * rate), lights):
            frame[number] = (face, *values)
    return film


def _progress(source, facts, what):
    total = facts.count or None
    return tqdm(reading.frames(source), what, total, unit="frame", disable=None)


def _lights(frames, found, light_of, model, exposure):
    """For each frame and face its own light and the new one, `[2, 9, 3]`."""
    results = []
    for decomposed in _decomposed(frames, found, model):
        if decomposed is None:
            results.append([])
            continue
        new = as_light(light_of(decomposed)).coefficients
        if exposure is not None:
            new = new * np.float32(decomposed.exposure(new) * 2.0**exposure)
        results.append([np.stack([face.light, new]) for face in decomposed.faces])
    return results


def _decomposed(frames, found, model):
    """A `Decomposition` for each frame; None where there is no face."""
    given = [photos.read(pixels) for pixels, of_frame in zip(frames, found) if of_frame]
    results = iter(decomposition.decompose(given, model, known_faces=[one for one in found if one]))
    return [next(results) if of_frame else None for of_frame in found]


def _cuts(tiny):
    """Numbers of the frames that begin a new shot."""
    if len(tiny) < 2:
        return []
    film = np.stack(tiny).astype(np.float32) / 255.0
    changes = np.abs(np.diff(film, axis=0)).mean((1, 2, 3))
    cuts = []
    for number, change in enumerate(changes):
        around = np.delete(changes[max(0, number - 3) : number + 4], min(number, 3))
        if change > _CUT and change > _ABRUPT * (np.median(around) if len(around) else 0):
            cuts.append(number + 1)
    return cuts


def _relit(source, facts, found, model, strength, background):
    """Yields the film's frames under the new light."""
    decomposed = _steady(source, facts, found, model)
    for frame, faces, light in settling.settled(decomposed, _MAPS_OVER * float(facts.rate)):
        if not faces:
            yield frame
            continue
        here = decomposition.Decomposition(photos.read(frame.pixels), faces)
        yield frame._replace(pixels=here.relight(light, strength, None, background).pixels)


def _steady(source, facts, found, model):
    """Yields each frame, its faces by track under their steady lights, and the new light."""
    frames = iter(_progress(source, facts, "relighting"))
    rest = iter(found)
    while group := list(itertools.islice(frames, _TOGETHER)):
        # The largest first: its light is the one that counts.
        here = [sorted(next(rest, {}).items(), key=lambda one: -one[1][0].between) for _ in group]
        faces = [[face for _, (face, _, _) in of_frame] for of_frame in here]
        decomposed = _decomposed([frame.pixels for frame in group], faces, model)
        for frame, of_frame, result in zip(group, here, decomposed):
            if result is None:
                yield frame, {}, None
                continue
            maps = {
                track: settling.under(one, old)
                for (track, (_, old, _)), one in zip(of_frame, result.faces)
            }
            yield frame, maps, of_frame[0][1][2]
