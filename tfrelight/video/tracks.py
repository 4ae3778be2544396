"""Tracks: detections of one face on some frames, joined to a smooth path on every frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfrelight.faces.find import Face

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Track", "join"]

# Largest step of a face from one sampled frame to the next, in interocular distances. The mesh's
# own scatter is 0.01.
_MAX_STEP = 1.0
# Largest factor by which its size may change.
_MAX_GROWTH = 1.35
# Largest step between two detections of a face, in sampled frames: it may be missing (blurred,
# turned away) from three of them.
_MAX_GAP = 4


@dataclasses.dataclass
class Track:
    """One face through a shot.

    Attributes:
      detected: numbers of the frames on which it was detected, rising.
      faces: the face on each of these.
      first, last: the first and last frame on which it is relit.
    """

    detected: list[int]
    faces: list[Face]
    first: int = 0
    last: int = 0

    def path(self, sigma: float) -> list[Face]:
        """The smoothed face on every frame from `first` to `last`.

        Args:
          sigma: standard deviation of the smoothing in frames.
        """
        rows = np.array([_row(face) for face in self.faces])
        return [_face(row) for row in self.steady(rows, sigma, degree=2)]

    def steady(self, values: ArrayLike, sigma: float, degree: int = 1) -> np.ndarray:
        """Smoothed values on every frame from `first` to `last`.

        Each is that of the polynomial with the best Gaussian-weighted fit around the frame. A mean
        would lag at the ends of a track, and a line where a moving head turns.

        Args:
          values: `[detected, ...]`, on the frames of `detected`.
          sigma: standard deviation of the weights in frames.
          degree: of the polynomial.

        Returns:
          `[last - first + 1, ...]`.
        """
        detected, values = np.asarray(self.detected, float), np.asarray(values, float)
        rows = values.reshape(len(values), -1)
        frames = np.arange(self.first, self.last + 1)
        result = np.empty((len(frames), rows.shape[1]))
        for number, frame in enumerate(frames):
            # Before the first and after the last detection the face stands still.
            place = np.clip(frame, detected[0], detected[-1])
            start, end = np.searchsorted(detected, (place - 3 * sigma, place + 3 * sigma))
            if start == end:
                start = np.abs(detected - place).argmin()
                end = start + 1
            x = (detected[start:end] - place) / sigma
            weight = np.exp(-0.25 * x**2)[:, None]
            powers = x[:, None] ** np.arange(min(degree, len(x) - 1) + 1)
            fit = np.linalg.lstsq(powers * weight, rows[start:end] * weight, None)[0]
            result[number] = fit[0]
        return result.reshape(len(frames), *values.shape[1:])


def join(
    sampled: Sequence[int],
    found: Sequence[Sequence[Face]],
    cuts: Sequence[int],
    count: int,
) -> list[Track]:
    """Joins detections to tracks, each within one shot.

    A track reaches half way to the neighbouring sampled frames without the face, or to the cut.

    Args:
      sampled: numbers of the frames on which faces were detected, rising.
      found: the faces on each of these.
      cuts: numbers of the frames that begin a new shot, rising.
      count: of all frames.
    """
    shots = np.searchsorted(cuts, sampled, side="right")
    places = {frame: place for place, frame in enumerate(sampled)}
    tracks: list[Track] = []
    open_tracks: list[Track] = []
    for place, (frame, faces) in enumerate(zip(sampled, found)):
        open_tracks = [
            track
            for track in open_tracks
            if shots[places[track.detected[-1]]] == shots[place]
            and place - places[track.detected[-1]] <= _MAX_GAP
        ]
        # The nearest pairs first.
        pairs = sorted(
            (_distance(track.faces[-1], face), k, j)
            for k, track in enumerate(open_tracks)
            for j, face in enumerate(faces)
        )
        continued: set[int] = set()
        joined: set[int] = set()
        for distance, k, j in pairs:
            track = open_tracks[k]
            steps = place - places[track.detected[-1]]
            if distance < _MAX_STEP * steps and k not in continued and j not in joined:
                continued.add(k)
                joined.add(j)
                track.detected.append(frame)
                track.faces.append(faces[j])
        new = [Track([frame], [face]) for j, face in enumerate(faces) if j not in joined]
        tracks += new
        open_tracks += new
    starts = [0, *cuts]
    ends = [*(cut - 1 for cut in cuts), count - 1]
    for track in tracks:
        first, last = places[track.detected[0]], places[track.detected[-1]]
        shot = shots[first]
        before = first > 0 and shots[first - 1] == shot
        after = last + 1 < len(sampled) and shots[last + 1] == shot
        track.first = (sampled[first - 1] + sampled[first]) // 2 + 1 if before else starts[shot]
        track.last = (sampled[last] + sampled[last + 1]) // 2 if after else ends[shot]
    return tracks


def _distance(a, b):
    """Distance of two faces in interocular distances; infinite if their sizes differ."""
    ratio = a.interocular_distance / b.interocular_distance
    if max(ratio, 1 / ratio) > _MAX_GROWTH:
        return np.inf
    return np.linalg.norm(a.eyes.mean(0) - b.eyes.mean(0)) / max(
        a.interocular_distance, b.interocular_distance
    )


def _row(face):
    """A face as numbers, for `_face`."""
    return np.concatenate(
        [face.eyes.ravel(), [face.interocular_distance, face.score], face.oval.ravel()]
    )


def _face(row):
    return Face(row[:4].reshape(2, 2), float(row[4]), row[6:].reshape(-1, 2), float(row[5]))
