"""Faces and their landmarks.

The networks of MTCNN find them without TensorFlow (`mtcnn`); those of MediaPipe, where their
package is installed, draw outlines more exactly and find faces at any roll at once (`mediapipe`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from types import ModuleType

import numpy as np
from PIL import Image

from tfrelight.errors import InputError
from tfrelight.faces import crops, mediapipe, mtcnn, mtcnn_networks

__all__ = ["FINDERS", "Face", "face_limit", "find", "load"]

FINDERS = ("mtcnn", "mediapipe")
# Photos with a longer side than this, in pixels, are searched for smaller faces.
_LARGE = 1280
# Heights of the smallest faces, as shares of the photo's longer side: of most photos, of large
# ones, and in searches of the turned photo.
_SMALLEST, _SMALLEST_IN_LARGE, _SMALLEST_TURNED = 1 / 25, 1 / 50, 1 / 16
# A brighter copy: the share of its values below white, and the exponent of its curve.
_WHITE, _LIFT = 0.995, 0.4
# Faces with eyes closer than this, in pixels, are too small to relight.
_MIN_INTEROCULAR_DISTANCE = 8.0
# Most refits of the points, which end when the sine of the change in roll is below the second
# number.
_REFITS, _SMALL_TURN = 4, 0.1
# MediaPipe's interpreters have one input and output each, so threads take turns.
_LOCK = threading.Lock()

Detection = tuple[float, np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Face:
    """A face, in pixels of the upright photo: x to the right, y down.

    Attributes:
      eyes: `[2, 2]`, centres of the eyes; first the one that is on the left when the face is
        upright.
      interocular_distance: distance of the eyes in space, pixels; it stays when the head turns
        aside.
      oval: `[36, 2]`, outline of the face, clockwise from the forehead.
      score: of the detector, 0 to 1.
    """

    eyes: np.ndarray
    interocular_distance: float
    oval: np.ndarray
    score: float

    def scaled(self, factors: np.ndarray) -> Face:
        """The face in a photo of another size.

        Args:
          factors: `[2]`, of the photo's width and height.
        """
        return dataclasses.replace(
            self,
            eyes=self.eyes * factors,
            oval=self.oval * factors,
            interocular_distance=self.interocular_distance * float(np.mean(factors)),
        )

    @property
    def roll(self) -> float:
        """In-plane rotation of the face, radians, clockwise."""
        across = self.eyes[1] - self.eyes[0]
        return float(np.arctan2(across[1], across[0]))

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the outline, pixels."""
        (left, top), (right, bottom) = self.oval.min(0), self.oval.max(0)
        return left, top, right, bottom


def find(pixels: np.ndarray, finder: str = "mtcnn", everywhere: bool = True) -> list[Face]:
    """Detects the faces in a photo, the largest first.

    Args:
      pixels: `[H, W, 3]` uint8, sRGB-encoded, upright.
      finder: one of `FINDERS`.
      everywhere: where MTCNN finds no face, look for dark and turned ones, which takes ten times
        as long.

    Raises:
      InputError: no such finder, or its package is not installed.
    """
    if finder not in FINDERS:
        raise InputError(f"No face finder {finder!r}. Expected one of: {', '.join(FINDERS)}.")
    photo = Image.fromarray(pixels)
    if finder == "mediapipe":
        with _LOCK:
            return _by_mediapipe(photo)
    return _by_mtcnn(photo, everywhere)


def load() -> None:
    """Loads the networks, as `find` does when it is first called.

    Without the package that holds them this does nothing; `find` says so.
    """
    with contextlib.suppress(InputError):
        mtcnn_networks.load()


def _by_mtcnn(photo, everywhere):
    """As MTCNN finds them; where it finds none, also in a brighter copy and at other rolls."""
    width, height = photo.size
    longer = max(width, height)
    smallest = longer * (_SMALLEST_IN_LARGE if longer > _LARGE else _SMALLEST)

    def search(seen):
        return _placed(seen, list(mtcnn.detect(seen, (0, 0, width, height), smallest)), mtcnn)

    faces = search(photo)
    if faces or not everywhere or min(width, height) < _MIN_INTEROCULAR_DISTANCE:
        return faces
    faces = search(_brighter(photo))
    if faces:
        return faces
    # No larger than what the smallest faces need.
    scale = min(1.0, mtcnn.CELL / _SMALLEST_TURNED / longer)
    small = photo.resize((max(1, round(width * scale)), max(1, round(height * scale))))
    back = np.divide(photo.size, small.size)
    turned = [
        (score, box * back, eyes * back)
        for eighth in range(1, 8)
        for score, box, eyes in _detected_turned(small, eighth * np.pi / 4)
    ]
    return _placed(photo, turned, mtcnn)


