"""One face through a film: found on some frames, joined, smoothed, and known on every frame."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfrelight.faces.find import Face

__all__ = ["Track", "join"]

# A face is the same one if it moved by less than this between two looks, in distances of its eyes;
# the mesh's own scatter is a hundredth.
_STEP = 1.0
# Its size may change by this factor.
_GROWTH = 1.35
# Looks at which a face may stay unseen (blurred, turned away) and still be the same one.
_UNSEEN = 4


@dataclasses.dataclass
class Track:
    """A face through a shot.

    Attributes:
      looks: numbers of the frames on which it was found, rising.
      faces: `find.Face` at each.
      first, last: the frames between which it is there.
    """

    looks: list
    faces: list
    first: int = 0
    last: int = 0

    def path(self, over) -> list:
        """The face on every frame from first to last, without scatter.

        Args:
          over: standard deviation in frames of the surroundings that count.
        """
        numbers = np.array([_numbers(face) for face in self.faces])
        return [_face(row) for row in self.steady(numbers, over, degree=2)]

    def steady(self, values, over, degree=1) -> np.ndarray:
        """Values on every frame from first to last, from those at the looks.

        Each is from the polynomial that fits its surroundings best, with Gaussian weights: a mean
        would lag at a track's ends, and a line in the curves of a moving head.

        Args:
          values: `[looks, ...]`.
          over: standard deviation in frames of the surroundings that count.
          degree: of the polynomial.
        """
        looks, values = np.asarray(self.looks, float), np.asarray(values, float)
        rows = values.reshape(len(values), -1)
        frames = np.arange(self.first, self.last + 1)
        result = np.empty((len(frames), rows.shape[1]))
        for number, frame in enumerate(frames):
            # Beyond its looks a face stays where it was last.
            place = np.clip(frame, looks[0], looks[-1])
            start, end = np.searchsorted(looks, (place - 3 * over, place + 3 * over))
            if start == end:
                start = np.abs(looks - place).argmin()
                end = start + 1
            x = (looks[start:end] - place) / over
            weight = np.exp(-0.25 * x**2)[:, None]
            powers = x[:, None] ** np.arange(min(degree, len(x) - 1) + 1)
            fit = np.linalg.lstsq(powers * weight, rows[start:end] * weight, None)[0]
            result[number] = fit[0]
        return result.reshape(len(frames), *values.shape[1:])


def join(looks, found, cuts, count) -> list:
    """Joins what was found on single frames to tracks.

    Args:
      looks: numbers of the frames that were looked at, rising.
      found: for each the list of its `find.Face`s.
      cuts: numbers of the frames that begin a new shot, rising.
      count: of all frames.

    Returns:
      list of `Track`, each within one shot, and of each the frames on which it is shown: half way
      to the looks where it was not there any more.
    """
    shots = np.searchsorted(cuts, looks, side="right")
    places = {look: number for number, look in enumerate(looks)}
    tracks, free = [], []
    for number, (look, faces) in enumerate(zip(looks, found)):
        free = [
            track
            for track in free
            if shots[places[track.looks[-1]]] == shots[number]
            and number - places[track.looks[-1]] <= _UNSEEN
        ]
        # The nearest pairs first.
        pairs = sorted(
            (_distance(track.faces[-1], face), k, j)
            for k, track in enumerate(free)
            for j, face in enumerate(faces)
        )
        joined, used = set(), set()
        for distance, k, j in pairs:
            unseen = number - places[free[k].looks[-1]]
            if distance < _STEP * unseen and k not in used and j not in joined:
                free[k].looks.append(look)
                free[k].faces.append(faces[j])
                used.add(k), joined.add(j)
        new = [Track([look], [face]) for j, face in enumerate(faces) if j not in joined]
        tracks += new
        free += new
    starts = [0, *cuts]
    ends = [*(cut - 1 for cut in cuts), count - 1]
    for track in tracks:
        first, last = places[track.looks[0]], places[track.looks[-1]]
        shot = shots[first]
        before = first > 0 and shots[first - 1] == shot
        after = last + 1 < len(looks) and shots[last + 1] == shot
        track.first = (looks[first - 1] + looks[first]) // 2 + 1 if before else starts[shot]
        track.last = (looks[last] + looks[last + 1]) // 2 if after else ends[shot]
    return tracks


def _distance(a, b):
    """How far apart two faces are, in distances of the eyes; infinite if of different size."""
    ratio = a.between / b.between
    if max(ratio, 1 / ratio) > _GROWTH:
        return np.inf
    return np.linalg.norm(a.eyes.mean(0) - b.eyes.mean(0)) / max(a.between, b.between)


def _numbers(face):
    return np.concatenate([face.eyes.ravel(), [face.between, face.score], face.oval.ravel()])


def _face(numbers):
    return Face(
        numbers[:4].reshape(2, 2), float(numbers[4]), numbers[6:].reshape(-1, 2), float(numbers[5])
    )