def _brighter(photo):
    """A photo whose shadows are lifted, as faces in the dark need it."""
    counts = np.reshape(photo.histogram(), (-1, 256)).sum(0)
    white = max(int(np.searchsorted(np.cumsum(counts), _WHITE * counts.sum())), 1)
    curve = np.minimum(np.arange(256) / white, 1.0) ** _LIFT * 255.0
    return photo.point(curve.round().astype(int).tolist() * 3)


def _detected_turned(photo, roll) -> Iterator[Detection]:
    """What MTCNN finds in a photo with this roll, in pixels of the photo as it is."""
    side = int(np.ceil(np.hypot(*photo.size)))
    turned, turn, origin = crops.cut(photo, np.divide(photo.size, 2), side, roll, side)
    for score, box, eyes in mtcnn.detect(turned, (0, 0, side, side), mtcnn.CELL):
        middle, half = box.mean(0) @ turn.T + origin, (box[1] - box[0]) / 2
        yield score, np.stack([middle - half, middle + half]), eyes @ turn.T + origin


def _by_mediapipe(photo):
    """As MediaPipe finds them, large photos also in quarters, for small faces."""
    width, height = photo.size
    found = [
        detection
        for region in _quarters(width, height)
        for detection in mediapipe.detect(photo, region)
    ]
    faces = _placed(photo, found, mediapipe)
    if faces:
        return faces
    # The detector misses small faces that are upside down.
    end = np.array([width, height])
    turned = photo.transpose(Image.Transpose.ROTATE_180)
    found = list(mediapipe.detect(turned, (0, 0, width, height)))
    return [
        dataclasses.replace(face, eyes=end - face.eyes, oval=end - face.oval)
        for face in _placed(turned, found, mediapipe)
    ]


def _quarters(width, height):
    yield 0, 0, width, height
    if max(width, height) > _LARGE:
        for x in (0.0, 0.4):
            for y in (0.0, 0.4):
                yield x * width, y * height, (x + 0.6) * width, (y + 0.6) * height


def _placed(photo, detections: list[Detection], placer: ModuleType) -> list[Face]:
    """The faces at detections, the largest first."""
    faces: list[Face] = []
    # By falling score, so that the best of several detections of one face stays.
    for score, box, eyes in sorted(detections, key=lambda detection: -detection[0]):
        if any(_inside(face, box.mean(0)) for face in faces):
            continue
        face = _fit(placer, photo, score, box, eyes)
        if face is not None and not any(_inside(other, face.oval.mean(0)) for other in faces):
            faces.append(face)
    return sorted(faces, key=lambda face: -face.interocular_distance)


def _inside(face, point):
    left, top, right, bottom = face.box
    return left < point[0] < right and top < point[1] < bottom


def _fit(placer, photo, score, box, eyes):
    """The face at a detection, or None if the placer rejects it."""
    across = eyes[1] - eyes[0]
    roll = float(np.arctan2(across[1], across[0]))
    middle, side = box.mean(0), float((box[1] - box[0]).max())
    placed = placer.fit(photo, middle, side, roll)
    if placed[0] < placer.MIN_UPRIGHT_SCORE:
        # Detectors report some faces of any roll as upright.
        turns = [placer.fit(photo, middle, side, roll + turn * np.pi / 2) for turn in (1, 2, 3)]
        placed = max([placed, *turns], key=lambda fit: fit[0])
    # Exact only on upright faces in the middle, so it is fitted again where it was found.
    for _ in range(_REFITS):
        found, eyes, oval, _ = placed
        if found < placer.MIN_SCORE:
            return None
        before, roll = roll, float(np.arctan2(*(eyes[1] - eyes[0])[::-1]))
        low, high = oval.min(0), oval.max(0)
        placed = placer.fit(photo, (low + high) / 2, float(max(high - low)), roll)
        if abs(np.sin(roll - before)) < _SMALL_TURN:
            break
    found, eyes, oval, distance = placed
    if found < placer.MIN_SCORE or not distance >= _MIN_INTEROCULAR_DISTANCE:
        return None
    return Face(eyes, distance, oval, score)


def face_limit(faces: str | int) -> int | None:
    """The largest number of faces that `faces` allows; None for all.

    Raises:
      InputError: `faces` is not "all", "largest" or a number from 1.
    """
    if faces in ("all", "largest"):
        return None if faces == "all" else 1
    try:
        count = int(faces)
    except (TypeError, ValueError):
        count = 0
    if count < 1:
        raise InputError(
            f"Invalid `faces`. Expected all, largest or a number from 1. Received: {faces!r}."
        )
    return count
